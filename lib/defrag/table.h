/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/table.h - which slab is an address in? A table by page, two loads deep.
 *
 * One writer (the thread that runs the cycle), readers without a lock in every thread that frees or
 * allocates meanwhile. Tables are never given back, so that a late reader reads an empty entry at
 * worst.
 */
#ifndef ZM_DEFRAG_TABLE_H
#define ZM_DEFRAG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"

/* An entry: 0, or a slab's number + 1, with this bit set while the slab is pinned. */
#define ZM_PAGE_PINNED 0x80000000u

#define ZM_TABLE_LEAF_BITS 16
#define ZM_TABLE_LEAF ((size_t)1 << ZM_TABLE_LEAF_BITS)

typedef ZM_ATOMIC(uint32_t) zm_page_entry;

struct zm_table {
	ZM_ATOMIC(zm_page_entry *) * leaves;
	size_t leaves_count;
	unsigned page_shift;
};
extern struct zm_table zm_table;

/* Once. 0, or ENOMEM. */
int zm_table_open(unsigned page_shift);

/* Set the entries of [start, start + bytes). False: no memory for a leaf; some may be set. */
bool zm_table_set(const void *start, size_t bytes, uint32_t entry);

ZM_INLINE uint32_t zm_table_get(const void *ptr)
{
	size_t page = (uintptr_t)ptr >> zm_table.page_shift;
	size_t leaf = page >> ZM_TABLE_LEAF_BITS;
	zm_page_entry *entries;

	if (zm_unlikely(leaf >= zm_table.leaves_count))
		return 0;
	entries = zm_load_acquire(&zm_table.leaves[leaf]);
	return zm_likely(entries != NULL) ? zm_load_acquire(&entries[page & (ZM_TABLE_LEAF - 1)])
					  : 0;
}

#endif
