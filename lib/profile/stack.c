/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack.c - the calling thread's stack, by unwind tables and by frame pointers.
 *
 * What is read of the stack is held against what the kernel said can be read, and each frame begins
 * above the one it called: whatever the stack holds, the walk ends, and faults nowhere. Frames are
 * passed by value, which keeps them in registers.
 */
#include "config.h"

#include "profile/stack.h"

#include "base/compiler.h"
#include "profile/stack_reach.h"
#include "profile/stack_rows.h"

/* The caller, where code has no table: its frame pointer leads to a record in the stack above. */
ZM_COLD static bool step_by_record(struct zm_stack_frame *frame, struct zm_stack_reach *reach)
{
	uintptr_t record = frame->fp, next, pc;

	if (record < frame->sp || !zm_stack_word(reach, record, &next) ||
	    !zm_stack_word(reach, record + ZM_FRAME_RA * sizeof(pc), &pc))
		return false;
	frame->pc = zm_stack_address(pc);
	frame->fp = next;
	frame->sp = record + 2 * sizeof(next);
	frame->exact = false;
	frame->ra = 0;
	return true;
}

/* The value that was saved so many words from an address, or the one that is there still. */
static inline bool saved(struct zm_stack_reach *reach, uintptr_t from, int16_t words, uintptr_t now,
			 uintptr_t *value)
{
	*value = now;
	return words == ZM_STACK_PACKED_SAME ||
	       zm_stack_word(reach, from + (uintptr_t)((intptr_t)words * 8), value);
}

/* Returns a pc of 0 if it cannot be told. */
static inline struct zm_stack_frame step_by_row(struct zm_stack_frame frame, uint64_t row,
						struct zm_stack_reach *reach)
{
	enum zm_stack_rule rule = zm_stack_rule_of(row);
	struct zm_stack_frame caller = {.pc = 0}, none = {.pc = 0};
	uintptr_t cfa, pc, fp, fp_from;

	cfa = (rule == ZM_STACK_BY_SP ? frame.sp : frame.fp) + zm_stack_cfa_of(row);
	fp_from = cfa;
	if (rule == ZM_STACK_BY_SAVED) {
		if (!zm_stack_word(reach, cfa, &cfa))
			return none;
		fp_from = frame.fp;
	}
	/* A callee that has no frame yet, interrupted or innermost, is where its caller is. */
	if (cfa < frame.sp + !frame.exact ||
	    !saved(reach, cfa, zm_stack_ra_of(row), frame.ra, &pc) ||
	    !saved(reach, fp_from, zm_stack_fp_of(row), frame.fp, &fp))
		return none;
	caller.pc = zm_stack_address(pc);
	caller.sp = cfa;
	caller.fp = fp;
	return caller;
}

static inline struct zm_stack_frame step(struct zm_stack_frame frame, uint64_t row,
					 struct zm_stack_reach *reach)
{
	enum zm_stack_rule rule = zm_stack_rule_of(row);
	struct zm_stack_frame caller;
	bool told = false;

	if (zm_likely(rule >= ZM_STACK_BY_SP && rule <= ZM_STACK_BY_SAVED))
		return step_by_row(frame, row, reach);
	caller = frame;
	if (rule == ZM_STACK_NONE)
		told = step_by_record(&caller, reach);
	else if (rule == ZM_STACK_SLOW)
		told = zm_stack_step_slow(&caller, reach);
	else if (rule == ZM_STACK_SIGNAL)
		told = zm_stack_step_signal(&caller, reach);
	if (!told)
		caller.pc = 0;
	return caller;
}

/* From a frame on, which is not among them. passed: of all that could be told, those skipped too. */
static inline unsigned walk(struct zm_stack_frame frame, struct zm_stack_reach *reach,
			    uintptr_t *frames, unsigned max, unsigned skip, unsigned *passed)
{
	uint64_t row = zm_stack_row(frame.pc - !frame.exact);
	unsigned found = 0;

	while (found < max) {
		frame = step(frame, row, reach);
		if (frame.pc == 0)
			break;
		row = zm_stack_row(frame.pc - !frame.exact);
		if (zm_stack_rule_of(row) == ZM_STACK_VOID)
			break;
		if ((*passed)++ >= skip)
			frames[found++] = frame.pc;
	}
	return found;
}

__attribute__((__noinline__)) unsigned zm_stack_take(uintptr_t *frames, unsigned max, unsigned skip)
{
	struct zm_stack_reach reach;
	struct zm_stack_frame frame;
	unsigned found, passed = 0;

	/* Where this library has no tables itself, it has a frame pointer here. */
	frame.fp = (uintptr_t)__builtin_frame_address(0);
	ZM_STACK_HERE(&frame);
	zm_stack_rows_age();
	zm_stack_reach_begin(&reach, frame.sp);
	found = walk(frame, &reach, frames, max, skip, &passed);
	zm_stack_reach_end(&reach);
	/* The caller is known in any case. */
	if (passed == 0 && skip == 0 && max > 0)
		frames[found++] = zm_stack_address((uintptr_t)__builtin_return_address(0));
	return found;
}

#if ZM_STACK_TAKES_FROM

unsigned zm_stack_take_from(uintptr_t *frames, unsigned max, uintptr_t record, uintptr_t caller)
{
	struct zm_stack_reach reach;
	struct zm_stack_frame frame = {.sp = record + ZM_STACK_RECORD_WORDS * sizeof(record)};
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	unsigned found = 0, passed = 0;

	zm_stack_reach_begin(&reach, here);
	if (record >= here && max > 0 && zm_stack_word(&reach, record, &frame.fp) &&
	    zm_stack_word(&reach, record + ZM_FRAME_RA * sizeof(caller), &frame.pc) &&
	    frame.pc == caller) {
		zm_stack_rows_age();
		frames[0] = frame.pc;
		found = 1 + walk(frame, &reach, frames + 1, max - 1, 0, &passed);
	}
	zm_stack_reach_end(&reach);
	return found;
}

#endif
