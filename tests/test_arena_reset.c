/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_arena_reset.c - a reset that cannot be done is an error, and nothing has changed.
 *
 * Only mimalloc needs anything for a reset: a new heap. The function that makes one is this file's.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <string.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/profile.h>

#if defined(HAVE_DLADDR)

#include <dlfcn.h>

static bool no_heap;
static size_t asked;

void *mi_heap_new(void) __attribute__((__visibility__("default")));

void *mi_heap_new(void)
{
	static void *(*real)(void);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "mi_heap_new");
	asked++;
	return no_heap ? NULL : real();
}

static uint64_t used_of(zarena *arena)
{
	struct zarena_stats stats = {.size = sizeof(stats)};

	ck_assert_int_eq(zarena_get_stats(arena, 1, &stats), 0);
	return stats.used_bytes;
}

static int add_live_blocks(const struct zmalloc_profile_stack *stack, void *sum)
{
	*(uint64_t *)sum += stack->live_blocks;
	return 0;
}

static uint64_t sampled_blocks(void)
{
	uint64_t sum = 0;

	ck_assert_int_eq(zmalloc_profile_visit(add_live_blocks, &sum), 0);
	return sum;
}

START_TEST(test_samples_of_its_blocks_stay_when_a_reset_fails)
{
	zarena *arena = zarena_create();

	ck_assert_int_eq(zmalloc_profile_start(1), 0);
	ck_assert_ptr_nonnull(zarena_malloc(arena, 1000));
	ck_assert_ptr_nonnull(zarena_malloc(arena, MIB));
	no_heap = true;
	ck_assert_int_eq(zarena_reset(arena), -1);
	no_heap = false;
	ck_assert_uint_eq(sampled_blocks(), 2);
	ck_assert_int_eq(zarena_reset(arena), 0);
	ck_assert_uint_eq(sampled_blocks(), 0);
	ck_assert_int_eq(zmalloc_profile_stop(), 0);
	ck_assert_int_eq(zarena_destroy(arena), 0);
}
END_TEST

START_TEST(test_a_reset_without_memory_changes_nothing)
{
	size_t before = zmalloc_used_memory(), used;
	zarena *arena = zarena_create();
	char *block = zarena_malloc(arena, MIB), *after;

	fill(block, MIB, 1);
	used = zmalloc_used_memory();
	no_heap = true;
	errno = 0;
	ck_assert_int_eq(zarena_reset(arena), -1);
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_ptr_null(zarena_create());
	no_heap = false;
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ck_assert_uint_eq(used_of(arena), zmalloc_size(block));
	ck_assert(filled(block, MIB, 1));
	zfree(block);
	after = zarena_malloc(arena, 1000);
	ck_assert_uint_eq(zmalloc_used_memory(), before + zmalloc_size(after));
	ck_assert_int_eq(zarena_reset(arena), 0);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
	ck_assert_int_eq(zarena_destroy(arena), 0);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("arena_reset");
	zarena *arena;

	if (strncmp(zmalloc_allocator(), "mimalloc", 8) != 0)
		skip_program("a reset needs memory on mimalloc only");
	arena = zarena_create();
	if (asked == 0)
		skip_program("the library does not call the program's mi_heap_new()");
	zarena_destroy(arena);
	tcase_add_test(tests, test_a_reset_without_memory_changes_nothing);
	tcase_add_test(tests, test_samples_of_its_blocks_stay_when_a_reset_fails);
	return run_tests(tests);
}

#else

int main(void)
{
	skip_program("dlsym() is needed");
}

#endif
