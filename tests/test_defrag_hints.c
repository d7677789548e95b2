/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_defrag_hints.c - a program that asks block by block and moves by itself.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <time.h>

#include <zmalloc.h>

#include "tests/defrag_blocks.h"

static size_t moved;

static void move(struct held_block *block)
{
	blocks_move(block);
	moved++;
}

static void prepare(struct blocks *blocks)
{
	blocks_fill(blocks, block_steps(200000, 40000), 300, 1);
	blocks_thin(blocks, 40);
	moved = 0;
}

START_TEST(two_passes_win_most_of_it_back)
{
	struct blocks blocks = {0};
	size_t before = frag_bytes(), fragmented, used;

	prepare(&blocks);
	used = zmalloc_used_memory();
	fragmented = frag_bytes();
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < blocks.count; i++) {
			if (zdefrag_hint(blocks.held[i].at))
				move(&blocks.held[i]);
			if (i % 4096 == 0)
				ck_assert_uint_eq(zmalloc_used_memory(), used);
		}
	zdefrag_hint_end();
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ck_assert_uint_gt(moved, 0);
	ck_assert_uint_lt(frag_bytes() - before, (fragmented - before) / 4);
	blocks_check(&blocks);
	blocks_free(&blocks);
}
END_TEST

START_TEST(in_batches)
{
	struct blocks blocks = {0};
	const void *ptrs[64];
	unsigned char hints[64];
	size_t before = frag_bytes(), fragmented;

	prepare(&blocks);
	fragmented = frag_bytes();
	for (size_t i = 0; i + 64 <= 2 * blocks.count; i += 64) {
		size_t ones = 0, said;

		for (size_t j = 0; j < 64; j++)
			ptrs[j] = blocks.held[(i + j) % blocks.count].at;
		said = zdefrag_hints(ptrs, hints, 64);
		for (size_t j = 0; j < 64; j++)
			if (hints[j]) {
				move(&blocks.held[(i + j) % blocks.count]);
				ones++;
			}
		ck_assert_uint_eq(said, ones);
	}
	zdefrag_hint_end();
	ck_assert_uint_lt(frag_bytes() - before, (fragmented - before) / 4);
	blocks_check(&blocks);
	blocks_free(&blocks);
}
END_TEST

/* On the real clock, and on the library as it is installed. */
START_TEST(pauses_end_nothing)
{
	struct blocks blocks = {0};
	struct timespec pause = {.tv_sec = 1, .tv_nsec = 200000000};
	struct zdefrag_stats stats = {.size = sizeof(stats)};
	size_t before = frag_bytes(), fragmented;

	prepare(&blocks);
	fragmented = frag_bytes() - before;
	for (size_t i = 0; i < 3 * blocks.count; i++) {
		struct held_block *block = &blocks.held[i % blocks.count];

		if (zdefrag_hint(block->at))
			move(block);
		if (i % blocks.count != blocks.count / 2)
			continue;
		for (int j = 0; j < 5000; j++)
			zfree(opaque(zmalloc(100)));
		nanosleep(&pause, NULL);
		for (int j = 0; j < 5000; j++)
			zfree(opaque(zmalloc(100)));
	}
	ck_assert_int_eq(zdefrag_hint_get_stats(&stats), 0);
	ck_assert_uint_eq(stats.cycles, 1);
	ck_assert_uint_eq(stats.moved, moved);
	ck_assert_uint_lt(frag_bytes(), before + fragmented / 10);
	zdefrag_hint_end();
	blocks_check(&blocks);
	blocks_free(&blocks);
}
END_TEST

START_TEST(statistics_want_a_size)
{
	struct zdefrag_stats stats = {.size = 1};

	ck_assert_int_eq(zdefrag_hint_get_stats(&stats), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("defrag_hints");

	need_planning();
	tcase_add_test(tests, two_passes_win_most_of_it_back);
	tcase_add_test(tests, in_batches);
	tcase_add_test(tests, pauses_end_nothing);
	tcase_add_test(tests, statistics_want_a_size);
	return run_tests(tests);
}
