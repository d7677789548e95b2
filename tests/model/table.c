/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/table.c - the table by page (lib/defrag/table.h), as it is: opened, written and read.
 */
#include "tests/model/model.h"

#include "tests/model/models.h"

#include "lib/defrag/table.c"

#define PAGE_SHIFT 12
#define ADDRESS ((uintptr_t)0x12345 << PAGE_SHIFT)
#define PAGE (ADDRESS >> PAGE_SHIFT)
#define ENTRY(number) (ZM_PAGE_PINNED | ((number) + 1))
#define GARBAGE 0xa5a5a5a5u

static zm_table_leaf leaves[(size_t)1 << (ADDRESS_BITS - PAGE_SHIFT - ZM_TABLE_LEAF_BITS)];
static zm_page_entry leaf[ZM_TABLE_LEAF];
static int records[2]; /* of the slabs that the entries name, of a page each */

/* The first call is for the leaves, the second for the one leaf. */
int zm_os_map(size_t bytes, void **pages)
{
	if (bytes == sizeof(leaves)) {
		model_fresh(&leaves[PAGE >> ZM_TABLE_LEAF_BITS], sizeof(leaves[0]), 0);
		*pages = leaves;
	} else {
		for (size_t i = 0; i < 2; i++)
			model_fresh(&leaf[(PAGE & (ZM_TABLE_LEAF - 1)) + i], sizeof(leaf[0]),
				    GARBAGE);
		*pages = leaf;
	}
	return 0;
}

static void reset(void)
{
	zm_table = (struct zm_table){0, NULL, 0};
	leaves[PAGE >> ZM_TABLE_LEAF_BITS] = NULL;
	for (size_t i = 0; i < 2; i++)
		leaf[(PAGE & (ZM_TABLE_LEAF - 1)) + i] = 0;
	records[0] = records[1] = 0;
}

static void *page(uint32_t number)
{
	return (void *)(ADDRESS + ((uintptr_t)number << PAGE_SHIFT));
}

/* The thread that runs the cycle opens the table, and fills a record and pins its slab, twice. */
static void pin(void)
{
	model_require(zm_table_open(PAGE_SHIFT) == 0);
	for (uint32_t i = 0; i < 2; i++) {
		model_set(&records[i], 7);
		model_require(zm_table_set(page(i), (size_t)1 << PAGE_SHIFT, ENTRY(i)));
	}
}

/* A hint, or a free: nothing, or the whole. */
static void look_up(uint32_t number)
{
	uint32_t entry = zm_table_get(page(number));

	model_require(entry == 0 || entry == ENTRY(number));
	if (entry == ENTRY(number))
		model_require(model_get(&records[number]) == 7);
}

static void look_up_first(void)
{
	look_up(0);
}

static void look_up_second(void)
{
	look_up(1);
}

const struct model model_of_table = {
	.name = "table by page",
	.reset = reset,
	.thread = {pin, look_up_first, look_up_second},
};
