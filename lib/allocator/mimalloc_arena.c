/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/mimalloc_arena.c - arenas as mimalloc's heaps.
 *
 * A heap belongs to its thread. mi_free() on any thread finds a block's heap by itself, so a free
 * needs no help; mi_realloc() may leave a block in place, and so in its heap, and nothing tells
 * another thread whether a block is of a heap of ours. So while there are any, every block counts
 * as one that may be.
 */
#include "config.h"

#include "allocator/arena.h"

#include <errno.h>
#include <stdint.h>

#include "allocator/allocator.h"
#include "atomic.h"

struct zm_arena {
	mi_heap_t *heap;
	size_t thread;
};

static ZM_ATOMIC(size_t) arenas;

/* A number that no later thread gets again, as it does a thread's address. */
static size_t this_thread(void)
{
	static ZM_ATOMIC(size_t) threads;
	static ZM_TLS size_t number;

	if (number == 0)
		number = zm_fetch_add(&threads, 1) + 1;
	return number;
}

int zm_arena_create(struct zm_arena **arena)
{
	*arena = mi_malloc(sizeof(**arena));
	if (*arena == NULL)
		return ENOMEM;
	(*arena)->heap = mi_heap_new();
	(*arena)->thread = this_thread();
	if ((*arena)->heap == NULL) {
		mi_free(*arena);
		return ENOMEM;
	}
	zm_fetch_add(&arenas, 1);
	return 0;
}

bool zm_arena_is_mine(const struct zm_arena *arena)
{
	return arena->thread == this_thread();
}

void *zm_arena_malloc(struct zm_arena *arena, size_t size, bool zeroed)
{
	return zeroed ? mi_heap_zalloc(arena->heap, size) : mi_heap_malloc(arena->heap, size);
}

bool zm_arena_free(void *ptr)
{
	(void)ptr;
	return false;
}

bool zm_arena_may_own(const void *ptr)
{
	(void)ptr;
	return zm_load(&arenas) != 0;
}

/* ---- Sums; what other threads have freed is collected first ---- */

static bool add_block(const mi_heap_t *heap, const mi_heap_area_t *area, void *block,
		      size_t block_bytes, void *used)
{
	(void)heap, (void)area, (void)block_bytes;
	if (block != NULL)
		*(size_t *)used += mi_usable_size(block);
	return true;
}

static size_t used_bytes(mi_heap_t *heap)
{
	size_t used = 0;

	mi_heap_collect(heap, true);
	mi_heap_visit_blocks(heap, true, add_block, &used);
	return used;
}

static bool add_area(const mi_heap_t *heap, const mi_heap_area_t *area, void *block,
		     size_t block_bytes, void *context)
{
	struct zm_arena_info *info = context;

	(void)heap, (void)block, (void)block_bytes;
	info->active += area->committed;
	if (area->full_block_size != 0 && area->reserved / area->full_block_size > 1)
		info->frag_smallbins +=
			(area->reserved / area->full_block_size - area->used) * area->block_size;
	return true;
}

void zm_arena_info(struct zm_arena *arena, bool refresh, struct zm_arena_info *info)
{
	(void)refresh;
	info->used = used_bytes(arena->heap);
	info->active = info->frag_smallbins = 0;
	info->resident = ZM_UNKNOWN;
	mi_heap_visit_blocks(arena->heap, false, add_area, info);
}

/* ---- The end of all blocks ---- */

void zm_arena_reset(struct zm_arena *arena, size_t *live_bytes)
{
	mi_heap_t *fresh = mi_heap_new();

	*live_bytes = used_bytes(arena->heap);
	if (fresh == NULL)
		return;
	mi_heap_destroy(arena->heap);
	arena->heap = fresh;
}

void zm_arena_destroy(struct zm_arena *arena, size_t *live_bytes)
{
	*live_bytes = used_bytes(arena->heap);
	mi_heap_destroy(arena->heap);
	mi_free(arena);
	zm_fetch_add(&arenas, (size_t)-1);
}
