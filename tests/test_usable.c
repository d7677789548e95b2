/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_usable.c - the usable size is the caller's to the last byte, also where the compiler
 * checks each write against the size it knows.
 *
 * Whatever flags the tests have, this file is built with the strictest checks that an optimizing
 * compiler offers: they ask for allocations' sizes at run time, where gcc 12 and clang 9 or later
 * know them.
 */
#include "config.h"

#if defined(__OPTIMIZE__)
#undef _FORTIFY_SOURCE
#define _FORTIFY_SOURCE 3
#endif

#include "tests/support.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <zmalloc.h>

static const size_t sizes[] = {0,    1,    5,    8,     9,     16,    17,     24,      33,
			       100,  129,  500,  513,   1000,  1025,  2049,   4000,    4097,
			       7000, 8193, 9999, 15000, 40000, 65537, 262145, 1000000, 3000000};

/* Not inlined into callers that know the size, nor known to keep it from them. */
static void write_all(char *at, size_t size)
{
	memset(at, 0x5a, size);
	if (size > 0)
		ck_assert_int_eq(at[size - 1], 0x5a);
}

/* ---- Told by the call ----------------------------------------------------------------------- */

START_TEST(test_zmalloc_usable_is_writable)
{
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		size_t usable, asked = opaque_size(sizes[i]);
		char *block = zmalloc_usable(asked, &usable);

		ck_assert_uint_ge(usable, asked);
		memset(block, 0x5a, usable);
		ck_assert_int_eq(usable == 0 ? 0x5a : block[usable - 1], 0x5a);
		zfree(block);

		block = ztrymalloc_usable(asked, &usable);
		memset(block, 0x5a, usable);
		write_all(block, usable);
		zfree_with_size(block, usable);
	}
}
END_TEST

START_TEST(test_zcalloc_usable_is_writable)
{
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		size_t usable, asked = opaque_size(sizes[i]);
		char *block = zcalloc_usable(asked, &usable);

		ck_assert(all_zero(block, asked));
		memset(block, 0x5a, usable);
		zfree(block);
		block = ztrycalloc_usable(asked, &usable);
		ck_assert(all_zero(block, asked));
		memset(block, 0x5a, usable);
		zfree(block);
	}
}
END_TEST

START_TEST(test_zrealloc_usable_is_writable)
{
	size_t usable, old, before = 0;
	char *block = zmalloc_usable(10, &before);

	memset(block, 0x5a, before);
	for (size_t i = 0; i < 4 * COUNT_OF(sizes); i++) {
		size_t asked = opaque_size(sizes[(i * 7) % COUNT_OF(sizes)] + 1);

		switch (i % 4) {
		case 0:
			block = zrealloc_usable(block, asked, &usable);
			break;
		case 1:
			block = ztryrealloc_usable(block, asked, &usable);
			break;
		case 2:
			block = zrealloc_usable2(block, asked, &usable, &old);
			ck_assert_uint_eq(old, before);
			break;
		default:
			block = ztryrealloc_usable2(block, asked, &usable, &old);
			ck_assert_uint_eq(old, before);
			break;
		}
		ck_assert_uint_ge(usable, asked);
		ck_assert_uint_eq(usable, zmalloc_usable_size(block));
		memset(block, 0x5a, usable);
		before = usable;
	}
	zfree_usable(block, &usable);
	ck_assert_uint_eq(usable, before);
}
END_TEST

START_TEST(test_zstrdup_usable_is_writable)
{
	size_t usable;
	char *copy = zstrdup_usable(opaque((void *)"nineteen characters"), &usable);

	ck_assert_str_eq(copy, "nineteen characters");
	ck_assert_uint_ge(usable, 20);
	memset(copy, 0x5a, usable);
	zfree(copy);
}
END_TEST

/* ---- Asked for afterwards ------------------------------------------------------------------- */

START_TEST(test_zmalloc_extended_is_writable)
{
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		size_t asked = opaque_size(sizes[i]);
		char *block = zmalloc(asked), *whole;
		size_t usable = zmalloc_usable_size(block);

		whole = zmalloc_extend_to_usable(block, usable);
		ck_assert_ptr_eq(whole, block);
		memset(whole, 0x5a, usable);
		zfree(whole);
	}
}
END_TEST

/* Neighbours do not overlap: each keeps what it was filled with. */
START_TEST(test_usable_bytes_are_nobody_elses)
{
	enum {
		BLOCKS = 400
	};
	static struct {
		char *at;
		size_t usable;
	} blocks[BLOCKS];
	struct chance chance = chance_of(2);

	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i].at = zmalloc_usable(chance_size(&chance, 14), &blocks[i].usable);
		fill(blocks[i].at, blocks[i].usable, i);
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		size_t freed;

		ck_assert(filled(blocks[i].at, blocks[i].usable, i));
		zfree_usable(blocks[i].at, &freed);
		ck_assert_uint_eq(freed, blocks[i].usable);
	}
}
END_TEST

/* ---- The checks that all this passed are at work -------------------------------------------- */

/* As far as zmalloc()'s attributes tell, byte `asked` is not the caller's. */
static void write_past_size(void *asked)
{
	size_t size = *(size_t *)asked;
	char *block = zmalloc(size);

	memset(block, 0x5a, opaque_size(size + 1));
	opaque(block);
}

START_TEST(test_fortify_is_at_work)
{
#if defined(__OPTIMIZE__) && defined(__USE_FORTIFY_LEVEL)
	static struct child child;
	size_t asked = opaque_size(100);

	if (__USE_FORTIFY_LEVEL < 3 || under_checker()) {
		skip_part("no _FORTIFY_SOURCE=3 with this compiler, C library or checker");
		return;
	}
	run_child(&child, write_past_size, &asked);
	ck_assert_msg(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
		      "status 0x%x: %s", (unsigned)child.status, child.output);
#else
	(void)write_past_size;
	skip_part("no _FORTIFY_SOURCE without optimization");
#endif
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("usable");

	tcase_add_test(tests, test_zmalloc_usable_is_writable);
	tcase_add_test(tests, test_zcalloc_usable_is_writable);
	tcase_add_test(tests, test_zrealloc_usable_is_writable);
	tcase_add_test(tests, test_zstrdup_usable_is_writable);
	tcase_add_test(tests, test_zmalloc_extended_is_writable);
	tcase_add_test(tests, test_usable_bytes_are_nobody_elses);
	tcase_add_test(tests, test_fortify_is_at_work);
	return run_tests(tests);
}
