/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_os_proc.c - the parsers of /proc's texts, on what kernels say and on what none does.
 */
#include "config.h"

#include "os/proc.h"
#include "tests/os_fixture.h"
#include "tests/support.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

/* Where nothing is stored, the result keeps what was there before. */
#define UNTOUCHED 77

static const struct {
	const char *text;
	int field;
	int error;
	long long value;
} stat_cases[] = {
	{"stat/plain", 1, 0, 4242},
	{"stat/plain", 4, 0, 1200},
	{"stat/plain", 24, 0, 4321},
	{"stat/plain", 25, 0, LLONG_MAX}, /* unlimited, all 64 bits set */
	{"stat/plain", 43, 0, -7},
	{"stat/plain", 52, 0, 0},
	{"stat/plain", 53, ENOENT, 0},
	{"stat/plain", INT_MAX, ENOENT, 0},
	{"stat/plain", 2, EINVAL, 0},
	{"stat/plain", 3, EINVAL, 0},
	{"stat/plain", 0, EINVAL, 0},
	{"stat/plain", INT_MIN, EINVAL, 0},
	{"stat/two_newlines", 24, 0, 4321},
	{"stat/two_newlines", 52, 0, 0},
	{"stat/two_newlines", 53, ENOENT, 0},
	{"stat/name_fakes_fields", 4, 0, 1200},
	{"stat/name_fakes_fields", 24, 0, 4321},
	{"stat/name_all_parens", 24, 0, 4321},
	{"stat/name_newlines", 1, 0, 4242},
	{"stat/name_newlines", 24, 0, 4321},
	{"stat/name_utf8", 24, 0, 4321},
	{"stat/name_empty", 24, 0, 4321},
	{"stat/name_bytes", 24, 0, 4321},
	{"stat/name_2000", 24, 0, 4321},
	{"stat/rss_over_64_bits", 24, ERANGE, 0},
	{"stat/rss_over_64_bits", 23, 0, 138524672},
	{"stat/rss_no_number", 24, EINVAL, 0},
	{"stat/rss_negative", 24, 0, -3},
	{"stat/cut_in_rss", 23, 0, 138524672},
	{"stat/cut_in_rss", 24, ENOENT, 0},
	{"stat/cut_after_rss", 24, 0, 4321},
	{"stat/cut_after_rss", 25, ENOENT, 0},
	{"stat/cut_in_name", 1, 0, 4242},
	{"stat/cut_in_name", 24, EINVAL, 0},
	{"stat/empty", 1, EINVAL, 0},
	{"stat/empty", 24, EINVAL, 0},
	{"stat/newline_only", 1, EINVAL, 0},
	{"stat/newline_only", 24, EINVAL, 0},
	{"stat/no_pid", 1, EINVAL, 0},
};

START_TEST(test_stat)
{
	long long value = UNTOUCHED;
	struct zm_span text = fixture_text(stat_cases[_i].text);
	int error = zm_proc_stat_field(text, stat_cases[_i].field, &value);

	ck_assert_msg(error == stat_cases[_i].error, "%s, field %d: error %d", stat_cases[_i].text,
		      stat_cases[_i].field, error);
	ck_assert_int_eq(value, error ? UNTOUCHED : stat_cases[_i].value);
}
END_TEST

static const struct {
	const char *text;
	int error;
	uint64_t pages;
} statm_cases[] = {
	{"statm/plain", 0, 4321},
	{"statm/cut_in_rss", EINVAL, 0},
	{"statm/cut_after_size", EINVAL, 0},
	{"statm/one_field", EINVAL, 0},
	{"statm/over_64_bits", ERANGE, 0},
	{"statm/no_number", EINVAL, 0},
	{"statm/number_then_letter", EINVAL, 0},
	{"statm/negative", EINVAL, 0},
	{"statm/empty", EINVAL, 0},
};

START_TEST(test_statm)
{
	uint64_t pages = UNTOUCHED;
	int error = zm_proc_statm_rss(fixture_text(statm_cases[_i].text), &pages);

	ck_assert_msg(error == statm_cases[_i].error, "%s: error %d", statm_cases[_i].text, error);
	ck_assert_uint_eq(pages, error ? UNTOUCHED : statm_cases[_i].pages);
}
END_TEST

static const struct {
	const char *text, *field;
	int error;
	uint64_t kilobytes;
} smaps_cases[] = {
	{"smaps/rollup", "Rss:", 0, 916428},
	{"smaps/rollup", "Private_Dirty:", 0, 913116},
	{"smaps/rollup", "AnonHugePages:", 0, 522240},
	{"smaps/rollup", "Swap:", 0, 2048},
	{"smaps/rollup", "Locked:", 0, 0},
	{"smaps/rollup", "Size:", ENOENT, 0},
	{"smaps/maps", "Rss:", 0, 8 + 20 + 132 + 131072 + 16 + 36},
	{"smaps/maps", "Private_Dirty:", 0, 132 + 131072 + 4 + 36},
	{"smaps/maps", "AnonHugePages:", 0, 122880},
	{"smaps/maps", "Swap:", 0, 512},
	{"smaps/maps", "Size:", 0, 2 * (8 + 20 + 132 + 131072 + 16 + 36)},
	{"smaps/maps", "THPeligible:", ENOENT, 0},   /* a flag */
	{"smaps/maps", "ProtectionKey:", ENOENT, 0}, /* a number, not of bytes */
	{"smaps/maps", "VmFlags:", ENOENT, 0},
	{"smaps/maps", "Rss", ENOENT, 0},
	{"smaps/maps", "", ENOENT, 0},
	{"smaps/maps", "7ffc47cb2000-7ffc47cd3000", ENOENT, 0},
	{"smaps/long_lines", "Rss:", 0, 8 + 36},
	{"smaps/long_lines", "Filler:", ENOENT, 0},
	{"smaps/no_unit", "Rss:", 0, 8},
	{"smaps/no_unit_at_all", "Rss:", ENOENT, 0},
	{"smaps/other_unit", "Rss:", 0, 8},
	{"smaps/no_number", "Rss:", 0, 8},
	{"smaps/over_64_bits", "Rss:", ERANGE, 0},
	{"smaps/over_64_bits_in_bytes", "Rss:", ERANGE, 0},
	{"smaps/sum_over_64_bits", "Rss:", ERANGE, 0},
	{"smaps/cut_in_number", "Rss:", 0, 8},
	{"smaps/cut_in_unit", "Rss:", 0, 8},
	{"smaps/cut_before_newline", "Rss:", 0, 12},
	{"smaps/empty", "Rss:", ENOENT, 0},
	{"smaps/newlines", "Rss:", ENOENT, 0},
	{"smaps/near_names", "Rss:", 0, 5},
	{"smaps/nul_bytes", "Rss:", 0, 8},
};

/* Whole, as one read gives it, and a few bytes at a time, so that lines break everywhere. */
START_TEST(test_smaps)
{
	static const size_t steps[] = {1, 2, 3, 61, 4096, SIZE_MAX};
	struct zm_span text = fixture_text(smaps_cases[_i].text);
	struct zm_lines lines;
	char buffer[512];

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		uint64_t bytes = UNTOUCHED;
		int error;

		zm_lines_of_text(&lines, text, steps[i], buffer, sizeof(buffer));
		error = zm_proc_smaps_sum(&lines, smaps_cases[_i].field, &bytes);
		ck_assert_msg(error == smaps_cases[_i].error, "%s, \"%s\": error %d",
			      smaps_cases[_i].text, smaps_cases[_i].field, error);
		ck_assert_uint_eq(bytes, error ? UNTOUCHED : smaps_cases[_i].kilobytes * 1024);
	}
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("os_proc");

	tcase_add_loop_test(tests, test_stat, 0, (int)COUNT_OF(stat_cases));
	tcase_add_loop_test(tests, test_statm, 0, (int)COUNT_OF(statm_cases));
	tcase_add_loop_test(tests, test_smaps, 0, (int)COUNT_OF(smaps_cases));
	return run_tests(tests);
}
