/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_defrag_hint_work.c - what a cycle of hints knows and does on its way: what is shown, what is
 * waited for, where copies go, what its figures say.
 */
#include "config.h"

#include "tests/defrag_program.h"

#include <stdlib.h>

#include <zmalloc.h>

#include "account/account.h"
#include "defrag/hint.h"

#define COUNT block_steps(150000, 60000)

/* In no order of the heap's, so that no slab is empty soon. */
static void ask_until_moving(struct program *program)
{
	for (size_t i = 0; hint_stats().phase != ZDEFRAG_MOVING; i++) {
		ck_assert_uint_lt(i, 4 * program->blocks.count);
		program_ask(program, i * 104729 % program->blocks.count);
	}
}

static void scan_to_the_middle(struct program *program)
{
	ask_until_moving(program);
	for (size_t i = 0; i < program->blocks.count / 3; i++)
		program_ask(program, i * 104729 % program->blocks.count);
	ck_assert_int_eq(hint_stats().phase, ZDEFRAG_MOVING);
	ck_assert_uint_gt(hint_stats().held_bytes, 0);
}

/* ---- What is shown ---- */

/* The copy of a block that was shown need not be shown once more. */
START_TEST(copies_are_shown)
{
	struct program program = {.parts = 1};
	size_t moved;

	program_counts_first();
	program_begin(&program, COUNT, 40);
	program_scan(&program);
	scan_to_the_middle(&program);
	moved = (size_t)zm_cycle.moved;
	ck_assert_uint_gt(moved, program.blocks.count / 10);
	ck_assert_uint_gt(zm_cycle.shown + zm_cycle.evacuated - moved,
			  program.blocks.count - program.blocks.count / 50);
	program_end(&program);
}
END_TEST

/*
 * The program shows a tenth of its blocks again and again. That is not all that it has: it is waited for,
 * and what it turns to then moves as well.
 */
START_TEST(a_part_is_not_all)
{
	struct program program = {.parts = 10, .times = 12, .pause_ms = 10};

	program_counts_first();
	program_begin(&program, COUNT, 40);
	program_scan(&program);
	program_scan(&program);
	ck_assert_int_ne(hint_stats().reason, ZDEFRAG_REASON_BACKOFF);
	ck_assert_uint_gt(program.moved, program.blocks.count / 8);
	ck_assert_uint_eq(hint_stats().cycles, 1);
	program_end(&program);
}
END_TEST

/* Each block is asked about two times in a row: not before all are old has the program come round. */
START_TEST(repeats_among_new_blocks_are_no_scan)
{
	struct program program = {.parts = 1};

	program_counts_first();
	program_begin(&program, COUNT, 40);
	for (size_t i = 0; i < program.blocks.count; i++)
		program_ask(&program, i / 2);
	ck_assert_int_eq(hint_stats().phase, ZDEFRAG_COUNTING);
	ck_assert_uint_eq(program.moved, 0);
	program_end(&program);
}
END_TEST

/* ---- What is waited for ---- */

/* A pause gave back what was held: the next one like it is expected. */
START_TEST(a_pause_unpins_once)
{
	struct program program = {.parts = 1};

	program_begin(&program, COUNT, 40);
	scan_to_the_middle(&program);
	for (int i = 0; i < 100 && hint_stats().phase != ZDEFRAG_COUNTING; i++)
		program_pause(&program, 100);
	ck_assert_uint_eq(hint_stats().held_bytes, 0);
	program_pause(&program, 3000);
	ask_until_moving(&program);
	for (int i = 0; i < 10; i++)
		program_pause(&program, 600);
	ck_assert_int_eq(hint_stats().phase, ZDEFRAG_MOVING);
	program_end(&program);
}
END_TEST

/* Called off, and then nothing but hints: each gives back a little, and says no. */
START_TEST(hints_end_it_a_little_at_a_time)
{
	struct program program = {.parts = 1};
	size_t hints = 0;

	program_begin(&program, COUNT, 40);
	scan_to_the_middle(&program);
	zdefrag_hint_end();
	program.most_released = 0;
	for (; hint_stats().phase != ZDEFRAG_IDLE; hints++) {
		size_t held = zm_account_held();

		ck_assert_uint_lt(hints, program.blocks.count);
		ck_assert_int_eq(zdefrag_hint(program.blocks.held[hints].at), 0);
		/* 64 regions, and those of one slab. */
		ck_assert_uint_le(held - zm_account_held(), (64 + 512) * 320);
	}
	ck_assert_uint_gt(hints, 8);
	ck_assert_uint_eq(hint_stats().held_bytes, 0);
	program_end(&program);
}
END_TEST

/* ---- Where copies go ---- */

static unsigned arena_of(void *ptr)
{
	unsigned arena = 0;
	size_t bytes = sizeof(arena);

	ck_assert_int_eq(zmalloc_ctl("arenas.lookup", &arena, &bytes, &ptr, sizeof(ptr)), 0);
	return arena;
}

static void *begin_elsewhere(void *program)
{
	program_begin(program, COUNT, 40);
	return NULL;
}

/* Another thread has filled the heap, in an arena of its own if there is more than one. */
START_TEST(copies_stay_in_their_arena)
{
	struct program program = {.parts = 1};
	unsigned char *arenas;
	size_t strayed = 0;

	join_thread(start_thread(begin_elsewhere, &program));
	arenas = calloc(program.blocks.count, 1);
	ck_assert_ptr_nonnull(arenas);
	for (size_t i = 0; i < program.blocks.count; i++)
		arenas[i] = (unsigned char)arena_of(program.blocks.held[i].at);
	program_scan(&program);
	ck_assert_uint_gt(program.moved, program.blocks.count / 4);
	/* But for one in each round, whose hint may have been the last. */
	for (size_t i = 0; i < program.blocks.count; i++)
		strayed += arena_of(program.blocks.held[i].at) != arenas[i];
	ck_assert_uint_le(strayed, 4);
	free(arenas);
	program_end(&program);
}
END_TEST

/* ---- Figures ---- */

static bool near(size_t a, size_t b)
{
	size_t difference = a > b ? a - b : b - a;

	return difference <= b / 10;
}

/* What is held is used to the allocator, and free space to us; and the program's blocks are as many. */
START_TEST(figures_count_what_is_held_as_free)
{
	struct program program = {.parts = 1};
	struct zm_gate_figures before, then;
	size_t frag, held;

	program_begin(&program, COUNT, 40);
	zmalloc_ctl("thread.tcache.flush", NULL, NULL, NULL, 0);
	zm_gate_look(&before);
	scan_to_the_middle(&program);
	ck_assert_uint_eq(hint_stats().moved, program.moved);
	held = zm_account_held();
	ck_assert_uint_gt(held, before.live_bytes / 4);
	zmalloc_ctl("thread.tcache.flush", NULL, NULL, NULL, 0);
	zm_gate_look(&then);
	frag = frag_bytes();
	ck_assert(near(then.live_bytes, before.live_bytes));
	ck_assert(near(then.frag_bytes, frag));
	ck_assert(near(then.frag_bytes, before.frag_bytes));
	program_end(&program);
}
END_TEST

/*
 * A slab that is asked about while the plan is made will not be asked about again before a whole scan is
 * over: others are chosen. Of 1,239 blocks 37 are in slabs that were chosen just before.
 */
START_TEST(what_is_asked_about_meanwhile_is_not_chosen)
{
	struct program program = {.parts = 1};
	size_t asked = 0, ones = 0;

	program_begin(&program, COUNT, 60);
	for (; zm_hints.stage != ZM_HINT_PRIMING; asked++)
		program_ask(&program, asked * 104729 % program.blocks.count);
	while (zm_hints.stage == ZM_HINT_PRIMING)
		program_ask(&program, 0);
	for (size_t i = 0; i < asked; i++)
		ones += (size_t)zdefrag_hint(
			program.blocks.held[i * 104729 % program.blocks.count].at);
	ck_assert_uint_gt(asked, 100);
	ck_assert_uint_lt(ones, asked / 10);
	program_end(&program);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("defrag_hint_work");

	need_planning();
	tcase_add_test(tests, copies_are_shown);
	tcase_add_test(tests, a_part_is_not_all);
	tcase_add_test(tests, repeats_among_new_blocks_are_no_scan);
	tcase_add_test(tests, a_pause_unpins_once);
	tcase_add_test(tests, hints_end_it_a_little_at_a_time);
	tcase_add_test(tests, copies_stay_in_their_arena);
	tcase_add_test(tests, what_is_asked_about_meanwhile_is_not_chosen);
	tcase_add_test(tests, figures_count_what_is_held_as_free);
	return run_tests(tests);
}
