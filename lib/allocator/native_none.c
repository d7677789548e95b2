/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/native_none.c - what any allocator can do of jemalloc's own interface: alignment
 * and zeroes.
 */
#include "config.h"

#include "allocator/native.h"

#include <stddef.h>
#include <string.h>

#include "allocator/allocator.h"

enum {
	ALIGNMENT_BITS = 0x3f,
	ZERO_FLAG = 0x40
};

/* Bits of a size_t less one: a shift by any more is undefined, and no such block exists anyway. */
#define LARGEST_SHIFT ((int)sizeof(size_t) * 8 - 1)

/*
 * 0: no block can be aligned so. 1: any block of that size is.
 */
static size_t alignment_of(int flags, size_t size)
{
	int shift = flags & ALIGNMENT_BITS;
	size_t alignment = shift <= LARGEST_SHIFT ? (size_t)1 << shift : 0;

	if (alignment == 0 || alignment > _Alignof(max_align_t))
		return alignment;
	return alignment > 1 && alignment > zm_allocator_alignment(size) ? alignment : 1;
}

bool zm_native_arenas(void)
{
	return false;
}

void *zm_native_malloc(size_t size, int flags)
{
	size_t alignment = alignment_of(flags, size);
	void *ptr;

	if (alignment == 0)
		return NULL;
	if (alignment == 1)
		return flags & ZERO_FLAG ? zm_raw_calloc(size) : zm_raw_malloc(size);
	ptr = zm_raw_aligned(alignment, size);
	if (ptr != NULL && (flags & ZERO_FLAG))
		memset(ptr, 0, size);
	return ptr;
}

/* The allocators' realloc() does not keep an alignment: such a block is copied. */
static void *realloc_aligned(void *ptr, size_t old_size, size_t size, size_t alignment)
{
	void *moved = zm_raw_aligned(alignment, size);

	if (moved == NULL)
		return NULL;
	memcpy(moved, ptr, old_size < size ? old_size : size);
	zm_raw_free(ptr);
	return moved;
}

/* What is zeroed lies past the old usable size, as with rallocx(). */
void *zm_native_realloc(void *ptr, size_t size, int flags)
{
	size_t alignment = alignment_of(flags, size), old_size = zm_raw_usable(ptr);
	void *moved;

	if (alignment == 0)
		return NULL;
	moved = alignment == 1 ? zm_raw_realloc(ptr, size)
			       : realloc_aligned(ptr, old_size, size, alignment);
	if (moved != NULL && (flags & ZERO_FLAG) && size > old_size)
		memset((char *)moved + old_size, 0, size - old_size);
	return moved;
}

void zm_native_free(void *ptr, int flags)
{
	(void)flags;
	zm_raw_free(ptr);
}

bool zm_native_print(void (*write)(void *opaque, const char *text), void *opaque,
		     const char *options)
{
	(void)write, (void)opaque, (void)options;
	return false;
}
