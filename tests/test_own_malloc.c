/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_own_malloc.c - the program's own malloc() is neither replaced nor counted, also where
 * it is the very allocator that the library is built on.
 */
#include "config.h"

#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmalloc.h>

/* Neither preloaded nor linked: nothing but the library could have put another malloc() there. */
START_TEST(test_malloc_is_the_c_librarys)
{
	const char *of_malloc = file_of_function("malloc"), *of_puts = file_of_function("puts");
	const char *of_zmalloc = file_of_function("zmalloc");

	if (of_malloc == NULL || of_puts == NULL || getenv("LD_PRELOAD") != NULL ||
	    getenv("ZMALLOC_TEST_MALLOC") != NULL || under_checker()) {
		skip_part("no telling where malloc() is, or another one was asked for");
		return;
	}
	if (of_zmalloc == NULL || strstr(of_zmalloc, "libzmalloc") == NULL) {
		skip_part("a static program's malloc() is what it links");
		return;
	}
	ck_assert_str_eq(of_malloc, of_puts);
	ck_assert_str_eq(file_of_function("free"), of_puts);
	ck_assert_str_eq(file_of_function("realloc"), of_puts);
	ck_assert_str_eq(file_of_function("calloc"), of_puts);
}
END_TEST

/* Set by check_other_malloc.sh, which wants to be sure that what follows is the case it is about. */
START_TEST(test_malloc_is_the_one_asked_for)
{
	const char *of_malloc = file_of_function("malloc"), *asked = getenv("ZMALLOC_TEST_MALLOC");

	if (asked == NULL)
		return;
	ck_assert_ptr_nonnull(of_malloc);
	ck_assert_msg(strstr(of_malloc, asked) != NULL, "malloc() is in %s", of_malloc);
}
END_TEST

/* What the program mallocs and frees between z-calls, on every path that either has. */
static void use_own(struct chance *chance, void **own)
{
	size_t size = chance_size(chance, 16);

	switch (chance_below(chance, 4)) {
	case 0:
		free(*own);
		*own = malloc(size);
		break;
	case 1:
		free(*own);
		*own = calloc(1, size);
		break;
	case 2:
		*own = realloc(*own, size + 1);
		break;
	default:
		free(*own);
		*own = strdup("the program's own");
		break;
	}
}

static void use_ours(struct chance *chance, void **ours)
{
	size_t size = chance_size(chance, 16);

	switch (chance_below(chance, 4)) {
	case 0:
		zfree(*ours);
		*ours = zmalloc(size);
		break;
	case 1:
		zfree_with_size(*ours, zmalloc_usable_size(*ours));
		*ours = zcalloc(size);
		break;
	case 2:
		*ours = zrealloc(*ours, size + 1);
		break;
	default:
		zfree_usable(*ours, NULL);
		*ours = zmalloc_aligned(64, size);
		break;
	}
}

#define BLOCKS ((size_t)100)

static void mix(uint64_t seed, size_t *left, void **kept)
{
	struct chance chance = chance_of(seed);
	void *own[BLOCKS] = {NULL};
	int64_t before = zmalloc_thread_used_memory();
	size_t sum = 0;

	for (size_t i = 0; i < steps(30000, 2000); i++) {
		int64_t mine = zmalloc_thread_used_memory();

		use_own(&chance, &own[chance_below(&chance, BLOCKS)]);
		REQUIRE_EQ(zmalloc_thread_used_memory(), mine);
		use_ours(&chance, &kept[chance_below(&chance, BLOCKS)]);
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		free(own[i]);
		sum += zmalloc_size(kept[i]);
	}
	REQUIRE_EQ(zmalloc_thread_used_memory() - before, (int64_t)sum);
	*left = sum;
}

static void free_kept(void **kept)
{
	for (size_t i = 0; i < BLOCKS; i++)
		zfree(kept[i]);
}

START_TEST(test_own_blocks_are_not_counted)
{
	void *kept[BLOCKS] = {NULL};
	size_t used = zmalloc_used_memory(), left;

	mix(1, &left, kept);
	ck_assert_uint_eq(zmalloc_used_memory() - used, left);
	free_kept(kept);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

static struct mixer {
	uint64_t seed;
	size_t left;
	void *kept[BLOCKS];
} mixers[6];

static void *mix_in_thread(void *argument)
{
	struct mixer *mixer = argument;

	mix(mixer->seed, &mixer->left, mixer->kept);
	return NULL;
}

START_TEST(test_own_blocks_of_threads_are_not_counted)
{
	pthread_t threads[COUNT_OF(mixers)];
	size_t used = zmalloc_used_memory(), sum = 0;

	for (size_t i = 0; i < COUNT_OF(mixers); i++) {
		mixers[i] = (struct mixer){.seed = i + 10};
		threads[i] = start_thread(mix_in_thread, &mixers[i]);
	}
	for (size_t i = 0; i < COUNT_OF(mixers); i++) {
		join_thread(threads[i]);
		sum += mixers[i].left;
	}
	ck_assert_uint_eq(zmalloc_used_memory() - used, sum);
	for (size_t i = 0; i < COUNT_OF(mixers); i++)
		free_kept(mixers[i].kept);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

/* The program's own peaks are not ours. */
START_TEST(test_own_blocks_do_not_move_the_peak)
{
	size_t peak = zmalloc_peak_memory(), used = zmalloc_used_memory();
	void *block = zmalloc(100);
	size_t charged = zmalloc_size(block);

	zfree(block);
	for (size_t i = 0; i < 20; i++) {
		char *own = malloc(8 * MIB);

		own[0] = 1;
		opaque(own);
		ck_assert_uint_eq(zmalloc_used_memory(), used);
		free(own);
	}
	zfree(zmalloc(100));
	ck_assert_uint_le(zmalloc_peak_memory(), peak + charged + 64 * KIB);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

/* jemalloc's counter of what the thread allocated, which sees z-calls and must see nothing else. */
static uint64_t allocators_count(bool *known)
{
	uint64_t count = 0;
	size_t bytes = sizeof(count);

	*known = zmalloc_ctl("thread.allocated", &count, &bytes, NULL, 0) == 0;
	return count;
}

START_TEST(test_own_blocks_do_not_reach_the_allocator)
{
	const char *of_malloc = file_of_function("malloc"), *of_puts = file_of_function("puts");
	uint64_t before, after;
	bool known;

	before = allocators_count(&known);
	if (!known || of_malloc == NULL || of_puts == NULL || strcmp(of_malloc, of_puts) != 0) {
		skip_part("no counter to look at, or malloc() is not the C library's");
		return;
	}
	for (size_t i = 0; i < 1000; i++)
		free(opaque(malloc(i * 10)));
	after = allocators_count(&known);
	ck_assert_uint_eq(after, before);
	zfree(zmalloc(1000));
	after = allocators_count(&known);
	ck_assert_uint_gt(after, before);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("own_malloc");

	tcase_add_test(tests, test_malloc_is_the_c_librarys);
	tcase_add_test(tests, test_malloc_is_the_one_asked_for);
	tcase_add_test(tests, test_own_blocks_are_not_counted);
	tcase_add_test(tests, test_own_blocks_of_threads_are_not_counted);
	tcase_add_test(tests, test_own_blocks_do_not_move_the_peak);
	tcase_add_test(tests, test_own_blocks_do_not_reach_the_allocator);
	return run_tests(tests);
}
