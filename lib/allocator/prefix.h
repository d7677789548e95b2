/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/prefix.h - a size kept in front of each block, for a malloc() that tells none.
 *
 *     base                      ptr
 *     |  padding (aligned only) | size, offset |  <- caller's bytes ->
 *
 * The prefix is as large as the strictest alignment, so the caller's bytes stay aligned for any
 * type. `offset` leads from the caller's pointer back to what malloc() gave, since an aligned block
 * has padding in front.
 */
#ifndef ZM_ALLOCATOR_PREFIX_H
#define ZM_ALLOCATOR_PREFIX_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct zm_prefix {
	size_t size_bytes;
	size_t offset_bytes;
};

#define ZM_PREFIX_BYTES                                                                            \
	(sizeof(struct zm_prefix) > _Alignof(max_align_t) ? sizeof(struct zm_prefix)               \
							  : _Alignof(max_align_t))

ZM_INLINE struct zm_prefix *zm_prefix_of(const void *ptr)
{
	return (struct zm_prefix *)((uintptr_t)ptr - sizeof(struct zm_prefix));
}

ZM_INLINE void *zm_prefix_base(const void *ptr)
{
	return (void *)((uintptr_t)ptr - zm_prefix_of(ptr)->offset_bytes);
}

/* base: NULL, or room for the offset and `size` bytes. */
ZM_INLINE void *zm_prefix_put(void *base, size_t offset, size_t size)
{
	void *ptr;

	if (base == NULL)
		return NULL;
	ptr = (char *)base + offset;
	*zm_prefix_of(ptr) = (struct zm_prefix){.size_bytes = size, .offset_bytes = offset};
	return ptr;
}

ZM_INLINE void *zm_raw_malloc(size_t size)
{
	if (zm_unlikely(size > PTRDIFF_MAX - ZM_PREFIX_BYTES))
		return NULL;
	return zm_prefix_put(zm_libc.malloc(size + ZM_PREFIX_BYTES), ZM_PREFIX_BYTES, size);
}

ZM_INLINE void *zm_raw_calloc(size_t size)
{
	if (zm_unlikely(size > PTRDIFF_MAX - ZM_PREFIX_BYTES))
		return NULL;
	return zm_prefix_put(zm_libc.calloc(1, size + ZM_PREFIX_BYTES), ZM_PREFIX_BYTES, size);
}

ZM_INLINE void *zm_raw_aligned(size_t alignment, size_t size)
{
	size_t offset = alignment > ZM_PREFIX_BYTES ? alignment : ZM_PREFIX_BYTES;
	void *base;

	if (offset > PTRDIFF_MAX || size > PTRDIFF_MAX - offset)
		return NULL;
	return zm_libc.aligned(&base, offset, size + offset) == 0
		       ? zm_prefix_put(base, offset, size)
		       : NULL;
}

ZM_INLINE size_t zm_raw_usable(const void *ptr)
{
	return zm_prefix_of(ptr)->size_bytes;
}

ZM_INLINE size_t zm_raw_charged(const void *ptr)
{
	return zm_prefix_of(ptr)->size_bytes + zm_prefix_of(ptr)->offset_bytes;
}

ZM_INLINE void zm_raw_free(void *ptr)
{
	if (ptr != NULL)
		zm_libc.free(zm_prefix_base(ptr));
}

ZM_INLINE void zm_raw_free_sized(void *ptr, size_t size)
{
	(void)size;
	zm_libc.free(zm_prefix_base(ptr));
}

/*
 * An aligned block is copied, because realloc() would leave its bytes at another distance from its base
 * than its offset says.
 */
ZM_INLINE void *zm_raw_realloc(void *ptr, size_t size)
{
	size_t old = zm_raw_usable(ptr);
	void *moved;

	if (zm_unlikely(size > PTRDIFF_MAX - ZM_PREFIX_BYTES))
		return NULL;
	if (zm_likely(zm_prefix_of(ptr)->offset_bytes == ZM_PREFIX_BYTES))
		return zm_prefix_put(zm_libc.realloc(zm_prefix_base(ptr), size + ZM_PREFIX_BYTES),
				     ZM_PREFIX_BYTES, size);
	moved = zm_raw_malloc(size);
	if (moved == NULL)
		return NULL;
	memcpy(moved, ptr, old < size ? old : size);
	zm_raw_free(ptr);
	return moved;
}

ZM_INLINE bool zm_raw_charged_quickly(const void *ptr, size_t *bytes)
{
	if (zm_unlikely(ptr == NULL))
		return false;
	*bytes = zm_raw_charged(ptr);
	return true;
}

ZM_INLINE bool zm_raw_charged_new_quickly(const void *ptr, size_t size, size_t *bytes)
{
	(void)size;
	return zm_raw_charged_quickly(ptr, bytes);
}

ZM_INLINE size_t zm_raw_charged_new(const void *ptr, size_t size)
{
	(void)size;
	return zm_raw_charged(ptr);
}

#endif
