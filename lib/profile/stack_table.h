/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_table.h - what the unwind table of an object says of one instruction in it.
 *
 * The table (.eh_frame, found by .eh_frame_hdr) is memory of an object that the loader knows, and is
 * trusted as its code is. Nothing else is: what it says of a stack is held against that stack.
 */
#ifndef ZM_PROFILE_STACK_TABLE_H
#define ZM_PROFILE_STACK_TABLE_H

#include "profile/stack_bytes.h"

/* The entry of a function: an FDE and its CIE. */
struct zm_stack_entry {
	uintptr_t pc_begin;
	uint64_t code_align;
	int64_t data_align;
	bool of_signal;                /* its caller was interrupted and called nothing */
	struct zm_bytes common, moves; /* instructions for all functions, and for this one */
};

enum zm_stack_found {
	ZM_STACK_FOUND,
	ZM_STACK_NO_ENTRY,
	ZM_STACK_NO_OBJECT
};
enum zm_stack_found zm_stack_entry_find(uintptr_t pc, struct zm_stack_entry *entry);

/* Where the caller's value of a register is. */
enum zm_stack_how {
	ZM_HOW_UNSAID,
	ZM_HOW_SAME,
	ZM_HOW_UNDEFINED,
	ZM_HOW_AT,     /* in memory, so many bytes from the CFA */
	ZM_HOW_IS,     /* it is the CFA and so many bytes */
	ZM_HOW_AT_SUM, /* in memory, where an expression says */
	ZM_HOW_IS_SUM, /* it is what an expression says */
	ZM_HOW_OTHER   /* in a register that is not followed here */
};
struct zm_stack_where {
	enum zm_stack_how how;
	int64_t offset;
	struct zm_bytes sum;
};

/* What holds at one instruction. */
struct zm_stack_rules {
	struct zm_stack_where cfa; /* ZM_HOW_IS: offset from the register; or ZM_HOW_IS_SUM */
	uint64_t cfa_register;
	struct zm_stack_where fp, pc;
};

/* Runs the entry's instructions up to pc. */
bool zm_stack_rules_at(const struct zm_stack_entry *entry, uintptr_t pc,
		       struct zm_stack_rules *rules);

#endif
