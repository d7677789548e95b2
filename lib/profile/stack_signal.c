/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_signal.c - frames that a signal interrupted, where the unwind table does not lead to
 * them: Linux on aarch64. Its table of the code that ends a handler leads to the interrupted function's
 * caller, and not from one stack to another.
 */
#include "config.h"

#include "profile/stack_row.h"

#include "profile/stack_code.h"

#if defined(__aarch64__)

/* mov x8, #139 (rt_sigreturn); svc #0 */
#define FIRST UINT32_C(0xd2801168)
#define SECOND UINT32_C(0xd4000001)

/* Of struct rt_sigframe: siginfo 128, ucontext before its registers 176, the address of a fault 8. */
#define REGISTERS (128 + 176 + 8)
#define REGISTER(number) (REGISTERS + (number)*8)

ZM_UNCHECKED bool zm_stack_is_signal(uintptr_t at)
{
	const uint32_t *code = (const uint32_t *)(at + 1);

	return at % sizeof(*code) == sizeof(*code) - 1 && zm_stack_is_code(at + 1) &&
	       zm_stack_is_code(at + 2 * sizeof(*code)) && code[0] == FIRST && code[1] == SECOND;
}

bool zm_stack_step_signal(struct zm_stack_frame *frame, struct zm_stack_reach *reach)
{
	struct zm_stack_frame caller = {.exact = true};
	uintptr_t sp = frame->sp;

	if (!zm_stack_word(reach, sp + REGISTER(29), &caller.fp) ||
	    !zm_stack_word(reach, sp + REGISTER(30), &caller.ra) ||
	    !zm_stack_word(reach, sp + REGISTER(31), &caller.sp) ||
	    !zm_stack_word(reach, sp + REGISTER(32), &caller.pc))
		return false;
	zm_stack_reach_move(reach, caller.sp);
	*frame = caller;
	return true;
}

#else

bool zm_stack_is_signal(uintptr_t at)
{
	(void)at;
	return false;
}

bool zm_stack_step_signal(struct zm_stack_frame *frame, struct zm_stack_reach *reach)
{
	(void)frame, (void)reach;
	return false;
}

#endif
