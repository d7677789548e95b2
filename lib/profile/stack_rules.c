/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_rules.c - the instructions of an unwind table, run up to one address.
 */
#include "config.h"

#include "profile/stack_machine.h"
#include "profile/stack_table.h"

/* The two uppermost bits of an instruction, which leave six for a number. */
enum {
	ADVANCE = 0x40,
	OFFSET = 0x80,
	RESTORE = 0xc0
};

/* The others. */
enum {
	NOP = 0x00,
	SET_LOC = 0x01,
	ADVANCE_1 = 0x02,
	ADVANCE_2 = 0x03,
	ADVANCE_4 = 0x04,
	OFFSET_EXTENDED = 0x05,
	RESTORE_EXTENDED = 0x06,
	UNDEFINED = 0x07,
	SAME_VALUE = 0x08,
	REGISTER = 0x09,
	REMEMBER_STATE = 0x0a,
	RESTORE_STATE = 0x0b,
	DEF_CFA = 0x0c,
	DEF_CFA_REGISTER = 0x0d,
	DEF_CFA_OFFSET = 0x0e,
	DEF_CFA_EXPRESSION = 0x0f,
	EXPRESSION = 0x10,
	OFFSET_SIGNED = 0x11,
	DEF_CFA_SIGNED = 0x12,
	DEF_CFA_OFFSET_SIGNED = 0x13,
	VAL_OFFSET = 0x14,
	VAL_OFFSET_SIGNED = 0x15,
	VAL_EXPRESSION = 0x16,
	NEGATE_RA_STATE = 0x2d, /* of aarch64: from here on the return address is signed, or not */
	ARGS_SIZE = 0x2e,
	OFFSET_NEGATIVE = 0x2f
};

/* Compilers go two deep. */
#define REMEMBERED 8

struct run {
	const struct zm_stack_entry *entry;
	struct zm_stack_rules *rules;
	struct zm_stack_rules initial; /* after the common instructions */
	struct zm_stack_rules remembered[REMEMBERED];
	unsigned depth;
	uintptr_t at, until;
	bool bad;
};

/* The rule of a register that is followed; of any other, one that nobody reads. */
static struct zm_stack_where *rule_of(struct zm_stack_rules *rules, uint64_t number,
				      struct zm_stack_where *nobody)
{
	if (number == ZM_REGISTER_FP)
		return &rules->fp;
	return number == ZM_REGISTER_PC ? &rules->pc : nobody;
}

static void set(struct run *run, uint64_t number, enum zm_stack_how how, int64_t offset)
{
	struct zm_stack_where nobody;

	*rule_of(run->rules, number, &nobody) =
		(struct zm_stack_where){how, offset, {NULL, NULL, false}};
}

static void set_sum(struct run *run, uint64_t number, enum zm_stack_how how, struct zm_bytes *bytes)
{
	struct zm_stack_where nobody;

	*rule_of(run->rules, number, &nobody) =
		(struct zm_stack_where){how, 0, zm_bytes_cut(bytes, zm_bytes_uleb(bytes))};
}

static void restore(struct run *run, uint64_t number)
{
	struct zm_stack_where nobody = {ZM_HOW_UNSAID, 0, {NULL, NULL, false}}, other = nobody;

	*rule_of(run->rules, number, &nobody) = *rule_of(&run->initial, number, &other);
}

static void set_cfa(struct run *run, uint64_t number, int64_t offset)
{
	run->rules->cfa = (struct zm_stack_where){ZM_HOW_IS, offset, {NULL, NULL, false}};
	run->rules->cfa_register = number;
}

static int64_t uleb(struct zm_bytes *bytes)
{
	return (int64_t)zm_bytes_uleb(bytes);
}

static int64_t factored(struct run *run, int64_t number)
{
	return number * run->entry->data_align;
}

static void advance(struct run *run, uint64_t steps)
{
	run->at += (uintptr_t)(steps * run->entry->code_align);
}

/* Those that say where a register is. */
static bool say_register(struct run *run, struct zm_bytes *bytes, unsigned code)
{
	uint64_t number;

	if (code < OFFSET_EXTENDED || (code > REGISTER && code < EXPRESSION) ||
	    (code > VAL_EXPRESSION && code != OFFSET_NEGATIVE))
		return false;
	number = zm_bytes_uleb(bytes);
	switch (code) {
	case OFFSET_EXTENDED:
		set(run, number, ZM_HOW_AT, factored(run, uleb(bytes)));
		return true;
	case OFFSET_NEGATIVE:
		set(run, number, ZM_HOW_AT, -factored(run, uleb(bytes)));
		return true;
	case OFFSET_SIGNED:
		set(run, number, ZM_HOW_AT, factored(run, zm_bytes_sleb(bytes)));
		return true;
	case VAL_OFFSET:
		set(run, number, ZM_HOW_IS, factored(run, uleb(bytes)));
		return true;
	case VAL_OFFSET_SIGNED:
		set(run, number, ZM_HOW_IS, factored(run, zm_bytes_sleb(bytes)));
		return true;
	case RESTORE_EXTENDED:
		restore(run, number);
		return true;
	case UNDEFINED:
		set(run, number, ZM_HOW_UNDEFINED, 0);
		return true;
	case SAME_VALUE:
		set(run, number, ZM_HOW_SAME, 0);
		return true;
	case REGISTER:
		zm_bytes_uleb(bytes);
		set(run, number, ZM_HOW_OTHER, 0);
		return true;
	case EXPRESSION:
		set_sum(run, number, ZM_HOW_AT_SUM, bytes);
		return true;
	case VAL_EXPRESSION:
		set_sum(run, number, ZM_HOW_IS_SUM, bytes);
		return true;
	default:
		return false;
	}
}

/* Those that say where the CFA is. */
static bool say_cfa(struct run *run, struct zm_bytes *bytes, unsigned code)
{
	uint64_t number;

	switch (code) {
	case DEF_CFA:
		number = zm_bytes_uleb(bytes);
		set_cfa(run, number, uleb(bytes));
		return true;
	case DEF_CFA_SIGNED:
		number = zm_bytes_uleb(bytes);
		set_cfa(run, number, factored(run, zm_bytes_sleb(bytes)));
		return true;
	case DEF_CFA_REGISTER:
		set_cfa(run, zm_bytes_uleb(bytes), run->rules->cfa.offset);
		return true;
	case DEF_CFA_OFFSET:
		set_cfa(run, run->rules->cfa_register, uleb(bytes));
		return true;
	case DEF_CFA_OFFSET_SIGNED:
		set_cfa(run, run->rules->cfa_register, factored(run, zm_bytes_sleb(bytes)));
		return true;
	case DEF_CFA_EXPRESSION:
		run->rules->cfa = (struct zm_stack_where){
			ZM_HOW_IS_SUM, 0, zm_bytes_cut(bytes, zm_bytes_uleb(bytes))};
		return true;
	default:
		return false;
	}
}

static void remember(struct run *run)
{
	if (run->depth == REMEMBERED)
		run->bad = true;
	else
		run->remembered[run->depth++] = *run->rules;
}

static void recall(struct run *run)
{
	if (run->depth == 0)
		run->bad = true;
	else
		*run->rules = run->remembered[--run->depth];
}

/* The rest: where the next rules begin to hold, and what is of no interest. */
static void say_other(struct run *run, struct zm_bytes *bytes, unsigned code)
{
	switch (code) {
	case NOP:
	case NEGATE_RA_STATE:
		break;
	case ADVANCE_1:
		advance(run, zm_bytes_number(bytes, 1));
		break;
	case ADVANCE_2:
		advance(run, zm_bytes_number(bytes, 2));
		break;
	case ADVANCE_4:
		advance(run, zm_bytes_number(bytes, 4));
		break;
	case REMEMBER_STATE:
		remember(run);
		break;
	case RESTORE_STATE:
		recall(run);
		break;
	case ARGS_SIZE:
		zm_bytes_uleb(bytes);
		break;
	default: /* SET_LOC, too, which nobody writes */
		run->bad = true;
	}
}

static void run_instructions(struct run *run, struct zm_bytes bytes)
{
	while (zm_bytes_left(&bytes) > 0 && !bytes.bad && !run->bad && run->at <= run->until) {
		unsigned byte = (unsigned)zm_bytes_number(&bytes, 1), low = byte & 0x3f;

		switch (byte & 0xc0) {
		case ADVANCE:
			advance(run, low);
			break;
		case OFFSET:
			set(run, low, ZM_HOW_AT, factored(run, uleb(&bytes)));
			break;
		case RESTORE:
			restore(run, low);
			break;
		default:
			if (!say_cfa(run, &bytes, byte) && !say_register(run, &bytes, byte))
				say_other(run, &bytes, byte);
		}
	}
	run->bad |= bytes.bad;
}

bool zm_stack_rules_at(const struct zm_stack_entry *entry, uintptr_t pc,
		       struct zm_stack_rules *rules)
{
	struct run run = {.entry = entry, .rules = rules, .at = entry->pc_begin, .until = pc};

	*rules = (struct zm_stack_rules){.cfa_register = 0};
	run_instructions(&run, entry->common);
	run.initial = *rules;
	run_instructions(&run, entry->moves);
	return !run.bad;
}
