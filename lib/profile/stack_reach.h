/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_reach.h - words of a stack, read where that cannot fault.
 */
#ifndef ZM_PROFILE_STACK_REACH_H
#define ZM_PROFILE_STACK_REACH_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

#if defined(__GNUC__)
#define ZM_UNCHECKED __attribute__((__no_sanitize_address__, __no_sanitize_thread__))
#else
#define ZM_UNCHECKED
#endif

/*
 * Pages of a stack that the kernel said can be read: [low, high). A stack keeps its pages for as long as
 * its thread runs on it, so that what was asked once needs no asking again; each thread keeps the range
 * of the stack that it was last seen on. Who unmaps a stack that a thread has left, maps another
 * over a part of it, and overwrites that one's frames too, could have pages read that are gone.
 */
struct zm_stack_reach {
	uintptr_t low, high;
	bool changed; /* since it was taken from the thread */
};

/* The range that sp is in; an empty one where nothing can be read. */
void zm_stack_reach_begin(struct zm_stack_reach *reach, uintptr_t sp);

/* sp has moved to another stack. */
void zm_stack_reach_move(struct zm_stack_reach *reach, uintptr_t sp);

/* The thread is to keep it. */
void zm_stack_reach_end(const struct zm_stack_reach *reach);

/* Have it contain the word as well, if the kernel says that all up to there can be read. */
bool zm_stack_reach_grow(struct zm_stack_reach *reach, uintptr_t at);

/* The word at an address; false if that is no word of the stack. */
ZM_UNCHECKED static inline bool zm_stack_word(struct zm_stack_reach *reach, uintptr_t at,
					      uintptr_t *word)
{
	if (at % sizeof(*word) != 0)
		return false;
	if (zm_unlikely(at < reach->low || at >= reach->high) && !zm_stack_reach_grow(reach, at))
		return false;
	*word = *(const uintptr_t *)at;
	return true;
}

#endif
