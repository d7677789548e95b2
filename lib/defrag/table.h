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

#include "base/atomic.h"
#include "base/compiler.h"

/* An entry: 0, or a slab's number + 1, with this bit set while the slab is pinned. */
#define ZM_PAGE_PINNED 0x80000000u

#define ZM_TABLE_LEAF_BITS 16
#define ZM_TABLE_LEAF ((size_t)1 << ZM_TABLE_LEAF_BITS)

typedef ZM_ATOMIC(uint32_t) zm_page_entry;

typedef ZM_ATOMIC(zm_page_entry *) zm_table_leaf;

/*
 * What readers without a lock may rely on, by C11 (5.1.2.4), each from a release to the acquire that
 * reads it:
 *
 *   leaves_count   is stored last, so whoever reads it as not 0 reads page_shift and leaves as they
 *                  were stored before it. 0, as it is at first, has no entries.
 *   a leaf         is stored when its pages are there and empty, so an entry is read from it and not
 *                  from what lay there before.
 *   an entry       is stored when the record that it names is filled: whoever finds a slab pinned
 *                  finds the words that say what is held of it.
 *
 * So a hint or a free that comes while another thread opens the table, adds a leaf or pins a slab sees
 * either nothing or the whole. tests/model/table.c takes each of these orders away in turn.
 */
struct zm_table {
	ZM_ATOMIC(size_t) leaves_count;
	ZM_ATOMIC(zm_table_leaf *) leaves;
	ZM_ATOMIC(unsigned) page_shift;
};
extern struct zm_table zm_table;

/* Once. 0, or ENOMEM. */
int zm_table_open(unsigned page_shift);

/* Set the entries of [start, start + bytes). False: no memory for a leaf; some may be set. */
bool zm_table_set(const void *start, size_t bytes, uint32_t entry);

ZM_INLINE uint32_t zm_table_get(const void *ptr)
{
	size_t count = zm_load_acquire(&zm_table.leaves_count);
	size_t page = (uintptr_t)ptr >> zm_load(&zm_table.page_shift);
	size_t leaf = page >> ZM_TABLE_LEAF_BITS;
	zm_page_entry *entries;

	if (zm_unlikely(leaf >= count))
		return 0;
	entries = zm_load_acquire(&zm_load(&zm_table.leaves)[leaf]);
	return zm_likely(entries != NULL) ? zm_load_acquire(&entries[page & (ZM_TABLE_LEAF - 1)])
					  : 0;
}

#endif
