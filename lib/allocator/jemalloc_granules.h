/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_granules.h - the ranges of addresses that jemalloc may be asked about.
 *
 * batch_query and arenas.lookup fault on an address in a range that jemalloc has never mapped anything
 * in, as its radix tree has no leaf there. A leaf covers a power of two of pages: 2^15 at least on
 * 64-bit systems, 2^10 on 32-bit ones, for every number of address bits that jemalloc can be built for.
 * So we keep a map of such ranges ("granules") from which it has returned a block, and ask about
 * nothing outside them.
 *
 * jemalloc reads its tree without an order of its own, for whoever has a block has been handed it.
 * We ask about addresses that nobody has handed us. So the thread that got a block marks its granule
 * by a release, after the leaf was made, and who asks reads the mark by an acquire: that the mark is
 * seen means that the leaf is. The same holds for the list that walks go by. A mark that another
 * thread has set need not be set again: that thread's block had the same leaf.
 */
#ifndef ZM_ALLOCATOR_JEMALLOC_GRANULES_H
#define ZM_ALLOCATOR_JEMALLOC_GRANULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/compiler.h"

#if UINTPTR_MAX > 0xffffffff
#define ZM_GRANULE_SHIFT (12 + 15)
#define ZM_GRANULE_ADDRESS_BITS 48
#else
#define ZM_GRANULE_SHIFT (12 + 10)
#define ZM_GRANULE_ADDRESS_BITS 32
#endif
#define ZM_GRANULES ((size_t)1 << (ZM_GRANULE_ADDRESS_BITS - ZM_GRANULE_SHIFT))

/* Granules that walks know of; those past the list's end are asked about, but not walked. */
#define ZM_GRANULES_LISTED 8192

struct zm_granules {
	/* One byte each, never cleared; 2 MiB of addresses of which a page or two are ever touched. */
	ZM_ATOMIC(unsigned char) marked[ZM_GRANULES];
	ZM_ATOMIC(size_t) count;
	ZM_ATOMIC(size_t) listed[ZM_GRANULES_LISTED]; /* 0: not written yet */
};
extern struct zm_granules zm_granules;

/* A block of an unmarked granule. */
void zm_granule_mark(size_t granule);

/* jemalloc has just returned this block. */
ZM_INLINE void zm_granule_note(const void *ptr)
{
	size_t granule = (uintptr_t)ptr >> ZM_GRANULE_SHIFT;

	if (granule < ZM_GRANULES && zm_unlikely(zm_load(&zm_granules.marked[granule]) == 0))
		zm_granule_mark(granule);
}

/* May jemalloc be asked about this address? */
ZM_INLINE bool zm_granule_known(const void *ptr)
{
	size_t granule = (uintptr_t)ptr >> ZM_GRANULE_SHIFT;

	return granule < ZM_GRANULES && zm_load_acquire(&zm_granules.marked[granule]) != 0;
}

/* Places of the list that may hold a granule. */
size_t zm_granules_count(void);

/* The granule in a place, about all of whose addresses jemalloc may be asked; 0: none is there yet. */
ZM_INLINE size_t zm_granule_listed(size_t place)
{
	return zm_load_acquire(&zm_granules.listed[place]);
}

#endif
