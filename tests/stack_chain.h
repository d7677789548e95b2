/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/stack_chain.h - a chain of calls that says itself where its functions return to.
 *
 * The functions are compiled twice: with frame pointers and without. They take turns: one is plain, one
 * has a frame of a size that is known at run time only, and one aligns its stack.
 */
#ifndef ZM_TESTS_STACK_CHAIN_H
#define ZM_TESTS_STACK_CHAIN_H

#include <stdint.h>

#define CHAIN_MOST 200

struct chain {
	void (*at_end)(struct chain *chain);
	void *argument;
	uintptr_t
		returns[CHAIN_MOST]; /* innermost first, from where the last function returns to */
	unsigned levels;
};

/* That many functions call each other, and the last one calls at_end. */
unsigned chain_with_pointers(struct chain *chain, unsigned levels);
unsigned chain_without_pointers(struct chain *chain, unsigned levels);

/* No compiler may make a jump of the call before it. */
#define AND_RETURN __asm__ volatile("" ::: "memory")

#define RETURN_ADDRESS ((uintptr_t)__builtin_extract_return_addr(__builtin_return_address(0)))

#endif
