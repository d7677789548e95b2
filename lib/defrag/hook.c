/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/hook.c - the program's frees and allocations while slabs are pinned.
 *
 * A free inside a pinned slab becomes a held region; an allocation there is served from elsewhere
 * and the region held. Without this a busy program fills the slabs as fast as they are emptied.
 *
 * Any thread comes here, without a lock. Whether an address is pinned is one look-up; only if it is
 * does the thread go through the gate, and look again: what it saw first may be over by then.
 *
 * What is missed does no harm. A thread that has not been told yet frees into a pinned
 * slab: the region is handed out again some day and refused then. It keeps a block it got there:
 * the slab has one more block to move.
 */
#include "config.h"

#include "defrag/hook.h"

#include <string.h>

#include "account/account.h"
#include "account/client.h"
#include "allocator/allocator.h"
#include "defrag/cycle.h"

/*
 * An allocation tries this often to land elsewhere,
 * then takes what it got: 64 at 60 ns is a bearable delay.
 */
#define STEER_TRIES 64

static bool enter(void)
{
	uint32_t gate = zm_load(&zm_cycle.gate);

	do
		if (!(gate & ZM_GATE_OPEN))
			return false;
	while (!zm_compare_exchange(&zm_cycle.gate, &gate, gate + 1));
	return true;
}

static void leave(void)
{
	uint32_t gate = zm_load(&zm_cycle.gate);

	while (!zm_compare_exchange(&zm_cycle.gate, &gate, gate - 1))
		;
}

/*
 * A slab that is gone and whose pages are another bin's by now may still be pinned: what lies there
 * is none of its regions.
 */
static struct zm_slab_record *pinned(void *ptr, uint32_t *region)
{
	struct zm_slab_record *slab = zm_move_pinned(ptr, region);

	if (slab == NULL || zm_raw_usable(ptr) != zm_cycle.layout->bin[slab->bin].region_bytes)
		return NULL;
	return slab;
}

static bool hold(void *ptr, bool left)
{
	uint32_t region;
	struct zm_slab_record *slab = pinned(ptr, &region);

	if (slab == NULL || !zm_move_hold(slab, region, left))
		return false;
	zm_account_hold((ptrdiff_t)zm_cycle.layout->bin[slab->bin].region_bytes);
	return true;
}

static void tick(void)
{
	zm_cycle_tick call = zm_load(&zm_cycle.tick);

	if (call != NULL)
		call();
}

static bool died(void *ptr, bool held)
{
	tick();
	if (held)
		return true;
	if (zm_likely(!(zm_table_get(ptr) & ZM_PAGE_PINNED)) || !enter())
		return false;
	held = hold(ptr, true);
	leave();
	if (held)
		zm_fetch_add(&zm_cycle.held_frees, 1);
	return held;
}

/* A region of the same slab's arena and size that is not pinned; NULL if none turns up. */
static void *elsewhere(const struct zm_slab_record *slab)
{
	size_t bytes = zm_cycle.layout->bin[slab->bin].region_bytes;

	for (int i = 0; i < STEER_TRIES; i++) {
		void *other = zm_slab_take_alone(slab->arena, slab->bin);

		if (other == NULL)
			return NULL;
		zm_account_raw((ptrdiff_t)bytes);
		if (!hold(other, false))
			return other;
		zm_fetch_add(&zm_cycle.refused, 1);
	}
	return NULL;
}

static void *steer(void *ptr)
{
	uint32_t region;
	struct zm_slab_record *slab = pinned(ptr, &region);
	void *other = slab != NULL ? elsewhere(slab) : NULL;

	if (other == NULL)
		return ptr;
	/* It may have been asked for zeroed. */
	memcpy(other, ptr, zm_cycle.layout->bin[slab->bin].region_bytes);
	hold(ptr, false);
	zm_fetch_add(&zm_cycle.steered, 1);
	return other;
}

static void *born(void *ptr)
{
	tick();
	if (zm_likely(!(zm_table_get(ptr) & ZM_PAGE_PINNED)) || !enter())
		return ptr;
	ptr = steer(ptr);
	leave();
	return ptr;
}

/* A region must not change its size behind our back, so a block that is resized moves. */
static const struct zm_client client = {
	.needs = ZM_CLIENT_EVERY_CALL | ZM_CLIENT_EVERY_RESIZE,
	.born = born,
	.died = died,
};

void zm_hook_watch(void)
{
	zm_client_set(ZM_CLIENT_DEFRAG, &client);
}

void zm_hook_install(void)
{
	zm_assert(zm_lock_is_mine(&zm_cycle.lock) && zm_load(&zm_cycle.owner) != NULL);
	zm_cycle.open = true;
	zm_store_release(&zm_cycle.gate, ZM_GATE_OPEN);
	zm_hook_watch();
}

void zm_hook_remove(void)
{
	zm_client_set(ZM_CLIENT_DEFRAG, NULL);
}
