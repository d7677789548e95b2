/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_scope_write.c - scopes in the documents that the library writes about its process.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <zmalloc.h>
#include <zmalloc/scope.h>

static char text[64 * 1024];
static size_t length;

static int take(void *unused, const char *piece, size_t size)
{
	(void)unused;
	if (length + size >= sizeof(text))
		return ENOSPC;
	memcpy(text + length, piece, size);
	length += size;
	text[length] = '\0';
	return 0;
}

static const char *written(const struct zmalloc_stats *stats, int format)
{
	length = 0;
	REQUIRE(zmalloc_stats_write(stats, format, take, NULL) == 0);
	return text;
}

static void expect(const char *expected)
{
	if (strstr(text, expected) == NULL)
		fprintf(stderr, "no %s in %s\n", expected, text);
	REQUIRE(strstr(text, expected) != NULL);
}

/* How often. */
static size_t times(const char *piece)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, piece)) != NULL; at++)
		count++;
	return count;
}

/* In a child: scopes stay. */
static void write_without(void *unused)
{
	(void)unused;
	for (int format = ZMALLOC_STATS_TABLE; format <= ZMALLOC_STATS_OPENMETRICS; format++) {
		written(NULL, format);
		REQUIRE(strstr(text, "scopes") == NULL && strstr(text, "scope_used") == NULL);
		REQUIRE(strstr(text, "SCOPE") == NULL);
	}
}

static zmalloc_scope *odd, *low;
static void *volatile kept; /* for those who look for leaks */

static int64_t fill_scopes(void)
{
	void *a, *b;

	odd = zmalloc_scope_new("a \"quoted\\ \n \xc3\xb6 name");
	low = zmalloc_scope_new("low");
	REQUIRE(odd != NULL);
	REQUIRE(low != NULL);
	zmalloc_scope_set_limit(odd, 1000000);
	zmalloc_scope_enter(odd);
	a = zmalloc(5000);
	b = zmalloc(opaque_size(5000));
	REQUIRE(ztrymalloc(2000000) == NULL);
	zmalloc_scope_enter(low);
	zfree(a);
	kept = opaque(b);
	return (int64_t)zmalloc_size(b);
}

static int64_t rest(void)
{
	struct zmalloc_scope_stats stats = {.size = sizeof(stats)};

	REQUIRE(zmalloc_scope_get_stats(NULL, &stats) == 0);
	return stats.used_bytes;
}

static void write_all(void *unused)
{
	int64_t one = fill_scopes();
	struct zmalloc_stats stats = {.size = sizeof(stats)};
	char expected[300];

	(void)unused;
	snprintf(expected, sizeof(expected),
		 ",\"scopes\":[\n  {\"name\":\"a \\\"quoted\\\\ ? \xc3\xb6 "
		 "name\",\"used_bytes\":%" PRId64 ",\"peak_bytes\":%" PRId64
		 ",\"limit_bytes\":1000000,\"refusals\":1,\"threads\":0},\n"
		 "  {\"name\":\"low\",\"used_bytes\":-%" PRId64
		 ",\"peak_bytes\":0,\"limit_bytes\":null,\"refusals\":0,\"threads\":1},\n"
		 "  {\"name\":null,\"used_bytes\":%" PRId64 ",\"peak_bytes\":null,",
		 2 * one, 2 * one, one, rest());
	written(NULL, ZMALLOC_STATS_JSON);
	expect(expected);
	expect("}]}\n");

	written(NULL, ZMALLOC_STATS_OPENMETRICS);
	snprintf(expected, sizeof(expected),
		 "# TYPE zmalloc_scope_used_bytes gauge\n"
		 "# UNIT zmalloc_scope_used_bytes bytes\n"
		 "# HELP zmalloc_scope_used_bytes What a scope has.\n"
		 "zmalloc_scope_used_bytes{scope=\"a \\\"quoted\\\\ ? \xc3\xb6 name\"} %" PRId64
		 "\nzmalloc_scope_used_bytes{scope=\"low\"} -%" PRId64 "\n",
		 2 * one, one);
	expect(expected);
	expect("zmalloc_scope_refusals_total{scope=\"low\"} 0\n");
	expect("zmalloc_scope_threads{scope=\"low\"} 1\n");
	REQUIRE_EQ(times("zmalloc_scope_limit_bytes{"), 1);
	REQUIRE_EQ(times("zmalloc_scope_peak_bytes{"), 2);
	snprintf(expected, sizeof(expected), "\nzmalloc_unscoped_bytes %" PRId64 "\n# EOF\n",
		 rest());
	expect(expected);

	written(NULL, ZMALLOC_STATS_TABLE);
	expect("\n\nSCOPE  ");
	expect("\nlow                         -");
	expect("\neverything else ");

	/* Figures of some other moment come without. */
	REQUIRE(zmalloc_stats_get(&stats, 0) == 0);
	written(&stats, ZMALLOC_STATS_JSON);
	REQUIRE_EQ(times("scopes"), 0);
}

START_TEST(test_a_program_without_scopes_writes_of_none)
{
	run_child_ok(write_without, NULL);
}
END_TEST

START_TEST(test_scopes_are_written)
{
	run_child_ok(write_all, NULL);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("scopes, written");

	tcase_add_test(tests, test_a_program_without_scopes_writes_of_none);
	tcase_add_test(tests, test_scopes_are_written);
	return run_tests(tests);
}
