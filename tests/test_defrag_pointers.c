/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_defrag_pointers.c - what is no small live block of ours is handed back as it came.
 *
 * The allocator's own queries fault on most of these.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <zmalloc.h>

#include "tests/defrag_blocks.h"

static int in_data = 1, in_bss;
static const int in_rodata = 1;

static void *strange[64];
static size_t strange_count;

static void add(const void *ptr)
{
	ck_assert_uint_lt(strange_count, COUNT_OF(strange));
	strange[strange_count++] = (void *)(uintptr_t)ptr;
}

/* Addresses at which nothing can be, near the ends of the address space and between. */
static void add_nowhere(void)
{
	for (unsigned shift = 3; shift < sizeof(uintptr_t) * 8; shift += 4) {
		add((void *)((uintptr_t)1 << shift));
		add((void *)~((uintptr_t)1 << shift));
	}
}

static char *large, *huge_mapping;
static void *libc_block;

static void add_all(int *on_stack)
{
	strange_count = 0;
	add(NULL);
	add(on_stack);
	add(&in_data);
	add(&in_bss);
	add(&in_rodata);
	add((void *)(uintptr_t)&malloc);
	if (malloc_is_the_c_librarys())
		add(libc_block);
	else
		skip_part("a block of malloc() is not strange where that is the same allocator");
	add(huge_mapping);
	add(huge_mapping + (MIB << 5));
	add(large);
	add(large + 4096);
	add(large + MIB - 1);
	add_nowhere();
}

static void show_strange(struct blocks *blocks, zdefrag *d)
{
	/* A few inside addresses of a block that is moved or stays, in turn. */
	struct held_block *block = &blocks->held[blocks->cursor - 1];

	for (size_t at = 1; at < block->bytes; at += 1 + block->bytes / 3) {
		char *inside = (char *)block->at + at;

		REQUIRE(zdefrag_visit(d, inside) == inside);
	}
	if (blocks->cursor % 256 != 0)
		return;
	for (size_t i = 0; i < strange_count; i++)
		REQUIRE(zdefrag_visit(d, strange[i]) == strange[i]);
}

static void prepare(struct blocks *blocks, int *on_stack)
{
	blocks_fill(blocks, block_steps(60000, 6000), 1000, 1);
	blocks_thin(blocks, 40);
	large = zmalloc(MIB);
	libc_block = malloc(64);
	huge_mapping = mmap(NULL, MIB << 6, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
	ck_assert_ptr_ne(huge_mapping, MAP_FAILED);
	add_all(on_stack);
}

static void tidy(struct blocks *blocks)
{
	zfree(large);
	free(libc_block);
	munmap(huge_mapping, MIB << 6);
	blocks_free(blocks);
}

START_TEST(a_walk_may_show_anything)
{
	struct blocks blocks = {.after_each = show_strange};
	int on_stack = 0;
	zdefrag *d;

	prepare(&blocks, &on_stack);
	memset(large, 0x5a, MIB);
	d = blocks_driver(&blocks);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_gt(stats_of(d).moved, 0);
	blocks_check(&blocks);
	for (size_t i = 0; i < MIB; i++)
		ck_assert_int_eq(large[i], 0x5a);
	zdefrag_free(d);
	tidy(&blocks);
}
END_TEST

/*
 * Only inside addresses, all at the same offset:
 * as a program with headers before its pointers would show them.
 */
static int scan_shifted(zdefrag *d, int begin, void *context)
{
	struct blocks *blocks = context;

	(void)begin;
	for (size_t i = 0; i < blocks->count; i++) {
		char *inside = (char *)blocks->held[i].at + 16;

		if (blocks->held[i].bytes > 16)
			REQUIRE(zdefrag_visit(d, inside) == inside);
	}
	return 1;
}

START_TEST(shifted_pointers_move_nothing)
{
	struct blocks blocks = {0};
	zdefrag *d;

	blocks_fill(&blocks, block_steps(60000, 6000), 1000, 2);
	blocks_thin(&blocks, 40);
	d = blocks_driver_by(scan_shifted, &blocks);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_eq(stats_of(d).cycles, 1);
	ck_assert_uint_eq(stats_of(d).moved, 0);
	ck_assert_uint_eq(stats_of(d).slabs_chosen, 0);
	blocks_check(&blocks);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

/* One block in eight as it is, and the others by an address inside. */
static int scan_one_of_eight(zdefrag *d, int begin, void *context)
{
	struct blocks *blocks = context;

	(void)begin;
	for (size_t i = 0; i < blocks->count; i++) {
		struct held_block *block = &blocks->held[i];

		if (i % 8 == 0)
			block->at = zdefrag_visit(d, block->at);
		else if (block->bytes > 16)
			REQUIRE(zdefrag_visit(d, (char *)block->at + 16) == (char *)block->at + 16);
	}
	return 1;
}

/* A slab that is known by one of its blocks is not chosen for the sake of what is no block's address. */
START_TEST(an_inside_address_is_no_block)
{
	struct blocks blocks = {0};
	zdefrag *d;

	blocks_fill(&blocks, block_steps(60000, 6000), 1000, 2);
	blocks_thin(&blocks, 40);
	d = blocks_driver_by(scan_one_of_eight, &blocks);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_eq(stats_of(d).cycles, 1);
	ck_assert_uint_ge(stats_of(d).slabs_released, stats_of(d).slabs_chosen);
	blocks_check(&blocks);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

START_TEST(hints_refuse_them_too)
{
	struct blocks blocks = {0};
	int on_stack = 0;

	prepare(&blocks, &on_stack);
	for (size_t round = 0; round < 3; round++)
		for (size_t i = 0; i < blocks.count; i++) {
			(void)zdefrag_hint(blocks.held[i].at);
			ck_assert_int_eq(zdefrag_hint(strange[i % strange_count]), 0);
		}
	zdefrag_hint_end();
	blocks_check(&blocks);
	tidy(&blocks);
}
END_TEST

/* Counted, and then freed by the program before the driver looks at them again. */
START_TEST(slabs_may_go_between_two_steps)
{
	struct blocks blocks = {0};
	size_t before = zmalloc_used_memory();
	zdefrag *d;

	blocks_fill(&blocks, block_steps(60000, 6000), 1000, 3);
	blocks_thin(&blocks, 40);
	d = blocks_driver(&blocks);
	for (int i = 0; zdefrag_step(d) != ZDEFRAG_PLANNING; i++)
		ck_assert_int_lt(i, 100000);
	blocks_free(&blocks);
	ck_assert_int_eq(zdefrag_run(d), 0);
	zdefrag_free(d);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
}
END_TEST

/* Outside its walk a driver moves nothing. */
START_TEST(a_visit_outside_the_walk_does_nothing)
{
	struct blocks blocks = {0};
	void *block = zmalloc(100);
	zdefrag *d = blocks_driver(&blocks);

	ck_assert_ptr_eq(zdefrag_visit(d, block), block);
	ck_assert_uint_eq(stats_of(d).visited, 0);
	zdefrag_free(d);
	zfree(block);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("defrag_pointers");

	need_planning();
	tcase_add_test(tests, a_walk_may_show_anything);
	tcase_add_test(tests, shifted_pointers_move_nothing);
	tcase_add_test(tests, an_inside_address_is_no_block);
	tcase_add_test(tests, hints_refuse_them_too);
	tcase_add_test(tests, slabs_may_go_between_two_steps);
	tcase_add_test(tests, a_visit_outside_the_walk_does_nothing);
	return run_tests(tests);
}
