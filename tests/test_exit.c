/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_exit.c - calls at the very end: from pthread-key destructors, before and after the
 * library's own, and from atexit handlers and destructors of the program.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmalloc.h>

/* ---- Keys that end before the library's, and after it --------------------------------------- */

/*
 * Destructors run in the order of their keys in every C library known. The program's .preinit_array
 * runs before any library's constructor, so that key comes first; where that is not heeded, a
 * constructor makes it, which in a static program may still be the earlier one.
 */
static pthread_key_t early_key, late_key;
static bool early_key_made;

static void end_thread(void *argument);

static void make_early_key(void)
{
	if (!early_key_made && pthread_key_create(&early_key, end_thread) != 0)
		abort();
	early_key_made = true;
}

#if defined(__ELF__)
__attribute__((__section__(".preinit_array"),
	       __used__)) static void (*const at_first)(void) = make_early_key;
#endif

__attribute__((__constructor__(101))) static void make_early_key_at_latest(void)
{
	make_early_key();
}

/* ---- What a destructor does ----------------------------------------------------------------- */

#define HELD 12

struct estate {
	pthread_key_t key;
	void *held[HELD]; /* half of them freed at each call, the other half grown */
	void *left[HELD]; /* allocated then, for somebody else to free */
	size_t calls, calls_wanted;
};

static void use_everything(void)
{
	int64_t before = zmalloc_thread_used_memory();
	void *block;
	size_t usable;

	block = zmalloc(100);
	REQUIRE_EQ(zmalloc_thread_used_memory() - before, (int64_t)zmalloc_size(block));
	block = zrealloc(block, 10000);
	REQUIRE_EQ(zmalloc_thread_used_memory() - before, (int64_t)zmalloc_size(block));
	zfree_with_size(block, 10000);
	block = zcalloc_num(10, 10);
	REQUIRE(all_zero(block, 100));
	zfree_usable(block, &usable);
	block = zmalloc_aligned(256, 300);
	block = zrealloc_usable(block, 3 * MIB, &usable);
	zfree(block);
	REQUIRE(ztrymalloc(opaque_size(SIZE_MAX)) == NULL);
	REQUIRE_EQ(zmalloc_thread_used_memory(), before);
	errno = 4321;
	zfree(zstrdup("the end"));
	REQUIRE_EQ(zmalloc_thread_used_memory(), before);
}

static void end_thread(void *argument)
{
	struct estate *estate = argument;
	size_t call = estate->calls++ % HELD;

	for (size_t i = 0; i < HELD; i++)
		if (i % 2 == 0) {
			errno = 4321;
			zfree(estate->held[i]);
			REQUIRE_EQ(errno, 4321);
			estate->held[i] = NULL;
		} else {
			estate->held[i] = zrealloc(estate->held[i], 50 * i * (estate->calls + 1));
		}
	estate->left[call] = zmalloc(100 * (call + 1));
	use_everything();
	if (estate->calls < estate->calls_wanted)
		pthread_setspecific(estate->key, estate);
}

static size_t sum_of_estate(const struct estate *estate)
{
	size_t sum = 0;

	for (size_t i = 0; i < HELD; i++)
		sum += zmalloc_size(estate->held[i]) + zmalloc_size(estate->left[i]);
	return sum;
}

static void free_estate(struct estate *estate)
{
	for (size_t i = 0; i < HELD; i++) {
		zfree(estate->held[i]);
		zfree(estate->left[i]);
	}
}

static void *die_with_estate(void *argument)
{
	struct estate *estates = argument;

	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < HELD; j++)
			estates[i].held[j] = zmalloc(37 * j);
		REQUIRE_EQ(pthread_setspecific(estates[i].key, &estates[i]), 0);
	}
	return NULL;
}

/* The library is first called by a destructor. */
static void *die_without_a_call(void *argument)
{
	struct estate *estates = argument;

	for (size_t i = 0; i < 2; i++)
		REQUIRE_EQ(pthread_setspecific(estates[i].key, &estates[i]), 0);
	return NULL;
}

static void let_threads_die(void *(*body)(void *), size_t calls, size_t rounds)
{
	size_t used = zmalloc_used_memory();

	for (size_t round = 0; round < rounds; round++) {
		static struct estate estates[8][2];
		pthread_t threads[COUNT_OF(estates)];
		size_t sum = 0;

		for (size_t i = 0; i < COUNT_OF(estates); i++) {
			estates[i][0] = (struct estate){.key = early_key, .calls_wanted = calls};
			estates[i][1] = (struct estate){.key = late_key, .calls_wanted = calls};
			threads[i] = start_thread(body, estates[i]);
		}
		for (size_t i = 0; i < COUNT_OF(estates); i++)
			join_thread(threads[i]);
		for (size_t i = 0; i < COUNT_OF(estates); i++)
			for (size_t j = 0; j < 2; j++) {
				ck_assert_uint_eq(estates[i][j].calls, calls);
				sum += sum_of_estate(&estates[i][j]);
			}
		ck_assert_uint_gt(sum, 0);
		ck_assert_uint_eq(zmalloc_used_memory() - used, sum);
		ck_assert_uint_ge(zmalloc_peak_memory(), used + sum);
		for (size_t i = 0; i < COUNT_OF(estates); i++)
			for (size_t j = 0; j < 2; j++)
				free_estate(&estates[i][j]);
		ck_assert_uint_eq(zmalloc_used_memory(), used);
	}
}

#if !defined(PTHREAD_DESTRUCTOR_ITERATIONS)
#define PTHREAD_DESTRUCTOR_ITERATIONS 4
#endif

START_TEST(test_destructors_free_and_allocate)
{
	let_threads_die(die_with_estate, 1, steps(50, 5));
}
END_TEST

/* As often as the system lets them; but a sanitizer takes leave of the thread in the last round. */
static size_t calls_at_most(void)
{
	return sanitized() ? 2 : PTHREAD_DESTRUCTOR_ITERATIONS;
}

START_TEST(test_destructors_that_come_back)
{
	for (size_t calls = 2; calls <= calls_at_most(); calls++)
		let_threads_die(die_with_estate, calls, steps(20, 3));
}
END_TEST

START_TEST(test_destructors_call_first)
{
	let_threads_die(die_without_a_call, 1, steps(20, 3));
	let_threads_die(die_without_a_call, calls_at_most(), steps(20, 3));
}
END_TEST

/* What a thread past its end does moves the peak as well. */
static void allocate_at_end(void *block)
{
	*(void **)block = zmalloc(20 * MIB);
}

static pthread_key_t large_key;

static void *die_large(void *block)
{
	zfree(zmalloc(1));
	REQUIRE_EQ(pthread_setspecific(large_key, block), 0);
	return NULL;
}

START_TEST(test_destructors_move_the_peak)
{
	void *base = zmalloc(zmalloc_peak_memory() - zmalloc_used_memory() + MIB), *block = NULL;
	size_t used = zmalloc_used_memory();

	REQUIRE_EQ(pthread_key_create(&large_key, allocate_at_end), 0);
	join_thread(start_thread(die_large, &block));
	ck_assert_uint_eq(zmalloc_used_memory(), used + zmalloc_size(block));
	ck_assert_uint_ge(zmalloc_peak_memory(), used + zmalloc_size(block));
	ck_assert_uint_le(zmalloc_peak_memory(), used + zmalloc_size(block) + 2 * 64 * KIB);
	zfree(block);
	zfree(base);
}
END_TEST

/* ---- The end of the program ----------------------------------------------------------------- */

static size_t used_at_start;
static void *at_exit_blocks[HELD];
static bool is_at_exit;
static struct barrier many;

static void free_at_exit(void)
{
	size_t sum = 0, before;

	if (!is_at_exit)
		return;
	before = zmalloc_used_memory();
	for (size_t i = 0; i < HELD; i++)
		sum += zmalloc_size(at_exit_blocks[i]);
	REQUIRE_EQ(before - used_at_start, sum);
	use_everything();
	for (size_t i = 0; i < HELD; i += 2) {
		sum -= zmalloc_size(at_exit_blocks[i]);
		zfree(at_exit_blocks[i]);
		at_exit_blocks[i] = NULL;
	}
	REQUIRE_EQ(zmalloc_used_memory() - used_at_start, sum);
}

/* After the atexit handlers. */
__attribute__((__destructor__)) static void free_the_rest(void)
{
	if (!is_at_exit)
		return;
	free_at_exit();
	for (size_t i = 0; i < HELD; i++)
		zfree(at_exit_blocks[i]);
	REQUIRE_EQ(zmalloc_used_memory(), used_at_start);
	_exit(42);
}

static void exit_with_blocks(void *unused)
{
	(void)unused;
	is_at_exit = true;
	REQUIRE_EQ(atexit(free_at_exit), 0);
	used_at_start = zmalloc_used_memory();
	for (size_t i = 0; i < HELD; i++)
		at_exit_blocks[i] = zmalloc(1000 * i);
	exit(0);
}

static void *wait_for_ever(void *unused)
{
	void *block = zmalloc(12345);

	barrier_wait(&many);
	while (block != NULL)
		pause();
	return unused;
}

/* Threads that hold blocks are still there when the program ends, and nobody waits for them. */
static void exit_with_threads(void *unused)
{
	barrier_init(&many, 5);
	for (size_t i = 0; i < 4; i++)
		start_thread(wait_for_ever, NULL);
	barrier_wait(&many);
	exit_with_blocks(unused);
}

static void *exit_from_thread(void *unused)
{
	exit_with_blocks(unused);
	return NULL;
}

static void exit_in_thread(void *unused)
{
	join_thread(start_thread(exit_from_thread, unused));
}

static void end_program(void (*body)(void *))
{
	static struct child child;

	if (under_valgrind()) {
		skip_part(
			"valgrind looks for leaks in the child, which ends in the middle of Check");
		return;
	}
	run_child(&child, body, NULL);
	ck_assert_msg(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 42, "status 0x%x: %s",
		      (unsigned)child.status, child.output);
}

START_TEST(test_atexit_handlers_and_destructors)
{
	end_program(exit_with_blocks);
}
END_TEST

START_TEST(test_exit_while_threads_live)
{
	end_program(exit_with_threads);
}
END_TEST

START_TEST(test_exit_from_a_thread)
{
	end_program(exit_in_thread);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("exit");

	if (pthread_key_create(&late_key, end_thread) != 0)
		return EXIT_FAILURE;
	tcase_add_test(tests, test_destructors_free_and_allocate);
	tcase_add_test(tests, test_destructors_that_come_back);
	tcase_add_test(tests, test_destructors_call_first);
	tcase_add_test(tests, test_destructors_move_the_peak);
	tcase_add_test(tests, test_atexit_handlers_and_destructors);
	tcase_add_test(tests, test_exit_while_threads_live);
	tcase_add_test(tests, test_exit_from_a_thread);
	return run_tests(tests);
}
