/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_string.c - copies of strings and of bytes.
 */
#include "config.h"

#include "tests/support.h"

#include <string.h>

#include <zmalloc.h>

static char *text_of(size_t length)
{
	static char text[200001];

	ck_assert_uint_lt(length, sizeof(text));
	for (size_t i = 0; i < length; i++)
		text[i] = (char)('a' + i % 26);
	text[length] = '\0';
	return opaque(text);
}

static const size_t lengths[] = {0, 1, 7, 8, 15, 16, 17, 100, 1000, 4095, 4096, 70000, 200000};

START_TEST(test_zstrdup_copies)
{
	size_t used = zmalloc_used_memory();

	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		const char *text = text_of(lengths[i]);
		size_t usable = 0;
		char *copy = zstrdup(text), *told = zstrdup_usable(text, &usable);
		char *not_told = zstrdup_usable(text, NULL);

		ck_assert_str_eq(copy, text);
		ck_assert_str_eq(told, text);
		ck_assert_str_eq(not_told, text);
		ck_assert_ptr_ne(copy, text);
		ck_assert_uint_ge(usable, lengths[i] + 1);
		ck_assert_uint_eq(usable, zmalloc_usable_size(told));
		ck_assert_uint_eq(zmalloc_used_memory() - used,
				  zmalloc_size(copy) + zmalloc_size(told) + zmalloc_size(not_told));
		zfree_with_size(copy, lengths[i] + 1);
		zfree(told);
		zfree(not_told);
		ck_assert_uint_eq(zmalloc_used_memory(), used);
	}
}
END_TEST

START_TEST(test_ztry_forms_copy_the_same)
{
	size_t used = zmalloc_used_memory();

	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		const char *text = text_of(lengths[i]);
		char *whole = ztrystrdup(text), *part = ztrystrndup(text, lengths[i] / 2);
		char *unbound = ztrystrndup(text, opaque_size(SIZE_MAX));
		void *bytes = ztrymemdup(text, lengths[i]);

		ck_assert_str_eq(whole, text);
		ck_assert_str_eq(unbound, text);
		ck_assert_uint_eq(strlen(part), lengths[i] / 2);
		ck_assert_int_eq(memcmp(part, text, lengths[i] / 2), 0);
		ck_assert_ptr_nonnull(bytes);
		ck_assert_int_eq(memcmp(bytes, text, lengths[i]), 0);
		ck_assert_uint_eq(zmalloc_used_memory() - used,
				  zmalloc_size(whole) + zmalloc_size(part) + zmalloc_size(unbound) +
					  zmalloc_size(bytes));
		zfree(whole);
		zfree(part);
		zfree(unbound);
		zfree(bytes);
	}
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

START_TEST(test_zstrndup_copies_no_more)
{
	size_t used = zmalloc_used_memory();

	for (size_t i = 0; i < COUNT_OF(lengths); i++)
		for (size_t j = 0; j < COUNT_OF(lengths); j++) {
			const char *text = text_of(lengths[i]);
			size_t max = lengths[j], kept = lengths[i] < max ? lengths[i] : max;
			char *copy = zstrndup(text, max);

			ck_assert_uint_eq(strlen(copy), kept);
			ck_assert_int_eq(memcmp(copy, text, kept), 0);
			zfree(copy);
		}
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

/* One more than the largest size there is must not wrap to a small one. */
START_TEST(test_zstrndup_without_bound)
{
	char *copy = zstrndup(text_of(10), opaque_size(SIZE_MAX));

	ck_assert_str_eq(copy, "abcdefghij");
	zfree(copy);
	copy = zstrndup(text_of(10), opaque_size(SIZE_MAX - 1));
	ck_assert_str_eq(copy, "abcdefghij");
	zfree(copy);
}
END_TEST

/* Nothing is read past `max`: there may be no end. */
START_TEST(test_zstrndup_needs_no_terminator)
{
	char *whole = zmalloc(8), *copy;

	memcpy(whole, "unending", 8);
	copy = zstrndup(whole, 8);
	ck_assert_str_eq(copy, "unending");
	zfree(copy);
	zfree(whole);
}
END_TEST

START_TEST(test_zmemdup_copies)
{
	size_t used = zmalloc_used_memory();

	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		const char *bytes = text_of(lengths[i]);
		void *copy = zmemdup(bytes, lengths[i]);

		ck_assert_ptr_nonnull(copy);
		ck_assert_int_eq(memcmp(copy, bytes, lengths[i]), 0);
		ck_assert_uint_eq(zmalloc_used_memory() - used, zmalloc_size(copy));
		zfree(copy);
	}
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("string");

	tcase_add_test(tests, test_zstrdup_copies);
	tcase_add_test(tests, test_ztry_forms_copy_the_same);
	tcase_add_test(tests, test_zstrndup_copies_no_more);
	tcase_add_test(tests, test_zstrndup_without_bound);
	tcase_add_test(tests, test_zstrndup_needs_no_terminator);
	tcase_add_test(tests, test_zmemdup_copies);
	return run_tests(tests);
}
