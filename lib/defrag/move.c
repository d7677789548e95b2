/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/move.c - the second walk: move what lies in a pinned slab, hold what comes free in
 * one.
 *
 * To the allocator a held region is in use. So it never hands it out again, and a pinned slab only
 * ever fills up with held regions, until all of them are and the slab is given back whole. A held
 * region is a bit; the region itself is not touched.
 */
#include "config.h"

#include "defrag/cycle.h"

#include <string.h>

#include "account/account.h"
#include "account/growth.h"
#include "allocator/allocator.h"
#include "base/probe.h"

/* ---- Regions of pinned slabs ---- */

struct zm_slab_record *zm_move_pinned(const void *ptr, uint32_t *region)
{
	uint32_t entry = zm_table_get(ptr);
	struct zm_slab_record *slab;
	const struct zm_slab_bin *bin;

	if (!(entry & ZM_PAGE_PINNED))
		return NULL;
	slab = &zm_cycle.slabs[(entry & ~ZM_PAGE_PINNED) - 1];
	bin = &zm_cycle.layout->bin[slab->bin];
	*region = zm_slab_region(zm_cycle.layout, bin, ptr);
	if (*region >= bin->regions ||
	    slab->base + (size_t)*region * bin->region_bytes != (const char *)ptr)
		return NULL;
	return slab;
}

/* Is it held already: moved or freed before? */
static bool is_held(const struct zm_slab_record *slab, uint32_t region)
{
	return zm_load(&slab->bits[region / ZM_REGION_BITS]) >> region % ZM_REGION_BITS & 1;
}

static void push_full(struct zm_slab_record *slab)
{
	uint32_t number = (uint32_t)(slab - zm_cycle.slabs) + 1, first = zm_load(&zm_cycle.full);

	do
		zm_store(&slab->next, first);
	while (!zm_compare_exchange(&zm_cycle.full, &first, number));
}

/* Once for each time that it is taken off the list. */
static void list_emptied(struct zm_slab_record *slab)
{
	if (zm_load(&slab->state) == ZM_SLAB_CHOSEN && zm_exchange(&slab->listed, 1) == 0)
		push_full(slab);
}

bool zm_move_hold(struct zm_slab_record *slab, uint32_t region, bool left)
{
	zm_region_word *word = &slab->bits[region / ZM_REGION_BITS];
	size_t bit = (size_t)1 << region % ZM_REGION_BITS, old = zm_load(word);

	zm_assert(region < zm_cycle.layout->bin[slab->bin].regions);
	do
		if (old & bit)
			return false;
	while (!zm_compare_exchange(word, &old, old | bit));
	zm_fetch_add(&slab->held_count, 1);
	if (left)
		zm_fetch_add(&slab->live, UINT32_MAX);
	/* More than was used at first may have been freed: a block came that was not noticed. */
	if ((int32_t)zm_load(&slab->live) <= 0)
		list_emptied(slab);
	return true;
}

/* ---- Release ---- */

/* Give back what is held of a slab. */
static void give_held(struct zm_slab_record *slab)
{
	const struct zm_slab_bin *bin = &zm_cycle.layout->bin[slab->bin];
	void *regions[ZM_REGION_BITS];
	size_t bytes = 0;

	zm_assert(zm_lock_is_mine(&zm_cycle.lock));
	zm_store(&slab->held_count, 0);
	for (uint32_t first = 0; first < bin->regions; first += ZM_REGION_BITS) {
		size_t bits = zm_exchange(&slab->bits[first / ZM_REGION_BITS], 0);
		char *base = slab->base + (size_t)first * bin->region_bytes;
		size_t count = 0;

		for (uint32_t i = 0; bits != 0; i++, bits >>= 1)
			if (bits & 1)
				regions[count++] = base + (size_t)i * bin->region_bytes;
		zm_slab_give(regions, count, slab->bin);
		bytes += count * bin->region_bytes;
	}
	zm_account_raw(-(ptrdiff_t)bytes);
	zm_account_hold(-(ptrdiff_t)bytes);
}

void zm_move_forget(struct zm_slab_record *slab)
{
	if (zm_load(&slab->state) != ZM_SLAB_CHOSEN)
		zm_cycle.shown -= zm_load(&slab->live);
	zm_table_set(slab->base, zm_cycle.layout->bin[slab->bin].slab_bytes, 0);
	zm_store_release(&slab->state, ZM_SLAB_GONE);
}

static void note_emptied(const struct zm_slab_record *slab)
{
	const struct zm_slab_bin *bin = &zm_cycle.layout->bin[slab->bin];

	zm_cycle.emptied++;
	zm_cycle.released_bytes += bin->slab_bytes;
	zm_probe_defrag_slab(slab->base, bin->slab_bytes, bin->region_bytes);
}

/*
 * Emptied, if what is held is all that is used: holes that were never handed out are no obstacle.
 */
static bool is_empty_but_for_held(const struct zm_slab_record *slab)
{
	uint32_t bin = slab->bin, used;

	zm_assert(zm_lock_is_mine(&zm_cycle.lock));
	zm_slab_used(&slab->base, &bin, &used, 1);
	return used == zm_load(&slab->held_count);
}

/*
 * Unpinned first, so that no one finds it any more. A hook that has found it before may still hold
 * a region, one that was a hole until then: the slab is not gone in that case, and the end of the
 * cycle gives that region back. Where a block is left in spite of our counting, such as one in a
 * thread's cache, the slab stays pinned.
 */
static void release_emptied(struct zm_slab_record *slab)
{
	zm_store(&slab->listed, 0);
	if (!is_empty_but_for_held(slab)) {
		zm_cycle.waiting += !slab->waits;
		slab->waits = true;
		return;
	}
	zm_cycle.waiting -= slab->waits;
	zm_move_forget(slab);
	give_held(slab);
	note_emptied(slab);
}

/* Only the thread that steps takes off the list: what it has seen at its head is not pushed again. */
static struct zm_slab_record *pop_full(void)
{
	uint32_t number = zm_load_acquire(&zm_cycle.full);
	struct zm_slab_record *slab;

	do {
		if (number == 0)
			return NULL;
		zm_assert(number <= zm_cycle.slabs_count);
		slab = &zm_cycle.slabs[number - 1];
	} while (!zm_compare_exchange(&zm_cycle.full, &number, zm_load(&slab->next)));
	return slab;
}

/* Estimates for pacing: a slab given back, and each of its regions; ns. */
#define RELEASE_NS 1500
#define GIVE_NS 45

bool zm_move_release_full(uint32_t *work_ns)
{
	for (int i = 0; i < ZM_MOVE_RELEASES; i++) {
		struct zm_slab_record *slab = pop_full();

		if (slab == NULL)
			return true;
		release_emptied(slab);
		*work_ns += RELEASE_NS + GIVE_NS * zm_cycle.layout->bin[slab->bin].regions;
	}
	return zm_load(&zm_cycle.full) == 0;
}

/* Asking about a slab takes as long as giving back a few regions. */
#define UNPIN_WORK 8

/*
 * It stays known, but nothing is known of its blocks: all of them have to be shown anew before it
 * can be chosen again.
 */
static uint32_t unpin(struct zm_slab_record *slab)
{
	uint32_t bytes = zm_cycle.layout->bin[slab->bin].slab_bytes;
	uint32_t number = (uint32_t)(slab - zm_cycle.slabs);

	zm_cycle.waiting -= slab->waits;
	slab->waits = false;
	if (is_empty_but_for_held(slab)) {
		zm_move_forget(slab);
		note_emptied(slab);
		return UNPIN_WORK;
	}
	zm_table_set(slab->base, bytes, number + 1);
	zm_store(&slab->live, 0);
	zm_store(&slab->listed, 0);
	zm_store_release(&slab->state, ZM_SLAB_SEEN);
	if (zm_cycle.blameless)
		return UNPIN_WORK;
	zm_cycle.bin_left[slab->bin]++;
	if (slab->vain < UINT8_MAX)
		slab->vain++;
	return UNPIN_WORK;
}

uint32_t zm_move_unpin(struct zm_slab_record *slab)
{
	bool seen = zm_load(&slab->state) == ZM_SLAB_SEEN;
	uint32_t work = 0, held = zm_load(&slab->held_count);

	if (zm_load(&slab->state) == ZM_SLAB_CHOSEN)
		work += unpin(slab);
	/* One that is gone may have been given a region by a hook that had found it just before. */
	if (!seen && held != 0) {
		give_held(slab);
		work += held;
	}
	return work;
}

/* ---- Move ---- */

/* Estimates for pacing: a destination, taken or refused, and a copy besides its bytes; ns. */
#define TAKE_NS 60
#define COPY_NS 200

/*
 * While *tries lasts, less one for each refusal.
 * *refused_bytes: what the allocator gave and is held now.
 */
static void *take(unsigned arena, unsigned bin, unsigned *tries, size_t *refused_bytes)
{
	size_t bytes = zm_cycle.layout->bin[bin].region_bytes, refused = 0;
	void *target = NULL;

	zm_assert(zm_lock_is_mine(&zm_cycle.lock) && zm_load(&zm_cycle.owner) != NULL);
	while (*tries > 0) {
		uint32_t region;
		struct zm_slab_record *slab;

		target = zm_slab_take(arena, bin);
		if (target == NULL)
			break;
		slab = zm_move_pinned(target, &region);
		if (zm_likely(slab == NULL) || zm_unlikely(slab->bin != bin))
			break;
		zm_move_hold(slab, region, false);
		target = NULL;
		refused++;
		--*tries;
	}
	*refused_bytes = refused * bytes;
	if (refused != 0) {
		zm_fetch_add(&zm_cycle.refused, refused);
		zm_account_hold((ptrdiff_t)*refused_bytes);
	}
	return target;
}

/* As zm_move_take(); everything that the allocator has given is kept out of the account. */
static void *take_unseen(unsigned arena, unsigned bin, unsigned *tries, uint32_t *work_ns)
{
	size_t bytes = zm_cycle.layout->bin[bin].region_bytes, refused_bytes;
	void *target = take(arena, bin, tries, &refused_bytes);
	struct zm_pool *pool = zm_plan_pool(arena, bin);

	*work_ns += TAKE_NS * (uint32_t)(1 + refused_bytes / bytes);
	zm_account_raw((ptrdiff_t)(refused_bytes + (target != NULL ? bytes : 0)));
	if (target == NULL) {
		target = pool->spare;
		pool->spare = NULL;
		zm_cycle.spare_used = true;
	}
	return target;
}

void *zm_move_take(unsigned arena, unsigned bin, unsigned *tries)
{
	uint32_t work_ns = 0;
	void *target = take_unseen(arena, bin, tries, &work_ns);

	if (target != NULL)
		zm_account_raw(-(ptrdiff_t)zm_cycle.layout->bin[bin].region_bytes);
	return target;
}

static bool find_spare(unsigned arena, unsigned bin, unsigned *tries)
{
	struct zm_pool *pool = zm_plan_pool(arena, bin);
	uint32_t work_ns = 0;

	if (pool->spare == NULL)
		pool->spare = take_unseen(arena, bin, tries, &work_ns);
	return pool->spare != NULL;
}

bool zm_move_find_spare(const struct zm_slab_record *slab, unsigned *tries)
{
	return find_spare(slab->arena, slab->bin, tries);
}

bool zm_move_open_next(void)
{
	unsigned bins = zm_cycle.layout->bins, tries = 1;
	uint32_t pool;

	if (zm_cycle.opened == zm_cycle.heap_count)
		return true;
	pool = zm_cycle.heap[zm_cycle.opened++];
	find_spare(pool / bins, pool % bins, &tries);
	return false;
}

bool zm_move_prime(unsigned *tries)
{
	unsigned bins = zm_cycle.layout->bins;

	for (uint32_t i = 0; i < zm_cycle.heap_count; i++)
		if (!find_spare(zm_cycle.heap[i] / bins, zm_cycle.heap[i] % bins, tries))
			return false;
	zm_cycle.spare_used = false;
	return true;
}

void zm_move_release_spares(void)
{
	for (uint32_t i = 0; i < zm_cycle.arenas * zm_cycle.layout->bins; i++) {
		struct zm_pool *pool = &zm_cycle.pools[i];
		unsigned bin = i % zm_cycle.layout->bins;

		if (pool->spare == NULL)
			continue;
		zm_slab_give(&pool->spare, 1, bin);
		zm_account_raw(-(ptrdiff_t)zm_cycle.layout->bin[bin].region_bytes);
		pool->spare = NULL;
	}
	zm_cycle.heap_count = 0;
}

void *zm_move_visit(void *ptr, uint32_t *work_ns)
{
	uint32_t region;
	struct zm_slab_record *slab = zm_move_pinned(ptr, &region);
	unsigned tries = ZM_MOVE_REFUSALS;
	size_t bytes;
	void *target;

	if (zm_likely(slab == NULL) || is_held(slab, region))
		return ptr;
	/* A slab that was gone before it was pinned may be another bin's by now. */
	bytes = zm_cycle.layout->bin[slab->bin].region_bytes;
	if (zm_raw_usable(ptr) != bytes)
		return ptr;
	target = take_unseen(slab->arena, slab->bin, &tries, work_ns);
	if (target == NULL) {
		zm_cycle.missed++;
		return ptr;
	}
	memcpy(target, ptr, bytes);
	if (zm_is_marked(ptr))
		zm_growth_see_moved(ptr, target);
	zm_move_hold(slab, region, true);
	zm_account_hold((ptrdiff_t)bytes);
	*work_ns += COPY_NS + (uint32_t)bytes / 4;
	zm_cycle.moved++;
	zm_cycle.moved_bytes += bytes;
	if (zm_load(&zm_cycle.full) != 0)
		zm_move_release_full(work_ns);
	return target;
}

bool zm_move_hold_freed(struct zm_slab_record *slab, uint32_t region)
{
	size_t bytes = zm_cycle.layout->bin[slab->bin].region_bytes;
	uint32_t work_ns = 0;

	if (!zm_move_hold(slab, region, true))
		return false;
	zm_account_hold((ptrdiff_t)bytes);
	zm_cycle.moved++;
	zm_cycle.moved_bytes += bytes;
	if (zm_load(&zm_cycle.full) != 0)
		zm_move_release_full(&work_ns);
	return true;
}
