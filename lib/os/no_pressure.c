/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/no_pressure.c - systems on which nobody has described how memory gets short.
 */
#include "config.h"

#include "os/pressure.h"

#include <errno.h>

int zm_os_pressure_open(const struct zm_os_pressure_wish *wish, struct zm_os_pressure *watch,
			int *fd, struct zm_os_pressed *pressed)
{
	(void)wish;
	(void)watch;
	(void)fd;
	(void)pressed;
	return ENOTSUP;
}

bool zm_os_pressure_is(const struct zm_os_pressure *watch, int fd)
{
	(void)watch;
	(void)fd;
	return false;
}

void zm_os_pressure_close(struct zm_os_pressure *watch, int fd)
{
	(void)watch;
	(void)fd;
}

int zm_os_pressure_wait(const struct zm_os_pressure *watch, int timeout_ms)
{
	(void)watch;
	(void)timeout_ms;
	return ENOTSUP;
}

void zm_os_pressure_take(struct zm_os_pressure *watch, struct zm_os_pressed *pressed)
{
	(void)watch;
	(void)pressed;
}

void zm_os_pressure_wake(const struct zm_os_pressure *watch)
{
	(void)watch;
}

void zm_os_pressure_unwake(const struct zm_os_pressure *watch)
{
	(void)watch;
}
