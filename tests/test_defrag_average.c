/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_defrag_average.c - where an address does not tell its slab, blocks are judged one by
 * one: by the allocator's own advice if it gives any, by how full their slabs are otherwise.
 *
 * mimalloc has such slabs. jemalloc's option slab_sizes makes them; it is read before main(), so there
 * the program starts itself anew with it.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc.h>

#include "tests/defrag_blocks.h"
#include "tests/own_time.h"

/* Eight pages, up to 4 KiB; a slab has no more than 512 regions, so those under 64 bytes have less. */
#define OPTION "slab_sizes:1-4096:8"

/* The names for plain and for prefixed builds. */
static const char *const variables[] = {"MALLOC_CONF", "JE_MALLOC_CONF"};

static void fill_and_thin(struct blocks *blocks)
{
	blocks_fill(blocks, block_steps(200000, 40000), 300, 1);
	blocks_thin(blocks, 40);
}

START_TEST(slabs_are_as_the_option_says)
{
	size_t bytes = 0, page = 0, size = sizeof(bytes);

	ck_assert_int_eq(zmalloc_ctl("arenas.bin.7.slab_size", &bytes, &size, NULL, 0), 0);
	ck_assert_int_eq(zmalloc_ctl("arenas.page", &page, &size, NULL, 0), 0);
	ck_assert_uint_eq(bytes, 8 * page);
}
END_TEST

START_TEST(a_driver_gains_in_some_passes)
{
	struct blocks blocks = {0};
	size_t before = slab_frag_bytes(), fragmented, used, cycles, resident, uncharged;
	zdefrag *d;

	fill_and_thin(&blocks);
	zmalloc_purge();
	resident = zmalloc_get_rss();
	d = blocks_driver(&blocks);
	used = zmalloc_used_memory();
	fragmented = slab_frag_bytes();
	uncharged = uncharged_bytes();
	for (cycles = 0; cycles < 8; cycles++) {
		ck_assert_int_eq(zdefrag_run(d), 0);
		ck_assert_uint_eq(zmalloc_used_memory(), used);
		blocks_check(&blocks);
	}
	ck_assert_uint_gt(stats_of(d).moved, 0);
	ck_assert_uint_eq(stats_of(d).held_bytes, 0);
	ck_assert_uint_le(uncharged_bytes(), uncharged + 32 * KIB);
	ck_assert_uint_lt(slab_frag_bytes() - before, (fragmented - before) / 3);
	/* What is no longer in slabs is no longer resident, or half of it at the least. */
	if (!under_checker())
		ck_assert_uint_lt(zmalloc_get_rss(),
				  resident - (fragmented - slab_frag_bytes()) / 2);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

START_TEST(hints_gain_in_some_passes)
{
	struct blocks blocks = {0};
	size_t before = slab_frag_bytes(), fragmented, used, moved = 0;

	fill_and_thin(&blocks);
	used = zmalloc_used_memory();
	fragmented = slab_frag_bytes();
	for (int pass = 0; pass < 8; pass++)
		for (size_t i = 0; i < blocks.count; i++)
			if (zdefrag_hint(blocks.held[i].at)) {
				blocks_move(&blocks.held[i]);
				moved++;
			}
	zdefrag_hint_end();
	ck_assert_uint_gt(moved, 0);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ck_assert_uint_lt(slab_frag_bytes() - before, (fragmented - before) / 3);
	blocks_check(&blocks);
	blocks_free(&blocks);
}
END_TEST

START_TEST(a_full_heap_is_left_alone)
{
	struct blocks blocks = {0};
	size_t moved = 0;

	blocks_fill(&blocks, block_steps(100000, 20000), 300, 2);
	for (size_t i = 0; i < blocks.count; i++)
		moved += (size_t)zdefrag_hint(blocks.held[i].at);
	/* In each bin the last slab is not full yet. */
	ck_assert_uint_lt(moved, blocks.count / 20);
	blocks_free(&blocks);
}
END_TEST

/* Half the slabs have a tenth of their blocks, half have nine tenths: the average is a half. */
START_TEST(slabs_fuller_than_most_are_left_alone)
{
	size_t count = block_steps(100000, 20000), of_full = 0, of_thin = 0;
	char **block = malloc(count * sizeof(*block));

	for (size_t i = 0; i < count; i++)
		block[i] = zmalloc(200);
	for (size_t i = 0; i < count; i++)
		if ((i % 10 == 0) == (i < count / 2)) {
			zfree(block[i]);
			block[i] = NULL;
		}
	for (size_t i = 0; i < count; i++)
		if (block[i] != NULL && zdefrag_hint(block[i]))
			*(i < count / 2 ? &of_full : &of_thin) += 1;
	zdefrag_hint_end();
	/* Those at the border may lie in slabs of either kind. */
	ck_assert_uint_lt(of_full, count / 40);
	ck_assert_uint_gt(of_thin, count / 40);
	for (size_t i = 0; i < count; i++)
		zfree(block[i]);
	free(block);
}
END_TEST

START_TEST(foreign_pointers_are_refused)
{
	static char in_static[1000];
	char on_stack[1000];
	void *large = zmalloc(10 * MIB), *foreign = malloc(100);
	const void *ptrs[] = {NULL,   in_static, on_stack, large, (char *)large + 4096,
			      &errno, (void *)1, foreign};

	for (size_t i = 0; i < COUNT_OF(ptrs); i++)
		ck_assert_int_eq(zdefrag_hint(ptrs[i]), 0);
	free(foreign);
	zfree(large);
}
END_TEST

static void start_anew(char **argv)
{
	for (size_t i = 0; i < COUNT_OF(variables); i++)
		setenv(variables[i], OPTION, 1);
	execv(argv[0], argv);
	skip_program("this program cannot be started by another here");
}

int main(int argc, char **argv)
{
	TCase *tests;
	const char *option = getenv(variables[0]);

	(void)argc;
	need_defrag();
	if (slabs_are_planned() && (option == NULL || strcmp(option, OPTION) != 0))
		start_anew(argv);
	tests = tests_named("defrag_average");
	tcase_add_checked_fixture(tests, own_time_begin, own_time_end);
	if (slabs_are_planned())
		tcase_add_test(tests, slabs_are_as_the_option_says);
	tcase_add_test(tests, a_driver_gains_in_some_passes);
	tcase_add_test(tests, hints_gain_in_some_passes);
	tcase_add_test(tests, a_full_heap_is_left_alone);
	tcase_add_test(tests, slabs_fuller_than_most_are_left_alone);
	tcase_add_test(tests, foreign_pointers_are_refused);
	return run_tests(tests);
}
