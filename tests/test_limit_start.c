/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_limit_start.c - ZMALLOC_LIMIT limits a program that knows nothing of it; what cannot be
 * understood is told once, and there is no limit.
 */
#include "config.h"

#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/limit.h>

static char self[4096];

/* This program anew, with another task than its tests: see main(). */
static void run_anew(void *wish)
{
	setenv("ZMALLOC_LIMIT", wish, 1);
	execl(self, self, "tell", (char *)NULL);
	_exit(127);
}

static void expect(const char *wish, const char *expected)
{
	static struct child child;

	run_child(&child, run_anew, opaque((void *)(uintptr_t)wish));
	ck_assert_int_eq(child.status, 0);
	ck_assert_msg(strcmp(child.output, expected) == 0, "ZMALLOC_LIMIT=%s: %s", wish,
		      child.output);
}

static void expect_size(const char *wish, size_t bytes)
{
	char expected[100];

	snprintf(expected, sizeof(expected), "limit %zu\n", bytes);
	expect(wish, expected);
}

/* The limit holds before main() begins. */
static int tell(void)
{
	size_t limit = zmalloc_limit_get();
	void *block;

	fprintf(stderr, "limit %zu\n", limit);
	if (limit != 0 && limit < PTRDIFF_MAX / 2) {
		REQUIRE(ztrymalloc(limit + 1) == NULL);
		block = ztrymalloc(limit < MIB ? limit / 2 : MIB / 2);
		REQUIRE(block != NULL);
		zfree(block);
	}
	return 0;
}

START_TEST(test_sizes_are_understood)
{
	expect_size("0", 0);
	expect_size("", 0);
	expect_size("123456", 123456);
	expect_size("100K", 100 * KIB);
	expect_size("100k", 100 * KIB);
	expect_size("512M", 512 * MIB);
	expect_size("1G", 1024 * MIB);
#if SIZE_MAX > UINT32_MAX
	expect_size("2t", 2048 * 1024 * MIB);
	expect_size("9223372036854775807", PTRDIFF_MAX);
#endif
}
END_TEST

START_TEST(test_parts_of_memory_are_understood)
{
	size_t whole = zmalloc_get_memory_limit();

	if (whole == 0) {
		skip_part("nobody here knows the memory");
		return;
	}
	expect_size("100%", whole);
	expect_size("80%", whole / 100 * 80 + whole % 100 * 80 / 100);
	expect_size("1%", whole / 100 + whole % 100 / 100);
}
END_TEST

static void expect_refusal(const char *wish, const char *reason)
{
	char expected[300];

	snprintf(expected, sizeof(expected),
		 "zmalloc: ZMALLOC_LIMIT: '%s' %s; there is no limit\nlimit 0\n", wish, reason);
	expect(wish, expected);
}

START_TEST(test_what_is_malformed_is_told_and_ignored)
{
	static const char *const malformed[] = {"M",    "512MB", "512 M", " 512M", "-1",   "+1",
						"1.5G", "0x10",  "80%%",  "0%",    "101%", "%",
						"off",  "1K1",   "5P",    "99999%"};

	for (size_t i = 0; i < COUNT_OF(malformed); i++)
		expect_refusal(malformed[i], "is no size such as 536870912, 512M or 80%");
	expect_refusal("99999999999999999999", "is more than can be addressed");
	expect_refusal("9999999999T", "is more than can be addressed");
	expect_refusal("18446744073709551615", "is more than can be addressed");
}
END_TEST

static void run_out(void *unused)
{
	(void)unused;
	setenv("ZMALLOC_LIMIT", "10M", 1);
	execl(self, self, "exhaust", (char *)NULL);
}

/* A program that knows nothing of limits ends as where there is no memory left, and says why. */
static int exhaust(void)
{
	for (;;)
		zcalloc(opaque_size(MIB / 2)) == NULL ? abort() : (void)0;
}

START_TEST(test_the_report_names_the_variable)
{
	static struct child child;

	run_child(&child, run_out, NULL);
	ck_assert_int_ne(child.status, 0);
	ck_assert_msg(
		strstr(child.output,
		       "zmalloc: hard limit 10485760 bytes (ZMALLOC_LIMIT), which refused it\n") !=
			NULL,
		"%s", child.output);
}
END_TEST

int main(int argc, char **argv)
{
	TCase *tests;

	if (argc > 1 && strcmp(argv[1], "tell") == 0)
		return tell();
	if (argc > 1 && strcmp(argv[1], "exhaust") == 0)
		return exhaust();
	tests = tests_named("limit_start");
	if (under_checker() || readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0)
		skip_program("this program cannot start itself anew here");
	tcase_add_test(tests, test_sizes_are_understood);
	tcase_add_test(tests, test_parts_of_memory_are_understood);
	tcase_add_test(tests, test_what_is_malformed_is_told_and_ignored);
	tcase_add_test(tests, test_the_report_names_the_variable);
	return run_tests(tests);
}
