/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_defrag_hint_orders.c - however a program asks about its blocks, it gets to the end: to one
 * percent of fragmentation, or to what can be attained.
 */
#include "config.h"

#include "tests/defrag_program.h"

#include <stdio.h>
#include <stdlib.h>

#include "defrag/hint.h"

#define COUNT block_steps(150000, 60000)

/* Done, and for good: nothing moves any more, and no cycle begins. */
static void stays_done(struct program *program)
{
	struct zdefrag_stats stats = hint_stats(), later;
	size_t moved = program->moved;

	ck_assert_int_eq(stats.phase, ZDEFRAG_IDLE);
	ck_assert_uint_eq(stats.held_bytes, 0);
	if (stats.reason != ZDEFRAG_REASON_LOW)
		ck_assert_int_eq(stats.reason, ZDEFRAG_REASON_UNATTAINABLE);
	program_scan(program);
	later = hint_stats();
	ck_assert_uint_eq(program->moved, moved);
	ck_assert_uint_eq(later.cycles, stats.cycles);
	ck_assert_int_eq(later.phase, ZDEFRAG_IDLE);
}

/* Which program it was that did not. */
static void tell(const struct program *program)
{
	struct zdefrag_stats stats = hint_stats();

	fprintf(stderr,
		"order %d, pauses of %zu ms, %zu parts %zu times: %s, reason %d, %u / 10000\n",
		program->order, program->pause_ms, program->parts, program->times,
		zdefrag_phase_name(stats.phase), stats.reason, stats.percent_x100);
}

static void reaches_the_end_as(bool counted, struct program program, size_t scans_max)
{
	size_t before = frag_bytes(), fragmented, scans;

	if (counted)
		program_counts_first();
	program_begin(&program, COUNT, 40);
	fragmented = frag_bytes() - before;
	scans = program_scan_to_end(&program, scans_max);
	if (scans == 0 || hint_stats().reason == ZDEFRAG_REASON_BACKOFF)
		tell(&program);
	ck_assert_uint_ne(scans, 0);
	ck_assert_uint_gt(program.moved, program.blocks.count / 4);
	ck_assert_uint_lt(frag_bytes(), before + fragmented / 20);
	stays_done(&program);
	program_end(&program);
}

/* Whether blocks are counted first or not. */
static void reaches_the_end(struct program program, size_t scans_max)
{
	reaches_the_end_as(false, program, scans_max);
	reaches_the_end_as(true, program, scans_max + 1);
}

/*
 * Those that show every block once in a scan move in one; the next shows what was missed. At random the last
 * blocks of a plan are late: of 200 programs one took 9 scans, half of them 17, and one 30.
 */
static size_t scans_of(enum order order)
{
	static const size_t scans[ORDERS] = {
		[FORWARDS] = 6,   [BACKWARDS] = 6, [TO_AND_FRO] = 8, [SHUFFLED] = 8,
		[AT_RANDOM] = 80, [HALF] = 60,     [TWICE] = 6,
	};

	return scans[order];
}

START_TEST(in_any_order)
{
	for (int order = 0; order < ORDERS; order++)
		reaches_the_end((struct program){.order = (enum order)order},
				scans_of((enum order)order));
}
END_TEST

START_TEST(with_any_pause)
{
	static const size_t pauses_ms[] = {30, 500, 1600, 10000};

	for (size_t i = 0; i < COUNT_OF(pauses_ms); i++)
		for (int order = 0; order < ORDERS; order++)
			reaches_the_end((struct program){.order = (enum order)order,
							 .pause_ms = pauses_ms[i]},
					scans_of((enum order)order));
}
END_TEST

/* As a server does that has 16 databases. */
START_TEST(one_part_at_a_time)
{
	static const size_t pauses_ms[] = {0, 100, 1600, 10000};

	for (size_t i = 0; i < COUNT_OF(pauses_ms); i++)
		for (int order = FORWARDS; order <= TO_AND_FRO; order++)
			reaches_the_end((struct program){.order = (enum order)order,
							 .parts = 16,
							 .pause_ms = pauses_ms[i]},
					scans_of((enum order)order));
}
END_TEST

/* Each part looks like all there is, until the program turns to the next. */
START_TEST(one_part_many_times)
{
	reaches_the_end((struct program){.parts = 16, .times = 6, .pause_ms = 100}, 6);
	reaches_the_end((struct program){.parts = 4, .times = 3, .pause_ms = 1600}, 6);
}
END_TEST

START_TEST(at_any_speed)
{
	static const size_t hints_ms[] = {1, 1000, 5000};

	for (size_t i = 0; i < COUNT_OF(hints_ms); i++)
		reaches_the_end((struct program){.hint_ms = hints_ms[i]}, 6);
}
END_TEST

/* A pause that ended a cycle is waited for in the next. */
START_TEST(with_pauses_that_no_one_expects)
{
	reaches_the_end((struct program){.pause_ms = 40000}, 7);
	reaches_the_end((struct program){.pause_ms = 250000}, 7);
	reaches_the_end((struct program){.parts = 16, .pause_ms = 100000}, 7);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("defrag_hint_orders");

	need_planning();
	tcase_add_test(tests, in_any_order);
	tcase_add_test(tests, with_any_pause);
	tcase_add_test(tests, one_part_at_a_time);
	tcase_add_test(tests, one_part_many_times);
	tcase_add_test(tests, at_any_speed);
	tcase_add_test(tests, with_pauses_that_no_one_expects);
	return run_tests(tests);
}
