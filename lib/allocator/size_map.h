/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/size_map.h - sizes of blocks without a call: for adaptors whose allocator tells
 * them by a look-up of its own, and gives all blocks that begin in one page the same size.
 *
 * A new block's size is read from a table, by the size that was asked for. A freed block's is read
 * from a cache, by the page it begins in: one word for each page, the page's address and the size.
 * Whoever gets a block writes its page's word if it does not hold the size yet, on the cold path. So the word of a
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

/*
 * 1 GiB of pages that do not overwrite one another, of whose 2 MiB what is used is touched: 8 bytes for each page. In a
 * larger heap each new block may find another page's word, and takes the cold path to write its own.
 */
#define ZM_SIZE_MAP_WORDS 262144

/* The word of no page. */
#define ZM_SIZE_MAP_NONE UINTPTR_MAX

/*
 * Of a word, inverted: then it is that of no block, for in an address of 64 bits this one is as the next higher
 * one, and each free of a block of its page has to look its size up. So who wants to see those frees watches the
 * word. Nobody can where an address has no bit to spare.
 */
#if UINTPTR_MAX > 0xffffffff
#define ZM_SIZE_MAP_WATCHES 1
#define ZM_SIZE_MAP_WATCH ((uintptr_t)1 << 62)
#else
#define ZM_SIZE_MAP_WATCHES 0
#define ZM_SIZE_MAP_WATCH ((uintptr_t)0)
#endif

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

ZM_INLINE bool zm_size_map_is_watched(uintptr_t word)
{
	return ((word ^ word << 1) & ZM_SIZE_MAP_WATCH << 1) != 0;
}

ZM_INLINE ZM_ATOMIC(uintptr_t) * zm_size_map_at(const void *ptr)
{
	return &zm_size_map.of_page[(uintptr_t)ptr / ZM_SIZE_MAP_PAGE_BYTES % ZM_SIZE_MAP_WORDS];
}

/* Put a word there, which is watched if the one before was, whoever watches it meanwhile or no longer. */
ZM_INLINE void zm_size_map_put(ZM_ATOMIC(uintptr_t) * of_page, uintptr_t word)
{
	uintptr_t before = zm_load(of_page), after;

	do
		after = zm_size_map_is_watched(before) ? word ^ ZM_SIZE_MAP_WATCH : word;
	while (before != after && !zm_compare_exchange_relaxed(of_page, &before, after));
}

ZM_INLINE uintptr_t zm_size_map_word(const void *ptr, size_t bytes)
{
	return ((uintptr_t)ptr & ~(ZM_SIZE_MAP_PAGE_BYTES - 1)) | (bytes / 8 - 1);
}

ZM_INLINE void zm_size_map_note(const void *ptr, size_t bytes)
{
	uintptr_t word = zm_size_map_word(ptr, bytes);
	ZM_ATOMIC(uintptr_t) *of_page = zm_size_map_at(ptr);

	if (zm_unlikely(zm_load(of_page) != word))
		zm_size_map_put(of_page, word);
}

/* The same for any block, whose size was looked up. Returns the size. */
size_t zm_size_map_looked_up(const void *ptr, size_t bytes);

/* Of a block got for `size`, not aligned in particular; 0: it must be looked up. */
ZM_INLINE size_t zm_size_map_of_new(size_t size)
{
	return zm_likely(size <= ZM_SIZE_MAP_LARGEST) ? zm_size_map.of_new[(size + 7) / 8] : 0;
}

/*
 * The same of a block whose page has no other size noted. False: it has, or it must be looked up.
 *
 * The lower halves of the words tell: they are the same of a page that is watched. Where they are those of
 * another page, 4 GiB away, this one has no word, and a free of the block looks its size up.
 */
ZM_INLINE bool zm_size_map_new(const void *ptr, size_t size, size_t *bytes)
{
	uint32_t noted = (uint32_t)zm_load(zm_size_map_at(ptr));

	*bytes = zm_size_map_of_new(size);
	return zm_likely(*bytes != 0) &&
	       zm_likely(noted == (uint32_t)zm_size_map_word(ptr, *bytes));
}

/* The same of a block whose page may have another noted. */
size_t zm_size_map_noted_new(const void *ptr, size_t size);

ZM_INLINE bool zm_size_map_has(uintptr_t word, const void *ptr, size_t *bytes)
{
	*bytes = (word % ZM_SIZE_MAP_PAGE_BYTES + 1) * 8;
	return (word ^ (uintptr_t)ptr) < ZM_SIZE_MAP_PAGE_BYTES;
}

/* Any live block. False: it must be looked up, is watched, or is NULL. */
ZM_INLINE bool zm_size_map_of(const void *ptr, size_t *bytes)
{
	return zm_size_map_has(zm_load(zm_size_map_at(ptr)), ptr, bytes);
}

/* ---- Watched pages ---------------------------------------------------------------------------- */

/*
 * No order is asked for: whoever was handed a block after this sees a word that is watched, for each that comes
 * after it in the place is made of the one before.
 */
ZM_INLINE void zm_size_map_watch(const void *ptr, bool on)
{
	ZM_ATOMIC(uintptr_t) *of_page = zm_size_map_at(ptr);
	uintptr_t word = zm_load(of_page);

	while (zm_size_map_is_watched(word) != on &&
	       !zm_compare_exchange_relaxed(of_page, &word, word ^ ZM_SIZE_MAP_WATCH))
		;
}

/* As zm_size_map_of(). */
ZM_INLINE bool zm_size_map_of_watched(const void *ptr, size_t *bytes)
{
	return zm_size_map_has(zm_load(zm_size_map_at(ptr)) ^ ZM_SIZE_MAP_WATCH, ptr, bytes);
}

#endif
