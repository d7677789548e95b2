/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/granules.c - the ranges of addresses that jemalloc may be asked about
 * (lib/allocator/jemalloc_granules.h), as they are. jemalloc's tree is one leaf, read without an order.
 */
#include "tests/model/model.h"

#include "tests/model/models.h"

#include "lib/allocator/jemalloc_granules.c"

#define GRANULE ((size_t)5)
#define ADDRESS ((void *)(GRANULE << ZM_GRANULE_SHIFT))

static ZM_ATOMIC(int) leaf;
static struct model_lock lock;

static void reset(void)
{
	lock.taken = 0;
	leaf = 0;
	zm_granules.marked[GRANULE] = 0;
	zm_granules.count = 0;
	zm_granules.listed[0] = zm_granules.listed[1] = 0;
}

/* Two threads get a block each, under jemalloc's lock; the first makes the leaf. */
static void get_block(void)
{
	model_lock(&lock);
	if (zm_load(&leaf) == 0)
		zm_store(&leaf, 1);
	model_unlock(&lock);
	zm_granule_note(ADDRESS);
}

static void ask(void)
{
	if (zm_granule_known(ADDRESS))
		model_require(zm_load(&leaf) == 1);
	if (zm_granules_count() == 0)
		return;
	model_require(zm_granules_count() == 1);
	if (zm_granule_listed(0) == GRANULE)
		model_require(zm_load(&leaf) == 1);
	else
		model_require(zm_granule_listed(0) == 0 || zm_granule_listed(0) == GRANULE);
}

const struct model model_of_granules = {
	.name = "granules of jemalloc",
	.reset = reset,
	.thread = {get_block, ask, get_block},
};
