/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/arenas.c - whose arena is a block's granule (lib/allocator/jemalloc_arena.c), a transcript.
 *
 * Every free of the process asks, and most are of blocks of no arena. The leaf needs an order. The
 * mark of a granule and the arena's record need none of their own: whoever frees an arena's block was
 * handed it, by an order of the program's, after both were written.
 */
#include "tests/model/model.h"

#include "tests/model/models.h"

#define GARBAGE 0xa5a5

typedef ZM_ATOMIC(uint16_t) granule;

static ZM_ATOMIC(granule *) leaf_at;
static granule leaf[2]; /* of the arena's block; of a plain one */
static int record;
static ZM_ATOMIC(int *) arena;
static ZM_ATOMIC(int) handed_over;

static void reset(void)
{
	leaf_at = NULL;
	leaf[0] = leaf[1] = 0;
	record = 0;
	arena = NULL;
	handed_over = 0;
}

static int *arena_of(int number)
{
	granule *at = zm_load_acquire(&leaf_at);

	if (at == NULL)
		return NULL;
	return zm_load(&at[number]) != 0 ? zm_load(&arena) : NULL;
}

static void make_arena(void)
{
	granule *expected = NULL;

	for (int i = 0; i < 2; i++)
		model_fresh(&leaf[i], sizeof(leaf[i]), GARBAGE);
	model_require(zm_compare_exchange(&leaf_at, &expected, leaf));
	zm_store(&leaf[0], 1);
	model_set(&record, 7);
	zm_store(&arena, &record);
	model_store(MODEL_AT(&handed_over, MODEL_IN_ORDER), 1);
}

static void free_of_arena(void)
{
	int *found;

	if (model_load(MODEL_AT(&handed_over, MODEL_IN_ORDER)) == 0)
		return;
	found = arena_of(0);
	model_require(found != NULL);
	model_require(model_get(found) == 7);
}

static void free_plain(void)
{
	model_require(arena_of(1) == NULL);
}

const struct model model_of_arenas = {
	.name = "arena of a granule",
	.reset = reset,
	.thread = {make_arena, free_of_arena, free_plain},
};
