/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zmalloc/arena.h - private arenas: blocks apart from all others, with figures of their own, that
 * can be freed all at once.
 *
 * A block of an arena is a block like any other: in the accounts, measured by zmalloc_size(), freed
 * by zfree() on any thread, with any number of others. What is said of the allocation family in
 * <zmalloc.h> holds here, failure included. On top of that:
 *
 *   - zrealloc() takes a block out of its arena: it copies to an ordinary one. zarena_realloc()
 *     keeps it in.
 *   - zarena_reset() and zarena_destroy() end every block of the arena. No thread may use, free or
 *     resize one during the call or after it.
 *   - From a process's first arena on, each zfree() looks whether a block is an arena's: about 3 ns
 *     on jemalloc.
 *
 * What lies behind depends on the allocator: zmalloc_has(ZMALLOC_CAN_ARENA) tells.
 *
 *   jemalloc   An arena of its own with its own memory and a cache that its users share; any thread
 *              may use it. Reset and destroy are whole, and cost nothing for each block. Blocks
 *              never enter a thread's own cache, so none is left there when the arena is gone.
 *   others     The plain allocator, and a list of the live blocks; any thread may use it. Reset
 *              frees one by one, and a block costs about 50 bytes more. So it is on mimalloc,
 *              too: its heaps free blocks of threads that have ended.
 *
 * `arena` is never NULL, except for zarena_destroy().
 */
#ifndef ZMALLOC_ARENA_H
#define ZMALLOC_ARENA_H

#include "../zmalloc.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zarena zarena;

/*
 * A new arena.
 * Returns  the arena; NULL with errno
 * Errors   ENOMEM; EAGAIN: the allocator has no more arenas to give (jemalloc: some 4,000)
 */
ZMALLOC_API zarena *zarena_create(void) ZMALLOC_ATTR_RESULT;

/*
 * As zmalloc(), ztrymalloc(), zcalloc() and ztrycalloc(), from an arena.
 * Errors   as those
 */
ZMALLOC_API void *zarena_malloc(zarena *arena, size_t size) ZMALLOC_ATTR_MALLOC
	ZMALLOC_ATTR_SIZE(2);
ZMALLOC_API void *zarena_trymalloc(zarena *arena, size_t size) ZMALLOC_ATTR_MALLOC
	ZMALLOC_ATTR_SIZE(2);
ZMALLOC_API void *zarena_calloc(zarena *arena, size_t size) ZMALLOC_ATTR_MALLOC
	ZMALLOC_ATTR_SIZE(2);
ZMALLOC_API void *zarena_trycalloc(zarena *arena, size_t size) ZMALLOC_ATTR_MALLOC
	ZMALLOC_ATTR_SIZE(2);

/*
 * As zrealloc() and ztryrealloc(), within an arena. A block that keeps at least half of its
 * size stays where it is.
 * ptr      a live block of this arena, or NULL
 * Errors   as those
 */
ZMALLOC_API void *zarena_realloc(zarena *arena, void *ptr,
				 size_t size) ZMALLOC_ATTR_RESULT ZMALLOC_ATTR_FREED
	ZMALLOC_ATTR_SIZE(3);
ZMALLOC_API void *zarena_tryrealloc(zarena *arena, void *ptr,
				    size_t size) ZMALLOC_ATTR_RESULT ZMALLOC_ATTR_FREED
	ZMALLOC_ATTR_SIZE(3);

/*
 * Free every block of the arena; it can be used on.
 * Returns  0
 */
ZMALLOC_API int zarena_reset(zarena *arena);

/*
 * The same, and the arena is gone. NULL is allowed and does nothing.
 * Returns  0
 */
ZMALLOC_API int zarena_destroy(zarena *arena);

/* Bytes; ZMALLOC_STATS_UNKNOWN, which is UINT64_MAX, where the allocator does not tell. */
struct zarena_stats {
	size_t size;                   /* of this struct: as zmalloc_stats.size */
	uint64_t used_bytes;           /* live blocks, the sum of their zmalloc_size() */
	uint64_t active_bytes;         /* pages that hold live blocks */
	uint64_t resident_bytes;       /* the arena's pages that may be in physical memory */
	uint64_t frag_smallbins_bytes; /* free space inside slabs in use; what is in the arena's
					  cache counts as used */
};

/*
 * The figures of an arena.
 * refresh  as zmalloc_stats_get(); used_bytes is of now always
 * stats    out; stats->size says how much of it the caller has, as there
 * Returns  0; -1 with errno
 * Errors   EINVAL: stats->size is under sizeof(size_t)
 */
ZMALLOC_API int zarena_get_stats(zarena *arena, int refresh, struct zarena_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
