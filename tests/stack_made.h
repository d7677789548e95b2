/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/stack_made.h - code that nobody has a table for, as a compiler at run time makes it.
 */
#ifndef ZM_TESTS_STACK_MADE_H
#define ZM_TESTS_STACK_MADE_H

#include <stdbool.h>
#include <stddef.h>

struct made {
	/* Calls `call` with `argument`: one with a frame pointer, and one that has none and uses it. */
	void (*with_pointer)(void *argument, void (*call)(void *));
	void (*without_pointer)(void *argument, void (*call)(void *));
	void *page;
	size_t page_bytes;
};

/* False where it is known of no such code, or nothing may be made. */
bool make_code(struct made *made);
void unmake_code(struct made *made);

#endif
