/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_failure.c - the failure contract, row by row, for every function that allocates.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <zmalloc.h>

/* ---- Every function that allocates, in one shape -------------------------------------------- */

/* usable: where the function tells the usable size; else left alone. */
typedef void *(*allocating)(size_t size, size_t *usable);
typedef void *(*resizing)(void *ptr, size_t size, size_t *usable);

#define PLAIN(name)                                                                                \
	static void *call_##name(size_t size, size_t *usable)                                      \
	{                                                                                          \
		(void)usable;                                                                      \
		return name(size);                                                                 \
	}
#define TELLING(name)                                                                              \
	static void *call_##name(size_t size, size_t *usable)                                      \
	{                                                                                          \
		return name(size, usable);                                                         \
	}                                                                                          \
	static void *call_##name##_null(size_t size, size_t *usable)                               \
	{                                                                                          \
		(void)usable;                                                                      \
		return name(size, NULL);                                                           \
	}
#define NUMBER(name)                                                                               \
	static void *call_##name##_one(size_t size, size_t *usable)                                \
	{                                                                                          \
		(void)usable;                                                                      \
		return name(1, size);                                                              \
	}                                                                                          \
	static void *call_##name##_bytes(size_t size, size_t *usable)                              \
	{                                                                                          \
		(void)usable;                                                                      \
		return name(size, 1);                                                              \
	}
#define ALIGNED(name, alignment)                                                                   \
	static void *call_##name##_##alignment(size_t size, size_t *usable)                        \
	{                                                                                          \
		(void)usable;                                                                      \
		return name(alignment, size);                                                      \
	}
#define RESIZE(name)                                                                               \
	static void *call_##name(void *ptr, size_t size, size_t *usable)                           \
	{                                                                                          \
		(void)usable;                                                                      \
		return name(ptr, size);                                                            \
	}                                                                                          \
	static void *call_##name##_new(size_t size, size_t *usable)                                \
	{                                                                                          \
		(void)usable;                                                                      \
		return name(NULL, size);                                                           \
	}
#define RESIZE_TELLING(name)                                                                       \
	static void *call_##name(void *ptr, size_t size, size_t *usable)                           \
	{                                                                                          \
		return name(ptr, size, usable);                                                    \
	}                                                                                          \
	static void *call_##name##_new(size_t size, size_t *usable)                                \
	{                                                                                          \
		return name(NULL, size, usable);                                                   \
	}
#define RESIZE_TELLING2(name)                                                                      \
	static void *call_##name(void *ptr, size_t size, size_t *usable)                           \
	{                                                                                          \
		size_t was = zmalloc_usable_size(ptr), old = was + 1;                              \
		void *moved = name(ptr, size, usable, &old);                                       \
                                                                                                   \
		ck_assert_uint_eq(old, was);                                                       \
		return moved;                                                                      \
	}                                                                                          \
	static void *call_##name##_new(size_t size, size_t *usable)                                \
	{                                                                                          \
		size_t old = 1;                                                                    \
		void *made = name(NULL, size, usable, &old);                                       \
                                                                                                   \
		ck_assert_uint_eq(old, 0);                                                         \
		return made;                                                                       \
	}

PLAIN(zmalloc)
PLAIN(ztrymalloc)
PLAIN(zcalloc)
PLAIN(ztrycalloc)
TELLING(zmalloc_usable)
TELLING(ztrymalloc_usable)
TELLING(zcalloc_usable)
TELLING(ztrycalloc_usable)
NUMBER(zcalloc_num)
NUMBER(ztrycalloc_num)
ALIGNED(zmalloc_aligned, 1)
ALIGNED(zmalloc_aligned, 64)
ALIGNED(zmalloc_aligned, 65536)
ALIGNED(ztrymalloc_aligned, 1)
ALIGNED(ztrymalloc_aligned, 64)
ALIGNED(ztrymalloc_aligned, 65536)
RESIZE(zrealloc)
RESIZE(ztryrealloc)
RESIZE_TELLING(zrealloc_usable)
RESIZE_TELLING(ztryrealloc_usable)
RESIZE_TELLING2(zrealloc_usable2)
RESIZE_TELLING2(ztryrealloc_usable2)

enum {
	HANDLES = 1, /* calls the handler */
	TELLS = 2,   /* stores the usable size */
	ZEROES = 4,
	COPIES = 8, /* reads its source: not for sizes that are there */
};

static void *call_zmemdup(size_t size, size_t *usable)
{
	(void)usable;
	return zmemdup("", size);
}

static void *call_ztrymemdup(size_t size, size_t *usable)
{
	(void)usable;
	return ztrymemdup("", size);
}

static const struct {
	const char *name;
	allocating call;
	int traits;
} allocators[] = {
	{"zmalloc", call_zmalloc, HANDLES},
	{"ztrymalloc", call_ztrymalloc, 0},
	{"zcalloc", call_zcalloc, HANDLES | ZEROES},
	{"ztrycalloc", call_ztrycalloc, ZEROES},
	{"zmalloc_usable", call_zmalloc_usable, HANDLES | TELLS},
	{"zmalloc_usable(NULL)", call_zmalloc_usable_null, HANDLES},
	{"ztrymalloc_usable", call_ztrymalloc_usable, TELLS},
	{"ztrymalloc_usable(NULL)", call_ztrymalloc_usable_null, 0},
	{"zcalloc_usable", call_zcalloc_usable, HANDLES | TELLS | ZEROES},
	{"zcalloc_usable(NULL)", call_zcalloc_usable_null, HANDLES | ZEROES},
	{"ztrycalloc_usable", call_ztrycalloc_usable, TELLS | ZEROES},
	{"ztrycalloc_usable(NULL)", call_ztrycalloc_usable_null, ZEROES},
	{"zcalloc_num(1, size)", call_zcalloc_num_one, HANDLES | ZEROES},
	{"zcalloc_num(size, 1)", call_zcalloc_num_bytes, HANDLES | ZEROES},
	{"ztrycalloc_num(1, size)", call_ztrycalloc_num_one, ZEROES},
	{"ztrycalloc_num(size, 1)", call_ztrycalloc_num_bytes, ZEROES},
	{"zmalloc_aligned(1)", call_zmalloc_aligned_1, HANDLES},
	{"zmalloc_aligned(64)", call_zmalloc_aligned_64, HANDLES},
	{"zmalloc_aligned(65536)", call_zmalloc_aligned_65536, HANDLES},
	{"ztrymalloc_aligned(1)", call_ztrymalloc_aligned_1, 0},
	{"ztrymalloc_aligned(64)", call_ztrymalloc_aligned_64, 0},
	{"ztrymalloc_aligned(65536)", call_ztrymalloc_aligned_65536, 0},
	{"zrealloc(NULL)", call_zrealloc_new, HANDLES},
	{"ztryrealloc(NULL)", call_ztryrealloc_new, 0},
	{"zrealloc_usable(NULL)", call_zrealloc_usable_new, HANDLES | TELLS},
	{"ztryrealloc_usable(NULL)", call_ztryrealloc_usable_new, TELLS},
	{"zrealloc_usable2(NULL)", call_zrealloc_usable2_new, HANDLES | TELLS},
	{"ztryrealloc_usable2(NULL)", call_ztryrealloc_usable2_new, TELLS},
	{"zmemdup", call_zmemdup, HANDLES | COPIES},
	{"ztrymemdup", call_ztrymemdup, COPIES},
};

static const struct {
	const char *name;
	resizing call;
	int traits;
} resizers[] = {
	{"zrealloc", call_zrealloc, HANDLES},
	{"ztryrealloc", call_ztryrealloc, 0},
	{"zrealloc_usable", call_zrealloc_usable, HANDLES | TELLS},
	{"ztryrealloc_usable", call_ztryrealloc_usable, TELLS},
	{"zrealloc_usable2", call_zrealloc_usable2, HANDLES | TELLS},
	{"ztryrealloc_usable2", call_ztryrealloc_usable2, TELLS},
};

/* Over PTRDIFF_MAX, so refused; around the places where a size with something added wraps. */
static const size_t impossible[] = {
	(size_t)PTRDIFF_MAX + 1,
	(size_t)PTRDIFF_MAX + 2,
	(size_t)PTRDIFF_MAX + 4097,
	SIZE_MAX - 65536,
	SIZE_MAX - 4096,
	SIZE_MAX - 64,
	SIZE_MAX - 32,
	SIZE_MAX - 16,
	SIZE_MAX - 15,
	SIZE_MAX - 8,
	SIZE_MAX - 7,
	SIZE_MAX - 1,
	SIZE_MAX,
};

/* Sizes that may be asked for, but that no 64-bit machine has; 32 bits may have any of theirs. */
static const size_t too_large[] = {
#if SIZE_MAX > 0xffffffff
	(size_t)1 << 52,
	(size_t)1 << 60,
	PTRDIFF_MAX - 16,
	PTRDIFF_MAX,
#else
	(size_t)PTRDIFF_MAX + 1,
#endif
};

#define UNTOUCHED ((size_t)0x5aa5)

static void check_no_handler(const char *name)
{
	ck_assert_msg(oom_calls == 0, "%s called the handler", name);
}

/* ---- Size 0 --------------------------------------------------------------------------------- */

START_TEST(test_size_zero_gives_unique_pointers)
{
	size_t used = zmalloc_used_memory();

	count_oom();
	for (size_t i = 0; i < COUNT_OF(allocators); i++) {
		size_t usable = UNTOUCHED;
		void *one = allocators[i].call(opaque_size(0), NULL);
		void *other = allocators[i].call(opaque_size(0), &usable);

		ck_assert_msg(one != NULL && other != NULL, "%s(0) is NULL", allocators[i].name);
		ck_assert_msg(one != other, "%s(0) is not unique", allocators[i].name);
		ck_assert_uint_eq(zmalloc_used_memory() - used,
				  zmalloc_size(one) + zmalloc_size(other));
		if (allocators[i].traits & TELLS)
			ck_assert_uint_eq(usable, zmalloc_usable_size(other));
		check_no_handler(allocators[i].name);
		zfree(one);
		zfree(other);
		ck_assert_uint_eq(zmalloc_used_memory(), used);
	}
}
END_TEST

/* ---- No memory ------------------------------------------------------------------------------ */

static void check_refused(size_t row, size_t size)
{
	const char *name = allocators[row].name;
	size_t used = zmalloc_used_memory(), usable = UNTOUCHED;
	int64_t thread_used = zmalloc_thread_used_memory();
	void *ptr;

	count_oom();
	errno = 0;
	ptr = allocators[row].call(opaque_size(size), &usable);
	ck_assert_msg(ptr == NULL, "%s(%zu) is not NULL", name, size);
	ck_assert_msg(errno == ENOMEM, "%s(%zu): errno %d", name, size, errno);
	if (allocators[row].traits & HANDLES) {
		ck_assert_msg(oom_calls == 1, "%s(%zu): %zu calls of the handler", name, size,
			      oom_calls);
		ck_assert_msg(oom_size == size, "%s(%zu): handler told %zu", name, size, oom_size);
	} else {
		check_no_handler(name);
	}
	if (allocators[row].traits & TELLS)
		ck_assert_msg(usable == 0, "%s(%zu): usable size %zu", name, size, usable);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ck_assert_int_eq(zmalloc_thread_used_memory(), thread_used);
}

START_TEST(test_impossible_sizes_fail_as_no_memory)
{
	for (size_t row = 0; row < COUNT_OF(allocators); row++)
		for (size_t i = 0; i < COUNT_OF(impossible); i++)
			check_refused(row, impossible[i]);
}
END_TEST

START_TEST(test_sizes_no_machine_has_fail_as_no_memory)
{
	for (size_t row = 0; row < COUNT_OF(allocators); row++)
		for (size_t i = 0; i < COUNT_OF(too_large); i++)
			check_refused(row, too_large[i]);
}
END_TEST

static const struct {
	size_t num, size;
} overflowing[] = {
	{SIZE_MAX, SIZE_MAX},
	{SIZE_MAX, 2},
	{2, SIZE_MAX},
	{SIZE_MAX / 2 + 1, 2}, /* 0 */
	{2, SIZE_MAX / 2 + 1},
	{SIZE_MAX / 2 + 9, 2}, /* 16 */
	{SIZE_MAX / 16 + 2, 16},
	{(size_t)1 << (sizeof(size_t) * CHAR_BIT / 2),
	 (size_t)1 << (sizeof(size_t) * CHAR_BIT / 2)},
	{((size_t)1 << (sizeof(size_t) * CHAR_BIT / 2)) + 1,
	 ((size_t)1 << (sizeof(size_t) * CHAR_BIT / 2)) + 1},
};

START_TEST(test_products_that_overflow)
{
	size_t used = zmalloc_used_memory();

	for (size_t i = 0; i < COUNT_OF(overflowing); i++) {
		size_t num = opaque_size(overflowing[i].num);
		size_t size = opaque_size(overflowing[i].size);

		count_oom();
		errno = 0;
		ck_assert_ptr_null(ztrycalloc_num(num, size));
		ck_assert_int_eq(errno, ENOMEM);
		check_no_handler("ztrycalloc_num");
		errno = 0;
		ck_assert_ptr_null(zcalloc_num(num, size));
		ck_assert_int_eq(errno, ENOMEM);
		ck_assert_uint_eq(oom_calls, 1);
		ck_assert_uint_eq(oom_size, SIZE_MAX);
		ck_assert_uint_eq(zmalloc_used_memory(), used);
	}
}
END_TEST

/* The product fits a size_t but no object: told as it is. */
START_TEST(test_products_over_ptrdiff_max)
{
	size_t half = (size_t)PTRDIFF_MAX / 2 + 1;

	count_oom();
	ck_assert_ptr_null(zcalloc_num(opaque_size(half), 2));
	ck_assert_uint_eq(oom_calls, 1);
	ck_assert_uint_eq(oom_size, (size_t)PTRDIFF_MAX + 1);
	errno = 0;
	ck_assert_ptr_null(ztrycalloc_num(2, opaque_size(half)));
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_uint_eq(oom_calls, 1);
}
END_TEST

START_TEST(test_products_with_zero)
{
	void *blocks[] = {
		zcalloc_num(0, opaque_size(SIZE_MAX)),
		zcalloc_num(opaque_size(SIZE_MAX), 0),
		ztrycalloc_num(0, opaque_size(SIZE_MAX)),
		ztrycalloc_num(opaque_size(SIZE_MAX), 0),
	};

	for (size_t i = 0; i < COUNT_OF(blocks); i++) {
		ck_assert_ptr_nonnull(blocks[i]);
		for (size_t j = 0; j < i; j++)
			ck_assert_ptr_ne(blocks[i], blocks[j]);
	}
	for (size_t i = 0; i < COUNT_OF(blocks); i++)
		zfree(blocks[i]);
}
END_TEST

/* Size and alignment each fit, what an allocator makes of both does not. */
START_TEST(test_alignment_and_size_that_overflow)
{
	static const struct {
		size_t alignment, size;
	} rows[] = {
		{(size_t)1 << (sizeof(size_t) * CHAR_BIT - 1), 1},
		{(size_t)1 << (sizeof(size_t) * CHAR_BIT - 1), SIZE_MAX / 2},
		{(size_t)1 << (sizeof(size_t) * CHAR_BIT - 2), PTRDIFF_MAX},
		{(size_t)1 << (sizeof(size_t) * CHAR_BIT - 1), SIZE_MAX},
		{4096, PTRDIFF_MAX},
		{4096, SIZE_MAX - 4095},
		{4096, SIZE_MAX},
		{16, SIZE_MAX},
	};
	size_t used = zmalloc_used_memory();

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		/* valgrind takes such an alignment for a bug of its own, and ends. */
		if (under_valgrind() && rows[i].alignment > SIZE_MAX / 8)
			continue;
		count_oom();
		errno = 0;
		ck_assert_ptr_null(
			ztrymalloc_aligned(opaque_size(rows[i].alignment), rows[i].size));
		ck_assert_int_eq(errno, ENOMEM);
		check_no_handler("ztrymalloc_aligned");
		errno = 0;
		ck_assert_ptr_null(zmalloc_aligned(opaque_size(rows[i].alignment), rows[i].size));
		ck_assert_int_eq(errno, ENOMEM);
		ck_assert_uint_eq(oom_calls, 1);
		ck_assert_uint_eq(oom_size, rows[i].size);
		ck_assert_uint_eq(zmalloc_used_memory(), used);
	}
}
END_TEST

/* ---- Resize --------------------------------------------------------------------------------- */

/*
 * Small, of whole pages, and large enough to be mapped on its own;
 * and one with a prefix further off.
 */
static void *block_of_kind(size_t kind, size_t *size)
{
	static const size_t sizes[] = {1, 100, 5000, 40 * KIB, 3 * MIB, 700};

	*size = sizes[kind];
	return kind == COUNT_OF(sizes) - 1 ? zmalloc_aligned(256, *size) : zmalloc(*size);
}
#define BLOCK_KINDS ((size_t)6)

static void check_resize_refused(size_t row, size_t kind, size_t size)
{
	const char *name = resizers[row].name;
	size_t old_size, usable = UNTOUCHED;
	void *ptr = block_of_kind(kind, &old_size);
	size_t used, charged = zmalloc_size(ptr);

	fill(ptr, old_size, kind);
	used = zmalloc_used_memory();
	count_oom();
	errno = 0;
	ck_assert_ptr_null(resizers[row].call(ptr, opaque_size(size), &usable));
	ck_assert_int_eq(errno, ENOMEM);
	if (resizers[row].traits & HANDLES) {
		ck_assert_msg(oom_calls == 1, "%s: %zu calls of the handler", name, oom_calls);
		ck_assert_uint_eq(oom_size, size);
	} else {
		check_no_handler(name);
	}
	ck_assert_msg(usable == UNTOUCHED, "%s failed and stored a usable size", name);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ck_assert_uint_eq(zmalloc_size(ptr), charged);
	ck_assert_msg(filled(ptr, old_size, kind), "%s failed and changed the block", name);
	zfree(ptr);
	ck_assert_uint_eq(zmalloc_used_memory(), used - charged);
}

START_TEST(test_failed_resize_keeps_the_block)
{
	for (size_t row = 0; row < COUNT_OF(resizers); row++)
		for (size_t kind = 0; kind < BLOCK_KINDS; kind++) {
			for (size_t i = 0; i < COUNT_OF(impossible); i++)
				check_resize_refused(row, kind, impossible[i]);
			for (size_t i = 0; i < COUNT_OF(too_large); i++)
				check_resize_refused(row, kind, too_large[i]);
		}
}
END_TEST

START_TEST(test_resize_to_zero_frees)
{
	size_t used = zmalloc_used_memory();

	count_oom();
	for (size_t row = 0; row < COUNT_OF(resizers); row++)
		for (size_t kind = 0; kind < BLOCK_KINDS; kind++) {
			size_t old_size, usable = UNTOUCHED;
			void *ptr = block_of_kind(kind, &old_size);

			errno = 4321;
			ptr = resizers[row].call(ptr, opaque_size(0), &usable);
			ck_assert_ptr_null(ptr);
			ck_assert_int_eq(errno, 4321);
			check_no_handler(resizers[row].name);
			if (resizers[row].traits & TELLS)
				ck_assert_uint_eq(usable, 0);
			ck_assert_uint_eq(zmalloc_used_memory(), used);
		}
}
END_TEST

/* ---- NULL ----------------------------------------------------------------------------------- */

START_TEST(test_freeing_null_does_nothing)
{
	size_t used = zmalloc_used_memory(), usable = UNTOUCHED;

	errno = 4321;
	zfree(NULL);
	zfree_with_size(NULL, 0);
	zfree_with_size(NULL, 100);
	zfree_usable(NULL, &usable);
	zfree_usable(NULL, NULL);
	ck_assert_uint_eq(usable, 0);
	ck_assert_int_eq(errno, 4321);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ck_assert_uint_eq(zmalloc_size(NULL), 0);
	ck_assert_uint_eq(zmalloc_usable_size(NULL), 0);
}
END_TEST

static void *free_null(void *unused)
{
	(void)unused;
	errno = 4321;
	zfree(NULL);
	zfree_with_size(NULL, 1);
	zfree_usable(NULL, NULL);
	return errno == 4321 ? free_null : NULL;
}

/* A thread that has not called the library before takes another way. */
START_TEST(test_freeing_null_first_of_all)
{
	size_t used = zmalloc_used_memory();

	ck_assert(join_thread(start_thread(free_null, NULL)) != NULL);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

static void *free_given(void *ptr)
{
	errno = 4321;
	zfree(ptr);
	return errno == 4321 ? free_given : NULL;
}

static void *free_given_sized(void *ptr)
{
	errno = 4321;
	zfree_with_size(ptr, 1000);
	return errno == 4321 ? free_given : NULL;
}

static void *resize_given(void *ptr)
{
	return ztryrealloc(ptr, 100000);
}

START_TEST(test_threads_may_begin_with_any_call)
{
	size_t used = zmalloc_used_memory();
	void *ptr;

	ck_assert(join_thread(start_thread(free_given, zmalloc(1000))) != NULL);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ck_assert(join_thread(start_thread(free_given_sized, zmalloc(1000))) != NULL);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ptr = join_thread(start_thread(resize_given, zmalloc(1000)));
	ck_assert_ptr_nonnull(ptr);
	ck_assert_uint_eq(zmalloc_used_memory(), used + zmalloc_size(ptr));
	zfree(ptr);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

/* ---- What works, beside what does not ------------------------------------------------------- */

START_TEST(test_success_never_calls_the_handler)
{
	static const size_t sizes[] = {1,    7,    8,     16,     100,     1000,       4096,
				       5000, 9999, 65536, 100000, 2 * MIB, 5 * MIB + 1};
	size_t used = zmalloc_used_memory();

	count_oom();
	for (size_t row = 0; row < COUNT_OF(allocators); row++) {
		if (allocators[row].traits & COPIES)
			continue;
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			size_t usable = UNTOUCHED;
			void *ptr = allocators[row].call(opaque_size(sizes[i]), &usable);

			ck_assert_ptr_nonnull(ptr);
			ck_assert_uint_ge(zmalloc_usable_size(ptr), sizes[i]);
			ck_assert_uint_ge(zmalloc_size(ptr), zmalloc_usable_size(ptr));
			ck_assert_uint_eq(zmalloc_used_memory(), used + zmalloc_size(ptr));
			if (allocators[row].traits & TELLS)
				ck_assert_uint_eq(usable, zmalloc_usable_size(ptr));
			if (allocators[row].traits & ZEROES)
				ck_assert(all_zero(ptr, sizes[i]));
			fill(ptr, sizes[i], i);
			ck_assert(filled(ptr, sizes[i], i));
			zfree(ptr);
			ck_assert_uint_eq(zmalloc_used_memory(), used);
		}
	}
	ck_assert_uint_eq(oom_calls, 0);
}
END_TEST

/* A block that was written is handed out again: only a function that clears it gives zeroes. */
START_TEST(test_calloc_clears_used_memory)
{
	static const size_t sizes[] = {1, 24, 100, 3000, 20000, 300000};

	for (size_t i = 0; i < COUNT_OF(sizes); i++)
		for (int round = 0; round < 20; round++) {
			void *ptr = zmalloc(sizes[i]);

			memset(ptr, 0xa5, sizes[i]);
			zfree(opaque(ptr));
			ptr = zcalloc(sizes[i]);
			ck_assert(all_zero(ptr, sizes[i]));
			memset(ptr, 0xa5, sizes[i]);
			zfree(opaque(ptr));
			ptr = ztrycalloc_num(sizes[i], 1);
			ck_assert(all_zero(ptr, sizes[i]));
			memset(ptr, 0xa5, sizes[i]);
			zfree(opaque(ptr));
		}
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("failure");

	tcase_add_test(tests, test_size_zero_gives_unique_pointers);
	tcase_add_test(tests, test_impossible_sizes_fail_as_no_memory);
	tcase_add_test(tests, test_sizes_no_machine_has_fail_as_no_memory);
	tcase_add_test(tests, test_products_that_overflow);
	tcase_add_test(tests, test_products_over_ptrdiff_max);
	tcase_add_test(tests, test_products_with_zero);
	tcase_add_test(tests, test_alignment_and_size_that_overflow);
	tcase_add_test(tests, test_failed_resize_keeps_the_block);
	tcase_add_test(tests, test_resize_to_zero_frees);
	tcase_add_test(tests, test_freeing_null_does_nothing);
	tcase_add_test(tests, test_freeing_null_first_of_all);
	tcase_add_test(tests, test_threads_may_begin_with_any_call);
	tcase_add_test(tests, test_success_never_calls_the_handler);
	tcase_add_test(tests, test_calloc_clears_used_memory);
	return run_tests(tests);
}
