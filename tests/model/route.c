/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/route.c - a process's first arenas (zm_account_route() in lib/account/free.c), a transcript:
 * every thread frees another way before the first block of an arena can reach it.
 */
#include "tests/model/model.h"

#include "tests/model/models.h"

static struct model_lock lock;
static ZM_ATOMIC(bool) routed;
static ZM_ATOMIC(int) way;         /* how the third thread frees; 1: it looks for arenas */
static ZM_ATOMIC(int) handed_over; /* a block of the second maker's arena */

static void reset(void)
{
	lock.taken = 0;
	routed = false;
	way = handed_over = 0;
}

static void route(void)
{
	if (model_broken("going on while another maker tells the threads") && zm_load(&routed))
		return;
	model_lock(&lock);
	if (!zm_load(&routed)) {
		zm_store(&routed, true);
		zm_store(&way, 1);
	}
	model_unlock(&lock);
}

static void make_second_arena(void)
{
	route();
	model_store(MODEL_AT(&handed_over, MODEL_IN_ORDER), 1);
}

static void free_its_block(void)
{
	if (model_load(MODEL_AT(&handed_over, MODEL_IN_ORDER)) != 0)
		model_require(zm_load(&way) == 1);
}

const struct model model_of_route = {
	.name = "the first two arenas",
	.reset = reset,
	.thread = {route, make_second_arena, free_its_block},
};
