/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_assert.c - a build with --enable-debug notices a lock that is let go of by another, an account
 * whose records do not add up, and a room that joins fork() too late; others pay nothing.
 */
#include "config.h"

#include "tests/support.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <zmalloc.h>

#include "lib/account/state.h"
#include "lib/base/fork.h"
#include "lib/base/lock.h"

#ifdef ZM_DEBUG

static void expect_said(void (*wrong)(void *), const char *words)
{
	static struct child child;

	zfree(zmalloc(1));
	run_child(&child, wrong, NULL);
	ck_assert_msg(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT &&
			      strstr(child.output, words) != NULL,
		      "status 0x%x: %s", (unsigned)child.status, child.output);
}

static void let_go_of_what_is_not_held(void *unused)
{
	static struct zm_lock lock = ZM_LOCK_INITIALIZER;

	(void)unused;
	zm_unlock(&lock);
}

static void lose_a_grant(void *unused)
{
	(void)unused;
	zm_account.committed_bytes++;
	zfree(zmalloc(2 * MIB));
}

static void nothing(void)
{
}

static void join_outside_of_once(void *unused)
{
	static const struct zm_fork_room room = {nothing, nothing, nothing};

	(void)unused;
	zm_fork_join(ZM_FORK_PUBLISH, &room);
}

START_TEST(test_what_must_be_true_is_checked)
{
	expect_said(let_go_of_what_is_not_held, "not true: zm_lock_is_mine");
	expect_said(lose_a_grant, "not true: committed_bytes == zm_account.committed_bytes");
	expect_said(join_outside_of_once, "not true: zm_once_is_making()");
}
END_TEST

#else

START_TEST(test_what_must_be_true_is_checked)
{
	skip_part("configured without --enable-debug: the row debug of make matrix has it");
}
END_TEST

#endif

int main(void)
{
	TCase *tests = tests_named("assert");

	tcase_add_test(tests, test_what_must_be_true_is_checked);
	return run_tests(tests);
}
