/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/size_map.h - sizes of blocks without a call: for adaptors whose allocator tells
 * them by a look-up of its own, and gives all blocks that begin in one page the same size.
 *
 * A new block's size is read from a table, by the size that was asked for. A freed block's is read
 * from a cache, by the page it begins in: one word for each page, the page's address and the size.
 * Whoever gets a block writes its page's word if it does not hold the size yet. So the word of a
 * page, where it is there, is right as long as any block of the page lives, whatever the page was
 * used for before; a page whose word was overwritten by another's costs a look-up.
 *
 * In a window of 1,024 blocks (`make bench`, workload window-1k) the speed was, of the bare allocator's, on
 * tcmalloc and mimalloc: with two look-ups 0.48 and 0.54; with the table and one look-up 0.62 and 0.63; with
 * the table and the cache 0.69 and 0.66; without sizes, where only the test for NULL and for errno is
 * left, 0.85 and 0.81.
 */
#ifndef ZM_ALLOCATOR_SIZE_MAP_H
#define ZM_ALLOCATOR_SIZE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/compiler.h"

/* Of the processor, or less: pages of every allocator begin at a multiple of it. */
#define ZM_SIZE_MAP_PAGE_BYTES ((uintptr_t)4096)

/* Sizes that have an entry, in steps of 8, within which no size differs. */
#define ZM_SIZE_MAP_LARGEST 32768

/* 256 MiB of pages that do not overwrite one another. Of its 512 KiB, what is used is touched. */
#define ZM_SIZE_MAP_WORDS 65536

/* The word of no page. */
#define ZM_SIZE_MAP_NONE UINTPTR_MAX

struct zm_size_map {
	ZM_ATOMIC(uintptr_t)
	of_page[ZM_SIZE_MAP_WORDS];                   /* its address, eights of the size less 1 */
	uint16_t of_new[ZM_SIZE_MAP_LARGEST / 8 + 1]; /* bytes; 0: look it up */
	bool known;                                   /* how sizes go was proved */
};
extern struct zm_size_map zm_size_map;

/*
 * Build the table by `good_size`, and use it and the cache if blocks of the allocator are of the
 * sizes that it says. Called once.
 */
void zm_size_map_init(size_t (*good_size)(size_t size));

ZM_INLINE void zm_size_map_note(const void *ptr, size_t bytes)
{
	uintptr_t at = (uintptr_t)ptr;
	uintptr_t word = (at & ~(ZM_SIZE_MAP_PAGE_BYTES - 1)) | (bytes / 8 - 1);
	ZM_ATOMIC(uintptr_t) *of_page =
		&zm_size_map.of_page[at / ZM_SIZE_MAP_PAGE_BYTES % ZM_SIZE_MAP_WORDS];

	if (zm_unlikely(zm_load(of_page) != word))
		zm_store(of_page, word);
}

/* The same for any block, whose size was looked up. Returns the size. */
size_t zm_size_map_looked_up(const void *ptr, size_t bytes);

/* A block just got for `size`, not aligned in particular. False: it must be looked up. */
ZM_INLINE bool zm_size_map_new(const void *ptr, size_t size, size_t *bytes)
{
	if (zm_unlikely(size > ZM_SIZE_MAP_LARGEST))
		return false;
	*bytes = zm_size_map.of_new[(size + 7) / 8];
	if (zm_unlikely(*bytes == 0))
		return false;
	zm_size_map_note(ptr, *bytes);
	return true;
}

/* Any live block. False: it must be looked up, or is NULL. */
ZM_INLINE bool zm_size_map_of(const void *ptr, size_t *bytes)
{
	uintptr_t at = (uintptr_t)ptr;
	uintptr_t word =
		zm_load(&zm_size_map.of_page[at / ZM_SIZE_MAP_PAGE_BYTES % ZM_SIZE_MAP_WORDS]);

	*bytes = (word % ZM_SIZE_MAP_PAGE_BYTES + 1) * 8;
	return (word ^ at) < ZM_SIZE_MAP_PAGE_BYTES;
}

#endif
