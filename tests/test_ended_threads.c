/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_ended_threads.c - blocks of threads that have ended are spared by what ends other blocks.
 * mimalloc 2.0.9 and 3.0 let a heap take over what such threads leave behind, live blocks and all, and would
 * free those with the heap: 2.0.9 where many threads have left blocks of many sizes.
 */
#include "config.h"

#include <zmalloc.h>
#include <zmalloc/arena.h>

#include "support.h"

enum {
	BLOCKS = 4000,
	OTHERS = 3000,
	BLOCK_BYTES = 1000
};

static char *block[BLOCKS];

/* Leaves every second block live, and so room for others among them. */
static void *leave_blocks(void *unused)
{
	for (size_t i = 0; i < BLOCKS; i++)
		fill(block[i] = zmalloc(BLOCK_BYTES), BLOCK_BYTES, i);
	for (size_t i = 0; i < BLOCKS; i += 2)
		zfree(block[i]);
	return unused;
}

/* Whoever was given memory of a live block overwrites it. */
static void find_blocks_whole(void)
{
	static char *other[OTHERS];

	for (size_t i = 0; i < OTHERS; i++)
		fill(other[i] = zmalloc(BLOCK_BYTES), BLOCK_BYTES, BLOCKS + i);
	for (size_t i = 1; i < BLOCKS; i += 2) {
		ck_assert(filled(block[i], BLOCK_BYTES, i));
		zfree(block[i]);
	}
	for (size_t i = 0; i < OTHERS; i++) {
		ck_assert(filled(other[i], BLOCK_BYTES, BLOCKS + i));
		zfree(other[i]);
	}
}

static void use(zarena *arena)
{
	for (size_t i = 0; i < BLOCKS; i++)
		fill(zarena_malloc(arena, BLOCK_BYTES), BLOCK_BYTES, i);
}

START_TEST(test_an_arena_ends_without_them)
{
	size_t before = zmalloc_used_memory(), left;
	struct zarena_stats stats = {.size = sizeof(stats)};
	zarena *arena;

	join_thread(start_thread(leave_blocks, NULL));
	left = zmalloc_used_memory();
	arena = zarena_create();
	use(arena);
	ck_assert_int_eq(zarena_get_stats(arena, 1, &stats), 0);
	ck_assert_uint_eq(stats.used_bytes, zmalloc_used_memory() - left);
	ck_assert_int_eq(zarena_reset(arena), 0);
	ck_assert_uint_eq(zmalloc_used_memory(), left);
	use(arena);
	ck_assert_int_eq(zarena_destroy(arena), 0);
	ck_assert_uint_eq(zmalloc_used_memory(), left);
	find_blocks_whole();
	ck_assert_uint_eq(zmalloc_used_memory(), before);
}
END_TEST

/* ---- Many threads, many sizes ---- */

enum {
	THREADS = 50,
	KEPT = 100
};

static struct kept {
	char *block[KEPT];
} kept[THREADS];

static size_t kept_bytes(size_t number)
{
	return 1000 + number * 100;
}

static void *leave_many_sizes(void *argument)
{
	struct kept *mine = argument;

	for (size_t i = 0; i < KEPT; i++)
		fill(mine->block[i] = zmalloc(kept_bytes(i)), kept_bytes(i), i);
	return NULL;
}

static void use_many_sizes(void)
{
	zarena *arena = zarena_create();

	for (size_t i = 0; i < BLOCKS; i++)
		fill(zarena_malloc(arena, BLOCK_BYTES + i * 5), BLOCK_BYTES, i);
	ck_assert_int_eq(zarena_destroy(arena), 0);
}

START_TEST(test_arenas_end_without_blocks_of_many_threads)
{
	size_t before = zmalloc_used_memory();

	for (size_t t = 0; t < THREADS; t++)
		join_thread(start_thread(leave_many_sizes, &kept[t]));
	for (int round = 0; round < 10; round++)
		use_many_sizes();
	for (size_t t = 0; t < THREADS; t++)
		for (size_t i = 0; i < KEPT; i++) {
			ck_assert(filled(kept[t].block[i], kept_bytes(i), i));
			zfree(kept[t].block[i]);
		}
	ck_assert_uint_eq(zmalloc_used_memory(), before);
}
END_TEST

/* The library looks how the allocator lays out its slabs when it is asked this for the first time. */
START_TEST(test_a_look_at_the_slabs_leaves_them)
{
	size_t before = zmalloc_used_memory();

	join_thread(start_thread(leave_blocks, NULL));
	opaque_size(zmalloc_has(ZMALLOC_CAN_DEFRAG));
	find_blocks_whole();
	ck_assert_uint_eq(zmalloc_used_memory(), before);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("ended_threads");

	tcase_add_test(tests, test_an_arena_ends_without_them);
	tcase_add_test(tests, test_arenas_end_without_blocks_of_many_threads);
	tcase_add_test(tests, test_a_look_at_the_slabs_leaves_them);
	return run_tests(tests);
}
