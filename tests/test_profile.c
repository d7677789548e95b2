/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_profile.c - the heap profile follows blocks wherever they go: other threads, resizes, arenas,
 * forks, defragmentation; and is on and off when it is told to be.
 *
 * With a mean of 1 byte each block is a sample, so figures are exact.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/limit.h>
#include <zmalloc/profile.h>
#include <zmalloc/redis.h>

#include "lib/base/atomic.h"
#include "tests/profile_sites.h"

#define BLOCKS 100

static void start(void)
{
	REQUIRE(zmalloc_profile_start(1) == 0);
}

static void end(void)
{
	REQUIRE(zmalloc_profile_stop() == 0);
}

static struct zmalloc_profile_stack of_site(unsigned site)
{
	struct profile_sums sums;

	profile_sums(&sums);
	return sums.site[site];
}

static void expect(unsigned site, size_t live_blocks, size_t live_bytes, size_t total_blocks)
{
	struct zmalloc_profile_stack is = of_site(site);

	ck_assert_uint_eq(is.live_blocks, live_blocks);
	ck_assert_uint_eq(is.live_bytes, live_bytes);
	ck_assert_uint_eq(is.live_samples, live_blocks);
	ck_assert_uint_eq(is.live_sample_bytes, live_bytes);
	ck_assert_uint_eq(is.total_blocks, total_blocks);
	ck_assert_uint_eq(is.total_samples, total_blocks);
}

START_TEST(test_every_block_is_noted_with_a_mean_of_one)
{
	void *ptr[BLOCKS];
	size_t bytes = 0;

	profile_sites_learn();
	start();
	for (unsigned i = 0; i < BLOCKS; i++) {
		ptr[i] = profile_site[i % 2](i % 3 != 0 ? zmalloc : zcalloc, 1 + i * 37);
		bytes += i % 2 == 0 ? zmalloc_size(ptr[i]) : 0;
	}
	expect(0, BLOCKS / 2, bytes, BLOCKS / 2);
	for (unsigned i = 0; i < BLOCKS; i += 4) {
		bytes -= zmalloc_size(ptr[i]);
		zfree(ptr[i]);
	}
	expect(0, BLOCKS / 4, bytes, BLOCKS / 2);
	ck_assert_uint_eq(of_site(1).live_blocks, BLOCKS / 2);
	for (unsigned i = 0; i < BLOCKS; i++)
		if (i % 4 != 0)
			zfree_with_size(ptr[i], 1 + i * 37);
	expect(0, 0, 0, BLOCKS / 2);
	expect(1, 0, 0, BLOCKS / 2);
	end();
}
END_TEST

START_TEST(test_whoever_frees_with_flags_is_seen)
{
	void *freed, *resized;

	profile_sites_learn();
	start();
	freed = profile_site[0](zmalloc, 100);
	resized = profile_site[1](zmalloc, 100);
	zfree_with_flags(freed, 0);
	resized = zrealloc_with_flags(resized, 1000, 0);
	expect(0, 0, 0, 1);
	expect(1, 0, 0, 1);
	zfree_with_flags(resized, 0);
	end();
}
END_TEST

START_TEST(test_what_is_freed_while_it_is_off_is_not_seen)
{
	void *before, *during, *after;

	profile_sites_learn();
	before = profile_site[0](zmalloc, 100);
	start();
	during = profile_site[1](zmalloc, 100);
	zfree(before);
	end();
	after = profile_site[2](zmalloc, 100);
	zfree(during);
	zfree(after);
	expect(0, 0, 0, 0);
	ck_assert_uint_eq(of_site(1).live_blocks, 1);
	expect(2, 0, 0, 0);
	start();
	expect(1, 0, 0, 0);
	during = profile_site[3](zmalloc, 100);
	REQUIRE(zmalloc_profile_reset() == 0);
	expect(3, 0, 0, 0);
	zfree(during);
	during = profile_site[3](zmalloc, 100);
	expect(3, 1, zmalloc_size(during), 1);
	zfree(during);
	end();
}
END_TEST

/* ---- Threads ---------------------------------------------------------------------------------- */

struct work {
	void *ptr[BLOCKS];
	unsigned site;
};

static void *take_all(void *argument)
{
	struct work *work = argument;

	for (unsigned i = 0; i < BLOCKS; i++)
		work->ptr[i] = profile_site[work->site](zmalloc, 50);
	return NULL;
}

static void *free_all(void *argument)
{
	struct work *work = argument;

	for (unsigned i = 0; i < BLOCKS; i++)
		zfree(work->ptr[i]);
	return NULL;
}

static void in_thread(void *(*body)(void *), struct work *work)
{
	pthread_t thread;

	REQUIRE(pthread_create(&thread, NULL, body, work) == 0);
	REQUIRE(pthread_join(thread, NULL) == 0);
}

START_TEST(test_a_block_may_be_freed_by_any_thread)
{
	struct work first = {.site = 4}, second = {.site = 5};

	profile_sites_learn();
	start();
	in_thread(take_all, &first);
	take_all(&second);
	expect(4, BLOCKS, BLOCKS * zmalloc_size(first.ptr[0]), BLOCKS);
	free_all(&first);
	in_thread(free_all, &second);
	expect(4, 0, 0, BLOCKS);
	expect(5, 0, 0, BLOCKS);
	end();
}
END_TEST

enum {
	MANY_THREADS = 1000
};

static void *take_and_free(void *argument)
{
	take_all(argument);
	return free_all(argument);
}

/* At the default mean and in the middle of their work. */
START_TEST(test_starts_and_stops_between_many_threads)
{
	static struct work work[MANY_THREADS];
	pthread_t thread[MANY_THREADS];
	unsigned started = 0;

	profile_sites_learn();
	for (; started < MANY_THREADS; started++) {
		work[started].site = started % PROFILE_SITES;
		if (pthread_create(&thread[started], NULL, take_and_free, &work[started]) != 0)
			break;
		if (started % 8 == 0)
			REQUIRE(zmalloc_profile_start(1 + started) == 0);
		if (started % 8 == 5)
			end();
	}
	for (unsigned i = 0; i < started; i++)
		REQUIRE(pthread_join(thread[i], NULL) == 0);
	end();
	start();
	take_and_free(&work[3]);
	expect(3, 0, 0, BLOCKS);
	end();
}
END_TEST

/* Does a stack tell who called the function that calls the library? */
static bool has_deep_stacks(void)
{
#if defined(HAVE_STACK_TABLES)
	return true;
#else
	skip_part("no unwind tables are read here: a stack may be the caller alone");
	return false;
#endif
}

/* ---- Resizes ---------------------------------------------------------------------------------- */

static void *to_resize;

static void *resize(size_t size)
{
	return zrealloc(to_resize, size);
}

START_TEST(test_a_resize_is_an_end_and_a_new_block)
{
	uintptr_t before;
	size_t bytes;

	if (!has_deep_stacks())
		return;
	profile_sites_learn();
	start();
	to_resize = profile_site[0](zmalloc, 100);
	to_resize = profile_site[1](resize, 100000);
	expect(0, 0, 0, 1);
	expect(1, 1, zmalloc_size(to_resize), 1);
	bytes = zmalloc_size(to_resize);
	before = (uintptr_t)to_resize;
	to_resize = profile_site[2](resize, 100000);
	ck_assert_uint_eq(zmalloc_size(to_resize), bytes);
	/* The allocators of checkers move all that is resized. */
	expect(1, (uintptr_t)to_resize == before, (uintptr_t)to_resize == before ? bytes : 0, 1);
	expect(2, (uintptr_t)to_resize != before, (uintptr_t)to_resize != before ? bytes : 0,
	       (uintptr_t)to_resize != before);
	if (!under_checker())
		ck_assert_uint_eq((uintptr_t)to_resize, before);
	zfree(to_resize);
	expect(1, 0, 0, 1);
	end();
}
END_TEST

/* Of a hundred blocks two in five are sampled before they are resized, and half of them after it. */
START_TEST(test_nothing_is_left_of_what_was_resized)
{
	void *ptr[BLOCKS];

	if (!has_deep_stacks())
		return;
	profile_sites_learn();
	REQUIRE(zmalloc_profile_start(4000) == 0);
	for (unsigned i = 0; i < BLOCKS; i++)
		ptr[i] = profile_site[3](zmalloc, 2000);
	ck_assert_uint_gt(of_site(3).live_samples, BLOCKS / 8);
	for (unsigned i = 0; i < BLOCKS; i++) {
		to_resize = ptr[i];
		ptr[i] = profile_site[6](resize, 3000);
	}
	ck_assert_uint_eq(of_site(3).live_samples, 0);
	ck_assert_uint_gt(of_site(6).live_samples, BLOCKS / 8);
	ck_assert_uint_lt(of_site(6).live_samples, BLOCKS);
	for (unsigned i = 0; i < BLOCKS; i++)
		zfree(ptr[i]);
	end();
}
END_TEST

/* ---- What is looked at for other reasons ------------------------------------------------------- */

START_TEST(test_a_limit_that_is_near_samples_nothing)
{
	profile_sites_learn();
	REQUIRE(zmalloc_profile_start(sizeof(size_t) > 4 ? (size_t)((uint64_t)1 << 40)
							 : SIZE_MAX / 4) == 0);
	zmalloc_limit_set(zmalloc_used_memory() + 10000);
	for (unsigned i = 0; i < 10000; i++)
		zfree(profile_site[2](zmalloc, 5000));
	zmalloc_limit_set(0);
	ck_assert_uint_eq(of_site(2).total_samples, 0);
	end();
}
END_TEST

/* ---- Arenas ----------------------------------------------------------------------------------- */

static zarena *arena;

static void *take_of_arena(size_t size)
{
	return zarena_malloc(arena, size);
}

START_TEST(test_blocks_of_an_arena_end_with_it)
{
	zarena *other;
	void *ptr;

	arena = zarena_create();
	if (arena == NULL) {
		ck_assert_int_eq(errno, ENOTSUP);
		skip_part("the allocator has no private arenas");
		return;
	}
	if (!has_deep_stacks())
		return;
	profile_sites_learn();
	start();
	ptr = profile_site[6](take_of_arena, 300);
	for (unsigned i = 1; i < BLOCKS; i++)
		profile_site[7](take_of_arena, 300);
	other = arena;
	arena = zarena_create();
	profile_site[8](take_of_arena, 300);
	expect(6, 1, zmalloc_size(ptr), 1);
	ck_assert_uint_eq(of_site(7).live_blocks, BLOCKS - 1);
	zfree(ptr);
	expect(6, 0, 0, 1);
	ck_assert_uint_eq(of_site(7).live_blocks, BLOCKS - 1);
	REQUIRE(zarena_reset(other) == 0);
	expect(7, 0, 0, BLOCKS - 1);
	ck_assert_uint_eq(of_site(8).live_blocks, 1);
	REQUIRE(zarena_destroy(other) == 0);
	REQUIRE(zarena_destroy(arena) == 0);
	expect(8, 0, 0, 1);
	end();
}
END_TEST

/* ---- Forks ------------------------------------------------------------------------------------ */

static int look_in_child(void *ptr)
{
	void *more = profile_site[1](zmalloc, 64);

	zfree(ptr);
	if (of_site(0).live_blocks != 0 || of_site(1).live_blocks != 1)
		return 1;
	zfree(more);
	return of_site(1).live_blocks != 0 || zmalloc_profile_stop() != 0 ||
	       zmalloc_profile_start(0) != 0;
}

START_TEST(test_a_child_goes_on_with_its_own)
{
	void *ptr;
	pid_t child;
	int status;

	profile_sites_learn();
	start();
	ptr = profile_site[0](zmalloc, 64);
	child = fork();
	REQUIRE(child >= 0);
	if (child == 0)
		_exit(look_in_child(ptr));
	REQUIRE(waitpid(child, &status, 0) == child);
	ck_assert_int_eq(status, 0);
	expect(0, 1, zmalloc_size(ptr), 1);
	expect(1, 0, 0, 0);
	zfree(ptr);
	end();
}
END_TEST

static ZM_ATOMIC(bool) is_over;

static void *sample_for_ever(void *site)
{
	while (!zm_load(&is_over))
		zfree(profile_site[(uintptr_t)site](zmalloc, 64));
	return NULL;
}

/* A child that is content ends without a word: what its parent's threads had in hand is lost to it, as memcheck
 * would say. */
static void look_and_end(void)
{
	alarm(60);
	zfree(profile_site[9](zmalloc, 64));
	if (of_site(9).total_blocks == 1 && of_site(9).live_blocks == 0)
		kill(getpid(), SIGKILL);
	_exit(1);
}

/* Threads are in the middle of a sample, with its locks, whenever there is a fork. */
START_TEST(test_a_child_of_many_who_sample_can_sample)
{
	pthread_t thread[4];
	int status;

	profile_sites_learn();
	start();
	zm_store(&is_over, false);
	for (uintptr_t i = 0; i < COUNT_OF(thread); i++)
		REQUIRE(pthread_create(&thread[i], NULL, sample_for_ever, (void *)i) == 0);
	for (unsigned i = 0; i < 50; i++) {
		pid_t child = fork();

		REQUIRE(child >= 0);
		if (child == 0)
			look_and_end();
		REQUIRE(waitpid(child, &status, 0) == child);
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	zm_store(&is_over, true);
	for (unsigned i = 0; i < COUNT_OF(thread); i++)
		REQUIRE(pthread_join(thread[i], NULL) == 0);
	for (unsigned i = 0; i < COUNT_OF(thread); i++)
		ck_assert_uint_eq(of_site(i).live_blocks, 0);
	end();
}
END_TEST

/* ---- Stacks ----------------------------------------------------------------------------------- */

static int see_first_frame(const struct zmalloc_profile_stack *stack, void *context)
{
	unsigned site = profile_site_of(stack);

	if (site == PROFILE_SITES)
		return 0;
	ck_assert_uint_eq(stack->frames[0], profile_site_address(site));
	(*(unsigned *)context)++;
	return 0;
}

START_TEST(test_the_caller_of_the_library_comes_first)
{
	unsigned seen = 0;

	profile_sites_learn();
	ck_assert_int_eq(zmalloc_profile_visit(see_first_frame, &seen), 0);
	ck_assert_uint_eq(seen, PROFILE_SITES);
}
END_TEST

/* ---- Bounds and errors ------------------------------------------------------------------------ */

static int stop_at_third(const struct zmalloc_profile_stack *stack, void *context)
{
	ck_assert_uint_gt(stack->depth, 0);
	return ++*(int *)context == 3 ? 33 : 0;
}

START_TEST(test_what_is_asked_for_wrongly_is_refused)
{
	struct zmalloc_profile_info info = {.size = 0};
	int visits = 0;

	profile_sites_learn();
	ck_assert_int_eq(zmalloc_profile_visit(stop_at_third, &visits), 33);
	ck_assert_int_eq(visits, 3);
	start();
	errno = 0;
	ck_assert_int_eq(zmalloc_profile_start(1), -1);
	ck_assert_int_eq(errno, EALREADY);
	if (sizeof(size_t) > 4) {
		errno = 0;
		ck_assert_int_eq(zmalloc_profile_start((size_t)(((uint64_t)1 << 40) + 1)), -1);
		ck_assert_int_eq(errno, EINVAL);
	}
	errno = 0;
	ck_assert_int_eq(zmalloc_profile_get_info(&info), -1);
	ck_assert_int_eq(errno, EINVAL);
	end();
	ck_assert_int_eq(zmalloc_profile_stop(), 0);
}
END_TEST

static int add_live(const struct zmalloc_profile_stack *stack, void *context)
{
	*(size_t *)context += stack->live_bytes;
	return 0;
}

/* More blocks than there is room for, of which the rest is lost, and used memory has nothing of it. */
START_TEST(test_what_has_no_room_is_counted_as_lost)
{
	struct zmalloc_profile_info info = {.size = sizeof(info)};
	enum {
		TOO_MANY = 300000
	};
	static void *ptr[TOO_MANY];
	size_t before = zmalloc_used_memory(), bytes = 0, live = 0;

	start();
	for (unsigned i = 0; i < TOO_MANY; i++) {
		ptr[i] = zmalloc(16);
		bytes += zmalloc_size(ptr[i]);
	}
	ck_assert_uint_eq(zmalloc_used_memory() - before, bytes);
	REQUIRE(zmalloc_profile_get_info(&info) == 0);
	ck_assert_uint_eq(info.is_on, 1);
	ck_assert_uint_eq(info.mean_bytes, 1);
	ck_assert_uint_gt(info.lost_samples, 0);
	ck_assert_uint_eq(info.samples + info.lost_samples, TOO_MANY);
	ck_assert_uint_lt(info.memory_bytes, 32 * MIB);
	REQUIRE(zmalloc_profile_visit(add_live, &live) == 0);
	ck_assert_uint_ge(live, info.samples * 16);
	ck_assert_uint_lt(live, bytes);
	for (unsigned i = 0; i < TOO_MANY; i++)
		zfree(ptr[i]);
	live = 0;
	REQUIRE(zmalloc_profile_visit(add_live, &live) == 0);
	ck_assert_uint_eq(live, 0);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
	end();
}
END_TEST

/* The account is what it is without a profile: at the default mean, over the ways of a block. */
START_TEST(test_accounts_are_as_exact_as_without)
{
	size_t before = zmalloc_used_memory(), peak = zmalloc_peak_memory(), bytes = 0;
	size_t most = before + BLOCKS * 2 * 2048 + 64 * KIB;
	void *ptr[BLOCKS] = {NULL};
	unsigned random = 1;

	REQUIRE(zmalloc_profile_start(10 * KIB) == 0);
	for (unsigned i = 0; i < 100000; i++) {
		unsigned at = (unsigned)rand_r(&random) % BLOCKS;
		size_t size = 1 + (unsigned)rand_r(&random) % 2000;

		bytes -= ptr[at] != NULL ? zmalloc_size(ptr[at]) : 0;
		if (i % 3 == 0) {
			zfree(ptr[at]);
			ptr[at] = i % 2 != 0 ? zmalloc(size) : zmalloc_aligned(64, size);
		} else if (i % 3 == 1) {
			ptr[at] = zrealloc(ptr[at], size);
		} else {
			zfree(ptr[at]);
			ptr[at] = NULL;
		}
		bytes += ptr[at] != NULL ? zmalloc_size(ptr[at]) : 0;
		if (i % 1000 == 0)
			ck_assert_uint_eq(zmalloc_used_memory(), before + bytes);
		if (i == 50000)
			end();
		if (i == 60000)
			REQUIRE(zmalloc_profile_start(1000) == 0);
	}
	end();
	for (unsigned i = 0; i < BLOCKS; i++)
		zfree(ptr[i]);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
	ck_assert_uint_le(zmalloc_peak_memory(), most > peak ? most : peak);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("profile");

	tcase_add_test(tests, test_every_block_is_noted_with_a_mean_of_one);
	tcase_add_test(tests, test_whoever_frees_with_flags_is_seen);
	tcase_add_test(tests, test_what_is_freed_while_it_is_off_is_not_seen);
	tcase_add_test(tests, test_a_block_may_be_freed_by_any_thread);
	tcase_add_test(tests, test_starts_and_stops_between_many_threads);
	tcase_add_test(tests, test_a_resize_is_an_end_and_a_new_block);
	tcase_add_test(tests, test_nothing_is_left_of_what_was_resized);
	tcase_add_test(tests, test_a_limit_that_is_near_samples_nothing);
	tcase_add_test(tests, test_blocks_of_an_arena_end_with_it);
	tcase_add_test(tests, test_a_child_goes_on_with_its_own);
	tcase_add_test(tests, test_a_child_of_many_who_sample_can_sample);
	tcase_add_test(tests, test_the_caller_of_the_library_comes_first);
	tcase_add_test(tests, test_what_is_asked_for_wrongly_is_refused);
	tcase_add_test(tests, test_what_has_no_room_is_counted_as_lost);
	tcase_add_test(tests, test_accounts_are_as_exact_as_without);
	return run_tests(tests);
}
