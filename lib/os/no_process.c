/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/no_process.c - systems on which nobody has described how to tell processes apart.
 */
#include "config.h"

#include "os/process.h"

#include <errno.h>

int zm_os_process(int64_t pid, struct zm_os_process *process)
{
	(void)pid;
	(void)process;
	return ENOTSUP;
}

int zm_os_process_own_pid(int64_t pid, int64_t *own)
{
	*own = pid;
	return 0;
}

int zm_os_process_visit(int (*visit)(int64_t pid, void *context), void *context)
{
	(void)visit;
	(void)context;
	return ENOTSUP;
}

int zm_os_process_about(int64_t pid, struct zm_os_process_about *about)
{
	(void)pid;
	(void)about;
	return ENOTSUP;
}
