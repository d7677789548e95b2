/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/borrowed.c - the allocator's own two counters of a thread, read by another
 * (zm_counter_borrowed_bytes() in lib/account/state.h), a transcript.
 *
 * The owner's stores are the allocator's, plain ones. The model lets them be seen in their order, as
 * on x86: for a processor that does not promise it nothing on the reader's side helps, and the figure
 * may be too low by a block for a moment.
 */
#include "tests/model/model.h"

#include "tests/model/models.h"

static ZM_ATOMIC(uint64_t) allocated, freed;

static void reset(void)
{
	allocated = 64;
	freed = 0;
}

/* One block lives on; another comes and goes, twice. */
static void swap_blocks(void)
{
	for (uint64_t i = 1; i <= 2; i++) {
		model_store(MODEL_AT(&allocated, MODEL_IN_ORDER), 64 + i * 16);
		model_store(MODEL_AT(&freed, MODEL_IN_ORDER), i * 16);
	}
}

/* Whatever the owner does between the two loads, the figure is not under the least that it held. */
static void read_them(void)
{
	uint64_t seen_allocated, seen_freed;

	if (model_broken("allocated read before freed")) {
		seen_allocated = zm_load_acquire(&allocated);
		seen_freed = zm_load(&freed);
	} else {
		seen_freed = zm_load_acquire(&freed);
		seen_allocated = zm_load(&allocated);
	}
	model_require((int64_t)(seen_allocated - seen_freed) >= 64);
}

const struct model model_of_borrowed = {
	.name = "borrowed counters",
	.reset = reset,
	.thread = {swap_blocks, read_them},
};
