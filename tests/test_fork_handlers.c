/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_fork_handlers.c - handlers of fork() that are older than the library's may allocate where
 * the allocator's own would.
 *
 * They are installed before any library has begun. So the one before the fork runs after ours, which
 * hold every lock by then, and those after it run before ours have let go.
 */
#include "config.h"

#include "tests/support.h"

#include <string.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/stats.h>

enum {
	CHILD_ALARM = 60
};

static struct {
	bool before, in_parent, in_child;
} wanted;

static size_t ran;

/* Small and large blocks, a peak never seen before, an arena, figures: all that takes a lock. */
static void work(void)
{
	static size_t more;
	struct zmalloc_stats stats = {.size = sizeof(stats)};
	zarena *arena = zarena_create();
	size_t used = zmalloc_used_memory();
	void *block;

	REQUIRE(arena != NULL);
	REQUIRE(zarena_malloc(arena, 5000) != NULL);
	REQUIRE_EQ(zarena_destroy(arena), 0);
	for (size_t i = 0; i < 1000; i++)
		zfree(zmalloc(100 * i));
	more += 20 * MIB;
	block = zmalloc(more);
	REQUIRE_EQ(zmalloc_used_memory(), used + zmalloc_size(block));
	REQUIRE(zmalloc_peak_memory() >= used + zmalloc_size(block));
	zfree(block);
	REQUIRE_EQ(zmalloc_stats_get(&stats, 1), 0);
	REQUIRE_EQ(zmalloc_used_memory(), used);
	ran++;
}

static void before(void)
{
	if (wanted.before)
		work();
}

static void in_parent(void)
{
	if (wanted.in_parent)
		work();
}

static void in_child(void)
{
	if (wanted.in_child)
		work();
}

static bool installed;

static void install(void)
{
	installed = pthread_atfork(before, in_parent, in_child) == 0;
}

/* The dynamic linker calls it before it begins with any library. musl's calls none of its kind. */
#if defined(__ELF__)
#define BEFORE_ALL __attribute__((__section__(".preinit_array"), __used__))
#else
#define BEFORE_ALL __attribute__((__used__))
#endif
BEFORE_ALL static void (*const first)(void) = install;

static void nothing(void *unused)
{
	(void)unused;
	alarm(CHILD_ALARM);
	zfree(zmalloc(MIB));
}

/* One that has not called the library yet, while another is at work. */
static void *fork_first(void *unused)
{
	run_child_ok(nothing, NULL);
	return unused;
}

static void fork_with(bool at_before, bool at_parent, bool at_child)
{
	size_t used = zmalloc_used_memory();
	bool stop = false;
	pthread_t busy = start_thread(swap_blocks, &stop);

	wanted.before = at_before;
	wanted.in_parent = at_parent;
	wanted.in_child = at_child;
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	join_thread(busy);
	ran = 0;
	run_child_ok(nothing, NULL);
	join_thread(start_thread(fork_first, NULL));
	memset(&wanted, 0, sizeof(wanted));
	ck_assert_uint_eq(ran, 2 * ((size_t)at_before + (size_t)at_parent));
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}

START_TEST(test_before_the_fork)
{
	fork_with(true, false, false);
}
END_TEST

START_TEST(test_after_it_in_the_parent)
{
	fork_with(false, true, false);
}
END_TEST

START_TEST(test_after_it_in_the_child)
{
	fork_with(false, false, true);
}
END_TEST

START_TEST(test_all_of_them)
{
	for (int i = 0; i < 5; i++)
		fork_with(true, true, true);
}
END_TEST

/* Allocators with fork handlers of their own hold their locks there: theirs hang, with or without us. */
static bool allocator_holds_locks(void)
{
	return strncmp(zmalloc_allocator(), "jemalloc", 8) == 0 ||
	       strncmp(zmalloc_allocator(), "tcmalloc", 8) == 0;
}

int main(void)
{
	TCase *tests = tests_named("fork_handlers");

#if defined(__GLIBC__)
	REQUIRE(installed);
#endif
	if (!installed)
		skip_program("nothing of the program's comes before the libraries here");
	if (allocator_holds_locks())
		skip_program("the allocator's own handlers hold its locks while older ones run");
	if (under_checker())
		skip_program("checkers have fork handlers and locks of their own");
	tcase_add_test(tests, test_before_the_fork);
	tcase_add_test(tests, test_after_it_in_the_parent);
	tcase_add_test(tests, test_after_it_in_the_child);
	tcase_add_test(tests, test_all_of_them);
	return run_tests(tests);
}
