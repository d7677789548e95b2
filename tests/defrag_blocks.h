/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/defrag_blocks.h - a program's data for the tests of defragmentation: blocks that know what
 * they hold.
 */
#ifndef ZM_TESTS_DEFRAG_BLOCKS_H
#define ZM_TESTS_DEFRAG_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmalloc/defrag.h>

struct held_block {
	void *at;
	uint32_t bytes;
	uint32_t seed;
	bool hidden; /* never shown to the walk */
};

struct blocks {
	struct held_block *held;
	size_t count, cursor;
	struct chance *chance;
	/* Called after each block that the walk shows; may be NULL. */
	void (*after_each)(struct blocks *blocks, zdefrag *d);
	size_t walks, shown;
};

/*
 * How many blocks make slabs enough to defragment: `small` will do where all is slow, but not where
 * the allocator's pages are large (64 KiB in Debian's jemalloc for ARM), as slabs are made of them.
 */
size_t block_steps(size_t full, size_t small);

/* Fill `count` blocks of up to `largest` bytes; then free those of which keep() says no. */
void blocks_fill(struct blocks *blocks, size_t count, size_t largest, uint64_t seed);
void blocks_thin(struct blocks *blocks, unsigned keep_percent);
void blocks_check(const struct blocks *blocks);
void blocks_replace(struct held_block *block, size_t bytes, uint32_t seed);
size_t blocks_bytes(const struct blocks *blocks);
void blocks_free(struct blocks *blocks);

/* Give a block another place, as a program does that has had a hint. */
void blocks_move(struct held_block *block);

/* The walk: a zdefrag_scan_function whose context is a struct blocks. */
int blocks_scan(zdefrag *d, int begin, void *context);

/* A driver for them that works down to 1 %, and gives memory back in 50 ms. */
zdefrag *blocks_driver(struct blocks *blocks);
/* The same, with another scan of them. */
zdefrag *blocks_driver_by(zdefrag_scan_function *scan, struct blocks *blocks);

struct zdefrag_stats stats_of(const zdefrag *d);

/* To the middle of a cycle: blocks move, and regions are held. */
void step_until_held(zdefrag *d);

/* Free bytes in slabs, what a cycle holds included. */
size_t frag_bytes(void);

/* What the allocator has given out that nobody is charged for. */
size_t uncharged_bytes(void);

/* Free bytes in slabs as a driver sees them: the calling thread's, where others cannot be seen. */
size_t slab_frag_bytes(void);

/*
 * Does a cycle count, plan and pin slabs here? Else blocks are judged one by one, which is
 * test_defrag_average's matter.
 */
bool slabs_are_planned(void);

/*
 * End the program as skipped where nothing can be defragmented, or not in that way. To be called in
 * main() only.
 */
void need_defrag(void);
void need_planning(void);

#endif
