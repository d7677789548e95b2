/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/mimalloc_arena.c - arenas as mimalloc's heaps, up to 2.
 *
 * A heap belongs to its thread. mi_free() on any thread finds a block's heap by itself, so a free
 * needs no help; mi_realloc() may leave a block in place, and so in its heap, so a resize has to
 * know. mimalloc tells whether a block is of a given heap, by a look at the block's page, on any
 * thread; so all arenas are in a list. Most blocks that a thread resizes are of its own default
 * heap, which is asked first: that ends the question without the lock.
 *
 * mimalloc ends a thread's heaps with the thread: their blocks live on as ordinary ones. An arena
 * that is left over by then is taken off the list, and is no one's: mimalloc's destructor has run
 * before those of keys that the program made, which may still try to use it.
 */
#include "config.h"

#include "allocator/arena.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>

#include "allocator/allocator.h"
#include "base/assert.h"
#include "base/atomic.h"
#include "base/fork.h"
#include "base/lock.h"

#if ZM_RAW_ARENAS

struct zm_arena {
	mi_heap_t *heap;
	size_t thread; /* 0: its thread has ended */
	struct zm_arena **before, *after;
};

static struct {
	struct zm_lock lock;
	struct zm_once once;
	int error;         /* of that */
	pthread_key_t key; /* its value: of threads that have an arena, this struct */
	struct zm_arena *all;
	ZM_ATOMIC(size_t) count;
} life = {.lock = ZM_LOCK_INITIALIZER};

/* A number that no later thread gets again, as it does a thread's address. */
static size_t this_thread(void)
{
	static ZM_ATOMIC(size_t) threads;
	static ZM_TLS size_t number;

	if (number == 0)
		number = zm_fetch_add(&threads, 1) + 1;
	return number;
}

/* ---- The list ---- */

static void add_to_list(struct zm_arena *arena)
{
	zm_assert(zm_lock_is_mine(&life.lock));
	arena->before = &life.all;
	arena->after = life.all;
	if (life.all != NULL)
		life.all->before = &arena->after;
	life.all = arena;
	zm_fetch_add(&life.count, 1);
}

static void remove_from_list(struct zm_arena *arena)
{
	zm_assert(zm_lock_is_mine(&life.lock) && *arena->before == arena);
	*arena->before = arena->after;
	if (arena->after != NULL)
		arena->after->before = arena->before;
	zm_fetch_add(&life.count, (size_t)-1);
}

/* ---- The ends of threads ---- */

static void leave_arenas_behind(void *unused)
{
	size_t thread = this_thread();

	(void)unused;
	zm_lock(&life.lock);
	for (struct zm_arena *arena = life.all, *next; arena != NULL; arena = next) {
		next = arena->after;
		if (arena->thread != thread)
			continue;
		remove_from_list(arena);
		arena->thread = 0;
	}
	zm_unlock(&life.lock);
}

/* ---- The beginning ---- */

static void before_fork(void)
{
	zm_lock(&life.lock);
}

static void after_fork(void)
{
	zm_unlock(&life.lock);
}

static void begin(void)
{
	static const struct zm_fork_room room = {before_fork, after_fork, after_fork};

	life.error = pthread_key_create(&life.key, leave_arenas_behind);
	if (life.error == 0)
		life.error = zm_fork_join(ZM_FORK_ARENAS, &room);
}

#if defined(__GNUC__)
/* Early: destructors of keys made before this one run before it, in the C libraries there are. */
__attribute__((__constructor__)) static void begin_early(void)
{
	zm_once(&life.once, begin);
}

/* The code may be in a plugin that is unloaded before its threads end: leave_arenas_behind() goes with it. */
__attribute__((__destructor__)) static void end_with_code(void)
{
	if (zm_load_acquire(&life.once.state) == ZM_ONCE_DONE && life.error == 0)
		pthread_key_delete(life.key);
}
#endif

/* ---- The contract ---- */

static int make(struct zm_arena *arena)
{
	int error = pthread_setspecific(life.key, &life);

	if (error != 0)
		return error;
	arena->thread = this_thread();
	zm_lock(&life.lock);
	arena->heap = mi_heap_new();
	if (arena->heap != NULL)
		add_to_list(arena);
	zm_unlock(&life.lock);
	return arena->heap != NULL ? 0 : ENOMEM;
}

int zm_arena_create(struct zm_arena **created)
{
	struct zm_arena *arena;
	int error;

	zm_once(&life.once, begin);
	if (life.error != 0)
		return life.error;
	arena = mi_malloc(sizeof(*arena));
	if (arena == NULL)
		return ENOMEM;
	error = make(arena);
	if (error == 0)
		*created = arena;
	else
		mi_free(arena);
	return error;
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
	const struct zm_arena *arena;

	if (zm_load(&life.count) == 0 || mi_heap_contains_block(mi_heap_get_default(), ptr))
		return false;
	zm_lock(&life.lock);
	for (arena = life.all; arena != NULL; arena = arena->after)
		if (mi_heap_contains_block(arena->heap, ptr))
			break;
	zm_unlock(&life.lock);
	return arena != NULL;
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

int zm_arena_reset(struct zm_arena *arena, zm_arena_gone gone)
{
	size_t live_bytes = used_bytes(arena->heap);
	mi_heap_t *fresh = mi_heap_new();

	if (fresh == NULL)
		return ENOMEM;
	zm_lock(&life.lock);
	mi_heap_destroy(arena->heap);
	arena->heap = fresh;
	gone(live_bytes);
	zm_unlock(&life.lock);
	return 0;
}

void zm_arena_destroy(struct zm_arena *arena, zm_arena_gone gone)
{
	size_t live_bytes = used_bytes(arena->heap);

	zm_lock(&life.lock);
	remove_from_list(arena);
	mi_heap_destroy(arena->heap);
	gone(live_bytes);
	zm_unlock(&life.lock);
	mi_free(arena);
}

#endif
