/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/arena.h - private arenas: the contract. Of an allocator's own where it has such that are
 * safe (jemalloc_arena.c), else kept by a list (arena_list.c).
 */
#ifndef ZM_ALLOCATOR_ARENA_H
#define ZM_ALLOCATOR_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct zm_arena;

/* 0 or an errno value: ENOMEM, EAGAIN. */
int zm_arena_create(struct zm_arena **arena);

/* size: up to PTRDIFF_MAX. NULL: there is none. */
void *zm_arena_malloc(struct zm_arena *arena, size_t size, bool zeroed);

/*
 * If this is a block of any arena, and freeing it takes more than zm_raw_free(), free it: true.
 * Blocks of the same arena may be freed by several threads at once. errno may change.
 */
bool zm_arena_free(void *ptr);

/*
 * Is it a live block of an arena? Whoever resizes it must move it out, as a resize in place would leave
 * it in the arena.
 */
bool zm_arena_may_own(const void *ptr);

/*
 * Free all blocks; destroy the arena too. Neither may be called while another thread works on one of
 * the blocks or on the arena.
 * gone: told what blocks were charged with that no counter of the allocator's has been told of, in
 *       one sum or in several. It is called with the lock ARENAS of lib/base/fork.h, so that no child has
 *       the blocks gone and not their charge.
 */
typedef void (*zm_arena_gone)(size_t live_bytes);
void zm_arena_reset(struct zm_arena *arena, zm_arena_gone gone);
void zm_arena_destroy(struct zm_arena *arena, zm_arena_gone gone);

struct zm_arena_info {
	size_t used, active, resident, frag_smallbins; /* bytes or ZM_UNKNOWN */
};
void zm_arena_info(struct zm_arena *arena, bool refresh, struct zm_arena_info *info);

#endif
