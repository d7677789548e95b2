/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/litmus.c - the machine itself: what C11 forbids does not happen in it, and what C11 allows
 * and processors do, does.
 */
#include "tests/model/model.h"

#include "tests/model/models.h"

static ZM_ATOMIC(int) x, y;
static int seen[2];

static void reset(void)
{
	x = y = 0;
	seen[0] = seen[1] = 0;
}

/* ---- A message, and a change by another thread on its way ---- */

static void send_message(void)
{
	zm_store(&x, 1);
	zm_store_release(&y, 1);
}

/* It carries on what the release carries, although it is none itself. */
static void change_message(void)
{
	uint64_t expected = 1;

	model_compare_exchange(MODEL_AT(&y, MODEL_RELAXED), &expected, 2);
}

static void receive_message(void)
{
	if (zm_load_acquire(&y) == 2)
		model_require(zm_load(&x) == 1);
}

const struct model model_of_message = {
	.name = "litmus: release, a change, acquire",
	.reset = reset,
	.thread = {send_message, change_message, receive_message},
};

/* ---- A word is never read as it was before it was last read ---- */

static void count(void)
{
	zm_store(&x, 1);
	zm_store(&x, 2);
}

static void read_twice(void)
{
	int first = zm_load(&x), second = zm_load(&x);

	model_require(second >= first);
	if (model_broken("a store taken to be seen by all at once"))
		model_require(second == x);
}

const struct model model_of_coherence = {
	.name = "litmus: one word",
	.reset = reset,
	.thread = {count, read_twice},
};

/* ---- Two threads that each store, and then miss what the other stored ---- */

static void store_x_load_y(void)
{
	model_store(MODEL_AT(&x, MODEL_IN_ORDER), 1);
	seen[0] = (int)model_load(MODEL_AT(&y, MODEL_IN_ORDER));
}

static void store_y_load_x(void)
{
	model_store(MODEL_AT(&y, MODEL_IN_ORDER), 1);
	seen[1] = (int)model_load(MODEL_AT(&x, MODEL_IN_ORDER));
}

static void one_saw(void)
{
	if (model_broken("release and acquire taken for one order of all accesses"))
		model_require(seen[0] == 1 || seen[1] == 1);
}

const struct model model_of_store_buffers = {
	.name = "litmus: store buffers",
	.reset = reset,
	.thread = {store_x_load_y, store_y_load_x},
	.at_end = one_saw,
};
