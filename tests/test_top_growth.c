/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_top_growth.c - growth per minute, as `zmalloc top` has it.
 */
#include "tests/support.h"
#include "tools/top/growth.h"

static int64_t per_minute(const struct growth *growth)
{
	int64_t bytes;

	ck_assert(growth_per_minute(growth, &bytes));
	return bytes;
}

START_TEST(test_less_than_a_second_tells_nothing)
{
	struct growth growth = {0};
	int64_t bytes;

	ck_assert(!growth_per_minute(&growth, &bytes));
	growth_add(&growth, 10000, 5);
	ck_assert(!growth_per_minute(&growth, &bytes));
	growth_add(&growth, 10999, 50);
	ck_assert(!growth_per_minute(&growth, &bytes));
	growth_add(&growth, 11000, 100);
	ck_assert_int_eq(per_minute(&growth), 95 * 60);
}
END_TEST

START_TEST(test_steady_growth_is_told_whenever_it_is_looked_at)
{
	/* Looks from ten a second to one in a minute and a half. */
	const uint64_t pace_ms[] = {100, 1000, 4999, 5000, 30000, 90000};

	for (size_t p = 0; p < COUNT_OF(pace_ms); p++) {
		struct growth growth = {0};
		uint64_t ms = 1000000;

		growth_add(&growth, ms, 1000 * MIB);
		do {
			ms += pace_ms[p];
			growth_add(&growth, ms, 1000 * MIB + (ms - 1000000) * 1000);
			if (ms >= 1001000)
				ck_assert_int_eq(per_minute(&growth), 60 * 1000 * 1000);
		} while (ms < 1000000 + 400000);
	}
}
END_TEST

START_TEST(test_only_the_last_minute_counts)
{
	struct growth growth = {0};
	uint64_t ms = 0, bytes = 0;

	for (; ms < 300000; ms += 1000)
		growth_add(&growth, ms, bytes += 10 * MIB);
	ck_assert_int_eq(per_minute(&growth), 600 * MIB);
	for (; ms < 300000 + 66000; ms += 1000)
		growth_add(&growth, ms, bytes);
	ck_assert_int_eq(per_minute(&growth), 0);
	growth_add(&growth, ms, 0);
	ck_assert_int_lt(per_minute(&growth), 0);
}
END_TEST

START_TEST(test_figures_of_the_same_age_are_the_same_ones)
{
	struct growth growth = {0};

	growth_add(&growth, 1000, 100);
	growth_add(&growth, 61000, 200);
	for (int i = 0; i < 100; i++)
		growth_add(&growth, 61000, 999);
	ck_assert_int_eq(per_minute(&growth), 100);
}
END_TEST

START_TEST(test_a_clock_that_is_put_back_begins_anew)
{
	struct growth growth = {0};
	int64_t bytes;

	growth_add(&growth, 50000, 100);
	growth_add(&growth, 60000, 200);
	growth_add(&growth, 1000, 300);
	ck_assert(!growth_per_minute(&growth, &bytes));
	growth_add(&growth, 2000, 301);
	ck_assert_int_eq(per_minute(&growth), 60);
}
END_TEST

START_TEST(test_absurd_figures_have_a_growth)
{
	struct growth up = {0}, down = {0};

	growth_add(&up, 0, 0);
	growth_add(&up, 1000, UINT64_MAX - 1);
	ck_assert_int_eq(per_minute(&up), INT64_MAX);
	growth_add(&down, 0, UINT64_MAX - 1);
	growth_add(&down, UINT64_MAX, 0);
	per_minute(&down);
	down = (struct growth){0};
	growth_add(&down, 0, UINT64_MAX - 1);
	growth_add(&down, 1000, 0);
	ck_assert_int_eq(per_minute(&down), -INT64_MAX);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("top_growth");

	tcase_add_test(tests, test_less_than_a_second_tells_nothing);
	tcase_add_test(tests, test_steady_growth_is_told_whenever_it_is_looked_at);
	tcase_add_test(tests, test_only_the_last_minute_counts);
	tcase_add_test(tests, test_figures_of_the_same_age_are_the_same_ones);
	tcase_add_test(tests, test_a_clock_that_is_put_back_begins_anew);
	tcase_add_test(tests, test_absurd_figures_have_a_growth);
	return run_tests(tests);
}
