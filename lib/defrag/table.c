/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/table.c - the table by page: its writer's side.
 */
#include "config.h"

#include "defrag/table.h"

#include "os/os.h"

/*
 * User space of 64-bit systems as jemalloc and everyone else knows it;
 * addresses past it have no entry.
 */
#if UINTPTR_MAX > 0xffffffff
#define ADDRESS_BITS 48
#else
#define ADDRESS_BITS 32
#endif

struct zm_table zm_table;

int zm_table_open(unsigned page_shift)
{
	size_t count = (size_t)1 << (ADDRESS_BITS - page_shift - ZM_TABLE_LEAF_BITS);
	void *leaves;
	int error;

	if (zm_load(&zm_table.leaves_count) != 0)
		return 0;
	error = zm_os_map(count * sizeof(zm_table_leaf), &leaves);
	if (error != 0)
		return error;
	zm_store(&zm_table.page_shift, page_shift);
	zm_store(&zm_table.leaves, leaves);
	zm_store_release(&zm_table.leaves_count, count);
	return 0;
}

static zm_page_entry *leaf_for_writing(size_t leaf)
{
	zm_table_leaf *at = &zm_load(&zm_table.leaves)[leaf];
	zm_page_entry *entries = zm_load(at);
	void *pages;

	if (entries == NULL && zm_os_map(ZM_TABLE_LEAF * sizeof(*entries), &pages) == 0) {
		entries = pages;
		zm_store_release(at, entries);
	}
	return entries;
}

bool zm_table_set(const void *start, size_t bytes, uint32_t entry)
{
	unsigned page_shift = zm_load(&zm_table.page_shift);
	size_t page = (uintptr_t)start >> page_shift;
	size_t end = page + (bytes >> page_shift);

	if (end > zm_load(&zm_table.leaves_count) << ZM_TABLE_LEAF_BITS)
		return false;
	for (; page < end; page++) {
		zm_page_entry *entries = leaf_for_writing(page >> ZM_TABLE_LEAF_BITS);

		if (entries == NULL)
			return false;
		zm_store_release(&entries[page & (ZM_TABLE_LEAF - 1)], entry);
	}
	return true;
}
