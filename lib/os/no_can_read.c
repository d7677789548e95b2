/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/no_can_read.c - for systems that are not asked whether memory can be read.
 */
#include "config.h"

#include "os/os.h"

#include <errno.h>

int zm_os_can_read(const void *page)
{
	(void)page;
	return ENOTSUP;
}
