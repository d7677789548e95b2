/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/process.c - the process as the kernel sees it.
 *
 * What the system does not know is answered as the header promises: an estimate from the accounts
 * for the resident set, 0 for the rest.
 */
#include "config.h"

#include <zmalloc.h>

#include "allocator/allocator.h"
#include "os/os.h"

size_t zmalloc_get_rss(void)
{
	size_t bytes;

	return zm_os_rss(&bytes) == 0 ? bytes : zmalloc_used_memory();
}

size_t zmalloc_get_smap_bytes_by_field(const char *field, long pid)
{
	size_t bytes;

	return zm_os_smaps_field(field, pid, &bytes) == 0 ? bytes : 0;
}

size_t zmalloc_get_private_dirty(long pid)
{
	return zmalloc_get_smap_bytes_by_field("Private_Dirty:", pid);
}

size_t zmalloc_get_memory_size(void)
{
	size_t bytes;

	return zm_os_memory_size(&bytes) == 0 ? bytes : 0;
}

size_t zmalloc_get_memory_limit_source(char *source, size_t source_size)
{
	size_t bytes;

	return zm_os_memory_limit(&bytes, source, source_size) == 0 ? bytes : 0;
}

size_t zmalloc_get_memory_limit(void)
{
	return zmalloc_get_memory_limit_source(NULL, 0);
}

void zmalloc_advise_dontneed(void *ptr, size_t size_hint)
{
	/*
	 * The hint saves the look-up, which touches a cold cache line,
	 * for blocks that are too small.
	 */
	if (ptr == NULL || (size_hint != 0 && size_hint < zm_os_page_size()))
		return;
	zm_os_dontneed(ptr, zm_raw_usable(ptr));
}
