/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_oom_handler.c - what a handler may do, and what the default one does.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <zmalloc.h>

/* A 32-bit process may well have PTRDIFF_MAX bytes. */
#define REFUSED ((size_t)PTRDIFF_MAX + 99)

/* ---- Handlers of the program's -------------------------------------------------------------- */

START_TEST(test_handler_that_returns_gives_null)
{
	size_t used = zmalloc_used_memory();

	count_oom();
	errno = 0;
	ck_assert_ptr_null(zmalloc(opaque_size(REFUSED)));
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_uint_eq(oom_calls, 1);
	ck_assert_uint_eq(oom_size, REFUSED);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

static jmp_buf rescue;

static void jump(size_t size)
{
	oom_size = size;
	longjmp(rescue, 1);
}

static void *resized;

static void fail_somehow(int way)
{
	void *never = NULL;

	switch (way) {
	case 0:
		never = zmalloc(opaque_size(REFUSED));
		break;
	case 1:
		never = zcalloc_num(opaque_size(REFUSED), 1);
		break;
	case 2:
		never = zmalloc_aligned(64, opaque_size(REFUSED));
		break;
	case 3:
		never = zrealloc(resized, opaque_size(REFUSED));
		break;
	case 4:
		never = zrealloc_usable2(resized, opaque_size(REFUSED), NULL, NULL);
		break;
	}
	ck_abort_msg("way %d came back with %p", way, never);
}

/* No lock is held and nothing is half done when the handler is called. */
START_TEST(test_handler_may_longjmp)
{
	size_t used;

	resized = zmalloc(1000);
	fill(resized, 1000, 7);
	used = zmalloc_used_memory();
	zmalloc_set_oom_handler(jump);
	for (volatile int way = 0; way < 5; way++) {
		oom_size = 0;
		if (setjmp(rescue) == 0)
			fail_somehow(way);
		ck_assert_uint_eq(oom_size, REFUSED);
		ck_assert_uint_eq(zmalloc_used_memory(), used);
		ck_assert(filled(resized, 1000, 7));
		zfree(zmalloc(100 * KIB));
		ck_assert_uint_eq(zmalloc_used_memory(), used);
	}
	zfree(resized);
}
END_TEST

static void *reserve;

static void free_reserve(size_t size)
{
	oom_size = size;
	zfree(reserve);
	reserve = NULL;
	zfree(zmalloc(100));
}

START_TEST(test_handler_may_free_and_allocate)
{
	size_t used = zmalloc_used_memory();

	reserve = zmalloc(MIB);
	zmalloc_set_oom_handler(free_reserve);
	ck_assert_ptr_null(zmalloc(opaque_size(REFUSED)));
	ck_assert_uint_eq(oom_size, REFUSED);
	ck_assert_ptr_null(reserve);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

#define HANDLER_THREADS 8
static size_t calls_together;

static void count_together(size_t size)
{
	if (size == REFUSED)
		__atomic_fetch_add(&calls_together, 1, __ATOMIC_RELAXED);
}

static void *fail_often(void *unused)
{
	(void)unused;
	for (int i = 0; i < 100; i++)
		REQUIRE(zmalloc(opaque_size(REFUSED)) == NULL);
	return NULL;
}

START_TEST(test_handler_serves_all_threads)
{
	pthread_t threads[HANDLER_THREADS];

	calls_together = 0;
	zmalloc_set_oom_handler(count_together);
	for (size_t i = 0; i < HANDLER_THREADS; i++)
		threads[i] = start_thread(fail_often, NULL);
	for (size_t i = 0; i < HANDLER_THREADS; i++)
		join_thread(threads[i]);
	ck_assert_uint_eq(calls_together, 100 * HANDLER_THREADS);
}
END_TEST

/* ---- The default ---------------------------------------------------------------------------- */

static void die_of(void *size)
{
	size_t asked = *(size_t *)size;
	void *block = zmalloc(123456);

	zmalloc_set_oom_handler(NULL);
	REQUIRE(block != NULL);
	if (asked == SIZE_MAX)
		block = zcalloc_num(opaque_size(asked), 2);
	else
		block = zmalloc(opaque_size(asked));
	REQUIRE(block == NULL && !"the default handler returned");
}

/* The figure that follows a word, where it first stands by itself. */
static size_t figure_after(const char *report, const char *word)
{
	const char *at = strstr(report, word);

	ck_assert_msg(at != NULL, "no \"%s\" in: %s", word, report);
	return (size_t)strtoull(at + strlen(word), NULL, 10);
}

static void check_report(const char *report)
{
	size_t used, peak, block;
	void *same = zmalloc(123456);

	block = zmalloc_size(same);
	zfree(same);
	used = figure_after(report, "used ");
	peak = figure_after(report, "peak ");
	ck_assert_uint_ge(used, block);
	ck_assert_uint_ge(peak, used);
	/* At the child's start we had no more than the peak, of which it may have taken 64 KiB. */
	ck_assert_uint_le(used, zmalloc_used_memory() + block);
	ck_assert_msg(strstr(report, "limit ") != NULL, "no limit in: %s", report);
	ck_assert_msg(strstr(report, zmalloc_allocator()) != NULL, "no allocator in: %s", report);
}

START_TEST(test_default_handler_reports_and_aborts)
{
	static struct child child;
	size_t asked = REFUSED;

	run_child(&child, die_of, &asked);
	ck_assert_msg(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
		      "status 0x%x: %s", (unsigned)child.status, child.output);
	ck_assert_uint_eq(figure_after(child.output, "asked for "), REFUSED);
	check_report(child.output);
}
END_TEST

START_TEST(test_default_handler_reports_overflow)
{
	static struct child child;
	char as_number[32];
	size_t asked = SIZE_MAX;

	run_child(&child, die_of, &asked);
	ck_assert_msg(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
		      "status 0x%x: %s", (unsigned)child.status, child.output);
	check_report(child.output);
	/* No figure can be told, so none is; 32 bits have such a limit, on a later line. */
	child.output[strcspn(child.output, "\n")] = '\0';
	snprintf(as_number, sizeof(as_number), "%zu", SIZE_MAX);
	ck_assert_msg(strstr(child.output, as_number) == NULL, "a number in: %s", child.output);
}
END_TEST

static void restore_and_die(void *asked)
{
	oom_size = 0;
	zmalloc_set_oom_handler(free_reserve);
	REQUIRE(zmalloc(opaque_size(REFUSED)) == NULL);
	REQUIRE_EQ(oom_size, REFUSED);
	die_of(asked);
}

START_TEST(test_null_restores_the_default_handler)
{
	static struct child child;
	size_t asked = REFUSED;

	run_child(&child, restore_and_die, &asked);
	ck_assert_msg(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
		      "status 0x%x: %s", (unsigned)child.status, child.output);
	ck_assert_uint_eq(figure_after(child.output, "asked for "), REFUSED);
}
END_TEST

#define FALLEN (32 * MIB)

static void fall_and_die(void *asked)
{
	size_t below = zmalloc_peak_memory() - zmalloc_used_memory();

	zfree(opaque(zmalloc(below + FALLEN)));
	die_of(asked);
}

START_TEST(test_the_report_has_each_figure)
{
	static struct child child;
	size_t asked = REFUSED;

	run_child(&child, fall_and_die, &asked);
	ck_assert_uint_ge(figure_after(child.output, "peak "),
			  figure_after(child.output, "used ") + FALLEN / 2);
	ck_assert_uint_eq(figure_after(child.output, "limit "), zmalloc_get_memory_limit());
}
END_TEST

/* unused_or_size: NULL, or the one size of which all blocks are. */
static void exhaust_and_die(void *unused_or_size)
{
	void *block;

	if (unused_or_size != NULL) {
		zmalloc_set_oom_handler(NULL);
		REQUIRE(limit_address_space(64 * MIB));
		for (;;)
			opaque(memset(zmalloc(*(size_t *)unused_or_size), 1, 1));
	}
	REQUIRE(limit_address_space(64 * MIB));
	for (size_t size = 16 * MIB; size >= 16; size /= 2)
		while ((block = ztrymalloc(size)) != NULL)
			opaque(block);
	zmalloc_set_oom_handler(NULL);
	block = zmalloc(opaque_size(5 * MIB));
	REQUIRE(block == NULL && !"the default handler returned");
}

/* To the last byte: whatever the report needs is there already. */
START_TEST(test_default_handler_needs_no_memory)
{
	static struct child child;

	if (under_checker()) {
		skip_part("no address space limit under a checker");
		return;
	}
	run_child(&child, exhaust_and_die, NULL);
	ck_assert_msg(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
		      "status 0x%x: %s", (unsigned)child.status, child.output);
	ck_assert_uint_eq(figure_after(child.output, "asked for "), 5 * MIB);
	ck_assert_uint_gt(figure_after(child.output, "used "), 32 * MIB);
	ck_assert_uint_ge(figure_after(child.output, "peak "), figure_after(child.output, "used "));
	ck_assert_uint_gt(figure_after(child.output, "limit "), 0);
	ck_assert_msg(strstr(child.output, zmalloc_allocator()) != NULL, "no allocator in: %s",
		      child.output);
}
END_TEST

/* The stack too is told, whatever used the memory up and however little is left. */
START_TEST(test_default_handler_tells_the_stack)
{
#if defined(HAVE_BACKTRACE) && defined(HAVE_UNWIND_BACKTRACE)
	static struct child child;
	static const size_t sizes[] = {16, 100, 1000, 10000, 300000};
	size_t size = sizes[_i];
	const char *line;

	if (under_checker()) {
		skip_part("no address space limit under a checker");
		return;
	}
	run_child(&child, exhaust_and_die, &size);
	ck_assert_msg(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
		      "status 0x%x: %s", (unsigned)child.status, child.output);
	line = strstr(child.output, "zmalloc: allocator ");
	ck_assert_ptr_nonnull(line);
	for (int frames = 0; frames < 3; frames++) {
		line = strchr(line, '\n');
		ck_assert_msg(line != NULL && strchr(++line, '\n') != NULL, "%d frames in: %s",
			      frames, child.output);
	}
#endif
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("oom_handler");

	tcase_add_test(tests, test_handler_that_returns_gives_null);
	tcase_add_test(tests, test_handler_may_longjmp);
	tcase_add_test(tests, test_handler_may_free_and_allocate);
	tcase_add_test(tests, test_handler_serves_all_threads);
	tcase_add_test(tests, test_default_handler_reports_and_aborts);
	tcase_add_test(tests, test_default_handler_reports_overflow);
	tcase_add_test(tests, test_null_restores_the_default_handler);
	tcase_add_test(tests, test_the_report_has_each_figure);
	tcase_add_test(tests, test_default_handler_needs_no_memory);
	tcase_add_loop_test(tests, test_default_handler_tells_the_stack, 0, 5);
	return run_tests(tests);
}
