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

#include "compiler.h"

#define ZM_RAW_FREE_KEEPS_ERRNO 0
#define ZM_RAW_COUNTS 0

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
 * The smallest page that gperftools can be built with:
 * every page of any build begins at a multiple of it.
 */
#define ZM_TC_PAGE_BYTES 4096

/*
 * tc_free_sized() trusts the size class of `size`. Before gperftools 2.18 that of the size asked
 * for is wrong after a realloc in place, so the size given here must be the usable one: that is
 * right in every version. Nor is it right for a block of memalign() that has pages of its own and
 * is small enough for a class: tcmalloc_minimal then puts pages on a list of small blocks. Such a
 * block begins a page.
 */
ZM_INLINE void zm_raw_free_sized(void *ptr, size_t usable)
{
	if (zm_unlikely((uintptr_t)ptr % ZM_TC_PAGE_BYTES == 0))
		tc_free(ptr);
	else
		tc_free_sized(ptr, usable);
}

ZM_INLINE size_t zm_raw_usable(const void *ptr)
{
	return tc_malloc_size((void *)ptr);
}

ZM_INLINE size_t zm_raw_charged(const void *ptr)
{
	return zm_raw_usable(ptr);
}

ZM_INLINE bool zm_raw_charged_quickly(const void *ptr, size_t *bytes)
{
	*bytes = zm_raw_charged(ptr);
	return true;
}

#endif
