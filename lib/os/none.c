/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/none.c - a system that nobody has described yet, with POSIX and no more.
 *
 * The callers use the accounts in place of what is ENOTSUP here, or say that it is not known.
 */
#include "config.h"

#include "base/text.h"
#include "os/os.h"

#include <errno.h>
#include <unistd.h>

int zm_os_rss(size_t *bytes)
{
	(void)bytes;
	return ENOTSUP;
}

int zm_os_smaps_field(const char *field, long pid, size_t *bytes)
{
	(void)field;
	(void)pid;
	(void)bytes;
	return ENOTSUP;
}

int zm_os_memory_size(size_t *bytes)
{
#ifdef _SC_PHYS_PAGES
	long pages = sysconf(_SC_PHYS_PAGES);
	uint64_t sum;

	if (pages > 0 && zm_multiply((uint64_t)pages, zm_os_page_size(), &sum) == 0)
		return zm_store_size(0, sum, bytes);
#endif
	(void)bytes;
	return ENOTSUP;
}
