/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/question.c - a block that a borrowing thread asks a client about and gives back, looked at by
 * another thread (zm_counter_kept_bytes() in lib/account/state.h), a transcript: as soon as it is not
 * asked about any more, it is gone from the figure.
 *
 * The allocator's counter is stored plainly, before the thread says that it has given the block back.
 */
#include "tests/model/model.h"

#include "tests/model/models.h"

#define ALLOCATED 164 /* 64 bytes that the thread keeps, and a block of 100 */
#define ASKED 100

static ZM_ATOMIC(uint64_t) freed, asked;

static void reset(void)
{
	freed = 0;
	asked = ASKED;
}

static void give_back(void)
{
	zm_store(&freed, ASKED);
	zm_store_release(&asked, 0);
}

static void look(void)
{
	uint64_t before = 0, seen_freed, after;

	if (!model_broken("asking after the look alone"))
		before = zm_load_acquire(&asked);
	seen_freed = zm_load(&freed);
	after = zm_load(&asked);
	model_require((int64_t)(ALLOCATED - seen_freed - (before > after ? before : after)) <= 64);
}

const struct model model_of_question = {
	.name = "a block that is asked about",
	.reset = reset,
	.thread = {give_back, look},
};
