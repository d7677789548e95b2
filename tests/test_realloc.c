/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_realloc.c - a resize keeps contents up to the smaller of the two sizes.
 */
#include "config.h"

#include "tests/support.h"

#include <string.h>

#include <zmalloc.h>

/* Around the steps that size classes, pages and blocks of their own pages are cut at. */
static const size_t sizes[] = {1,      2,      7,       8,       9,       15,     16,     17,
			       31,     33,     48,      64,      65,      100,    127,    129,
			       255,    256,    511,     513,     1000,    1024,   1025,   2047,
			       2049,   4095,   4096,    4097,    8191,    8193,   14336,  14337,
			       16385,  32767,  32769,   65536,   65537,   131071, 131073, 262144,
			       262145, 524289, 1048576, 1048577, 2097153, 3000000};

static void resize_and_check(void *(*resize)(void *, size_t), size_t from, size_t to)
{
	size_t used = zmalloc_used_memory(), kept = from < to ? from : to;
	char *block = zmalloc(from);

	fill(block, from, from + to);
	block = resize(block, to);
	ck_assert_ptr_nonnull(block);
	ck_assert_msg(filled(block, kept, from + to), "lost bytes from %zu to %zu", from, to);
	ck_assert_uint_ge(zmalloc_usable_size(block), to);
	ck_assert_uint_eq(zmalloc_used_memory(), used + zmalloc_size(block));
	ck_assert_uint_eq((uintptr_t)block % zmalloc_alignment(to), 0);
	fill(block, to, 3);
	ck_assert(filled(block, to, 3));
	zfree_with_size(block, to);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}

START_TEST(test_every_size_to_every_other)
{
	size_t stride = steps(1, 5);

	for (size_t from = 0; from < COUNT_OF(sizes); from += stride)
		for (size_t to = 0; to < COUNT_OF(sizes); to += stride) {
			resize_and_check(zrealloc, sizes[from], sizes[to]);
			resize_and_check(ztryrealloc, sizes[from], sizes[to]);
		}
}
END_TEST

/* As a string or an array grows, with neighbours in the way; and back. */
START_TEST(test_growth_and_shrinking_by_little)
{
	enum {
		BLOCKS = 16
	};
	char *blocks[BLOCKS] = {NULL};
	size_t used = zmalloc_used_memory(), last = steps(60000, 3000), before = 0;

	for (size_t size = 1; size <= last; before = size, size += 1 + size / 16)
		for (size_t i = 0; i < BLOCKS; i++) {
			blocks[i] = zrealloc(blocks[i], size);
			ck_assert(filled(blocks[i], before, i));
			fill(blocks[i], size, i);
		}
	for (size_t size = before; size >= 1; size -= 1 + size / 16)
		for (size_t i = 0; i < BLOCKS; i++) {
			blocks[i] = zrealloc(blocks[i], size);
			ck_assert(filled(blocks[i], size, i));
		}
	for (size_t i = 0; i < BLOCKS; i++)
		zfree(blocks[i]);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

/* Bytes past the size asked for are kept too, if the caller may use them and still may. */
START_TEST(test_usable_bytes_are_kept)
{
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		size_t usable, new_usable, old_usable;
		char *block = zmalloc_usable(sizes[i], &usable);

		fill(block, usable, i);
		block = zrealloc_usable2(block, 2 * usable + 1, &new_usable, &old_usable);
		ck_assert_uint_eq(old_usable, usable);
		ck_assert_uint_ge(new_usable, 2 * usable + 1);
		ck_assert(filled(block, usable, i));
		zfree(block);
	}
}
END_TEST

START_TEST(test_aligned_blocks_keep_contents)
{
	size_t used = zmalloc_used_memory();

	for (size_t alignment = 8; alignment <= 64 * KIB; alignment *= 2)
		for (size_t i = 0; i < COUNT_OF(sizes); i += steps(3, 9)) {
			size_t size = sizes[i];
			char *block = zmalloc_aligned(alignment, size);

			fill(block, size, alignment);
			block = zrealloc(block, 2 * size);
			ck_assert(filled(block, size, alignment));
			fill(block, 2 * size, alignment);
			block = zrealloc(block, size);
			ck_assert(filled(block, size, alignment));
			ck_assert_uint_eq(zmalloc_used_memory(), used + zmalloc_size(block));
			zfree(block);
		}
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

START_TEST(test_sized_free_after_resize)
{
	size_t used = zmalloc_used_memory();

	for (size_t from = 0; from < COUNT_OF(sizes); from++)
		for (size_t to = from; to < COUNT_OF(sizes) && to < from + 4; to++) {
			void *grown = zrealloc(zmalloc(sizes[from]), sizes[to]);
			void *shrunk = zrealloc(zmalloc(sizes[to]), sizes[from]);

			zfree_with_size(opaque(grown), sizes[to]);
			zfree_with_size(opaque(shrunk), sizes[from]);
			grown = zrealloc(zmalloc(sizes[from]), sizes[to]);
			zfree_with_size(grown, zmalloc_usable_size(grown));
			ck_assert_uint_eq(zmalloc_used_memory(), used);
		}
}
END_TEST

/* It is no failure: nobody's handler is called. */
START_TEST(test_a_resize_to_nothing_frees)
{
	size_t used = zmalloc_used_memory();

	count_oom();
	ck_assert_ptr_null(zrealloc(zmalloc(1000), opaque_size(0)));
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ck_assert_ptr_null(ztryrealloc(zmalloc(1000), opaque_size(0)));
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ck_assert_uint_eq(oom_calls, 0);
	zmalloc_set_oom_handler(NULL);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("realloc");

	tcase_add_test(tests, test_every_size_to_every_other);
	tcase_add_test(tests, test_growth_and_shrinking_by_little);
	tcase_add_test(tests, test_usable_bytes_are_kept);
	tcase_add_test(tests, test_aligned_blocks_keep_contents);
	tcase_add_test(tests, test_sized_free_after_resize);
	tcase_add_test(tests, test_a_resize_to_nothing_frees);
	return run_tests(tests);
}
