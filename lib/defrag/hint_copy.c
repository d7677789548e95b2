/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/hint_copy.c - the copy and the old block of a block that was answered 1.
 */
#include "config.h"

#include <errno.h>

#include <zmalloc/redis.h>

#include "account/account.h"
#include "account/client.h"
#include "account/growth.h"
#include "allocator/allocator.h"
#include "defrag/hint.h"
#include "defrag/hint_copy.h"

/* Where the block last hinted lives: its copy goes to the same arena. */
static ZM_TLS uint32_t last_arena = UINT32_MAX;

/* The last copy that was taken: what its original was sampled for is the copy's. */
static ZM_TLS void *last_copy;

void zm_hint_copy_goes_to(uint32_t arena)
{
	last_arena = arena;
}

static bool slabs_are_chosen(void)
{
	return zm_load(&zm_cycle.owner) == &zm_hints_owner && zm_cycle.open;
}

/* NULL: nothing is special about this block, or a client refuses: then it is asked again. */
static void *take_copy(size_t size)
{
	unsigned bin;
	void *ptr = NULL;

	if (last_arena == UINT32_MAX || zm_load(&zm_cycle.owner) != &zm_hints_owner ||
	    !zm_slab_bin_of(size, &bin))
		return NULL;
	zm_cycle_lock();
	if (slabs_are_chosen())
		ptr = zm_move_take(last_arena, bin, &zm_hints.refusals);
	if (ptr != NULL)
		zm_hint_show_copy(ptr);
	zm_cycle_unlock();
	if (ptr == NULL)
		return NULL;
	if (!zm_account_new(zm_raw_charged(ptr))) {
		zm_raw_free(ptr);
		zm_account_gave_back();
		return NULL;
	}
	last_copy = zm_clients_see_born(ptr);
	return last_copy;
}

void *zmalloc_no_tcache(size_t size)
{
	void *ptr = take_copy(size);

	return ptr != NULL ? ptr : zmalloc_with_flags(size, MALLOCX_TCACHE_NONE);
}

/* The old block's region is held, if its slab is being emptied. */
static bool hold_old(void *ptr)
{
	uint32_t region;
	struct zm_slab_record *slab;
	size_t bytes;
	bool held;

	if (!(zm_table_get(ptr) & ZM_PAGE_PINNED))
		return false;
	zm_cycle_lock();
	slab = zm_load(&zm_cycle.owner) != NULL ? zm_move_pinned(ptr, &region) : NULL;
	bytes = slab != NULL ? zm_raw_charged(ptr) : 0;
	held = slab != NULL && bytes == zm_cycle.layout->bin[slab->bin].region_bytes &&
	       zm_move_hold_freed(slab, region);
	zm_cycle_unlock();
	if (held) {
		zm_clients_see_died(ptr, true);
		zm_account_gone(bytes);
	}
	return held;
}

/* Its own allocation was no new block of the program's either: see zm_account_raw(). */
static void carry_sample_over(void *ptr)
{
	if (last_copy != NULL && zm_is_marked(ptr) &&
	    zm_raw_usable(ptr) == zm_raw_usable(last_copy))
		zm_growth_see_moved(ptr, last_copy);
	else
		zm_growth_see_end(ptr);
	last_copy = NULL;
}

void zfree_no_tcache(void *ptr)
{
	int saved_errno = errno;

	if (ptr == NULL)
		return;
	if (zm_growth_is_on())
		carry_sample_over(ptr);
	if (!hold_old(ptr))
		zfree_with_flags(ptr, MALLOCX_TCACHE_NONE);
	errno = saved_errno;
}
