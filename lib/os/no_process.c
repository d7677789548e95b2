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
