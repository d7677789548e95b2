/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_scope_live.c - the scopes of a process that shows itself, and of one whose library is older.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/process.h>

#include "live/ask.h"

enum {
	LONG_MS = 10000
};

struct seen {
	struct zmalloc_scope_stats scope[5000];
	size_t count;
};

static struct seen here, there;

static int keep(const struct zmalloc_scope_stats *scope, void *context)
{
	struct seen *seen = context;

	ck_assert_uint_lt(seen->count, COUNT_OF(seen->scope));
	seen->scope[seen->count++] = *scope;
	return 0;
}

static bool shows_itself(void)
{
	struct zm_ask ask;
	bool answers;

	if (zmalloc_stats_publish() != 0 || zm_ask_open(getpid(), &ask) != 0)
		return false;
	answers = ask.page != NULL;
	zm_ask_close(&ask);
	if (!answers)
		skip_part("there are no sealed memory files here");
	return answers;
}

START_TEST(test_scopes_of_a_process)
{
	static void *block[4000];
	char name[40];

	if (!shows_itself())
		return;
	here.count = there.count = 0;
	for (size_t i = 0; i < COUNT_OF(block); i++) {
		zmalloc_scope *scope;

		snprintf(name, sizeof(name), "shown \"%zu\" \xc3\xb6", i);
		scope = zmalloc_scope_new(name);
		zmalloc_scope_set_limit(scope, i == 7 ? 100000 : 0);
		zmalloc_scope_enter(scope);
		zfree(i == 8 ? zmalloc(1000) : NULL);
		block[i] = zmalloc(i + 1);
		if (i != 9)
			zmalloc_scope_leave(scope);
	}
	ck_assert_int_eq(zmalloc_process_visit_scopes(getpid(), LONG_MS, keep, &there), 0);
	ck_assert_int_eq(zmalloc_scope_visit(keep, &here), 0);
	ck_assert_uint_ge(here.count, 4001);
	ck_assert_uint_eq(there.count, here.count);
	for (size_t i = 0; i < here.count; i++) {
		ck_assert_str_eq(there.scope[i].name, here.scope[i].name);
		ck_assert(there.scope[i].peak_bytes == here.scope[i].peak_bytes);
		ck_assert(there.scope[i].limit_bytes == here.scope[i].limit_bytes);
		ck_assert(there.scope[i].threads == here.scope[i].threads);
		ck_assert_int_eq(there.scope[i].used_bytes, here.scope[i].used_bytes);
	}
	ck_assert_uint_eq(here.scope[here.count - 1].name[0], '\0');
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
}
END_TEST

START_TEST(test_a_process_that_is_older_than_scopes)
{
	struct zm_ask ask;

	if (!shows_itself())
		return;
	ck_assert_int_eq(zm_ask_open(getpid(), &ask), 0);
	ask.page->commands = ZM_COMMAND_SCOPES - 1;
	errno = 0;
	ck_assert_int_eq(zmalloc_process_visit_scopes(getpid(), LONG_MS, keep, &there), -1);
	ck_assert_int_eq(errno, ENOTSUP);
	ask.page->commands = ZM_COMMANDS;
	zm_ask_close(&ask);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("scopes, live");

	tcase_add_test(tests, test_scopes_of_a_process);
	tcase_add_test(tests, test_a_process_that_is_older_than_scopes);
	return run_tests(tests);
}
