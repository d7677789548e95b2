/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/arena.h - private arenas: the contract. Of an allocator's own where it has such
 * (jemalloc_arena.c, mimalloc_arena.c), else kept by a list (arena_list.c).
 */
#ifndef ZM_ALLOCATOR_ARENA_H
#define ZM_ALLOCATOR_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct zm_arena;

/* 0 or an errno value: ENOMEM, EAGAIN. */
int zm_arena_create(struct zm_arena **arena);

/* May the calling thread use it? Else only zm_arena_free() may be called of all below. */
bool zm_arena_is_mine(const struct zm_arena *arena);

/* size: up to PTRDIFF_MAX. NULL: there is none. */
void *zm_arena_malloc(struct zm_arena *arena, size_t size, bool zeroed);

/*
 * If this is a block of any arena, and freeing it takes more than zm_raw_free(), free it: true.
 * Blocks of the same arena may be freed by several threads at once. errno may change.
 */
bool zm_arena_free(void *ptr);

/* True if it may be a block of an arena: to resize it in place could keep it in. */
bool zm_arena_may_own(const void *ptr);

/*
 * Free all blocks; destroy the arena too.
 * live_bytes: out, what they were charged with, which no counter of the allocator's has been told.
 */
void zm_arena_reset(struct zm_arena *arena, size_t *live_bytes);
void zm_arena_destroy(struct zm_arena *arena, size_t *live_bytes);

struct zm_arena_info {
	size_t used, active, resident, frag_smallbins; /* bytes or ZM_UNKNOWN */
};
void zm_arena_info(struct zm_arena *arena, bool refresh, struct zm_arena_info *info);

#endif
