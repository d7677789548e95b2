/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_records.c - the calling thread's stack by frame pointers alone, for processors whose
 * unwind tables are not read here.
 *
 * Whoever compiled without frame pointers has a number there that means something else. It is followed
 * only upwards within the stack, and only to what may be code.
 */
#include "config.h"

#include "profile/stack.h"

#include "base/compiler.h"
#include "profile/stack_code.h"
#include "profile/stack_machine.h"
#include "profile/stack_reach.h"

#include <stddef.h>

#if ZM_FRAME_RECORD
static bool word_at(struct zm_stack_reach *reach, uintptr_t record, int words, uintptr_t *word)
{
	return zm_stack_word(reach, record + (uintptr_t)(intptr_t)words * sizeof(*word), word);
}

/* From a record to the next, and where the function of the first one returns to. */
static bool step(struct zm_stack_reach *reach, uintptr_t *record, uintptr_t *pc)
{
	uintptr_t next;

	if (!word_at(reach, *record, ZM_FRAME_NEXT, &next) ||
	    (ZM_FRAME_RA_IN_NEXT && next <= *record) ||
	    !word_at(reach, ZM_FRAME_RA_IN_NEXT ? next : *record, ZM_FRAME_RA, pc))
		return false;
	/* A 0, or less than this one, ends the chain after this address. */
	*record = next > *record ? next : 0;
	return zm_stack_is_code(*pc);
}

static unsigned follow(uintptr_t record, uintptr_t *frames, unsigned max, unsigned skip)
{
	struct zm_stack_reach reach;
	unsigned found = 0, passed = 0;
	uintptr_t pc;

	/* The record is above this frame, and so are the words before it. */
	zm_stack_reach_begin(&reach, (uintptr_t)&reach);
	while (found < max && record != 0 && step(&reach, &record, &pc)) {
		if (passed++ >= skip)
			frames[found++] = pc;
	}
	zm_stack_reach_end(&reach);
	return found;
}
#else
static unsigned follow(uintptr_t record, uintptr_t *frames, unsigned max, unsigned skip)
{
	(void)record, (void)frames, (void)max, (void)skip;
	return 0;
}
#endif

__attribute__((__noinline__)) unsigned zm_stack_take(uintptr_t *frames, unsigned max, unsigned skip)
{
	unsigned found = follow((uintptr_t)__builtin_frame_address(0), frames, max, skip);

	/* The caller is known in any case. */
	if (found == 0 && skip == 0 && max > 0)
		frames[found++] = (uintptr_t)__builtin_return_address(0);
	return found;
}
