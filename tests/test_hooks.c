/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_hooks.c - functions of the shapes that other libraries ask for: what each gives is
 * charged, and to a scope of its own where it is to be; they fail with NULL. tests/check_hooks.sh has
 * the libraries.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <zmalloc.h>
#include <zmalloc/hooks.h>
#include <zmalloc/limit.h>

ZMALLOC_HOOKS(mine, "mine")

/* Each shape by both names: charged to the program, and to the scope. */
struct family {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void (*free)(void *);
	void *(*aligned_alloc)(size_t, size_t);
	int (*posix_memalign)(void **, size_t, size_t);
	char *(*strdup)(const char *);
	void *(*opaque_malloc)(void *, size_t);
	void *(*opaque_calloc)(void *, size_t, size_t);
	void *(*opaque_realloc)(void *, void *, size_t);
	void (*opaque_free)(void *, void *);
	void *(*malloc_opaque)(size_t, void *);
	void *(*calloc_opaque)(size_t, size_t, void *);
	void *(*realloc_opaque)(void *, size_t, void *);
	void (*free_opaque)(void *, void *);
	void *(*lua)(void *, void *, size_t, size_t);
	void *(*zlib_alloc)(void *, unsigned, unsigned);
	void (*zlib_free)(void *, void *);
	void *(*openssl_malloc)(size_t, const char *, int);
	void *(*openssl_realloc)(void *, size_t, const char *, int);
	void (*openssl_free)(void *, const char *, int);
	void *(*sqlite_malloc)(int);
	void *(*sqlite_realloc)(void *, int);
	int (*sqlite_size)(void *);
	int (*sqlite_roundup)(int);
	int (*sqlite_init)(void *);
	void (*sqlite_shutdown)(void *);
};

#define FAMILY(prefix)                                                                             \
	{                                                                                          \
		prefix##_malloc, prefix##_calloc, prefix##_realloc, prefix##_free,                 \
			prefix##_aligned_alloc, prefix##_posix_memalign, prefix##_strdup,          \
			prefix##_opaque_malloc, prefix##_opaque_calloc, prefix##_opaque_realloc,   \
			prefix##_opaque_free, prefix##_malloc_opaque, prefix##_calloc_opaque,      \
			prefix##_realloc_opaque, prefix##_free_opaque, prefix##_lua,               \
			prefix##_zlib_alloc, prefix##_zlib_free, prefix##_openssl_malloc,          \
			prefix##_openssl_realloc, prefix##_openssl_free, prefix##_sqlite_malloc,   \
			prefix##_sqlite_realloc, prefix##_sqlite_size, prefix##_sqlite_roundup,    \
			prefix##_sqlite_init, prefix##_sqlite_shutdown                             \
	}

static const struct family families[] = {FAMILY(zmalloc_hook), FAMILY(mine)};

static int64_t used_in(const zmalloc_scope *scope)
{
	struct zmalloc_scope_stats stats = {.size = sizeof(stats)};

	REQUIRE(zmalloc_scope_get_stats(scope, &stats) == 0);
	return stats.used_bytes;
}

/* The block is the only one, and where it should be. */
static void *only(const struct family *family, void *block, size_t size)
{
	int is_mine = family == &families[1];

	ck_assert_ptr_nonnull(block);
	ck_assert_uint_ge(zmalloc_usable_size(block), size);
	ck_assert_uint_eq(zmalloc_used_memory(), zmalloc_size(block));
	ck_assert_int_eq(used_in(mine_scope()), is_mine ? (int64_t)zmalloc_size(block) : 0);
	ck_assert_int_eq(used_in(NULL), is_mine ? 0 : (int64_t)zmalloc_size(block));
	memset(block, 0x5a, size);
	return block;
}

static void none(void)
{
	ck_assert_uint_eq(zmalloc_used_memory(), 0);
	ck_assert_int_eq(used_in(mine_scope()), 0);
}

START_TEST(test_each_shape_is_charged_where_it_should_be)
{
	const struct family *f = &families[_i];
	void *p;

	f->free(only(f, f->realloc(only(f, f->malloc(100), 100), 5000), 5000));
	none();
	f->free(only(f, f->calloc(10, 100), 1000));
	f->free(only(f, f->strdup("a text"), 7));
	p = only(f, f->aligned_alloc(4096, 100), 100);
	ck_assert_uint_eq((uintptr_t)p % 4096, 0);
	f->free(p);
	ck_assert_int_eq(f->posix_memalign(&p, 256, 1000), 0);
	ck_assert_uint_eq((uintptr_t)p % 256, 0);
	f->free(only(f, p, 1000));
	none();
	f->opaque_free(NULL,
		       only(f, f->opaque_realloc(NULL, f->opaque_malloc(NULL, 100), 5000), 5000));
	f->opaque_free(NULL, only(f, f->opaque_calloc(NULL, 10, 100), 1000));
	none();
	f->free_opaque(only(f, f->realloc_opaque(f->malloc_opaque(100, NULL), 5000, NULL), 5000),
		       NULL);
	f->free_opaque(only(f, f->calloc_opaque(10, 100, NULL), 1000), NULL);
	none();
	p = only(f, f->lua(NULL, NULL, 4, 100), 100);
	p = only(f, f->lua(NULL, p, 100, 5000), 5000);
	ck_assert_ptr_null(f->lua(NULL, p, 5000, 0));
	ck_assert_ptr_null(f->lua(NULL, NULL, 4, 0));
	none();
	f->zlib_free(NULL, only(f, f->zlib_alloc(NULL, 10, 100), 1000));
	p = f->openssl_malloc(100, "file.c", 1);
	f->openssl_free(only(f, f->openssl_realloc(p, 5000, "file.c", 2), 5000), "file.c", 3);
	none();
	p = only(f, f->sqlite_realloc(f->sqlite_malloc(100), 5000), 5000);
	ck_assert_uint_eq((size_t)f->sqlite_size(p), zmalloc_usable_size(p));
	f->free(p);
	ck_assert_int_eq(f->sqlite_init(NULL), 0);
	f->sqlite_shutdown(NULL);
	none();
}
END_TEST

START_TEST(test_what_cannot_be_had_is_null)
{
	const struct family *f = &families[_i];
	void *p = f->malloc(100), *untouched = p;

	ck_assert_ptr_null(f->calloc(SIZE_MAX / 2, 3));
	ck_assert_ptr_null(f->opaque_calloc(NULL, SIZE_MAX / 2, 3));
	ck_assert_ptr_null(f->calloc_opaque(SIZE_MAX / 2, 3, NULL));
	ck_assert_ptr_null(f->sqlite_malloc(0));
	ck_assert_ptr_null(f->sqlite_malloc(-1));
	ck_assert_ptr_null(f->sqlite_realloc(p, -1));
	ck_assert_int_eq(f->sqlite_size(NULL), 0);
	zmalloc_limit_set(zmalloc_used_memory() + 1000);
	ck_assert_ptr_null(f->malloc(5000));
	ck_assert_ptr_null(f->realloc(p, 5000));
	ck_assert_ptr_null(f->aligned_alloc(64, 5000));
	errno = ENOTTY;
	ck_assert_int_eq(f->posix_memalign(&untouched, 64, 5000), ENOMEM);
	ck_assert_int_eq(f->posix_memalign(&untouched, 48, 10), EINVAL);
	ck_assert_ptr_eq(untouched, p);
	ck_assert_int_eq(errno, ENOTTY);
	ck_assert_ptr_null(f->lua(NULL, p, 100, 5000));
	ck_assert_ptr_null(f->zlib_alloc(NULL, 10, 1000));
	ck_assert_ptr_null(f->zlib_alloc(NULL, UINT_MAX, UINT_MAX));
	zmalloc_limit_set(0);
	f->free(p);
}
END_TEST

/* Whatever a limit that is passed already makes of a resize. */
START_TEST(test_lua_s_block_can_always_be_made_smaller)
{
	const struct family *f = &families[_i];
	void *p = f->lua(NULL, NULL, 0, 5000);

	zmalloc_limit_set(1);
	p = f->lua(NULL, p, 5000, 4000);
	ck_assert_ptr_nonnull(p);
	zmalloc_limit_set(0);
	ck_assert_ptr_null(f->lua(NULL, p, 4000, 0));
	none();
}
END_TEST

START_TEST(test_sqlite_s_sizes_are_rounded_up)
{
	const struct family *f = &families[_i];

	for (int size = 1; size < 5000; size++) {
		int good = f->sqlite_roundup(size);
		void *block;

		ck_assert_int_ge(good, size);
		ck_assert_int_eq(good % 8, 0);
		block = f->sqlite_malloc(good);
		ck_assert_int_ge(f->sqlite_size(block), good);
		f->free(block);
	}
	ck_assert_int_eq(f->sqlite_roundup(0), 0);
	ck_assert_int_ge(f->sqlite_roundup(INT_MAX), INT_MAX);
	ck_assert_int_ge(f->sqlite_roundup(INT_MAX - 8), INT_MAX - 8);
}
END_TEST

START_TEST(test_freeing_keeps_errno)
{
	const struct family *f = &families[_i];

	errno = ENOTTY;
	f->free(NULL);
	f->opaque_free(NULL, NULL);
	f->free_opaque(NULL, NULL);
	f->zlib_free(NULL, NULL);
	f->openssl_free(NULL, NULL, 0);
	ck_assert_int_eq(errno, ENOTTY);
}
END_TEST

/* The thread is where it was; an outer scope has nothing of it. */
START_TEST(test_a_hook_leaves_the_scope_of_its_caller_alone)
{
	zmalloc_scope *outer = zmalloc_scope_new("outer");
	void *p, *q;

	zmalloc_scope_enter(outer);
	p = mine_malloc(1000);
	q = zmalloc_hook_malloc(3000);
	ck_assert_int_eq(used_in(outer), (int64_t)zmalloc_size(q));
	ck_assert_int_eq(used_in(mine_scope()), (int64_t)zmalloc_size(p));
	mine_free(p);
	zmalloc_hook_free(q);
	ck_assert_int_eq(zmalloc_scope_leave(outer), 0);
	ck_assert_int_eq(used_in(outer), 0);
}
END_TEST

START_TEST(test_a_limit_of_the_library_s_own)
{
	void *p;

	zmalloc_scope_set_limit(mine_scope(), 4000);
	ck_assert_ptr_null(mine_malloc(5000));
	p = mine_malloc(1000);
	ck_assert_ptr_nonnull(p);
	mine_free(p);
	p = zmalloc_hook_malloc(5000);
	ck_assert_ptr_nonnull(p);
	zfree(p);
	zmalloc_scope_set_limit(mine_scope(), 0);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("hooks");

	tcase_add_loop_test(tests, test_each_shape_is_charged_where_it_should_be, 0, 2);
	tcase_add_loop_test(tests, test_what_cannot_be_had_is_null, 0, 2);
	tcase_add_loop_test(tests, test_lua_s_block_can_always_be_made_smaller, 0, 2);
	tcase_add_loop_test(tests, test_sqlite_s_sizes_are_rounded_up, 0, 2);
	tcase_add_loop_test(tests, test_freeing_keeps_errno, 0, 2);
	tcase_add_test(tests, test_a_hook_leaves_the_scope_of_its_caller_alone);
	tcase_add_test(tests, test_a_limit_of_the_library_s_own);
	return run_tests(tests);
}
