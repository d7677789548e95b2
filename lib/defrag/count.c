/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/count.c - the first walk: how many blocks of each slab does the program show?
 *
 * A look-up by page and an increment for each block; the allocator is asked once for each slab.
 */
#include "config.h"

#include "defrag/cycle.h"

/* One that no address leads to yet; NULL: no room is left. */
static struct zm_slab_record *add_record(const struct zm_slab *found)
{
	struct zm_slab_record *slab;

	if (zm_cycle.slabs_count == zm_cycle.slabs_capacity || found->arena >= zm_cycle.arenas)
		return NULL;
	slab = &zm_cycle.slabs[zm_cycle.slabs_count++];
	slab->base = found->base;
	slab->bits = NULL;
	zm_store(&slab->live, 0);
	zm_store(&slab->held_count, 0);
	zm_store(&slab->next, 0);
	zm_store(&slab->listed, 0);
	slab->arena = (uint16_t)found->arena;
	slab->bin = (uint8_t)found->bin;
	slab->vain = 0;
	slab->asked = 0;
	zm_store_release(&slab->state, ZM_SLAB_SEEN);
	return slab;
}

static struct zm_slab_record *new_record(const struct zm_slab *found)
{
	struct zm_slab_record *slab = add_record(found);
	size_t bytes = zm_cycle.layout->bin[found->bin].slab_bytes;

	if (slab != NULL && !zm_table_set(found->base, bytes, zm_cycle.slabs_count)) {
		zm_table_set(found->base, bytes, 0);
		zm_cycle.slabs_count--;
		return NULL;
	}
	return slab;
}

/*
 * A slab that reaches into one that we know:
 * one of the two was wrong from the start, or is gone by now.
 */
static bool overlaps(const struct zm_slab *found)
{
	size_t bytes = zm_cycle.layout->bin[found->bin].slab_bytes;
	bool overlap = false;

	for (size_t at = 0; at < bytes; at += zm_cycle.layout->page_bytes) {
		uint32_t entry = zm_table_get(found->base + at);

		if (entry == 0)
			continue;
		if (!(entry & ZM_PAGE_PINNED))
			zm_store(&zm_cycle.slabs[entry - 1].state, ZM_SLAB_DOUBT);
		overlap = true;
	}
	return overlap;
}

static struct zm_slab_record *find_record(const void *ptr)
{
	struct zm_slab found;

	if (!zm_slab_find(ptr, &found) || overlaps(&found))
		return NULL;
	return new_record(&found);
}

void zm_cycle_meet(const struct zm_slab *found)
{
	uint32_t entry = zm_table_get(found->base);
	const struct zm_slab_record *known =
		entry != 0 ? &zm_cycle.slabs[(entry & ~ZM_PAGE_PINNED) - 1] : NULL;

	if (known != NULL && known->base == found->base && known->bin == found->bin)
		return;
	if (!overlaps(found))
		new_record(found);
}

struct zm_slab_record *zm_cycle_record(const void *ptr)
{
	uint32_t entry = zm_table_get(ptr), region;
	struct zm_slab_record *slab;
	const struct zm_slab_bin *bin;

	zm_assert(zm_lock_is_mine(&zm_cycle.lock));
	if (zm_unlikely(entry == 0))
		return find_record(ptr);
	zm_assert((entry & ~ZM_PAGE_PINNED) <= zm_cycle.slabs_count);
	slab = &zm_cycle.slabs[(entry & ~ZM_PAGE_PINNED) - 1];
	bin = &zm_cycle.layout->bin[slab->bin];
	region = zm_slab_region(zm_cycle.layout, bin, ptr);
	if (zm_likely(region < bin->regions &&
		      slab->base + (size_t)region * bin->region_bytes == (const char *)ptr))
		return slab;
	/*
	 * An inside address; or the record is stale or wrong,
	 * and if the allocator says so it is in doubt from now on.
	 */
	if (zm_load(&slab->state) == ZM_SLAB_SEEN)
		find_record(ptr);
	return NULL;
}

/* Estimates for pacing: a block counted, and a slab met for the first time, with a page fault; ns. */
#define COUNT_NS 50
#define MEET_NS 2500

void zm_count_visit(const void *ptr, uint32_t *work_ns)
{
	uint32_t known = zm_cycle.slabs_count;
	struct zm_slab_record *slab = zm_cycle_record(ptr);

	*work_ns += COUNT_NS + (zm_cycle.slabs_count - known) * MEET_NS;
	if (zm_likely(slab != NULL))
		zm_store(&slab->live, zm_load(&slab->live) + 1);
}
