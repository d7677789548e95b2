/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_limit_soft.c - soft limits: the program is called each time that used memory passes one, by the
 * thread that did, and may do there what it likes.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/limit.h>
#include <zmalloc/redis.h>

/* ---- A callback that writes down -------------------------------------------------------------------- */

static size_t calls, last_limit, last_used;
static pthread_t last_thread;

static void note(size_t limit_bytes, size_t used_bytes, void *argument)
{
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	last_limit = limit_bytes;
	last_used = used_bytes;
	last_thread = pthread_self();
	if (argument != NULL)
		++*(size_t *)argument;
	errno = 12345;
}

static size_t calls_now(void)
{
	return __atomic_exchange_n(&calls, 0, __ATOMIC_RELAXED);
}

/* A limit so far over what is used. */
static int add_over(size_t room, size_t hysteresis, size_t *count)
{
	int number;

	calls_now();
	number = zmalloc_soft_limit_add(zmalloc_used_memory() + room, hysteresis, note, count);
	ck_assert_int_gt(number, 0);
	return number;
}

static void remove_limit(int number)
{
	ck_assert_int_eq(zmalloc_soft_limit_remove(number), 0);
}

START_TEST(test_it_is_called_each_time_that_memory_passes)
{
	size_t count = 0, limit = zmalloc_used_memory() + MIB;
	int number = add_over(MIB, 100 * KIB, &count);
	void *base = zmalloc(MIB / 2), *block;

	ck_assert_uint_eq(calls_now(), 0);
	for (int round = 0; round < 20; round++) {
		errno = 77;
		block = zmalloc(MIB / 2 + 10 * KIB);
		ck_assert_int_eq(errno, 77);
		ck_assert_uint_eq(calls_now(), 1);
		ck_assert_uint_eq(last_limit, limit);
		ck_assert_uint_eq(last_used, zmalloc_used_memory());
		ck_assert(pthread_equal(last_thread, pthread_self()));
		/* Not while it stays over it, and not for less than the hysteresis. */
		zfree(zmalloc(3 * MIB));
		block = zrealloc(block, MIB / 2 - 50 * KIB);
		block = zrealloc(block, MIB / 2 + 50 * KIB);
		ck_assert_uint_eq(calls_now(), 0);
		zfree(block);
	}
	ck_assert_uint_eq(count, 20);
	remove_limit(number);
	zfree(zmalloc(3 * MIB));
	ck_assert_uint_eq(calls_now(), 0);
	zfree(base);
}
END_TEST

/* The other way round: memory that was far over the limit falls, and rises less high. */
START_TEST(test_a_lower_rise_is_seen_too)
{
	int number = add_over(MIB, MIB / 2, NULL);
	void *block = zmalloc(50 * MIB);

	ck_assert_uint_eq(calls_now(), 1);
	for (int round = 0; round < 5; round++) {
		zfree(block);
		block = zmalloc(2 * MIB);
		ck_assert_uint_eq(calls_now(), 1);
		zfree(block);
		block = zmalloc(MIB / 2);
		ck_assert_uint_eq(calls_now(), 0);
	}
	zfree(block);
	remove_limit(number);
}
END_TEST

/* What a thread may fall unseen was much more the last time. */
START_TEST(test_a_small_fall_after_a_large_one_is_seen)
{
	int number = add_over(MIB, 0, NULL);
	void *base, *block = zmalloc(50 * MIB);

	ck_assert_uint_eq(calls_now(), 1);
	zfree(block);
	base = zmalloc(MIB - 40 * KIB);
	for (int round = 0; round < 3; round++) {
		block = zmalloc(48 * KIB);
		ck_assert_uint_eq(calls_now(), 1);
		zfree(block);
	}
	zfree(base);
	remove_limit(number);
}
END_TEST

START_TEST(test_blocks_that_are_small_pass_it_at_the_right_one)
{
	static void *block[10000];
	int number = add_over(300 * KIB, 0, NULL);
	size_t limit = zmalloc_used_memory() + 300 * KIB, i;

	for (int round = 0; round < 3; round++) {
		for (i = 0; zmalloc_used_memory() <= limit; i++) {
			ck_assert_uint_eq(calls_now(), 0);
			block[i] = zmalloc(100);
		}
		ck_assert_uint_eq(calls_now(), 1);
		while (i > 0)
			zfree(block[--i]);
	}
	remove_limit(number);
}
END_TEST

/* ---- Each way to fall --------------------------------------------------------------------------------- */

static zarena *arena;
static struct barrier turn;

static void fall_by_free(void *block)
{
	zfree(block);
}

static void fall_by_sized_free(void *block)
{
	zfree_with_size(block, zmalloc_usable_size(block));
}

static void fall_by_usable_free(void *block)
{
	size_t usable;

	zfree_usable(block, &usable);
}

static void fall_by_free_with_flags(void *block)
{
	zfree_with_flags(block, 0);
}

/* What is left goes later, for its free would be seen as well. */
static void *left;

static void fall_by_resize(void *block)
{
	zfree(left);
	left = zrealloc(block, 100);
}

static void fall_by_resize_with_flags(void *block)
{
	zfree(left);
	left = zrealloc_with_flags(block, 100, 0);
}

static void fall_by_arena(void *block)
{
	ck_assert_ptr_nonnull(zarena_malloc(arena, 4 * MIB));
	zfree(block);
	zarena_reset(arena);
}

static void *free_it(void *block)
{
	zfree(block);
	return NULL;
}

static void fall_by_another_thread(void *block)
{
	join_thread(start_thread(free_it, block));
}

static void fall_in_pieces(void *block)
{
	static void *piece[1000];

	for (size_t i = 0; i < COUNT_OF(piece); i++)
		piece[i] = zmalloc(4 * KIB);
	zfree(block);
	for (size_t i = 0; i < COUNT_OF(piece); i++)
		zfree(piece[i]);
}

static void check_falls(void)
{
	static const struct {
		const char *name;
		void (*fall)(void *block);
	} ways[] = {
		{"zfree", fall_by_free},
		{"zfree_with_size", fall_by_sized_free},
		{"zfree_usable", fall_by_usable_free},
		{"zfree_with_flags", fall_by_free_with_flags},
		{"zrealloc", fall_by_resize},
		{"zrealloc_with_flags", fall_by_resize_with_flags},
		{"another thread", fall_by_another_thread},
		{"small blocks", fall_in_pieces},
		{"zarena_reset", fall_by_arena},
	};

	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		int number;

		if (ways[i].fall == fall_by_arena && arena == NULL)
			continue;
		number = add_over(MIB, 256 * KIB, NULL);
		for (int round = 0; round < 3; round++) {
			void *block = zmalloc(2 * MIB);

			ck_assert_msg(calls_now() == 1, "%s: round %d", ways[i].name, round);
			ways[i].fall(block);
		}
		ck_assert_msg(calls_now() == 0, "%s: called without need", ways[i].name);
		remove_limit(number);
		zfree(left);
		left = NULL;
	}
}

/* One thread falls while another has risen, which then falls by one free to where it was last seen. */
static void *rise_unseen(void *unused)
{
	void *small = zmalloc(100), *block;

	barrier_wait(&turn);
	zfree(small);
	block = zmalloc(2 * MIB);
	barrier_wait(&turn);
	barrier_wait(&turn);
	zfree(block);
	barrier_wait(&turn);
	barrier_wait(&turn);
	return unused;
}

START_TEST(test_a_fall_back_is_seen)
{
	int number;
	void *block, *small = zmalloc(100);
	pthread_t thread;

	barrier_init(&turn, 2);
	thread = start_thread(rise_unseen, NULL);
	number = add_over(MIB, 100 * KIB, NULL);
	block = zmalloc(2 * MIB);
	ck_assert_uint_eq(calls_now(), 1);
	barrier_wait(&turn);
	barrier_wait(&turn);
	zfree(block);
	zfree(small);
	barrier_wait(&turn);
	barrier_wait(&turn);
	/* Memory is below the limit, by the other thread's free alone. */
	block = zmalloc(2 * MIB);
	ck_assert_uint_eq(calls_now(), 1);
	barrier_wait(&turn);
	join_thread(thread);
	zfree(block);
	remove_limit(number);
	barrier_done(&turn);
}
END_TEST

START_TEST(test_each_way_to_fall_is_seen)
{
	check_falls();
	arena = zarena_create();
	check_falls();
	zarena_destroy(arena);
	arena = NULL;
}
END_TEST

/* ---- Several ------------------------------------------------------------------------------------------ */

static size_t order[10], ordered;

static void order_down(size_t limit_bytes, size_t used_bytes, void *argument)
{
	(void)used_bytes, (void)argument;
	order[ordered++ % COUNT_OF(order)] = limit_bytes;
}

START_TEST(test_several_are_called_from_below)
{
	size_t used = zmalloc_used_memory();
	int number[4];
	void *block, *more;

	for (size_t i = 0; i < COUNT_OF(number); i++)
		number[i] = zmalloc_soft_limit_add(used + (4 - i) * MIB, MIB / 4, order_down, NULL);
	ordered = 0;
	block = zmalloc(2 * MIB + MIB / 2);
	ck_assert_uint_eq(ordered, 2);
	ck_assert_uint_eq(order[0], used + MIB);
	ck_assert_uint_eq(order[1], used + 2 * MIB);
	more = zmalloc(3 * MIB);
	ck_assert_uint_eq(ordered, 4);
	ck_assert_uint_eq(order[2], used + 3 * MIB);
	ck_assert_uint_eq(order[3], used + 4 * MIB);
	zfree(more);
	more = zmalloc(MIB);
	ck_assert_uint_eq(ordered, 5);
	ck_assert_uint_eq(order[4], used + 3 * MIB);
	zfree(more);
	zfree(block);
	for (size_t i = 0; i < COUNT_OF(number); i++)
		remove_limit(number[i]);
}
END_TEST

/* Both are told, though the first frees what the second is about. */
static void *to_free;

static void free_all(size_t limit_bytes, size_t used_bytes, void *argument)
{
	note(limit_bytes, used_bytes, argument);
	zfree(to_free);
	to_free = NULL;
}

START_TEST(test_two_at_the_same_place_are_both_called)
{
	size_t used = zmalloc_used_memory();
	int first = zmalloc_soft_limit_add(used + MIB, 0, free_all, NULL);
	int second = zmalloc_soft_limit_add(used + MIB, 0, free_all, NULL);

	calls_now();
	to_free = zmalloc(MIB / 2);
	zfree(zmalloc(MIB));
	ck_assert_uint_eq(calls_now(), 2);
	remove_limit(first);
	remove_limit(second);
}
END_TEST

START_TEST(test_bad_input_is_refused)
{
	int number[ZMALLOC_SOFT_LIMITS_MAX], last;

	errno = 0;
	ck_assert(zmalloc_soft_limit_add(0, 0, note, NULL) == -1 && errno == EINVAL);
	errno = 0;
	ck_assert(zmalloc_soft_limit_add((size_t)PTRDIFF_MAX + 1, 0, note, NULL) == -1 &&
		  errno == EINVAL);
	errno = 0;
	ck_assert(zmalloc_soft_limit_add(MIB, MIB + 1, note, NULL) == -1 && errno == EINVAL);
	errno = 0;
	ck_assert(zmalloc_soft_limit_add(MIB, 0, NULL, NULL) == -1 && errno == EINVAL);
	for (size_t i = 0; i < COUNT_OF(number); i++) {
		number[i] = zmalloc_soft_limit_add(PTRDIFF_MAX - i, PTRDIFF_MAX - i, note, NULL);
		ck_assert_int_gt(number[i], 0);
	}
	errno = 0;
	ck_assert(zmalloc_soft_limit_add(MIB, 0, note, NULL) == -1 && errno == ENOSPC);
	calls_now();
	zfree(zmalloc(MIB));
	ck_assert_uint_eq(calls_now(), 0);
	last = number[5];
	remove_limit(last);
	number[5] = add_over(MIB, 0, NULL);
	/* A number is never that of another limit. */
	ck_assert_int_ne(number[5], last);
	for (int i = 0; i < 6; i++) {
		const int wrong[] = {last, -1, 0, 1 << 30, INT_MAX, INT_MIN};

		errno = 0;
		ck_assert(zmalloc_soft_limit_remove(wrong[i]) == -1 && errno == ENOENT);
	}
	for (size_t i = 0; i < COUNT_OF(number); i++)
		remove_limit(number[i]);
	errno = 0;
	ck_assert(zmalloc_soft_limit_remove(number[0]) == -1 && errno == ENOENT);
	ck_assert(zmalloc_soft_limit_remove(-1) == -1);
}
END_TEST

START_TEST(test_a_limit_below_what_is_used_calls_at_once)
{
	void *block = zmalloc(MIB);
	int number;

	calls_now();
	number = zmalloc_soft_limit_add(zmalloc_used_memory() - MIB / 2, 0, note, NULL);
	ck_assert_int_gt(number, 0);
	ck_assert_uint_eq(calls_now(), 1);
	zfree(block);
	block = zmalloc(MIB);
	ck_assert_uint_eq(calls_now(), 1);
	zfree(block);
	remove_limit(number);
}
END_TEST

/* Whoever would get there is refused. */
START_TEST(test_a_soft_limit_over_the_hard_one_is_not_reached)
{
	size_t used = zmalloc_used_memory();
	int number = add_over(2 * MIB, 0, NULL);
	void *block;

	ck_assert_int_eq(zmalloc_limit_set(used + MIB), 0);
	block = zmalloc(MIB / 2);
	ck_assert_ptr_null(ztrymalloc(4 * MIB));
	ck_assert_ptr_null(ztryrealloc(block, 4 * MIB));
	ck_assert_uint_eq(calls_now(), 0);
	ck_assert_int_eq(zmalloc_limit_set(0), 0);
	zfree(block);
	zfree(zmalloc(3 * MIB));
	ck_assert_uint_eq(calls_now(), 1);
	remove_limit(number);
}
END_TEST

/* ---- What a callback may do ------------------------------------------------------------------------- */

static size_t depth, deepest;

/* Allocates far over its own limit, falls far below it and rises again: it is not entered once more. */
static void allocate(size_t limit_bytes, size_t used_bytes, void *argument)
{
	void *block;

	note(limit_bytes, used_bytes, argument);
	deepest = ++depth > deepest ? depth : deepest;
	block = zmalloc(10 * MIB);
	block = zrealloc(block, 5 * MIB);
	zfree(to_free);
	to_free = NULL;
	zfree(block);
	zfree(zmalloc(4 * MIB));
	zfree(zcalloc(100));
	depth--;
}

START_TEST(test_a_callback_allocates_and_is_not_entered_again)
{
	size_t used = zmalloc_used_memory();
	int number = zmalloc_soft_limit_add(used + 2 * MIB, MIB, allocate, NULL);
	void *block, *more;

	calls_now();
	deepest = 0;
	for (size_t round = 1; round < 5; round++) {
		to_free = zmalloc(MIB + MIB / 2);
		ck_assert_uint_eq(calls_now(), 0);
		block = zmalloc(MIB / 2 + 1000);
		/* Memory has fallen by the callback's own doing, so the next time counts anew. */
		ck_assert_uint_eq(calls_now(), 1);
		ck_assert_ptr_null(to_free);
		more = zmalloc(2 * MIB);
		ck_assert_uint_eq(calls_now(), 1);
		zfree(more);
		zfree(block);
	}
	ck_assert_uint_eq(deepest, 1);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	remove_limit(number);
}
END_TEST

static void set_others(size_t limit_bytes, size_t used_bytes, void *argument)
{
	int *number = argument;

	note(limit_bytes, used_bytes, NULL);
	ck_assert_int_eq(zmalloc_limit_set(used_bytes + MIB), 0);
	ck_assert_ptr_null(ztrymalloc(2 * MIB));
	ck_assert_int_eq(zmalloc_soft_limit_remove(number[0]), 0);
	number[1] = zmalloc_soft_limit_add(used_bytes + MIB / 2, 0, note, NULL);
	ck_assert_int_gt(number[1], 0);
}

START_TEST(test_a_callback_sets_other_limits)
{
	size_t used = zmalloc_used_memory();
	int number[2];
	void *block;

	number[0] = zmalloc_soft_limit_add(used + MIB, 0, set_others, number);
	calls_now();
	block = zmalloc(2 * MIB);
	ck_assert_uint_eq(calls_now(), 1);
	ck_assert_ptr_null(ztrymalloc(2 * MIB));
	ck_assert_uint_eq(calls_now(), 0);
	zfree(zmalloc(MIB * 3 / 4));
	ck_assert_uint_eq(calls_now(), 1);
	remove_limit(number[1]);
	zmalloc_limit_set(0);
	zfree(block);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

/* What is left under the hard limit in one block: the soft one is passed all the same. */
START_TEST(test_the_last_block_under_the_hard_limit_passes_a_soft_one)
{
	size_t used = zmalloc_used_memory(), bytes;
	void *block = zmalloc(2 * MIB);
	int number;

	bytes = zmalloc_size(block);
	zfree(block);
	zmalloc_limit_set(used + bytes);
	number = add_over(bytes / 2, 0, NULL);
	block = zmalloc(2 * MIB);
	ck_assert_uint_eq(calls_now(), 1);
	ck_assert_ptr_null(ztrymalloc(100 * KIB));
	zfree(block);
	remove_limit(number);
	zmalloc_limit_set(0);
}
END_TEST

static pid_t child;

static void fork_here(size_t limit_bytes, size_t used_bytes, void *argument)
{
	note(limit_bytes, used_bytes, argument);
	child = fork();
}

/* In both processes the callback comes to its end, and the limit goes on. */
static void fork_in_callback(void *unused)
{
	size_t used = zmalloc_used_memory();
	void *block;
	int number = zmalloc_soft_limit_add(used + MIB, 0, fork_here, NULL), status;

	(void)unused;
	block = zmalloc(2 * MIB);
	REQUIRE_EQ(calls_now(), 1);
	if (child == 0) {
		zfree(block);
		block = zmalloc(2 * MIB);
		REQUIRE_EQ(calls_now(), 1);
		REQUIRE_EQ(zmalloc_soft_limit_remove(number), 0);
		zfree(block);
		_exit(zmalloc_used_memory() == used ? 7 : 8);
	}
	REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
	REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	REQUIRE_EQ(zmalloc_soft_limit_remove(number), 0);
	zfree(block);
}

START_TEST(test_a_callback_forks)
{
	run_child_ok(fork_in_callback, NULL);
}
END_TEST

static void remove_itself(size_t limit_bytes, size_t used_bytes, void *argument)
{
	note(limit_bytes, used_bytes, NULL);
	REQUIRE_EQ(zmalloc_soft_limit_remove(*(int *)argument), 0);
	/* Its place is not another's while it runs. */
	for (int i = 0; i < ZMALLOC_SOFT_LIMITS_MAX; i++) {
		int other = zmalloc_soft_limit_add(used_bytes + 100 * MIB, 0, note, NULL);

		REQUIRE(other > 0 && zmalloc_soft_limit_remove(other) == 0);
	}
}

START_TEST(test_a_callback_removes_itself)
{
	int number = 0;

	calls_now();
	number = zmalloc_soft_limit_add(zmalloc_used_memory() + MIB, 0, remove_itself, &number);
	for (int i = 0; i < 3; i++)
		zfree(zmalloc(2 * MIB));
	ck_assert_uint_eq(calls_now(), 1);
	ck_assert_int_eq(zmalloc_soft_limit_remove(number), -1);
}
END_TEST

/* ---- Threads ------------------------------------------------------------------------------------------ */

static bool is_inside, may_leave;

static void stay_inside(size_t limit_bytes, size_t used_bytes, void *argument)
{
	note(limit_bytes, used_bytes, argument);
	__atomic_store_n(&is_inside, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&may_leave, __ATOMIC_ACQUIRE))
		usleep(1000);
	usleep(20000);
	__atomic_store_n(&is_inside, false, __ATOMIC_RELEASE);
}

static void *pass(void *unused)
{
	zfree(zmalloc(2 * MIB));
	return unused;
}

static pthread_t stay_in_a_thread(int *number)
{
	pthread_t thread;

	is_inside = may_leave = false;
	calls_now();
	*number = zmalloc_soft_limit_add(zmalloc_used_memory() + MIB, 0, stay_inside, NULL);
	thread = start_thread(pass, NULL);
	while (!__atomic_load_n(&is_inside, __ATOMIC_ACQUIRE))
		usleep(1000);
	return thread;
}

START_TEST(test_removal_waits_for_a_callback_that_runs)
{
	int number;
	pthread_t thread = stay_in_a_thread(&number);

	/* Not by a second thread meanwhile. */
	for (int i = 0; i < 5; i++)
		zfree(zmalloc(8 * MIB));
	ck_assert_uint_eq(calls_now(), 1);
	__atomic_store_n(&may_leave, true, __ATOMIC_RELEASE);
	remove_limit(number);
	ck_assert(!__atomic_load_n(&is_inside, __ATOMIC_ACQUIRE));
	join_thread(thread);
}
END_TEST

static void go_on_in_child(void *number)
{
	void *block = zmalloc(4 * MIB);

	__atomic_store_n(&may_leave, true, __ATOMIC_RELEASE);
	zfree(block);
	/* The parent's thread, whose callback it was, is not here, and nor is its block's end. */
	calls_now();
	REQUIRE_EQ(zmalloc_soft_limit_remove(*(int *)number), 0);
	REQUIRE(zmalloc_soft_limit_add(zmalloc_used_memory() + MIB, 0, note, NULL) > 0);
	zfree(zmalloc(2 * MIB));
	zfree(zmalloc(2 * MIB));
	REQUIRE_EQ(calls_now(), 2);
}

START_TEST(test_a_child_does_not_wait_for_its_parents_callback)
{
	int number;
	pthread_t thread;

	if (under_valgrind()) {
		skip_part("in the child valgrind takes a lost thread's blocks for leaked");
		return;
	}
	thread = stay_in_a_thread(&number);
	run_child_ok(go_on_in_child, &number);
	__atomic_store_n(&may_leave, true, __ATOMIC_RELEASE);
	join_thread(thread);
	remove_limit(number);
}
END_TEST

/* The sum passes, no thread's own figure does; it is told once for each time. */
static void *hold_a_part(void *rounds)
{
	for (size_t i = 0; i < (uintptr_t)rounds; i++) {
		void *block[16];

		barrier_wait(&turn);
		for (size_t j = 0; j < COUNT_OF(block); j++)
			block[j] = zmalloc(16 * KIB);
		barrier_wait(&turn);
		barrier_wait(&turn);
		for (size_t j = 0; j < COUNT_OF(block); j++)
			zfree(block[j]);
		barrier_wait(&turn);
	}
	return NULL;
}

START_TEST(test_threads_pass_it_together)
{
	enum {
		THREADS = 8,
		ROUNDS = 50
	};
	pthread_t thread[THREADS];
	int number;

	barrier_init(&turn, THREADS + 1);
	number = add_over(16 * 16 * KIB * (THREADS - 1) + 100 * KIB, MIB, NULL);
	for (size_t i = 0; i < THREADS; i++)
		thread[i] = start_thread(hold_a_part, (void *)(uintptr_t)ROUNDS);
	for (size_t i = 0; i < ROUNDS; i++) {
		barrier_wait(&turn);
		barrier_wait(&turn);
		ck_assert_uint_eq(calls_now(), 1);
		barrier_wait(&turn);
		barrier_wait(&turn);
	}
	for (size_t i = 0; i < THREADS; i++)
		join_thread(thread[i]);
	ck_assert_uint_eq(calls_now(), 0);
	remove_limit(number);
	barrier_done(&turn);
}
END_TEST

/* ---- A thread's last calls ------------------------------------------------------------------------------ */

/* Its destructor comes by until the library's own has run, in the first round of them. */
static struct {
	pthread_key_t key;
	int rounds;
	void *(*act)(void *block);
	void *block;
} last;

static void act_last(void *value)
{
	if (last.rounds-- > 0)
		pthread_setspecific(last.key, value);
	else
		last.block = last.act(last.block);
}

static void *come_to_an_end(void *value)
{
	zfree(zmalloc(1));
	pthread_setspecific(last.key, value);
	return NULL;
}

static pthread_t end_with(void *(*act)(void *block))
{
	pthread_t thread;

	last.act = act;
	last.rounds = 2;
	thread = start_thread(come_to_an_end, &last);
	join_thread(thread);
	return thread;
}

static void *pass_it(void *unused)
{
	(void)unused;
	return zmalloc(2 * MIB);
}

START_TEST(test_a_thread_past_its_end_passes_and_falls)
{
	int number = add_over(MIB, MIB / 2, NULL);

	ck_assert_int_eq(pthread_key_create(&last.key, act_last), 0);
	for (int round = 0; round < 3; round++) {
		pthread_t thread = end_with(pass_it);

		ck_assert_uint_eq(calls_now(), 1);
		ck_assert(pthread_equal(last_thread, thread));
		end_with(free_it);
		/* The fall has been seen, so it is called again for others, too. */
		zfree(zmalloc(2 * MIB));
		ck_assert_uint_eq(calls_now(), 1);
	}
	pthread_key_delete(last.key);
	remove_limit(number);
}
END_TEST

/* What it may fall unseen is more than that; so is what whoever comes next frees. */
static void *fall_a_little(void *block)
{
	zfree(zmalloc(1));
	zfree(block);
	return NULL;
}

START_TEST(test_what_a_thread_freed_last_is_seen_at_its_end)
{
	int number = add_over(MIB, MIB / 2, NULL);
	void *base = zmalloc(MIB / 2 - 20 * KIB), *little = zmalloc(40 * KIB);
	void *rest = zmalloc(MIB), *block;

	ck_assert_uint_eq(calls_now(), 1);
	zfree(rest);
	join_thread(start_thread(fall_a_little, little));
	block = zmalloc(MIB);
	ck_assert_uint_eq(calls_now(), 1);
	zfree(block);
	zfree(base);
	remove_limit(number);
}
END_TEST

/* A program that stays over its soft limit, and one that evicts there, with threads. */
static void *churn(void *seed)
{
	struct chance chance = chance_of((uintptr_t)seed);
	void *block[100] = {NULL};

	for (size_t i = 0; i < steps(20000, 500); i++) {
		void **at = &block[chance_below(&chance, COUNT_OF(block))];

		zfree(*at);
		*at = zmalloc(chance_size(&chance, 13));
	}
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
	return NULL;
}

START_TEST(test_nothing_is_lost_where_threads_come_and_go_at_a_limit)
{
	pthread_t thread[8];
	size_t used = zmalloc_used_memory();
	int low = add_over(16 * KIB, 4 * KIB, NULL), high = add_over(32 * KIB, 0, NULL);

	for (uintptr_t i = 0; i < COUNT_OF(thread); i++)
		thread[i] = start_thread(churn, (void *)(i + 1));
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		join_thread(thread[i]);
	ck_assert_uint_ge(calls_now(), 2);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	zfree(zmalloc(MIB));
	ck_assert_uint_eq(calls_now(), 2);
	remove_limit(low);
	remove_limit(high);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("limit_soft");

	tcase_add_test(tests, test_it_is_called_each_time_that_memory_passes);
	tcase_add_test(tests, test_a_lower_rise_is_seen_too);
	tcase_add_test(tests, test_a_small_fall_after_a_large_one_is_seen);
	tcase_add_test(tests, test_blocks_that_are_small_pass_it_at_the_right_one);
	tcase_add_test(tests, test_each_way_to_fall_is_seen);
	tcase_add_test(tests, test_a_fall_back_is_seen);
	tcase_add_test(tests, test_several_are_called_from_below);
	tcase_add_test(tests, test_two_at_the_same_place_are_both_called);
	tcase_add_test(tests, test_bad_input_is_refused);
	tcase_add_test(tests, test_a_limit_below_what_is_used_calls_at_once);
	tcase_add_test(tests, test_a_soft_limit_over_the_hard_one_is_not_reached);
	tcase_add_test(tests, test_a_callback_allocates_and_is_not_entered_again);
	tcase_add_test(tests, test_a_callback_sets_other_limits);
	tcase_add_test(tests, test_the_last_block_under_the_hard_limit_passes_a_soft_one);
	tcase_add_test(tests, test_a_callback_forks);
	tcase_add_test(tests, test_a_callback_removes_itself);
	tcase_add_test(tests, test_removal_waits_for_a_callback_that_runs);
	tcase_add_test(tests, test_a_child_does_not_wait_for_its_parents_callback);
	tcase_add_test(tests, test_threads_pass_it_together);
	tcase_add_test(tests, test_a_thread_past_its_end_passes_and_falls);
	tcase_add_test(tests, test_what_a_thread_freed_last_is_seen_at_its_end);
	tcase_add_test(tests, test_nothing_is_lost_where_threads_come_and_go_at_a_limit);
	return run_tests(tests);
}
