/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_profile_defrag.c - a block that defragmentation moves stays where it was allocated.
 */
#include "config.h"

#include "tests/support.h"

#include <zmalloc.h>
#include <zmalloc/profile.h>
#include <zmalloc/redis.h>

#include "tests/defrag_blocks.h"

struct sums {
	size_t stacks, live_blocks, live_bytes, total_blocks;
	/* Of the stack that holds the most. */
	size_t most_blocks;
};

static int add(const struct zmalloc_profile_stack *stack, void *context)
{
	struct sums *sums = context;

	sums->stacks++;
	sums->live_blocks += stack->live_blocks;
	sums->live_bytes += stack->live_bytes;
	sums->total_blocks += stack->total_blocks;
	if (stack->live_blocks > sums->most_blocks)
		sums->most_blocks = stack->live_blocks;
	return 0;
}

static struct sums sums_now(void)
{
	struct sums sums = {0};

	REQUIRE(zmalloc_profile_visit(add, &sums) == 0);
	return sums;
}

/* Every block is a sample. */
static void fill_sampled(struct blocks *blocks)
{
	REQUIRE(zmalloc_profile_start(1) == 0);
	blocks_fill(blocks, block_steps(60000, 6000), 400, 5);
	blocks_thin(blocks, 50);
}

static void expect_same_holder(const struct sums *before, size_t blocks)
{
	struct sums after = sums_now();

	ck_assert_uint_eq(after.live_bytes, before->live_bytes);
	ck_assert_uint_eq(after.most_blocks, blocks);
	ck_assert_uint_eq(before->most_blocks, blocks);
}

static void expect_nothing(struct blocks *blocks)
{
	struct sums after;

	blocks_check(blocks);
	blocks_free(blocks);
	after = sums_now();
	ck_assert_uint_lt(after.most_blocks, 10);
	REQUIRE(zmalloc_profile_stop() == 0);
}

START_TEST(test_a_driver_moves_blocks_with_their_stacks)
{
	struct blocks blocks = {0};
	struct sums before;
	zdefrag *d;

	fill_sampled(&blocks);
	d = blocks_driver(&blocks);
	before = sums_now();
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_gt(stats_of(d).moved, 0);
	expect_same_holder(&before, blocks.count);
	zdefrag_free(d);
	expect_nothing(&blocks);
}
END_TEST

START_TEST(test_who_follows_a_hint_moves_its_stack)
{
	struct blocks blocks = {0};
	struct sums before;
	size_t moved = 0;

	fill_sampled(&blocks);
	before = sums_now();
	for (unsigned pass = 0; pass < 4; pass++)
		for (size_t i = 0; i < blocks.count; i++)
			if (zdefrag_hint(blocks.held[i].at)) {
				blocks_move(&blocks.held[i]);
				moved++;
			}
	zdefrag_hint_end();
	ck_assert_uint_gt(moved, blocks.count / 20);
	expect_same_holder(&before, blocks.count);
	expect_nothing(&blocks);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("profile_defrag");

	need_defrag();
	need_planning();
	tcase_add_test(tests, test_a_driver_moves_blocks_with_their_stacks);
	tcase_add_test(tests, test_who_follows_a_hint_moves_its_stack);
	return run_tests(tests);
}
