/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/no_shared.c - systems on which nobody has described how other processes find memory of this one.
 */
#include "config.h"

#include "os/shared.h"

#include <errno.h>

int zm_os_shared_make(const char *name, size_t bytes, struct zm_os_shared *shared)
{
	(void)name;
	(void)bytes;
	(void)shared;
	return ENOTSUP;
}

bool zm_os_shared_is_shown(const struct zm_os_shared *shared)
{
	(void)shared;
	return false;
}

void zm_os_shared_hide(const struct zm_os_shared *shared)
{
	(void)shared;
}

void zm_os_shared_unmap(const struct zm_os_shared *shared)
{
	(void)shared;
}

int zm_os_shared_visit(int64_t pid, const char *name, size_t bytes,
		       int (*visit)(int fd, void *context), void *context)
{
	(void)pid;
	(void)name;
	(void)bytes;
	(void)visit;
	(void)context;
	return ENOTSUP;
}

int zm_os_shared_map(int fd, size_t bytes, void **at)
{
	(void)fd;
	(void)bytes;
	(void)at;
	return ENOTSUP;
}

int zm_os_word_wait(ZM_ATOMIC(uint32_t) * word, uint32_t value, int timeout_ms)
{
	(void)word;
	(void)value;
	(void)timeout_ms;
	return ETIMEDOUT;
}

void zm_os_word_wake(ZM_ATOMIC(uint32_t) * word)
{
	(void)word;
}

void zm_os_thread_name(const char *name)
{
	(void)name;
}

void zm_os_thread_prompt(void)
{
}
