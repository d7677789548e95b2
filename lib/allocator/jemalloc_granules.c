/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_granules.c - ranges of addresses: the first block of each.
 */
#include "config.h"

#include "allocator/jemalloc_granules.h"

struct zm_granules zm_granules;

ZM_COLD void zm_granule_mark(size_t granule)
{
	size_t place;

	/* The exchange is the release. Of two threads that mark the same granule, one goes on. */
	if (zm_exchange(&zm_granules.marked[granule], 1) != 0)
		return;
	place = zm_fetch_add(&zm_granules.count, 1);
	if (place < ZM_GRANULES_LISTED)
		zm_store_release(&zm_granules.listed[place], granule);
}

size_t zm_granules_count(void)
{
	size_t count = zm_load(&zm_granules.count);

	return count < ZM_GRANULES_LISTED ? count : ZM_GRANULES_LISTED;
}
