/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/take.h - the heap profile of a process, as it was at one moment, and what became of it since.
 */
#ifndef ZM_TOOL_TAKE_H
#define ZM_TOOL_TAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmalloc/process.h>

struct stack {
	struct zmalloc_profile_stack now; /* its frames are malloc()ed */
	/* In the earlier profile; 0 where there is none, or it has no such stack. */
	uint64_t before_bytes, before_blocks;
};

struct taken {
	struct zmalloc_profile_info info;
	struct stack *stack;
	size_t count, room;
};

/* 0, or an errno value as of <zmalloc/process.h>. Begins as zeros; taken_free() ends it either way. */
int take_profile(int64_t pid, unsigned timeout_ms, struct taken *taken);
void taken_free(struct taken *taken);

/*
 * Have each stack know what it was before. A stack that is no more is added, with nothing in it now. 0, ENOMEM, or
 * EAGAIN: they are not of the same profile, so nothing can be told.
 */
int taken_compare(struct taken *now, struct taken *before);

/* By how much it has grown. */
int64_t stack_growth(const struct stack *stack);

#endif
