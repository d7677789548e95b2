/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/mimalloc.h - mimalloc, hot half.
 *
 * Its mi_ names are its own, so calls bind to it whatever else the process links.
 */
#ifndef ZM_ALLOCATOR_MIMALLOC_H
#define ZM_ALLOCATOR_MIMALLOC_H

#include <stdbool.h>
#include <mimalloc.h>
#include <stdint.h>

#include "allocator/size_map.h"
#include "base/compiler.h"

#define ZM_RAW_FREE_KEEPS_ERRNO 0
#define ZM_RAW_GOOD_SIZE_IS_EXACT 0
#define ZM_RAW_COUNTS 0
#define ZM_RAW_WATCHES ZM_SIZE_MAP_WATCHES

/*
 * Not mimalloc's heaps, in any version. In 2.0.9 and 3.0 a heap takes over pages of threads that have ended, and
 * destroying it frees what is live there; in 3.0 it loses blocks of its own, too
 * (https://github.com/microsoft/mimalloc/issues/1055). In 3.6 making a heap, and the first block of it, take a lock
 * that threads take, too, when they begin, and that fork() does not wait for: a child might wait for it for ever.
 */
#define ZM_RAW_ARENAS 0

ZM_INLINE void *zm_raw_malloc(size_t size)
{
	return mi_malloc(size);
}

ZM_INLINE void *zm_raw_calloc(size_t size)
{
	return mi_zalloc(size);
}

ZM_INLINE void *zm_raw_realloc(void *ptr, size_t size)
{
	return mi_realloc(ptr, size);
}

/*
 * An aligned block may begin inside a block of its page, and then is smaller than the others there:
 * once there was such a block, sizes are looked up, and none is noted for its page.
 *
 * Relaxed is enough, because it is set before such a block is got: whoever frees or measures one was
 * handed it, and so sees this set. Another thread may see it set late. It takes the size of a plain
 * block from its page's word, which is right, as only sizes of plain blocks are ever noted: an aligned
 * block's is not, by whoever it is looked up.
 */
extern ZM_ATOMIC(bool) zm_mi_inner_blocks;

/* mimalloc.c: for mimalloc 3.0, in which a block that begins inside another is not safe. */
void *zm_mi_aligned_outer(size_t alignment, size_t size);

/*
 * mimalloc 2.0.9 takes every block of 256, 512 or 1,024 bytes for aligned to its size, and those of
 * a page that does not begin at such an address are not. Asked for one byte more it aligns them.
 */
ZM_INLINE void *zm_raw_aligned(size_t alignment, size_t size)
{
	void *ptr;

	if (zm_unlikely(alignment > PTRDIFF_MAX || size > PTRDIFF_MAX - alignment - 1))
		return NULL;
	if (alignment > _Alignof(max_align_t))
		zm_store(&zm_mi_inner_blocks, true);
	if (zm_unlikely(mi_version() / 10 == 30))
		return zm_mi_aligned_outer(alignment, size);
	ptr = mi_malloc_aligned(size, alignment);
	if (zm_unlikely(((uintptr_t)ptr & (alignment - 1)) != 0)) {
		mi_free(ptr);
		ptr = mi_malloc_aligned(size + 1, alignment);
	}
	return ptr;
}

ZM_INLINE void zm_raw_free(void *ptr)
{
	mi_free(ptr);
}

/* mi_free_size() only asserts the size, and then calls mi_free(). */
ZM_INLINE void zm_raw_free_sized(void *ptr, size_t usable)
{
	(void)usable;
	mi_free(ptr);
}

ZM_INLINE size_t zm_raw_usable(const void *ptr)
{
	return mi_usable_size(ptr);
}

ZM_INLINE size_t zm_raw_charged(const void *ptr)
{
	if (zm_unlikely(zm_load(&zm_mi_inner_blocks)))
		return zm_raw_usable(ptr);
	return zm_size_map_looked_up(ptr, zm_raw_usable(ptr));
}

ZM_INLINE bool zm_raw_charged_quickly(const void *ptr, size_t *bytes)
{
	return zm_size_map_of(ptr, bytes) && zm_likely(!zm_load(&zm_mi_inner_blocks));
}

#if ZM_RAW_WATCHES
ZM_INLINE bool zm_raw_charged_watched(const void *ptr, size_t *bytes)
{
	return zm_size_map_of_watched(ptr, bytes) && zm_likely(!zm_load(&zm_mi_inner_blocks));
}
#endif

ZM_INLINE bool zm_raw_charged_new_quickly(const void *ptr, size_t size, size_t *bytes)
{
	return zm_size_map_new(ptr, size, bytes);
}

ZM_INLINE size_t zm_raw_charged_new(const void *ptr, size_t size)
{
	return zm_size_map_noted_new(ptr, size);
}

#endif
