/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_profile_start.c - ZMALLOC_PROFILE takes a profile of a program that knows nothing of it; what cannot
 * be understood is told once, and there is none.
 */
#include "config.h"

#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/profile.h>

static char self[4096];

/* This program anew, with another task than its tests: see main(). */
static void run_anew(void *wish)
{
	setenv("ZMALLOC_PROFILE", wish, 1);
	execl(self, self, "tell", (char *)NULL);
	_exit(127);
}

static int count(const struct zmalloc_profile_stack *stack, void *context)
{
	*(uint64_t *)context += stack->live_bytes;
	return 0;
}

/* What main() allocates is in it already. */
static int tell(void)
{
	struct zmalloc_profile_info info = {.size = sizeof(info)};
	void *block = zmalloc(opaque_size(64 * MIB));
	uint64_t bytes = 0;

	if (zmalloc_profile_get_info(&info) != 0) {
		fprintf(stderr, "no profile\n");
	} else {
		REQUIRE(zmalloc_profile_visit(count, &bytes) == 0);
		fprintf(stderr, "mean %llu, %s, %s\n", (unsigned long long)info.mean_bytes,
			info.is_on != 0 ? "on" : "off", bytes >= 64 * MIB ? "seen" : "not seen");
	}
	zfree(block);
	return 0;
}

static void expect(const char *wish, const char *expected)
{
	static struct child child;

	run_child(&child, run_anew, opaque((void *)(uintptr_t)wish));
	ck_assert_int_eq(child.status, 0);
	ck_assert_msg(strcmp(child.output, expected) == 0, "ZMALLOC_PROFILE=%s: %s", wish,
		      child.output);
}

START_TEST(test_means_are_understood)
{
	expect("", "no profile\n");
	expect("0", "no profile\n");
	expect("1", "mean 524288, on, seen\n");
	expect("4096", "mean 4096, on, seen\n");
	expect("64k", "mean 65536, on, seen\n");
	expect("1M,format=heap_v2", "mean 1048576, on, seen\n");
	expect("1,format=collapsed,format=pprof", "mean 524288, on, seen\n");
}
END_TEST

static void expect_refusal(const char *wish, const char *reason)
{
	char expected[300];

	snprintf(expected, sizeof(expected),
		 "zmalloc: ZMALLOC_PROFILE: '%s' %s; there is no profile\nno profile\n", wish,
		 reason);
	expect(wish, expected);
}

START_TEST(test_what_is_malformed_is_told_and_ignored)
{
	static const char *const no_size[] = {"yes",
					      "-1",
					      "512KB",
					      " 1",
					      "1 ",
					      "1.5M",
					      "0,format=pprof",
					      ",",
					      ",format=pprof",
					      "99999999999999999999",
					      "M"};
	static const char *const no_option[] = {"1,format", "1,format=", "1,format=svg", "1,x",
						"1,,format=pprof"};

	for (size_t i = 0; i < COUNT_OF(no_size); i++)
		expect_refusal(no_size[i],
			       "does not begin with 1 or with a size such as 524288 or 512K");
	for (size_t i = 0; i < COUNT_OF(no_option); i++)
		expect_refusal(no_option[i], "has an option that is none of format=pprof, "
					     "format=heap_v2 and format=collapsed");
#if SIZE_MAX > UINT32_MAX
	expect_refusal("2T", "is a mean of more than 1 TiB");
#endif
}
END_TEST

int main(int argc, char **argv)
{
	TCase *tests;

	if (argc == 2 && strcmp(argv[1], "tell") == 0)
		return tell();
	tests = tests_named("profile_start");
	if (under_checker() || readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0)
		skip_program("this program cannot start itself anew here");
	tcase_add_test(tests, test_means_are_understood);
	tcase_add_test(tests, test_what_is_malformed_is_told_and_ignored);
	return run_tests(tests);
}
