/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_row.h - how to come from a frame to that of its caller, by where its code is.
 */
#ifndef ZM_PROFILE_STACK_ROW_H
#define ZM_PROFILE_STACK_ROW_H

#include "profile/stack_machine.h"
#include "profile/stack_reach.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The CFA, "canonical frame address", is what the stack pointer was before the call; all that a function
 * saved is found from there.
 */
enum zm_stack_rule {
	ZM_STACK_VOID,  /* no code at all: the address is a stray one */
	ZM_STACK_NONE,  /* code without a table: the frame pointer may lead on */
	ZM_STACK_END,   /* nobody called this, says its table */
	ZM_STACK_BY_SP, /* CFA = sp + cfa */
	ZM_STACK_BY_FP, /* CFA = fp + cfa */
	ZM_STACK_BY_SAVED, /* CFA = the word at fp + cfa; the caller's fp is at fp + fp, not from the CFA */
	ZM_STACK_SLOW,  /* more than that: zm_stack_step_slow() reads the table each time */
	ZM_STACK_SIGNAL /* a signal handler returns there: zm_stack_step_signal() */
};

/* The register still has what the caller had in it. */
#define ZM_STACK_SAME INT32_MIN

/* Bytes from the CFA to where the caller's value is. */
struct zm_stack_row {
	enum zm_stack_rule rule;
	int32_t cfa, ra, fp;
};

/* From the tables of the object that it is in. */
void zm_stack_row_read(uintptr_t pc, struct zm_stack_row *row);

/*
 * The frame of the caller where a row cannot say it: that of a signal handler, above all. False if it
 * cannot be told.
 */
bool zm_stack_step_slow(struct zm_stack_frame *frame, struct zm_stack_reach *reach);

/*
 * The code to which the kernel has a signal handler return, where its table, if any, does not say that it
 * is that; and the frame that the signal interrupted, from what the kernel put onto the handler's stack.
 * at: as of zm_stack_row_read(), one less than where the handler returns to.
 */
bool zm_stack_is_signal(uintptr_t at);
bool zm_stack_step_signal(struct zm_stack_frame *frame, struct zm_stack_reach *reach);

#endif
