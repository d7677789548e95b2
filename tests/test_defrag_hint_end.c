/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_defrag_hint_end.c - how a cycle of hints ends: done, given up, forgotten or called off; and
 * that no call of the program's has much to do for it.
 */
#include "config.h"

#include "tests/defrag_program.h"

#include <stdlib.h>

#include <zmalloc.h>

#include "account/account.h"
#include "account/client.h"
#include "defrag/cycle.h"
#include "defrag/hint.h"

#define COUNT block_steps(150000, 60000)

/*
 * What one call gives back at most, in bytes: so many regions of up to 320 bytes, and those of one
 * slab or of eight that are full. 45 ns a region make 0.1 ms.
 */
#define RELEASED_MAX ((512 + 8 * 64) * 320)

/* Half of the blocks have moved that shall, everywhere in the heap. */
static void scan_to_the_middle(struct program *program)
{
	for (size_t i = 0; i < program->blocks.count / 2; i++)
		program_ask(program, i * 104729 % program->blocks.count);
	ck_assert_int_eq(hint_stats().phase, ZDEFRAG_MOVING);
	ck_assert_uint_gt(hint_stats().held_bytes, 4 * RELEASED_MAX);
}

/* The program's own calls, until nothing is held. Returns how many times 300 it took. */
static size_t pauses_until_idle(struct program *program)
{
	size_t pauses = 0;

	for (; hint_stats().phase != ZDEFRAG_IDLE; pauses++) {
		ck_assert_uint_lt(pauses, 100000);
		program_pause(program, 0);
	}
	ck_assert_uint_eq(hint_stats().held_bytes, 0);
	return pauses;
}

/* ---- It says how it ended ---- */

/* In a small heap one percent may be more than can be attained. */
static bool has_reached_the_end(void)
{
	struct zdefrag_stats stats = hint_stats();

	return stats.phase == ZDEFRAG_IDLE &&
	       (stats.reason == ZDEFRAG_REASON_LOW || stats.reason == ZDEFRAG_REASON_UNATTAINABLE);
}

/* In a heap without holes, whatever could be attained. */
START_TEST(nothing_to_gain_is_told_as_such)
{
	struct program program = {.parts = 1};

	program_begin(&program, COUNT, 100);
	program_scan(&program);
	ck_assert_uint_eq(hint_stats().cycles, 0);
	ck_assert_uint_gt(hint_stats().frag_bytes, 0);
	ck_assert_int_eq(hint_stats().reason, ZDEFRAG_REASON_LOW);
	program_end(&program);
}
END_TEST

/*
 * A heap that has become another is begun with anew. In a static program the C library and Check allocate from
 * this one as well, in 7 of 54 runs enough for a second cycle.
 */
static bool malloc_takes_from_this_heap(void)
{
	size_t before, after;
	void *block;

	zmalloc_get_allocator_info(1, &before, NULL, NULL, NULL, NULL, NULL);
	block = opaque(malloc(64 * MIB));
	zmalloc_get_allocator_info(1, &after, NULL, NULL, NULL, NULL, NULL);
	REQUIRE(block != NULL);
	free(block);
	/* The library's own calls may give some back meanwhile. */
	return after > before + 32 * MIB;
}

static void moves_in_the_next_scan(struct program *program)
{
	size_t chosen;

	program_scan(program);
	chosen = (size_t)hint_stats().slabs_chosen;
	ck_assert_uint_gt(chosen, 0);
	/* One scan is enough: but for one slab in twenty at once, and all with a few blocks of the next. */
	ck_assert_uint_ge(hint_stats().slabs_released, chosen - chosen / 20);
	ck_assert_uint_ne(program_scan_to_end(program, 4), 0);
	ck_assert(has_reached_the_end());
	ck_assert_uint_ge(hint_stats().cycles, 1);
	ck_assert_uint_le(hint_stats().cycles, 1 + malloc_takes_from_this_heap());
	ck_assert_uint_eq(hint_stats().moved, program->moved);
	ck_assert_uint_le(program->most_released, RELEASED_MAX);
}

START_TEST(done_and_says_so)
{
	struct program program = {.parts = 16, .pause_ms = 1600};

	program_begin(&program, COUNT, 40);
	moves_in_the_next_scan(&program);
	program_end(&program);
}
END_TEST

START_TEST(one_scan_more_is_enough_after_counting)
{
	struct program program = {.parts = 16, .pause_ms = 1600};

	program_counts_first();
	program_begin(&program, COUNT, 40);
	program_scan(&program);
	ck_assert_int_eq(hint_stats().phase, ZDEFRAG_COUNTING);
	ck_assert_uint_eq(program.moved, 0);
	ck_assert_ptr_null(zm_client_of(ZM_CLIENT_DEFRAG));
	moves_in_the_next_scan(&program);
	program_end(&program);
}
END_TEST

/* As if nothing were left to move, whatever is left: as many slabs as that wait. */
static void let_all_wait_but(uint32_t slabs)
{
	zm_cycle.waiting = zm_cycle.chosen - zm_cycle.emptied - slabs;
}

static uint64_t released_when_round_ends(struct program *program)
{
	do
		program_ask(program, 0);
	while (hint_stats().phase == ZDEFRAG_ENDING);
	return hint_stats().slabs_released;
}

/*
 * Slabs whose blocks have all moved are not waited for, though some are not empty: a region that the
 * allocator has in stock comes past with a block that moves, and none may be left.
 */
START_TEST(over_when_all_have_moved)
{
	struct program program = {.parts = 1};

	program_begin(&program, COUNT, 40);
	scan_to_the_middle(&program);
	let_all_wait_but(1);
	program_ask(&program, 0);
	ck_assert_int_eq(hint_stats().phase, ZDEFRAG_MOVING);
	let_all_wait_but(0);
	program_ask(&program, 0);
	ck_assert_int_eq(hint_stats().phase, ZDEFRAG_ENDING);
	program_end(&program);
}
END_TEST

/* What the allocator has in stock of a slab goes back before the slab is judged. */
START_TEST(what_is_in_stock_keeps_no_slab)
{
	struct program program = {.parts = 1};
	uint64_t released;
	uint32_t waiting;

	program_begin(&program, COUNT, 40);
	scan_to_the_middle(&program);
	for (size_t i = 0; i < program.blocks.count && zm_cycle.waiting == 0; i++)
		program_ask(&program, i);
	waiting = zm_cycle.waiting;
	ck_assert_uint_ne(waiting, 0);
	released = hint_stats().slabs_released;
	let_all_wait_but(0);
	ck_assert_uint_ge(released_when_round_ends(&program), released + waiting);
	program_end(&program);
}
END_TEST

static void hide(struct program *program, unsigned one_of)
{
	for (size_t i = 0; i < program->blocks.count; i++)
		if (chance_below(&program->chance, one_of) == 0)
			program->blocks.held[i].hidden = true;
}

/*
 * Nearly every slab has a block that is never asked about, so nothing can be gained. That is learned in
 * one scan, in which some blocks move in vain; after that it is tried ever more rarely.
 */
START_TEST(what_cannot_be_emptied_is_left_alone)
{
	struct program program = {.pause_ms = 100};
	uint64_t cycles;
	size_t moved;

	program_begin(&program, COUNT, 40);
	hide(&program, 3);
	for (int scan = 0; scan < 3; scan++)
		program_scan(&program);
	moved = program.moved;
	for (int scan = 0; scan < 30; scan++)
		program_scan(&program);
	ck_assert_uint_lt(program.moved - moved, program.blocks.count / 10);
	ck_assert_int_eq(hint_stats().reason, ZDEFRAG_REASON_BACKOFF);
	cycles = hint_stats().cycles;
	ck_assert_uint_le(cycles, 5);
	for (int scan = 0; scan < 30; scan++)
		program_scan(&program);
	ck_assert_uint_le(hint_stats().cycles, cycles + 1);
	program_end(&program);
}
END_TEST

/* One block in 50 is shown in the first scan only: its slab may be chosen, but not again and again. */
START_TEST(what_is_chosen_in_vain_is_not_chosen_again)
{
	struct program program = {.pause_ms = 100};
	size_t moved;

	program_counts_first();
	program_begin(&program, COUNT, 40);
	program_scan(&program);
	hide(&program, 50);
	for (int scan = 0; scan < 8; scan++)
		program_scan(&program);
	moved = program.moved;
	for (int scan = 0; scan < 20; scan++)
		program_scan(&program);
	ck_assert_uint_lt(program.moved - moved, program.blocks.count / 20);
	ck_assert_uint_le(hint_stats().cycles, 5);
	ck_assert_uint_le(program.most_released, RELEASED_MAX);
	program_end(&program);
}
END_TEST

/* It asks, but moves nothing, whatever the answer. */
START_TEST(a_program_that_never_moves_is_given_up)
{
	struct program program = {.parts = 1};
	size_t ones = 0, later = 0;

	program_begin(&program, COUNT, 40);
	for (int scan = 0; scan < 30; scan++)
		for (size_t i = 0; i < program.blocks.count; i++)
			ones += (size_t)zdefrag_hint(program.blocks.held[i].at);
	ck_assert_uint_gt(ones, 0);
	ck_assert_int_eq(hint_stats().phase, ZDEFRAG_IDLE);
	ck_assert_int_eq(hint_stats().reason, ZDEFRAG_REASON_BACKOFF);
	for (int scan = 0; scan < 3; scan++)
		for (size_t i = 0; i < program.blocks.count; i++)
			later += (size_t)zdefrag_hint(program.blocks.held[i].at);
	ck_assert_uint_eq(later, 0);
	program_end(&program);
}
END_TEST

/* What a cycle could not mend does not keep the next from what has come since. */
START_TEST(begins_again_when_it_gets_worse)
{
	struct program program = {.pause_ms = 100};
	size_t moved;

	program_begin(&program, COUNT, 80);
	ck_assert_uint_ne(program_scan_to_end(&program, 20), 0);
	moved = program.moved;
	blocks_thin(&program.blocks, 50);
	ck_assert_uint_ne(program_scan_to_end(&program, 20), 0);
	program_scan(&program);
	ck_assert_uint_ne(program_scan_to_end(&program, 20), 0);
	ck_assert_uint_gt(program.moved, moved + program.blocks.count / 5);
	ck_assert_int_ne(hint_stats().reason, ZDEFRAG_REASON_BACKOFF);
	program_end(&program);
}
END_TEST

/* As if the last cycle had left so much fragmentation. Does another begin? */
static bool begins_after(struct program *program, uint64_t left_bytes)
{
	uint64_t cycles = hint_stats().cycles;

	zm_hints.end_reason = ZDEFRAG_REASON_UNATTAINABLE;
	zm_hints.end_frag_bytes = left_bytes;
	program_pause(program, 300);
	program_ask(program, 0);
	for (size_t i = 0; i < 16; i++)
		program_ask(program, i);
	return hint_stats().cycles != cycles;
}

/* In a heap of half a megabyte the program's thread caches hold what would be a quarter of what was left. */
START_TEST(what_caches_hold_begins_nothing)
{
	struct program program = {.parts = 1};
	uint64_t frag;

	program_begin(&program, 4000, 40);
	ck_assert(!begins_after(&program, UINT64_MAX / 2));
	frag = hint_stats().frag_bytes;
	ck_assert_uint_gt(frag, 140000);
	ck_assert_uint_lt(frag, 500000);
	ck_assert(!begins_after(&program, frag - 110000));
	ck_assert(begins_after(&program, frag - 140000));
	program_end(&program);
}
END_TEST

/* ---- Nobody asks any more ---- */

/* Seconds without a question: what is held goes back, a little with each call, and nothing is lost. */
START_TEST(holds_nothing_while_it_is_not_asked)
{
	struct program program = {.parts = 1};
	size_t used;

	program_begin(&program, COUNT, 40);
	used = zmalloc_used_memory();
	scan_to_the_middle(&program);
	/* Programs pause. */
	for (int i = 0; i < 6; i++)
		program_pause(&program, 250);
	ck_assert_int_eq(hint_stats().phase, ZDEFRAG_MOVING);
	for (int i = 0; i < 100 && hint_stats().phase != ZDEFRAG_COUNTING; i++)
		program_pause(&program, 100);
	ck_assert_uint_eq(hint_stats().held_bytes, 0);
	ck_assert_int_eq(hint_stats().phase, ZDEFRAG_COUNTING);
	ck_assert_ptr_null(zm_client_of(ZM_CLIENT_DEFRAG));
	ck_assert_uint_le(program.most_released, RELEASED_MAX);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ck_assert_uint_ne(program_scan_to_end(&program, 6), 0);
	ck_assert(has_reached_the_end());
	ck_assert_uint_eq(hint_stats().cycles, 1);
	program_end(&program);
}
END_TEST

START_TEST(forgotten_while_it_moves)
{
	struct program program = {.parts = 1};
	size_t used;

	program_begin(&program, COUNT, 40);
	used = zmalloc_used_memory();
	scan_to_the_middle(&program);
	for (int i = 0; i < 40; i++)
		program_pause(&program, 1000);
	ck_assert_int_ne(hint_stats().phase, ZDEFRAG_MOVING);
	/* Not every hint looks at the clock. */
	for (size_t i = 0; i < 16; i++)
		ck_assert_int_eq(zdefrag_hint(program.blocks.held[i].at), 0);
	pauses_until_idle(&program);
	ck_assert_int_eq(hint_stats().reason, ZDEFRAG_REASON_NOT_ASKED);
	ck_assert_uint_le(program.most_released, RELEASED_MAX);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	program_end(&program);
}
END_TEST

START_TEST(forgotten_while_it_counts)
{
	struct program program = {.parts = 1};

	program_counts_first();
	program_begin(&program, COUNT, 40);
	program_scan(&program);
	ck_assert_int_eq(hint_stats().phase, ZDEFRAG_COUNTING);
	ck_assert_uint_eq(hint_stats().held_bytes, 0);
	ck_assert_ptr_null(zm_client_of(ZM_CLIENT_DEFRAG));
	program_pause(&program, 3600000);
	/* What was shown an hour ago is not what there is. */
	program_scan(&program);
	ck_assert_uint_eq(program.moved, 0);
	ck_assert_uint_ne(program_scan_to_end(&program, 8), 0);
	ck_assert(has_reached_the_end());
	program_end(&program);
}
END_TEST

START_TEST(called_off)
{
	struct program program = {.parts = 1};
	size_t used, held;

	program_begin(&program, COUNT, 40);
	used = zmalloc_used_memory();
	scan_to_the_middle(&program);
	held = zm_account_held();
	zdefrag_hint_end();
	ck_assert_uint_le(held - zm_account_held(), 8 * RELEASED_MAX);
	ck_assert_int_eq(zdefrag_hint(program.blocks.held[0].at), 0);
	pauses_until_idle(&program);
	ck_assert_int_eq(hint_stats().reason, ZDEFRAG_REASON_ABANDONED);
	ck_assert_ptr_null(zm_client_of(ZM_CLIENT_DEFRAG));
	ck_assert_uint_le(program.most_released, RELEASED_MAX);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	program_end(&program);
}
END_TEST

/* Blocks that the program frees leave nothing held behind, if it never asks again. */
START_TEST(frees_are_given_back_without_a_hint)
{
	struct program program = {.parts = 1};

	program_begin(&program, COUNT, 40);
	scan_to_the_middle(&program);
	for (size_t i = 0; i < program.blocks.count; i++) {
		size_t held = zm_account_held();

		zfree(program.blocks.held[i].at);
		program.blocks.held[i].at = NULL;
		if (held > zm_account_held() + program.most_released)
			program.most_released = held - zm_account_held();
	}
	program.blocks.count = 0;
	for (int i = 0; i < 100; i++)
		program_pause(&program, 0);
	ck_assert_int_eq(hint_stats().phase, ZDEFRAG_MOVING);
	ck_assert_uint_lt(hint_stats().held_bytes, RELEASED_MAX);
	ck_assert_uint_le(program.most_released, RELEASED_MAX);
	program_end(&program);
}
END_TEST

/* ---- The heap changes meanwhile ---- */

static void scan_in_part(struct program *program, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		program_ask(program, i);
}

/* The program frees more while blocks move: what that leaves moves in the same scan. */
START_TEST(a_plan_grows_with_what_is_freed)
{
	struct program program = {.parts = 1};
	size_t count, fragmented;
	uint64_t chosen;

	program_begin(&program, COUNT, 80);
	scan_in_part(&program, 0, program.blocks.count / 16);
	ck_assert_int_eq(hint_stats().phase, ZDEFRAG_MOVING);
	chosen = hint_stats().slabs_chosen;
	blocks_thin(&program.blocks, 50);
	fragmented = frag_bytes();
	program_pause(&program, 500);
	count = program.blocks.count;
	/* At once: the round that runs is far from its end. */
	scan_in_part(&program, 0, count / 8);
	ck_assert_uint_gt(hint_stats().slabs_chosen, chosen);
	scan_in_part(&program, count / 8, count);
	ck_assert_uint_gt(hint_stats().slabs_chosen, 2 * chosen);
	ck_assert_uint_lt(frag_bytes(), fragmented / 3);
	program_end(&program);
}
END_TEST

/* How far ahead is the plan when a program asks again after a pause, in which it freed a part of its blocks? */
static unsigned ahead_x256_on_return(unsigned keep_percent)
{
	struct program program = {.parts = 1};
	unsigned ahead_x256;

	program_begin(&program, COUNT, 80);
	scan_in_part(&program, 0, program.blocks.count / 16);
	ck_assert_int_eq(hint_stats().phase, ZDEFRAG_MOVING);
	for (int i = 0; i < 100 && hint_stats().phase != ZDEFRAG_COUNTING; i++)
		program_pause(&program, 100);
	blocks_thin(&program.blocks, keep_percent);
	for (size_t i = 0; hint_stats().phase != ZDEFRAG_MOVING; i++) {
		ck_assert_uint_lt(i, program.blocks.count);
		program_ask(&program, i);
	}
	ahead_x256 = zm_cycle.rule.ahead_x256;
	program_end(&program);
	return ahead_x256;
}

/* A program that has begun to free goes on with it, and each plan would be late; else all is known. */
START_TEST(a_plan_after_a_pause_is_ahead_of_what_is_freed)
{
	ck_assert_uint_lt(ahead_x256_on_return(100), 16);
	ck_assert_uint_gt(ahead_x256_on_return(50), 128);
}
END_TEST

static unsigned bin_of(const struct held_block *block)
{
	unsigned bin;

	ck_assert(zm_slab_bin_of(zmalloc_size(block->at), &bin));
	return bin;
}

/* Of the sizes that the program has: the one of the smallest slabs, so that it has many of them. */
static unsigned bin_of_small_slabs(const struct program *program)
{
	const struct zm_slab_bin *bins = zm_slab_layout()->bin;
	unsigned smallest = bin_of(&program->blocks.held[0]);

	for (size_t i = 0; i < program->blocks.count; i++) {
		unsigned bin = bin_of(&program->blocks.held[i]);

		if (bins[bin].regions < bins[smallest].regions)
			smallest = bin;
	}
	return smallest;
}

/*
 * Blocks of one size are hidden in part. That keeps none of another size from moving at once. With fewer
 * blocks there is nothing that is worth a scan.
 */
START_TEST(doubt_is_for_blocks_of_one_size)
{
	struct program program = {.pause_ms = 100};
	unsigned hidden;
	size_t moved;

	program_begin(&program, 150000, 80);
	hidden = bin_of_small_slabs(&program);
	for (size_t i = 0; i < program.blocks.count; i++)
		program.blocks.held[i].hidden =
			i % 3 == 0 && bin_of(&program.blocks.held[i]) == hidden;
	for (int scan = 0; scan < 6; scan++)
		program_scan(&program);
	ck_assert_uint_gt(zm_hints.doubt[hidden], 0);
	moved = program.moved;
	blocks_thin(&program.blocks, 50);
	program_pause(&program, 60000);
	program_scan(&program);
	ck_assert_uint_gt(program.moved, moved + program.blocks.count / 8);
	program_end(&program);
}
END_TEST

/* ---- A driver is next ---- */

START_TEST(a_driver_need_not_wait)
{
	struct program program = {.parts = 1};
	zdefrag *d;

	program_begin(&program, COUNT, 40);
	d = blocks_driver(&program.blocks);
	scan_to_the_middle(&program);
	ck_assert_int_eq(zdefrag_run(d), -1);
	zdefrag_hint_end();
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_gt(stats_of(d).moved, 0);
	ck_assert_uint_eq(hint_stats().held_bytes, 0);
	zdefrag_free(d);
	program_end(&program);
}
END_TEST

START_TEST(a_driver_ends_what_was_forgotten)
{
	struct program program = {.parts = 1};
	zdefrag *d;

	program_begin(&program, COUNT, 40);
	d = blocks_driver(&program.blocks);
	scan_to_the_middle(&program);
	program_pause(&program, 5000);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_int_eq(hint_stats().reason, ZDEFRAG_REASON_NOT_ASKED);
	zdefrag_free(d);
	program_end(&program);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("defrag_hint_end");

	need_planning();
	tcase_add_test(tests, nothing_to_gain_is_told_as_such);
	tcase_add_test(tests, done_and_says_so);
	tcase_add_test(tests, one_scan_more_is_enough_after_counting);
	tcase_add_test(tests, over_when_all_have_moved);
	tcase_add_test(tests, what_is_in_stock_keeps_no_slab);
	tcase_add_test(tests, what_cannot_be_emptied_is_left_alone);
	tcase_add_test(tests, what_is_chosen_in_vain_is_not_chosen_again);
	tcase_add_test(tests, a_program_that_never_moves_is_given_up);
	tcase_add_test(tests, begins_again_when_it_gets_worse);
	tcase_add_test(tests, what_caches_hold_begins_nothing);
	tcase_add_test(tests, holds_nothing_while_it_is_not_asked);
	tcase_add_test(tests, forgotten_while_it_moves);
	tcase_add_test(tests, forgotten_while_it_counts);
	tcase_add_test(tests, called_off);
	tcase_add_test(tests, frees_are_given_back_without_a_hint);
	tcase_add_test(tests, a_plan_grows_with_what_is_freed);
	tcase_add_test(tests, a_plan_after_a_pause_is_ahead_of_what_is_freed);
	tcase_add_test(tests, doubt_is_for_blocks_of_one_size);
	tcase_add_test(tests, a_driver_need_not_wait);
	tcase_add_test(tests, a_driver_ends_what_was_forgotten);
	return run_tests(tests);
}
