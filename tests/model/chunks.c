/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/chunks.c - records in chunks that are never freed (lib/account/account.c, lib/account/sum.c), a
 * transcript: whoever sums walks them without a lock while a thread joins.
 */
#include "tests/model/model.h"

#include "tests/model/models.h"

#define GARBAGE 0xa5

struct chunk {
	ZM_ATOMIC(struct chunk *) next;
	ZM_ATOMIC(size_t) used;
	ZM_ATOMIC(ptrdiff_t) net;
};
static struct chunk first, second;
static ZM_ATOMIC(int) told; /* by the program, that the block is there */

static void reset(void)
{
	first = (struct chunk){NULL, 1, 8};
	second = (struct chunk){NULL, 0, 0};
	told = 0;
}

/* Under the account's lock, which is not taken here, as nobody else does. */
static void join_and_allocate(void)
{
	model_fresh(&second.next, sizeof(second.next), GARBAGE);
	model_fresh(&second.used, sizeof(second.used), 1);
	model_fresh(&second.net, sizeof(second.net), GARBAGE);
	zm_store_release(&first.next, &second);
	zm_store(&second.used, 1);
	zm_store(&second.net, 16);
	model_store(MODEL_AT(&told, MODEL_IN_ORDER), 1);
}

static ptrdiff_t sum(void)
{
	ptrdiff_t bytes = 0;

	for (const struct chunk *chunk = &first; chunk != NULL;
	     chunk = zm_load_acquire(&chunk->next))
		if (zm_load(&chunk->used) != 0)
			bytes += zm_load(&chunk->net);
	return bytes;
}

static void sum_meanwhile(void)
{
	ptrdiff_t bytes = sum();

	model_require(bytes == 8 || bytes == 24);
}

/* Who knows of the block sees it in the sum, though neither the count nor the figure has an order. */
static void sum_when_told(void)
{
	if (model_load(MODEL_AT(&told, MODEL_IN_ORDER)) != 0)
		model_require(sum() == 24);
}

const struct model model_of_chunks = {
	.name = "chunks of records",
	.reset = reset,
	.thread = {join_and_allocate, sum_meanwhile, sum_when_told},
};
