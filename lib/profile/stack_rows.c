/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_rows.c - rows are packed and kept.
 */
#include "config.h"

#include "profile/stack_rows.h"

#define WALKS_OF_AN_AGE 1024

ZM_CACHELINE_ALIGNED struct zm_stack_cached zm_stack_cache[ZM_STACK_SETS][2];
ZM_ATOMIC(unsigned) zm_stack_age;
static ZM_TLS unsigned walks;

void zm_stack_rows_age(void)
{
	if (zm_unlikely(++walks == WALKS_OF_AN_AGE)) {
		walks = 0;
		zm_fetch_add(&zm_stack_age, 1);
	}
}

/* An offset in words, if it is a whole number of them and has room in so many bits. */
static bool fit(int32_t bytes, unsigned bits, int64_t *words)
{
	*words = bytes / 8;
	return bytes % 8 == 0 && *words < INT64_C(1) << (bits - 1) &&
	       *words > -(INT64_C(1) << (bits - 1));
}

static bool fit_saved(int32_t bytes, int64_t *words)
{
	if (bytes != ZM_STACK_SAME)
		return fit(bytes, 16, words);
	*words = ZM_STACK_PACKED_SAME;
	return true;
}

/* What has no room is left to the table. */
static uint64_t pack(const struct zm_stack_row *row, uint64_t now)
{
	enum zm_stack_rule rule = row->rule;
	int64_t cfa = 0, ra = 0, fp = 0;

	if (rule >= ZM_STACK_BY_SP && rule <= ZM_STACK_BY_SAVED &&
	    !(fit(row->cfa, 20, &cfa) && fit_saved(row->ra, &ra) && fit_saved(row->fp, &fp)))
		rule = ZM_STACK_SLOW;
	return now << 55 | (uint64_t)rule << 52 | ((uint64_t)cfa & 0xfffff) << 32 |
	       ((uint64_t)ra & 0xffff) << 16 | ((uint64_t)fp & 0xffff);
}

static void put(struct zm_stack_cached *cached, uint64_t pc, uint64_t row)
{
	zm_store(&cached->row, row);
	zm_store(&cached->key, pc ^ zm_stack_scatter(row));
}

ZM_COLD uint64_t zm_stack_row_missed(struct zm_stack_cached *set, uint64_t pc, uint64_t now)
{
	uint64_t older = zm_load(&set[0].row), key = zm_load(&set[0].key);
	struct zm_stack_row row;
	uint64_t packed;

	zm_stack_row_read((uintptr_t)pc, &row);
	packed = pack(&row, now);
	put(&set[1], key ^ zm_stack_scatter(older), older);
	put(&set[0], pc, packed);
	return packed;
}
