/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_fork_locks.c - fork while other threads are in the middle of anything that takes a lock
 * of the library's: every child can do the same at once.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/defrag.h>
#include <zmalloc/stats.h>

/* Seconds. Each is over in a millisecond, unless a lock is taken for good. */
#define CHILD_ALARM 60

static bool stop;

static void take_figures(void)
{
	struct zmalloc_stats stats = {.size = sizeof(stats)};

	REQUIRE_EQ(zmalloc_stats_get(&stats, 1), 0);
	REQUIRE(stats.peak_bytes >= stats.used_bytes);
	stats.size = sizeof(stats);
	REQUIRE_EQ(zmalloc_stats_get(&stats, 0), 0);
}

/* Where the system lets nobody publish, as in a bare container, it is tried. */
static void publish_and_stop(void)
{
	zmalloc_stats_publish();
	zmalloc_stats_unpublish();
}

static void use_an_arena(void)
{
	zarena *arena = zarena_create();

	REQUIRE(arena != NULL);
	REQUIRE(zarena_malloc(arena, 1000) != NULL);
	REQUIRE_EQ(zarena_reset(arena), 0);
	REQUIRE_EQ(zarena_destroy(arena), 0);
}

/* A first call of the driver's may have to find out about the allocator. */
static void ask_for_hints(void)
{
	void *block = zmalloc(100);

	zdefrag_hint(block);
	zdefrag_hint_end();
	zfree(block);
}

static void *join_and_leave(void *unused)
{
	zfree(zmalloc(100 * KIB));
	return unused;
}

static void start_a_thread(void)
{
	join_thread(start_thread(join_and_leave, NULL));
}

static void *work(void *todo)
{
	void (*body)(void);

	*(void **)&body = todo;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		body();
	return NULL;
}

static void do_once(void *todo)
{
	alarm(CHILD_ALARM);
	((void (*)(void))(*(void (**)(void))todo))();
	zfree(zmalloc(MIB));
	take_figures();
}

static void fork_during(void (*body)(void), size_t forks)
{
	pthread_t thread;
	void *todo;

	if (under_checker()) {
		skip_part("a child loses threads' stacks and locks, which checkers mind");
		return;
	}
	*(void (**)(void)) & todo = body;
	stop = false;
	thread = start_thread(work, todo);
	for (size_t i = 0; i < forks; i++)
		run_child_ok(do_once, &body);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	join_thread(thread);
}

START_TEST(test_figures)
{
	static void *block[20000];

	/* The more free chunks there are to walk, the longer a look takes. */
	for (size_t i = 0; i < COUNT_OF(block); i++)
		block[i] = zmalloc(1100 + i % 700);
	for (size_t i = 0; i < COUNT_OF(block); i += 2)
		zfree(block[i]);
	fork_during(take_figures, 60);
	for (size_t i = 1; i < COUNT_OF(block); i += 2)
		zfree(block[i]);
}
END_TEST

START_TEST(test_publishing)
{
	fork_during(publish_and_stop, 40);
}
END_TEST

START_TEST(test_arenas)
{
	fork_during(use_an_arena, 40);
}
END_TEST

START_TEST(test_hints)
{
	fork_during(ask_for_hints, 40);
}
END_TEST

START_TEST(test_threads)
{
	if (!children_start_threads()) {
		skip_part("this mimalloc may let no thread begin in a child");
		return;
	}
	fork_during(start_a_thread, 40);
}
END_TEST

/* ---- A first block in a child --------------------------------------------------------------- */

static void use_a_block(void)
{
	zfree(zmalloc(100));
}

static void *fork_first(void *unused)
{
	void (*body)(void) = use_a_block;

	run_child_ok(do_once, &body);
	return unused;
}

START_TEST(test_a_fork_by_threads_that_have_not_allocated)
{
	pthread_t coming[3];
	void *todo;

	if (under_checker()) {
		skip_part("a child loses threads' stacks and locks, which checkers mind");
		return;
	}
	*(void (**)(void)) & todo = start_a_thread;
	stop = false;
	for (size_t i = 0; i < COUNT_OF(coming); i++)
		coming[i] = start_thread(work, todo);
	for (size_t i = 0; i < steps(150, 10); i++)
		join_thread(start_thread(fork_first, NULL));
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < COUNT_OF(coming); i++)
		join_thread(coming[i]);
}
END_TEST

/* ---- The first of each, in the middle of a fork --------------------------------------------- */

static void *do_all_first(void *unused)
{
	take_figures();
	publish_and_stop();
	use_an_arena();
	ask_for_hints();
	return unused;
}

static void first_in_child(void *unused)
{
	(void)unused;
	alarm(CHILD_ALARM);
	do_all_first(NULL);
}

/* In a process that has done none of it: another thread begins while this one forks. */
static void begin_and_fork(void *unused)
{
	pthread_t thread;

	(void)unused;
	alarm(CHILD_ALARM);
	thread = start_thread(do_all_first, NULL);
	run_child_ok(first_in_child, NULL);
	join_thread(thread);
}

START_TEST(test_the_first_of_each_in_the_middle_of_a_fork)
{
	if (under_checker()) {
		skip_part("a child loses threads' stacks and locks, which checkers mind");
		return;
	}
	for (int i = 0; i < 25; i++)
		run_child_ok(begin_and_fork, NULL);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("fork_locks");

	/* This one first: the others do all of it in this process, if they are not forked for. */
	tcase_add_test(tests, test_the_first_of_each_in_the_middle_of_a_fork);
	tcase_add_test(tests, test_figures);
	tcase_add_test(tests, test_publishing);
	tcase_add_test(tests, test_arenas);
	tcase_add_test(tests, test_hints);
	tcase_add_test(tests, test_threads);
	tcase_add_test(tests, test_a_fork_by_threads_that_have_not_allocated);
	return run_tests(tests);
}
