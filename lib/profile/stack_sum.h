/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_sum.h - expressions of unwind tables: small programs on a stack of numbers.
 */
#ifndef ZM_PROFILE_STACK_SUM_H
#define ZM_PROFILE_STACK_SUM_H

#include "profile/stack_bytes.h"
#include "profile/stack_machine.h"
#include "profile/stack_reach.h"

/*
 * The result of one, by the registers of a frame and the words of its stack. False if it needs what is
 * not known here.
 * cfa: what it begins with; NULL where there is none yet.
 */
bool zm_stack_sum(struct zm_bytes sum, const struct zm_stack_frame *frame,
		  struct zm_stack_reach *reach, const uintptr_t *cfa, uintptr_t *result);

#endif
