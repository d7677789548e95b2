/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/gate.c - the gate of a defragmentation cycle (lib/defrag/hook.c, lib/defrag/cycle.c), a
 * transcript: hooks come and go without a lock, and none is inside when the cycle's records are taken
 * away.
 */
#include "tests/model/model.h"

#include "tests/model/models.h"

#define OPEN 0x80000000u

static ZM_ATOMIC(uint32_t) gate;
static int record; /* what hooks use, and the stepping thread before and after */

static void reset(void)
{
	gate = 0;
	record = 0;
}

/* It waits until nobody is inside; here one look stands for that. */
static void run_cycle(void)
{
	uint64_t before;

	model_set(&record, 7);
	zm_store_release(&gate, OPEN);
	before = zm_load(&gate);
	/* Whatever its order: the look behind it is what orders. */
	while (!model_compare_exchange(MODEL_AT(&gate, MODEL_RELAXED), &before, before & ~OPEN))
		;
	if (zm_load_acquire(&gate) != 0 && !model_broken("not waiting for hooks inside"))
		return;
	model_set(&record, 0);
}

static void hook(void)
{
	uint32_t before = zm_load(&gate);

	do
		if (!(before & OPEN))
			return;
	while (!zm_compare_exchange(&gate, &before, before + 1));
	model_require(model_get(&record) == 7);
	before = zm_load(&gate);
	while (!zm_compare_exchange(&gate, &before, before - 1))
		;
}

const struct model model_of_gate = {
	.name = "gate of a cycle",
	.reset = reset,
	.thread = {run_cycle, hook},
};
