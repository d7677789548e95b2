/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc.h - jemalloc, hot half.
 *
 * ZM_JE_DIRECT is 1 where every function of this jemalloc has a name that nobody else in the
 * process has: in a private copy, which only the shared library has (jemalloc_private.sh), and in a
 * jemalloc that was built with the prefix je_. Calls are plain calls there.
 *
 * Elsewhere `malloc` inside a shared library of ours is the C library's, as jemalloc comes later in
 * the lookup order of a program that links -lzmalloc. So jemalloc_functions.c takes its functions by
 * address, once. A call through such a pointer costs what a call through the GOT does, and half of what
 * mallocx() and dallocx() cost (`make bench BENCHFLAGS=--only=pair`, columns bare and zmalloc).
 */
#ifndef ZM_ALLOCATOR_JEMALLOC_H
#define ZM_ALLOCATOR_JEMALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define ZM_RAW_FREE_KEEPS_ERRNO 0
#define ZM_RAW_GOOD_SIZE_IS_EXACT 1

/*
 * Arenas of jemalloc's own: where address space is ample enough for a table that tells the arena of
 * an address.
 */
#if defined(HAVE_TLS_INITIAL_EXEC) && UINTPTR_MAX > 0xffffffff
#define ZM_RAW_ARENAS 1
#else
#define ZM_RAW_ARENAS 0
#endif

/* Only the objects of the shared library are compiled with PIC defined. */
#if defined(ZM_JE_PRIVATE) && defined(PIC)
#define ZM_JE_IS_OURS 1
#else
#define ZM_JE_IS_OURS 0
#endif

#if ZM_JE_IS_OURS || defined(ZM_JE_PREFIXED)
#define ZM_JE_DIRECT 1
#else
#define ZM_JE_DIRECT 0
#endif

/*
 * jemalloc counts bytes for each thread anyway (thread.allocatedp, thread.deallocatedp), so a count
 * of ours would be the second. On systems with ELF TLS the counters lie in the thread's TLS and live
 * until the thread ends. They are 64 bits wide, so that only 64-bit processors read them in one piece.
 *
 * They count whoever calls this jemalloc, so they are ours only if nobody else can. A jemalloc that
 * others see may serve the program's own malloc(), or a C++ library's operator new, at any time. We
 * count for ourselves there, by the sizes of blocks: what each call moves jemalloc's counters by would
 * tell the same at a higher price. With link-time optimization the speed was 0.81 of the bare allocator's
 * for a pair and 0.84 in a window of 1,024 blocks, by the counters 0.48 and 0.71 (`make bench`, column
 * zmalloc+lto, workloads pair and window-1k).
 */
#if ZM_RAW_ARENAS && ZM_JE_IS_OURS
#define ZM_RAW_COUNTS 1
#define ZM_RAW_WATCHES 0
#else
#define ZM_RAW_COUNTS 0
#include "allocator/size_map.h"
#define ZM_RAW_WATCHES ZM_SIZE_MAP_WATCHES
#endif

#if ZM_JE_DIRECT

/* As in <jemalloc/jemalloc.h>, which would bring much else into every file. */
void *je_malloc(size_t size);
void *je_calloc(size_t num, size_t size);
void *je_realloc(void *ptr, size_t size);
void je_free(void *ptr);
void *je_mallocx(size_t size, int flags);
size_t je_sallocx(const void *ptr, int flags);
void je_sdallocx(void *ptr, size_t size, int flags);
#define ZM_JE_OWN(name) je_##name

#else

/*
 * jemalloc_functions.c. Set before main() and never again;
 * until then each points to a function that sets them and goes on.
 */
struct zm_jemalloc {
	void *(*malloc)(size_t size);
	void (*free)(void *ptr);
	void (*sdallocx)(void *ptr, size_t size, int flags);
	void *(*calloc)(size_t num, size_t size);
	void *(*realloc)(void *ptr, size_t size);
	void *(*mallocx)(size_t size, int flags);
	size_t (*sallocx)(const void *ptr, int flags);
	size_t (*nallocx)(size_t size, int flags);
};
extern struct zm_jemalloc zm_je;
#define ZM_JE_OWN(name) zm_je.name

void zm_je_find_functions(void);

#endif

/* The flag of mallocx() for an alignment, jemalloc(3): the low six bits hold its logarithm. */
ZM_INLINE int zm_je_align_flag(size_t alignment)
{
	return __builtin_ctzll(alignment);
}

ZM_INLINE void *zm_raw_malloc(size_t size)
{
	return ZM_JE_OWN(malloc)(size);
}

ZM_INLINE void *zm_raw_calloc(size_t size)
{
	return ZM_JE_OWN(calloc)(1, size);
}

ZM_INLINE void *zm_raw_realloc(void *ptr, size_t size)
{
	return ZM_JE_OWN(realloc)(ptr, size);
}

/* mallocx() is undefined for size 0, and where size and alignment overflow it fails. */
ZM_INLINE void *zm_raw_aligned(size_t alignment, size_t size)
{
	return ZM_JE_OWN(mallocx)(size + (size == 0), zm_je_align_flag(alignment));
}

ZM_INLINE void zm_raw_free(void *ptr)
{
	ZM_JE_OWN(free)(ptr);
}

/*
 * free() and not sdallocx(), because the size is known only where it was read for the account. With
 * link-time optimization sdallocx() had 0.85 of bare jemalloc's speed for a pair (free(): 0.81), 0.78 in a
 * window of 1,024 blocks (0.81) and 0.60 for blocks of 4 KiB (0.80): `make bench`, column zmalloc+lto,
 * workloads pair, window-1k and size-4k.
 */
ZM_INLINE void zm_raw_free_sized(void *ptr, size_t size)
{
	(void)size;
	ZM_JE_OWN(free)(ptr);
}

/*
 * sdallocx() takes a slow path for blocks that begin a page, as one block of 64 bytes in 64 does, and
 * free() takes it for none (`make bench`, workloads pair-sized and size-4k). Only free() may be given
 * NULL, which fails this test as well.
 */
ZM_INLINE bool zm_raw_sized_is_faster(const void *ptr)
{
	return ((uintptr_t)ptr & 4095) != 0;
}

/*
 * The functions behind zm_raw_free() and zm_raw_free_sized(),
 * for callers that keep them in a pointer.
 */
ZM_INLINE void (*zm_raw_free_address(void))(void *)
{
	return ZM_JE_OWN(free);
}

ZM_INLINE void (*zm_raw_free_sized_address(void))(void *, size_t, int)
{
	return ZM_JE_OWN(sdallocx);
}

ZM_INLINE size_t zm_raw_usable(const void *ptr)
{
	return ZM_JE_OWN(sallocx)(ptr, 0);
}

#if ZM_RAW_COUNTS

/* Asked for on cold paths only: the thread's counters have moved by it. */
ZM_INLINE size_t zm_raw_charged(const void *ptr)
{
	return zm_raw_usable(ptr);
}

#else

#include "allocator/size_map_charged.h"

#endif

#endif
