/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_row.c - the rules of a frame, as a row, and where a row has no room for them.
 */
#include "config.h"

#include "profile/stack_row.h"

#include "profile/stack_code.h"
#include "profile/stack_sum.h"
#include "profile/stack_table.h"

/* An expression that is one register and a number, and with `then` what follows. */
static bool is_fp_and(struct zm_bytes sum, const void *then, size_t then_size, int64_t *offset)
{
	/* DW_OP_breg */
	if (zm_bytes_number(&sum, 1) != 0x70 + ZM_REGISTER_FP)
		return false;
	*offset = zm_bytes_sleb(&sum);
	return !sum.bad && zm_bytes_left(&sum) == then_size &&
	       (then_size == 0 || memcmp(sum.at, then, then_size) == 0);
}

static bool small(int64_t offset, int32_t *out)
{
	*out = (int32_t)offset;
	return *out == offset && *out != ZM_STACK_SAME;
}

static bool plain_saved(const struct zm_stack_where *where, int32_t *offset)
{
	if (where->how == ZM_HOW_AT)
		return small(where->offset, offset);
	*offset = ZM_STACK_SAME;
	return where->how == ZM_HOW_UNSAID || where->how == ZM_HOW_SAME;
}

/*
 * A function that aligns its stack keeps in a word under its frame pointer what its CFA is, and the
 * frame pointer of its caller where its own points to.
 */
static bool by_saved(const struct zm_stack_rules *rules, struct zm_stack_row *row)
{
	static const uint8_t deref = 0x06;
	int64_t cfa, fp;

	row->rule = ZM_STACK_BY_SAVED;
	return rules->cfa.how == ZM_HOW_IS_SUM && is_fp_and(rules->cfa.sum, &deref, 1, &cfa) &&
	       rules->fp.how == ZM_HOW_AT_SUM && is_fp_and(rules->fp.sum, NULL, 0, &fp) &&
	       small(cfa, &row->cfa) && small(fp, &row->fp) && plain_saved(&rules->pc, &row->ra);
}

static bool by_register(const struct zm_stack_rules *rules, struct zm_stack_row *row)
{
	row->rule = rules->cfa_register == ZM_REGISTER_SP ? ZM_STACK_BY_SP : ZM_STACK_BY_FP;
	return rules->cfa.how == ZM_HOW_IS &&
	       (rules->cfa_register == ZM_REGISTER_SP || rules->cfa_register == ZM_REGISTER_FP) &&
	       small(rules->cfa.offset, &row->cfa) && plain_saved(&rules->fp, &row->fp) &&
	       plain_saved(&rules->pc, &row->ra);
}

void zm_stack_row_read(uintptr_t pc, struct zm_stack_row *row)
{
	struct zm_stack_entry entry;
	struct zm_stack_rules rules;

	*row = (struct zm_stack_row){ZM_STACK_NONE, 0, 0, 0};
	if (zm_stack_is_signal(pc)) {
		row->rule = ZM_STACK_SIGNAL;
		return;
	}
	switch (zm_stack_entry_find(pc, &entry)) {
	case ZM_STACK_NO_OBJECT:
		/* What a compiler wrote at run time, or nothing. */
		if (!zm_stack_is_code(pc))
			row->rule = ZM_STACK_VOID;
		return;
	case ZM_STACK_NO_ENTRY:
		return;
	case ZM_STACK_FOUND:
		break;
	}
	if (!zm_stack_rules_at(&entry, pc, &rules))
		return;
	if (rules.pc.how == ZM_HOW_UNDEFINED)
		row->rule = ZM_STACK_END;
	else if (entry.of_signal || !(by_register(&rules, row) || by_saved(&rules, row)))
		row->rule = ZM_STACK_SLOW;
}

/* The caller's value of a register; `now` where the callee has not touched it. */
static bool find(const struct zm_stack_where *where, const struct zm_stack_frame *frame,
		 struct zm_stack_reach *reach, uintptr_t cfa, uintptr_t now, uintptr_t *value)
{
	uintptr_t at;

	switch (where->how) {
	case ZM_HOW_UNSAID:
	case ZM_HOW_SAME:
		*value = now;
		return true;
	case ZM_HOW_AT:
		return zm_stack_word(reach, cfa + (uintptr_t)where->offset, value);
	case ZM_HOW_IS:
		*value = cfa + (uintptr_t)where->offset;
		return true;
	case ZM_HOW_AT_SUM:
		return zm_stack_sum(where->sum, frame, reach, &cfa, &at) &&
		       zm_stack_word(reach, at, value);
	case ZM_HOW_IS_SUM:
		return zm_stack_sum(where->sum, frame, reach, &cfa, value);
	default:
		return false;
	}
}

static bool find_cfa(const struct zm_stack_rules *rules, const struct zm_stack_frame *frame,
		     struct zm_stack_reach *reach, uintptr_t *cfa)
{
	if (rules->cfa.how == ZM_HOW_IS_SUM)
		return zm_stack_sum(rules->cfa.sum, frame, reach, NULL, cfa);
	if (rules->cfa.how != ZM_HOW_IS ||
	    (rules->cfa_register != ZM_REGISTER_SP && rules->cfa_register != ZM_REGISTER_FP))
		return false;
	*cfa = (rules->cfa_register == ZM_REGISTER_SP ? frame->sp : frame->fp) +
	       (uintptr_t)rules->cfa.offset;
	return true;
}

bool zm_stack_step_slow(struct zm_stack_frame *frame, struct zm_stack_reach *reach)
{
	uintptr_t pc = frame->pc - !frame->exact, cfa;
	struct zm_stack_frame caller = {.ra = 0};
	struct zm_stack_entry entry;
	struct zm_stack_rules rules;

	if (zm_stack_entry_find(pc, &entry) != ZM_STACK_FOUND ||
	    !zm_stack_rules_at(&entry, pc, &rules) || !find_cfa(&rules, frame, reach, &cfa) ||
	    !find(&rules.pc, frame, reach, cfa, frame->ra, &caller.pc) ||
	    !find(&rules.fp, frame, reach, cfa, frame->fp, &caller.fp))
		return false;
	caller.pc = zm_stack_address(caller.pc);
	caller.sp = cfa;
	caller.exact = entry.of_signal;
	/* A handler may run on a stack of its own, and that may be anywhere. */
	if (entry.of_signal)
		zm_stack_reach_move(reach, cfa);
	else if (cfa < frame->sp + !frame->exact)
		return false;
	*frame = caller;
	return true;
}
