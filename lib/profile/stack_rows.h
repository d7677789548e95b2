/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_rows.h - the rows of instructions seen before.
 *
 * A row and the age that it was read at are packed into one word. An entry is that word and a key made
 * of it and of the instruction's address. Entries are read and written without a lock; one that is
 * half another's has a key that fits no address. The object that a row is of may be unloaded, and
 * another come to its place: a wrong row leads to a wrong frame, never to a fault, and no longer
 * than until the next age.
 */
#ifndef ZM_PROFILE_STACK_ROWS_H
#define ZM_PROFILE_STACK_ROWS_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "profile/stack_row.h"

#define ZM_STACK_SETS 2048 /* of two entries: 64 KiB; a power of two */
#define ZM_STACK_SET_SHIFT (64 - 11)
#define ZM_STACK_AGES 512

struct zm_stack_cached {
	ZM_ATOMIC(uint64_t) key, row;
};
ZM_HIDDEN extern struct zm_stack_cached zm_stack_cache[ZM_STACK_SETS][2];
ZM_HIDDEN extern ZM_ATOMIC(unsigned) zm_stack_age;

/* Each thread calls it once a walk: after so many of them, all rows are read anew. */
void zm_stack_rows_age(void);

/* Reads the row of an instruction from its table, and puts it into its set. */
uint64_t zm_stack_row_missed(struct zm_stack_cached *set, uint64_t pc, uint64_t now);

static inline uint64_t zm_stack_scatter(uint64_t word)
{
	return word * UINT64_C(0x9e3779b97f4a7c15);
}

static inline bool zm_stack_is_cached(struct zm_stack_cached *cached, uint64_t pc, uint64_t now,
				      uint64_t *row)
{
	*row = zm_load(&cached->row);
	return zm_load(&cached->key) == (pc ^ zm_stack_scatter(*row)) && *row >> 55 == now;
}

/* The row of an instruction, packed. */
static inline uint64_t zm_stack_row(uint64_t pc)
{
	struct zm_stack_cached *set = zm_stack_cache[zm_stack_scatter(pc) >> ZM_STACK_SET_SHIFT];
	uint64_t now = zm_load(&zm_stack_age) % ZM_STACK_AGES, row;

	if (zm_likely(zm_stack_is_cached(&set[0], pc, now, &row)) ||
	    zm_stack_is_cached(&set[1], pc, now, &row))
		return row;
	return zm_stack_row_missed(set, pc, now);
}

/*
 * Packed, offsets in words of eight bytes: age 9, rule 3, cfa 20, ra 16, fp 16 bits. An ra or fp of
 * ZM_STACK_PACKED_SAME is the register itself.
 */
#define ZM_STACK_PACKED_SAME INT16_MIN

static inline enum zm_stack_rule zm_stack_rule_of(uint64_t row)
{
	return (enum zm_stack_rule)(row >> 52 & 7);
}

/* In bytes. The sign is the uppermost of 20 bits. */
static inline uintptr_t zm_stack_cfa_of(uint64_t row)
{
	return (uintptr_t)((((row >> 32 & 0xfffff) ^ 0x80000) - 0x80000) * 8);
}

/* In words. */
static inline int16_t zm_stack_ra_of(uint64_t row)
{
	return (int16_t)(row >> 16);
}

static inline int16_t zm_stack_fp_of(uint64_t row)
{
	return (int16_t)row;
}

#endif
