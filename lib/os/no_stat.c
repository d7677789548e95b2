/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/no_stat.c - systems without /proc/self/stat.
 */
#include "config.h"

#include "os/os.h"

#include <errno.h>

int zm_os_stat_field(int field, long long *value)
{
	(void)field;
	(void)value;
	return ENOTSUP;
}
