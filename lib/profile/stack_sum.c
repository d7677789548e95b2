/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_sum.c - expressions of unwind tables.
 *
 * Those that are met: glibc's table of the code that returns from a signal handler, the linker's of
 * the PLT, and the compilers' of functions that align their stack.
 */
#include "config.h"

#include "profile/stack_sum.h"

enum {
	OP_DEREF = 0x06,
	OP_CONST1U = 0x08,
	OP_CONST8S = 0x0f,
	OP_CONSTU = 0x10,
	OP_CONSTS = 0x11,
	OP_DUP = 0x12,
	OP_DROP = 0x13,
	OP_SWAP = 0x16,
	OP_AND = 0x1a,
	OP_MINUS = 0x1c,
	OP_OR = 0x21,
	OP_PLUS = 0x22,
	OP_PLUS_UCONST = 0x23,
	OP_SHL = 0x24,
	OP_SHR = 0x25,
	OP_EQ = 0x29,
	OP_GE = 0x2a,
	OP_GT = 0x2b,
	OP_LE = 0x2c,
	OP_LT = 0x2d,
	OP_NE = 0x2e,
	OP_LIT0 = 0x30,
	OP_LIT31 = 0x4f,
	OP_BREG0 = 0x70,
	OP_BREG31 = 0x8f,
	OP_NOP = 0x96
};

#define DEEPEST 16

struct numbers {
	uintptr_t at[DEEPEST];
	unsigned count;
	bool bad;
};

static void push(struct numbers *numbers, uintptr_t number)
{
	if (numbers->count == DEEPEST)
		numbers->bad = true;
	else
		numbers->at[numbers->count++] = number;
}

static uintptr_t pop(struct numbers *numbers)
{
	if (numbers->count > 0)
		return numbers->at[--numbers->count];
	numbers->bad = true;
	return 0;
}

static void push_register(struct numbers *numbers, const struct zm_stack_frame *frame,
			  unsigned number)
{
	if (number == ZM_REGISTER_SP)
		push(numbers, frame->sp);
	else if (number == ZM_REGISTER_FP)
		push(numbers, frame->fp);
	else if (number == ZM_REGISTER_PC)
		push(numbers, frame->pc);
	else
		numbers->bad = true;
}

/* Constants of one, two, four and eight bytes, each without a sign and with one. */
static uintptr_t constant(struct zm_bytes *sum, unsigned op)
{
	unsigned size = 1U << (op - OP_CONST1U) / 2;

	return (uintptr_t)(op % 2 ? (uint64_t)zm_bytes_signed(sum, size)
				  : zm_bytes_number(sum, size));
}

static bool of_two(struct numbers *numbers, unsigned op)
{
	uintptr_t right, left;

	if (op < OP_AND || op > OP_NE || op == OP_PLUS_UCONST)
		return false;
	right = pop(numbers);
	left = pop(numbers);
	switch (op) {
	case OP_AND:
		push(numbers, left & right);
		return true;
	case OP_MINUS:
		push(numbers, left - right);
		return true;
	case OP_OR:
		push(numbers, left | right);
		return true;
	case OP_PLUS:
		push(numbers, left + right);
		return true;
	case OP_SHL:
		push(numbers, right < sizeof(left) * 8 ? left << right : 0);
		return true;
	case OP_SHR:
		push(numbers, right < sizeof(left) * 8 ? left >> right : 0);
		return true;
	case OP_EQ:
		push(numbers, left == right);
		return true;
	case OP_GE:
		push(numbers, (intptr_t)left >= (intptr_t)right);
		return true;
	case OP_GT:
		push(numbers, (intptr_t)left > (intptr_t)right);
		return true;
	case OP_LE:
		push(numbers, (intptr_t)left <= (intptr_t)right);
		return true;
	case OP_LT:
		push(numbers, (intptr_t)left < (intptr_t)right);
		return true;
	case OP_NE:
		push(numbers, left != right);
		return true;
	default:
		return false;
	}
}

static bool move_one(struct numbers *numbers, unsigned op)
{
	uintptr_t upper, lower;

	switch (op) {
	case OP_DUP:
		upper = pop(numbers);
		push(numbers, upper);
		push(numbers, upper);
		return true;
	case OP_DROP:
		pop(numbers);
		return true;
	case OP_SWAP:
		upper = pop(numbers);
		lower = pop(numbers);
		push(numbers, upper);
		push(numbers, lower);
		return true;
	default:
		return op == OP_NOP;
	}
}

static void read_word(struct numbers *numbers, struct zm_stack_reach *reach)
{
	uintptr_t word = 0;

	if (!zm_stack_word(reach, pop(numbers), &word))
		numbers->bad = true;
	push(numbers, word);
}

bool zm_stack_sum(struct zm_bytes sum, const struct zm_stack_frame *frame,
		  struct zm_stack_reach *reach, const uintptr_t *cfa, uintptr_t *result)
{
	struct numbers numbers = {.count = 0};

	if (cfa)
		push(&numbers, *cfa);
	while (zm_bytes_left(&sum) > 0 && !sum.bad && !numbers.bad) {
		unsigned op = (unsigned)zm_bytes_number(&sum, 1);

		if (op >= OP_BREG0 && op <= OP_BREG31) {
			push_register(&numbers, frame, op - OP_BREG0);
			push(&numbers, pop(&numbers) + (uintptr_t)zm_bytes_sleb(&sum));
		} else if (op >= OP_LIT0 && op <= OP_LIT31) {
			push(&numbers, op - OP_LIT0);
		} else if (op >= OP_CONST1U && op <= OP_CONST8S) {
			push(&numbers, constant(&sum, op));
		} else if (op == OP_CONSTU) {
			push(&numbers, (uintptr_t)zm_bytes_uleb(&sum));
		} else if (op == OP_CONSTS) {
			push(&numbers, (uintptr_t)zm_bytes_sleb(&sum));
		} else if (op == OP_PLUS_UCONST) {
			push(&numbers, pop(&numbers) + (uintptr_t)zm_bytes_uleb(&sum));
		} else if (op == OP_DEREF) {
			read_word(&numbers, reach);
		} else if (!of_two(&numbers, op) && !move_one(&numbers, op)) {
			return false;
		}
	}
	*result = pop(&numbers);
	return !sum.bad && !numbers.bad;
}
