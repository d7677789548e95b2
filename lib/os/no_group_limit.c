/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/no_group_limit.c - systems whose limits are the machine's and the process's own.
 *
 * Limits of a jail or a zone are not looked for: the calls that tell them allocate.
 */
#include "config.h"

#include "os/limit.h"
#include "os/os.h"

int zm_os_memory_limit(size_t *bytes, char *source, size_t source_size)
{
	struct zm_limit limit;

	zm_limit_init(&limit, source, source_size);
	zm_limit_common(&limit);
	return zm_limit_result(&limit, bytes);
}
