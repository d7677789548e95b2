/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_alignment.c - addresses: aligned for any type that fits, and as asked for.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <zmalloc.h>

static const size_t sizes[] = {0,    1,    8,    16,    17,    100,    1000,
			       4096, 4097, 9000, 65536, 65537, 300000, 2097153};

static void check_address(const void *ptr, size_t alignment, size_t size)
{
	ck_assert_ptr_nonnull(ptr);
	ck_assert_msg((uintptr_t)ptr % alignment == 0, "%p of %zu bytes is not aligned to %zu", ptr,
		      size, alignment);
}

#define STRICTEST _Alignof(max_align_t)

/* What the header promises on every allocator. */
static size_t divides(size_t size)
{
	size_t lowest = size & -size;

	return lowest < STRICTEST ? lowest : STRICTEST;
}

/* Only jemalloc has one that can be asked for; the other allocators in use align as C asks. */
static size_t quantum(void)
{
	size_t bytes = STRICTEST, size = sizeof(bytes);

	zmalloc_ctl("arenas.quantum", &bytes, &size, NULL, 0);
	return bytes;
}

START_TEST(test_alignment_is_told)
{
	const char *expected = getenv("ZMALLOC_TEST_QUANTUM");

	if (expected != NULL)
		ck_assert_uint_eq(quantum(), strtoul(expected, NULL, 10));
	for (size_t size = 1; size < 70000; size += 1 + size / 50) {
		size_t told = zmalloc_alignment(size);

		ck_assert_uint_eq(told & (told - 1), 0);
		ck_assert_uint_ge(told, divides(size));
		ck_assert_uint_ge(told, sizeof(void *));
		ck_assert_uint_le(told, STRICTEST);
		if (size >= STRICTEST && quantum() >= STRICTEST)
			ck_assert_uint_eq(told, STRICTEST);
	}
	ck_assert_uint_ge(zmalloc_alignment(0), sizeof(void *));
	ck_assert_uint_eq(zmalloc_alignment((size_t)PTRDIFF_MAX + 1), STRICTEST);
	ck_assert_uint_eq(zmalloc_alignment(SIZE_MAX), STRICTEST);
}
END_TEST

/* It is no more cautious than blocks are: of some side by side, one is aligned to just that. */
START_TEST(test_told_alignment_is_that_of_blocks)
{
	size_t sizes_told[] = {8, 16, 24, 32, 40, 48, 56, 64};

	if (strcmp(ZM_ALLOCATOR_NAME, "jemalloc") != 0)
		return;
	for (size_t i = 0; i < COUNT_OF(sizes_told); i++) {
		uintptr_t bits = 0;
		void *held[32];

		for (size_t j = 0; j < COUNT_OF(held); j++) {
			held[j] = zmalloc(sizes_told[i]);
			bits |= (uintptr_t)held[j];
		}
		bits |= STRICTEST;
		ck_assert_uint_eq(zmalloc_alignment(sizes_told[i]), bits & -bits);
		for (size_t j = 0; j < COUNT_OF(held); j++)
			zfree(held[j]);
	}
}
END_TEST

START_TEST(test_every_block_is_aligned_as_told)
{
	for (size_t size = 1; size < 3000; size += steps(1, 7)) {
		size_t due = zmalloc_alignment(size);
		void *plain = zmalloc(size), *zeroed = zcalloc(size);
		void *tried = ztrymalloc(size), *counted = zcalloc_num(size, 1);
		void *grown = zrealloc(zmalloc(1), size), *copied = zmemdup(plain, 0);
		void *shrunk = zrealloc(zmalloc(size + size / 2), size);

		check_address(plain, due, size);
		check_address(zeroed, due, size);
		check_address(tried, due, size);
		check_address(counted, due, size);
		check_address(grown, due, size);
		check_address(shrunk, due, size);
		zfree(plain), zfree(zeroed), zfree(tried), zfree(counted), zfree(grown);
		zfree(copied), zfree(shrunk);
	}
}
END_TEST

/*
 * alignment of every power of two up to the last one, every size; blocks held together, so that
 * none is aligned by being the first.
 */
static void check_powers(void *(*allocate)(size_t, size_t), size_t last)
{
	enum {
		HELD = 5
	};
	size_t used = zmalloc_used_memory();

	for (size_t alignment = 1; alignment <= last; alignment *= 2)
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			void *held[HELD];
			size_t sum = 0;

			for (size_t j = 0; j < HELD; j++) {
				held[j] = allocate(alignment, sizes[i]);
				check_address(held[j], alignment, sizes[i]);
				ck_assert_uint_ge(zmalloc_usable_size(held[j]), sizes[i]);
				fill(held[j], zmalloc_usable_size(held[j]), j);
				sum += zmalloc_size(held[j]);
			}
			ck_assert_uint_eq(zmalloc_used_memory() - used, sum);
			for (size_t j = 0; j < HELD; j++) {
				ck_assert(filled(held[j], zmalloc_usable_size(held[j]), j));
				if (j % 2 == 0)
					zfree(held[j]);
				else
					zfree_with_size(held[j], zmalloc_usable_size(held[j]));
			}
			ck_assert_uint_eq(zmalloc_used_memory(), used);
		}
}

START_TEST(test_zmalloc_aligned_to_every_power_of_two)
{
	check_powers(zmalloc_aligned, steps(MIB, 64 * KIB));
}
END_TEST

START_TEST(test_ztrymalloc_aligned_to_every_power_of_two)
{
	check_powers(ztrymalloc_aligned, steps(MIB, 64 * KIB));
}
END_TEST

/* Address space only: but for what the allocator itself writes, nothing is touched. */
START_TEST(test_alignments_up_to_a_gibibyte)
{
	size_t used = zmalloc_used_memory();

	if (under_checker() || SIZE_MAX <= 0xffffffff) {
		skip_part("no GiB to align to under a checker or with 32 bits");
		return;
	}
	for (size_t alignment = 2 * MIB; alignment <= 1024 * MIB; alignment *= 2) {
		void *block = ztrymalloc_aligned(alignment, 100);

		if (block == NULL && alignment > 128 * MIB &&
		    strncmp(zmalloc_allocator(), "mimalloc-3", 10) == 0)
			break;
		check_address(block, alignment, 100);
		ck_assert_uint_eq(zmalloc_used_memory() - used, zmalloc_size(block));
		fill(block, 100, 1);
		zfree(block);
		ck_assert_uint_eq(zmalloc_used_memory(), used);
	}
}
END_TEST

/* The caller's error: EINVAL, whatever the size, and not the handler's business. */
START_TEST(test_alignment_must_be_a_power_of_two)
{
	static const size_t wrong[] = {
		0, 3, 5, 6, 7, 9, 12, 24, 48, 96, 100, 1000, 4095, SIZE_MAX - 1, SIZE_MAX};
	size_t used = zmalloc_used_memory();

	count_oom();
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		for (size_t j = 0; j < 3; j++) {
			size_t size = j == 0 ? 0 : j == 1 ? 100 : SIZE_MAX;

			errno = 0;
			ck_assert_ptr_null(zmalloc_aligned(wrong[i], size));
			ck_assert_int_eq(errno, EINVAL);
			errno = 0;
			ck_assert_ptr_null(ztrymalloc_aligned(wrong[i], size));
			ck_assert_int_eq(errno, EINVAL);
		}
	ck_assert_uint_eq(oom_calls, 0);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("alignment");

	tcase_add_test(tests, test_alignment_is_told);
	tcase_add_test(tests, test_told_alignment_is_that_of_blocks);
	tcase_add_test(tests, test_every_block_is_aligned_as_told);
	tcase_add_test(tests, test_zmalloc_aligned_to_every_power_of_two);
	tcase_add_test(tests, test_ztrymalloc_aligned_to_every_power_of_two);
	tcase_add_test(tests, test_alignments_up_to_a_gibibyte);
	tcase_add_test(tests, test_alignment_must_be_a_power_of_two);
	return run_tests(tests);
}
