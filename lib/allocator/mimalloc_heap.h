/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/mimalloc_heap.h - heaps, by the names that each mimalloc has for them.
 *
 * Up to 3.0 a heap is one thread's, and a thread allocates from its default heap. In 3.6 a heap is
 * shared by all threads, each of which has a part of it, a "theap", and visits its own part alone.
 */
#ifndef ZM_ALLOCATOR_MIMALLOC_HEAP_H
#define ZM_ALLOCATOR_MIMALLOC_HEAP_H

#include <mimalloc.h>
#include <stdbool.h>

/* mi_version() is a decimal: 209 is 2.0.9, 301 is 3.0.1, and later 30600 is 3.6.0. */
static inline int zm_mi_major(void)
{
	int version = mi_version();

	return version < 10000 ? version / 100 : version / 10000;
}

#if HAVE_DECL_MI_THEAP_GET_DEFAULT

/* True if a thread's visitor is shown the pages that have no block free, too. */
#define ZM_MI_SHOWS_FULL_PAGES 0

/* What the calling thread allocates from, private arenas apart. */
static inline void zm_mi_own_collect(bool force)
{
	mi_theap_collect(mi_theap_get_default(), force);
}

static inline void zm_mi_own_visit(mi_block_visit_fun *visit, void *context)
{
	mi_theap_visit_blocks(mi_theap_get_default(), false, visit, context);
}

#else

#define ZM_MI_SHOWS_FULL_PAGES 1

static inline void zm_mi_own_collect(bool force)
{
	mi_heap_collect(mi_heap_get_default(), force);
}

static inline void zm_mi_own_visit(mi_block_visit_fun *visit, void *context)
{
	mi_heap_visit_blocks(mi_heap_get_default(), false, visit, context);
}

#endif

#endif
