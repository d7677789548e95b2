/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/libc.h - the C library's own malloc, hot half.
 *
 * Where it tells usable sizes (malloc_usable_size, malloc_size) it is called as it is. Elsewhere,
 * and after --disable-usable-size, allocator/prefix.h keeps each block's size in front of it.
 */
#ifndef ZM_ALLOCATOR_LIBC_H
#define ZM_ALLOCATOR_LIBC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "allocator/libc_choice.h"
#include "base/compiler.h"

#ifdef HAVE_FREE_KEEPS_ERRNO
#define ZM_RAW_FREE_KEEPS_ERRNO 1
#else
#define ZM_RAW_FREE_KEEPS_ERRNO 0
#endif
#ifdef ZM_HAVE_USABLE_SIZE
#define ZM_RAW_GOOD_SIZE_IS_EXACT 0
#else
#define ZM_RAW_GOOD_SIZE_IS_EXACT 1
#endif
#define ZM_RAW_ARENAS 0
#define ZM_RAW_COUNTS 0
#define ZM_RAW_WATCHES 0

#ifndef ZM_HAVE_USABLE_SIZE

#include "allocator/prefix.h"

#else

#if defined(HAVE_MALLOC_MALLOC_H)
#include <malloc/malloc.h>
#elif defined(HAVE_MALLOC_NP_H)
#include <malloc_np.h>
#elif defined(HAVE_MALLOC_H)
#include <malloc.h>
#endif

/* POSIX lets malloc(0) be NULL; ours is a unique pointer. */
ZM_INLINE void *zm_raw_malloc(size_t size)
{
	return zm_libc.malloc(size + (size == 0));
}

ZM_INLINE void *zm_raw_calloc(size_t size)
{
	return zm_libc.calloc(1, size + (size == 0));
}

ZM_INLINE void *zm_raw_realloc(void *ptr, size_t size)
{
	return zm_libc.realloc(ptr, size);
}

ZM_INLINE void *zm_raw_aligned(size_t alignment, size_t size)
{
	void *ptr;

	/* The posix_memalign() of some checkers adds the two before it looks at either. */
	if (zm_unlikely(alignment > PTRDIFF_MAX || size > PTRDIFF_MAX - alignment))
		return NULL;
	if (alignment < sizeof(void *))
		alignment = sizeof(void *);
	return zm_libc.aligned(&ptr, alignment, size + (size == 0)) == 0 ? ptr : NULL;
}

ZM_INLINE void zm_raw_free(void *ptr)
{
	zm_libc.free(ptr);
}

ZM_INLINE void zm_raw_free_sized(void *ptr, size_t size)
{
	(void)size;
	zm_libc.free(ptr);
}

/*
 * glibc keeps a chunk's size in the word before the block, with flags in the low three bits. Asking
 * malloc_usable_size() means two calls for each pair, and a look at the chunk behind, which is most
 * often in no cache: 0.61 of the bare allocator's speed in a window of 65,536 blocks, 0.78 in one
 * of 1,024 (`make bench`, workloads window-64k and window-1k). Reading the word gives the same:
 * zm_allocator_init() compares the two and sets this only if malloc() is glibc's own and they
 * agree.
 */
#if defined(HAVE_GNU_GET_LIBC_VERSION) && defined(HAVE_DLADDR)
#define ZM_LIBC_CHUNKS 1
extern ZM_HIDDEN bool zm_libc_chunks_known;

/* False for a chunk that is a mapping of its own: those have another overhead, and are rare. */
ZM_INLINE bool zm_libc_chunk_usable(const void *ptr, size_t *bytes)
{
	size_t word = *(const size_t *)((uintptr_t)ptr - sizeof(size_t));

	*bytes = (word & ~(size_t)7) - sizeof(size_t);
	return (word & 2) == 0;
}
#endif

ZM_INLINE size_t zm_raw_usable(const void *ptr)
{
	return zm_libc.usable_size((void *)ptr);
}

ZM_INLINE size_t zm_raw_charged(const void *ptr)
{
	return zm_raw_usable(ptr);
}

/* As zm_raw_charged() if that takes no call; false if it would, and for NULL. */
ZM_INLINE bool zm_raw_charged_quickly(const void *ptr, size_t *bytes)
{
#if defined(ZM_LIBC_CHUNKS)
	return zm_likely(ptr != NULL) && zm_likely(zm_libc_chunks_known) &&
	       zm_likely(zm_libc_chunk_usable(ptr, bytes));
#else
	if (zm_unlikely(ptr == NULL))
		return false;
	*bytes = zm_raw_charged(ptr);
	return true;
#endif
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

#endif
