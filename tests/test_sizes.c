/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_sizes.c - what a block is charged is its zmalloc_size(): of every size, in memory that
 * held blocks of another size before, and beside aligned blocks. Sizes that are remembered of a page
 * show here when they are not forgotten.
 */
#include "config.h"

#include "tests/support.h"

#include <pthread.h>

#include <zmalloc.h>

enum {
	BLOCKS = 3000,
	LARGEST = 70000
};

/* Of the one block got since. */
static void check_charge(void *ptr, size_t used_before, size_t size)
{
	size_t charged = zmalloc_used_memory() - used_before;

	ck_assert_msg(charged == zmalloc_size(ptr), "%zu bytes: charged %zu, size %zu", size,
		      charged, zmalloc_size(ptr));
}

START_TEST(test_each_size_is_charged_what_it_is)
{
	size_t used = zmalloc_used_memory();

	for (size_t size = 0; size < LARGEST; size += size < 5000 ? 1 : 97) {
		void *ptr = zmalloc(size);

		check_charge(ptr, used, size);
		zfree(ptr);
		ptr = zcalloc(size);
		check_charge(ptr, used, size);
		zfree_with_size(ptr, size);
		ck_assert_uint_eq(zmalloc_used_memory(), used);
	}
}
END_TEST

static void *blocks[BLOCKS];

static size_t allocate(size_t size)
{
	size_t sum = 0;

	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = zmalloc(size);
		sum += zmalloc_size(blocks[i]);
	}
	return sum;
}

static void *release(void *none)
{
	for (size_t i = 0; i < BLOCKS; i++)
		zfree(blocks[i]);
	return none;
}

/* The pages of each round go back to the allocator's heap and come again with other sizes. */
START_TEST(test_pages_change_their_size)
{
	static const size_t sizes[] = {64, 48, 4096, 200, 24, 1000, 20000, 16, 512, 40000, 100};
	size_t used = zmalloc_used_memory();

	for (size_t round = 0; round < 2 * COUNT_OF(sizes); round++) {
		size_t sum = allocate(sizes[round % COUNT_OF(sizes)]);

		ck_assert_uint_eq(zmalloc_used_memory(), used + sum);
		release(NULL);
		ck_assert_uint_eq(zmalloc_used_memory(), used);
		zmalloc_purge();
	}
}
END_TEST

/* Allocated here, freed by another thread, and the pages used again here. */
START_TEST(test_pages_freed_elsewhere)
{
	static const size_t sizes[] = {80, 320, 32, 2000};
	size_t used = zmalloc_used_memory();

	for (size_t round = 0; round < 2 * COUNT_OF(sizes); round++) {
		size_t sum = allocate(sizes[round % COUNT_OF(sizes)]);
		pthread_t thread;

		ck_assert_uint_eq(zmalloc_used_memory(), used + sum);
		ck_assert_int_eq(pthread_create(&thread, NULL, release, NULL), 0);
		pthread_join(thread, NULL);
		ck_assert_uint_eq(zmalloc_used_memory(), used);
	}
}
END_TEST

/* Aligned blocks may lie inside larger ones, among plain blocks of that size. */
START_TEST(test_aligned_beside_plain)
{
	static const size_t sizes[] = {40, 100, 250, 900, 5000};
	size_t used = zmalloc_used_memory();

	for (size_t round = 0; round < COUNT_OF(sizes); round++) {
		size_t size = sizes[round], sum = 0;

		for (size_t i = 0; i < BLOCKS; i++) {
			size_t alignment = (size_t)32 << i % 6;

			blocks[i] = i % 3 != 0 ? zmalloc(size + i % 2 * alignment)
					       : zmalloc_aligned(alignment, size);
			sum += zmalloc_size(blocks[i]);
		}
		ck_assert_uint_eq(zmalloc_used_memory(), used + sum);
		release(NULL);
		ck_assert_uint_eq(zmalloc_used_memory(), used);
	}
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("sizes");

	tcase_add_test(tests, test_each_size_is_charged_what_it_is);
	tcase_add_test(tests, test_pages_change_their_size);
	tcase_add_test(tests, test_pages_freed_elsewhere);
	tcase_add_test(tests, test_aligned_beside_plain);
	return run_tests(tests);
}
