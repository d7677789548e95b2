/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_defrag_contents.c - a cycle gains, loses nothing and leaves the accounts exact.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>

#include <zmalloc.h>

#include "tests/defrag_blocks.h"
#include "tests/own_time.h"

#define BLOCKS 300000

static size_t expected_used;

static void used_is_exact(zdefrag *d, void *context)
{
	(void)d, (void)context;
	REQUIRE_EQ(zmalloc_used_memory(), expected_used);
}

/*
 * Half of the blocks gone at random:
 * fragmentation as high as live bytes, and all of it can be won back.
 */
START_TEST(a_cycle_gains_and_loses_nothing)
{
	struct blocks blocks = {0};
	size_t before = frag_bytes(), fragmented, rss;
	int64_t thread_used;
	struct zdefrag_stats stats;
	zdefrag *d;

	blocks_fill(&blocks, block_steps(BLOCKS, BLOCKS / 10), 400, 1);
	blocks_thin(&blocks, 50);
	zmalloc_purge();
	rss = zmalloc_get_rss();
	d = blocks_driver(&blocks);
	fragmented = frag_bytes();
	ck_assert_uint_gt(fragmented, before + blocks_bytes(&blocks) / 2);

	expected_used = zmalloc_used_memory();
	thread_used = zmalloc_thread_used_memory();
	zdefrag_set_progress(d, used_is_exact, NULL);
	ck_assert_int_eq(zdefrag_run(d), 0);

	ck_assert_uint_eq(zmalloc_used_memory(), expected_used);
	ck_assert_int_eq(zmalloc_thread_used_memory(), thread_used);
	blocks_check(&blocks);
	stats = stats_of(d);
	ck_assert_uint_eq(blocks.walks, 2);
	ck_assert_uint_eq(stats.visited, 2 * blocks.count);
	ck_assert_uint_gt(stats.moved, 0);
	ck_assert_uint_lt(stats.moved, blocks.count * 6 / 10);
	ck_assert_uint_eq(stats.held_bytes, 0);
	ck_assert_uint_gt(stats.slabs_released, stats.slabs_chosen * 9 / 10);
	ck_assert_uint_lt(frag_bytes(), fragmented / 10);
	if (!under_checker())
		ck_assert_uint_lt(zmalloc_get_rss(), rss - stats.released_bytes / 2);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

static uint32_t usable[BLOCKS];

START_TEST(sizes_stay)
{
	struct blocks blocks = {0};
	zdefrag *d;

	blocks_fill(&blocks, block_steps(60000, 6000), 14000, 2);
	blocks_thin(&blocks, 40);
	for (size_t i = 0; i < blocks.count; i++)
		usable[i] = (uint32_t)zmalloc_usable_size(blocks.held[i].at);
	d = blocks_driver(&blocks);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_gt(stats_of(d).moved, 0);
	for (size_t i = 0; i < blocks.count; i++)
		ck_assert_uint_eq(zmalloc_usable_size(blocks.held[i].at), usable[i]);
	blocks_check(&blocks);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

/*
 * With one block in a hundred unknown to the walk nothing is moved in vain:
 * their slabs are left alone.
 */
START_TEST(hidden_blocks_are_left_in_peace)
{
	struct blocks blocks = {0};
	void **before;
	struct zdefrag_stats stats;
	zdefrag *d;

	blocks_fill(&blocks, block_steps(BLOCKS, BLOCKS / 10), 200, 3);
	blocks_thin(&blocks, 30);
	before = calloc(blocks.count, sizeof(*before));
	ck_assert_ptr_nonnull(before);
	for (size_t i = 0; i < blocks.count; i++) {
		blocks.held[i].hidden = i % 100 == 0;
		before[i] = blocks.held[i].at;
	}
	d = blocks_driver(&blocks);
	ck_assert_int_eq(zdefrag_run(d), 0);
	for (size_t i = 0; i < blocks.count; i += 100)
		ck_assert_ptr_eq(blocks.held[i].at, before[i]);
	stats = stats_of(d);
	ck_assert_uint_gt(stats.slabs_released, stats.slabs_chosen * 9 / 10);
	blocks_check(&blocks);
	zdefrag_free(d);
	free(before);
	blocks_free(&blocks);
}
END_TEST

/* Moves stay within the arena of the block. */
static unsigned arena_of(void *ptr)
{
	unsigned arena = 0;
	size_t bytes = sizeof(arena);

	ck_assert_int_eq(zmalloc_ctl("arenas.lookup", &arena, &bytes, &ptr, sizeof(ptr)), 0);
	return arena;
}

static void *fill_elsewhere(void *context)
{
	blocks_fill(context, block_steps(60000, 6000), 300, 4);
	return NULL;
}

START_TEST(blocks_stay_in_their_arena)
{
	struct blocks blocks = {0};
	unsigned char *arenas;
	zdefrag *d;

	/* A thread of its own gets an arena of its own, where there is more than one. */
	join_thread(start_thread(fill_elsewhere, &blocks));
	blocks_thin(&blocks, 30);
	arenas = calloc(blocks.count, 1);
	ck_assert_ptr_nonnull(arenas);
	for (size_t i = 0; i < blocks.count; i++)
		arenas[i] = (unsigned char)arena_of(blocks.held[i].at);
	d = blocks_driver(&blocks);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_gt(stats_of(d).moved, 0);
	for (size_t i = 0; i < blocks.count; i++)
		ck_assert_uint_eq(arena_of(blocks.held[i].at), arenas[i]);
	blocks_check(&blocks);
	zdefrag_free(d);
	free(arenas);
	blocks_free(&blocks);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("defrag_contents");

	need_planning();
	tcase_add_checked_fixture(tests, own_time_begin, own_time_end);
	tcase_add_test(tests, a_cycle_gains_and_loses_nothing);
	tcase_add_test(tests, sizes_stay);
	tcase_add_test(tests, hidden_blocks_are_left_in_peace);
	tcase_add_test(tests, blocks_stay_in_their_arena);
	return run_tests(tests);
}
