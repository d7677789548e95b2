/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/no_memory_size.c - stands for the system's file, which the parsers do not need.
 */
#include "config.h"

#include "os/os.h"

#include <errno.h>

int zm_os_memory_size(size_t *bytes)
{
	(void)bytes;
	return ENOTSUP;
}
