/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/stack_chain.c - a chain of calls; CHAIN is what its beginning is called.
 */
#include "config.h"

#include "tests/stack_chain.h"

static unsigned plain(struct chain *chain, unsigned left);
static unsigned sized(struct chain *chain, unsigned left);
static unsigned aligned(struct chain *chain, unsigned left);

static void go_on(struct chain *chain, unsigned left, uintptr_t returns)
	__attribute__((__always_inline__));
static inline void go_on(struct chain *chain, unsigned left, uintptr_t returns)
{
	chain->returns[left] = returns;
	if (left == 0)
		chain->at_end(chain);
	else if (left % 3 == 0)
		plain(chain, left - 1);
	else if (left % 3 == 1)
		sized(chain, left - 1);
	else
		aligned(chain, left - 1);
	AND_RETURN;
}

__attribute__((__noinline__)) static unsigned plain(struct chain *chain, unsigned left)
{
	go_on(chain, left, RETURN_ADDRESS);
	return left;
}

__attribute__((__noinline__)) static unsigned sized(struct chain *chain, unsigned left)
{
	volatile char *room = __builtin_alloca(left % 7 * 40 + 7);

	room[left % 7] = 1;
	go_on(chain, left, RETURN_ADDRESS);
	return left + (unsigned)room[left % 7];
}

__attribute__((__noinline__)) static unsigned aligned(struct chain *chain, unsigned left)
{
	_Alignas(64) volatile char room[64];

	room[left % 64] = 1;
	go_on(chain, left, RETURN_ADDRESS);
	return left + (unsigned)room[left % 64];
}

__attribute__((__noinline__)) unsigned CHAIN(struct chain *chain, unsigned levels)
{
	chain->levels = levels;
	go_on(chain, levels - 1, RETURN_ADDRESS);
	return levels;
}
