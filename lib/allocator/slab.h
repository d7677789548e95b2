/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/slab.h - what defragmentation asks of an allocator: the contract.
 *
 * Small blocks ("regions") of one size class (a "bin") lie side by side in slabs: runs of whole
 * pages, all of a bin's slabs alike. An allocator that can tell of a block which slab it lies in
 * and how full that slab is, and that can allocate past its caches, can be defragmented. The others
 * are served by slab_none.c, whose zm_slab_layout() is NULL; nothing else here may then be called.
 */
#ifndef ZM_ALLOCATOR_SLAB_H
#define ZM_ALLOCATOR_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define ZM_SLAB_BINS_MAX 128

struct zm_slab_bin {
	uint32_t region_bytes;
	uint32_t slab_bytes;
	uint32_t regions; /* 1: nothing can be gained in this bin */
	/* Which region an address is, from its offset in its page: see zm_slab_region(). */
	uint32_t inverse;
	uint8_t shift;
};

struct zm_slab_layout {
	size_t page_bytes;
	unsigned page_shift;
	unsigned bins;
	/*
	 * Every slab is the smallest number of pages that its region size divides. Then no two
	 * regions of a slab share an offset in their pages, and an address tells its slab. If false
	 * only zm_slab_usage() works, and the three functions that name slabs find none.
	 */
	bool exact;
	struct zm_slab_bin bin[ZM_SLAB_BINS_MAX];
};

/* Read once from the allocator; NULL if it cannot be defragmented. Thread-safe. */
const struct zm_slab_layout *zm_slab_layout(void);

/*
 * The number of the region that starts at `address`, if one does in a slab of this bin, else some
 * number within the slab or `regions` and over. With region size = odd << shift, k * region size is
 * found in its page at offset k * odd << shift, so k = offset >> shift times the inverse of odd,
 * modulo the number of regions, which is page size >> shift: no table, no division.
 */
ZM_INLINE uint32_t zm_slab_region(const struct zm_slab_layout *layout,
				  const struct zm_slab_bin *bin, const void *address)
{
	size_t offset = (uintptr_t)address & (layout->page_bytes - 1);

	if (offset & (((size_t)1 << bin->shift) - 1))
		return UINT32_MAX;
	return (uint32_t)(offset >> bin->shift) * bin->inverse & (bin->regions - 1);
}

/* ---- Asking; any thread ---- */

struct zm_slab {
	char *base;
	uint32_t used; /* regions, those in threads' caches included */
	uint32_t arena;
	uint32_t bin;
};

/*
 * An address that the allocator has just returned.
 * Remembers the address range as one that may be asked about.
 */
void zm_slab_note(const void *ptr);

/*
 * The slab of the region that starts at ptr. False if there is none: ptr may be any address at all.
 * An inside address is told from a start wherever the answers about its slab's pages contradict it.
 */
bool zm_slab_find(const void *ptr, struct zm_slab *slab);

/*
 * How full are these slabs now?
 * bases: as zm_slab_find() gave them.
 * used:  out, regions; UINT32_MAX where the base no longer begins a slab of that bin.
 * count: at most ZM_SLAB_BATCH.
 */
#define ZM_SLAB_BATCH 64
void zm_slab_used(char *const *bases, const uint32_t *bins, uint32_t *used, size_t count);

/*
 * Any address, one at a time: regions free and in all in its slab,
 * and its arena and bin. False as zm_slab_find().
 */
struct zm_slab_usage {
	uint32_t free, regions, arena, bin;
};
bool zm_slab_usage(const void *ptr, struct zm_slab_usage *usage);

/*
 * The allocator's own advice on a block that zm_slab_usage() has answered for: 1 to move it, 0 to
 * leave it, -1: it has none to give.
 */
int zm_slab_advice(const void *ptr);

/*
 * A walk over all slabs that there are, whoever's blocks they hold, in no order. A heap that changes
 * meanwhile is seen partly as it was and partly as it is, and a base may be wrong, but is one that
 * zm_slab_used() may be asked about.
 */
struct zm_slab_walk {
	size_t granule; /* ranges of addresses done */
	size_t page;    /* pages of the next one done */
};

/*
 * Look at `pages` pages, a multiple of ZM_SLAB_BATCH. walk: all zeroes to begin with.
 * True when the walk is complete.
 */
bool zm_slab_walk(struct zm_slab_walk *walk, size_t pages,
		  void (*found)(const struct zm_slab *slab));

/* ---- Statistics, of the last zm_slab_refresh() ---- */

void zm_slab_refresh(void);

/* Arenas are numbered from 0 to this, not all of them being there. */
unsigned zm_slab_arenas(void);

/* False if that arena is not there. */
bool zm_slab_bin_stats(unsigned arena, unsigned bin, size_t *slabs, size_t *used_regions);

/* Bytes in live blocks, large ones included. */
size_t zm_slab_live_bytes(void);

/* ---- Moving; one thread at a time ---- */

/* A region of that bin and arena, past the calling thread's cache; NULL if there is none. */
void *zm_slab_take(unsigned arena, unsigned bin);

/* The bin that a block of `size` bytes comes from; false if that is no small block. */
bool zm_slab_bin_of(size_t size, unsigned *bin);

/* The same past every cache: slower, and from any thread. */
void *zm_slab_take_alone(unsigned arena, unsigned bin);

/*
 * Give regions of one bin back, past all caches: when it returns, a slab that is empty now is gone.
 */
void zm_slab_give(void *const *regions, size_t count, unsigned bin);

/*
 * Empty what zm_slab_take() keeps in stock. Before a fork too: after it jemalloc has forgotten in the
 * child which caches there are (5.3.0: arena_postfork_child() lists that of the calling thread only),
 * and taking one out of a list that it is not in leaves a stale entry there, at which the next look at
 * statistics may crash.
 */
void zm_slab_drain(void);

/*
 * The same for the stock of one arena at a time, which takes some tens of microseconds. next: 0 to begin
 * with, and then as it was left. False: there is none left, and nothing was done.
 */
bool zm_slab_drain_next(unsigned *next);

/* Empty the calling thread's cache. Any thread. */
void zm_slab_flush_thread(void);

/*
 * zm_slab_decay_hold(): from now on no call gives unused pages back, or gives them back page by page.
 * zm_slab_decay_begin(): zm_slab_decay_step() gives them back, in steps that do not stall, over `ms`
 * milliseconds or as much longer as small steps take. zm_slab_decay_end(): the allocator gives them back
 * at its own pace again. One thread at a time; begin renews the statistics, and a step may.
 * step returns  nanoseconds until the next one is due; 0: what there was is given back, what came
 *               meanwhile is begun with
 */
void zm_slab_decay_hold(void);
void zm_slab_decay_begin(unsigned ms);
uint64_t zm_slab_decay_step(void);
void zm_slab_decay_end(void);

/* What is left to be given back, about. */
size_t zm_slab_decay_left_bytes(void);

#endif
