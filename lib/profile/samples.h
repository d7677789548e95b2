/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/samples.h - what was sampled: stacks with their sums, and the blocks that are in use.
 *
 * All is in one mapping of fixed size, of which the system gives what is touched. Whatever has no room
 * there is counted as lost. A stack once seen keeps its number until the next start or reset; a sample
 * lives from its block's allocation to its end.
 *
 * Figures are sums of what each sample stands for: 1/p blocks and bytes/p bytes, where p is the
 * probability with which a block of its size is sampled at that mean. What is taken off at the block's end
 * is computed from its size once more, so it is the same number.
 */
#ifndef ZM_SAMPLES_H
#define ZM_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmalloc/profile.h>

/*
 * How many there may be: stacks that differ, their frames together, and blocks in use, of which a heap of
 * 128 GiB has as many at the default mean.
 */
enum {
	ZM_SAMPLES_STACKS = 1 << 15,
	ZM_SAMPLES_FRAMES = 1 << 20,
	ZM_SAMPLES_LIVE = 1 << 18
};

struct zm_samples_state {
	uint64_t mean_bytes;
	bool is_on;
	uint64_t started_ns;    /* by the clock of the day */
	uint64_t duration_ns;   /* so far, or until it was ended */
	uint64_t samples, lost; /* since the start */
	uint32_t stacks;        /* that differ */
	uint32_t generation;    /* of starts and resets: numbers of stacks are of one */
	size_t memory_bytes;    /* that the mapping takes at most */
};

/* Each takes the lock, and none allocates. Errors are errno values. */

/* EALREADY, ENOMEM. */
int zm_samples_begin(size_t mean_bytes);
/* False: it was not on. */
bool zm_samples_end(void);
/* ENODATA */
int zm_samples_reset(void);

/* Returns false where there was never a profile. */
bool zm_samples_get_state(struct zm_samples_state *state);

/* 0: it is off. Any thread, without the lock. */
uint64_t zm_samples_mean_bytes(void);

/* A block was sampled. An address that is there already is that of a block whose end nobody saw. */
void zm_samples_add(void *ptr, size_t bytes, const void *arena, const uintptr_t *frames,
		    unsigned depth);
/* It is elsewhere; to NULL: it has ended. Of an address that is none of a sample nothing is done. */
void zm_samples_move(void *from, void *to);
void zm_samples_end_arena(const void *arena);

/*
 * Copy stack `number` of a generation; frames: room for ZMALLOC_PROFILE_DEPTH_MAX. False: there is none.
 */
bool zm_samples_copy(uint32_t generation, uint32_t number, struct zmalloc_profile_stack *stack,
		     uintptr_t *frames);

#endif
