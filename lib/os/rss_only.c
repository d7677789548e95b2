/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/rss_only.c - systems that tell one figure for a process, its resident set.
 */
#include "config.h"

#include "os/os.h"
#include "os/rss_only.h"

#include <errno.h>
#include <string.h>

int zm_os_rss(size_t *bytes)
{
	return zm_process_rss(-1, bytes);
}

int zm_os_smaps_field(const char *field, long pid, size_t *bytes)
{
	if (pid < -1)
		return ESRCH;
	if (strcmp(field, "Rss:") != 0)
		return ENOENT;
	return zm_process_rss(pid, bytes);
}
