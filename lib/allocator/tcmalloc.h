/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/tcmalloc.h - gperftools' tcmalloc and tcmalloc_minimal, hot half.
 *
 * Its tc_ names are its own, so calls bind to it whatever else the process links.
 */
#ifndef ZM_ALLOCATOR_TCMALLOC_H
#define ZM_ALLOCATOR_TCMALLOC_H

#include <stdbool.h>
#include <gperftools/tcmalloc.h>
#include <stdint.h>

#include "allocator/size_map.h"
#include "base/atomic.h"
#include "base/compiler.h"

#define ZM_RAW_FREE_KEEPS_ERRNO 0
#define ZM_RAW_GOOD_SIZE_IS_EXACT 1
#define ZM_RAW_ARENAS 0
#define ZM_RAW_COUNTS 0
#define ZM_RAW_WATCHES ZM_SIZE_MAP_WATCHES

ZM_INLINE void *zm_raw_malloc(size_t size)
{
	return tc_malloc(size);
}

ZM_INLINE void *zm_raw_calloc(size_t size)
{
	return tc_calloc(1, size);
}

ZM_INLINE void *zm_raw_realloc(void *ptr, size_t size)
{
	return tc_realloc(ptr, size);
}

ZM_INLINE void *zm_raw_aligned(size_t alignment, size_t size)
{
	/* tc_memalign() adds the alignment to the size before it checks either. */
	if (zm_unlikely(alignment > PTRDIFF_MAX || size > PTRDIFF_MAX - alignment))
		return NULL;
	return tc_memalign(alignment, size);
}

ZM_INLINE void zm_raw_free(void *ptr)
{
	tc_free(ptr);
}

/*
 * tc_free_sized() trusts the size it is given, which before gperftools 2.18 is wrong after a realloc
 * in place, and for a small block of memalign() with pages of its own. Nor is it faster once the
 * caller knows the size: it had 0.62 of the bare allocator's speed in a window of 1,024 blocks, tc_free()
 * 0.69, and both had 0.62 for a pair (`make bench`, workloads window-1k and pair).
 */
ZM_INLINE void zm_raw_free_sized(void *ptr, size_t usable)
{
	(void)usable;
	tc_free(ptr);
}

/* tc_malloc_size() has told a size, so it knows them. */
extern ZM_ATOMIC(bool) zm_tc_tells_sizes;
size_t zm_tc_usable_at_first(const void *ptr);

ZM_INLINE size_t zm_raw_usable(const void *ptr)
{
	if (zm_unlikely(!zm_load(&zm_tc_tells_sizes)))
		return zm_tc_usable_at_first(ptr);
	return tc_malloc_size((void *)ptr);
}

#include "allocator/size_map_charged.h"

#endif
