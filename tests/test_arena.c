/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_arena.c - private arenas: charged, freed by anyone, and gone as a whole.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc/arena.h>
#include <zmalloc/redis.h>
#include <zmalloc/stats.h>

enum {
	BLOCKS = 4000
};

static size_t size_of(size_t i)
{
	return i % 50 == 0 ? 100 * KIB + i : 1 + i * 7 % 2000;
}

/* The sum of their sizes. */
static size_t fill_arena(zarena *arena, char **block, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		block[i] = zarena_malloc(arena, size_of(i));
		ck_assert_ptr_nonnull(block[i]);
		fill(block[i], size_of(i), i);
		bytes += zmalloc_size(block[i]);
	}
	return bytes;
}

static uint64_t used_of(zarena *arena)
{
	struct zarena_stats stats = {.size = sizeof(stats)};

	ck_assert_int_eq(zarena_get_stats(arena, 1, &stats), 0);
	return stats.used_bytes;
}

START_TEST(test_a_reset_takes_all_blocks_from_the_account)
{
	static char *block[BLOCKS];
	size_t before = zmalloc_used_memory(), bytes;
	zarena *arena = zarena_create();

	ck_assert_ptr_nonnull(arena);
	for (int round = 0; round < 3; round++) {
		bytes = fill_arena(arena, block, BLOCKS);
		ck_assert_uint_eq(zmalloc_used_memory(), before + bytes);
		ck_assert_uint_eq(used_of(arena), bytes);
		for (size_t i = 0; i < BLOCKS; i++)
			ck_assert(filled(block[i], size_of(i), i));
		ck_assert_int_eq(zarena_reset(arena), 0);
		ck_assert_uint_eq(zmalloc_used_memory(), before);
		ck_assert_uint_eq(used_of(arena), 0);
	}
	ck_assert_int_eq(zarena_destroy(arena), 0);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
}
END_TEST

START_TEST(test_destroying_takes_what_is_live_and_no_more)
{
	static char *block[BLOCKS];
	size_t before = zmalloc_used_memory();
	zarena *arena = zarena_create();

	fill_arena(arena, block, BLOCKS);
	for (size_t i = 0; i < BLOCKS; i += 2)
		zfree(block[i]);
	ck_assert_int_eq(zarena_destroy(arena), 0);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
	ck_assert_int_eq(zarena_destroy(NULL), 0);
}
END_TEST

START_TEST(test_plain_zfree_takes_a_block_from_the_arena_figure)
{
	static char *block[BLOCKS];
	size_t before = zmalloc_used_memory(), left;
	zarena *arena;

	/* A thread that was there before the first arena. */
	zfree(zmalloc(1));
	arena = zarena_create();
	left = fill_arena(arena, block, BLOCKS);
	for (size_t i = 0; i < BLOCKS; i++) {
		left -= zmalloc_size(block[i]);
		errno = 77;
		if (i % 3 == 0)
			zfree_with_size(block[i], zmalloc_usable_size(block[i]));
		else if (i % 3 == 1)
			zfree_usable(block[i], NULL);
		else
			zfree(block[i]);
		ck_assert_int_eq(errno, 77);
		if (i % 500 == 0)
			ck_assert_uint_eq(used_of(arena), left);
	}
	ck_assert_uint_eq(used_of(arena), 0);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
	zarena_destroy(arena);
}
END_TEST

/* ---- What a thread's cache would do ---- */

struct freeing {
	char **block;
	size_t count;
	char *ordinary[BLOCKS];
	struct barrier freed, gone;
};

/*
 * Frees arena blocks, takes ordinary ones of the same sizes, which a cache would serve from what
 * was freed, and looks at them when the arena is gone.
 */
static void *free_and_allocate(void *argument)
{
	struct freeing *freeing = argument;

	for (size_t i = 0; i < freeing->count; i++)
		zfree(freeing->block[i]);
	for (size_t i = 0; i < freeing->count; i++) {
		freeing->ordinary[i] = zmalloc(size_of(i));
		fill(freeing->ordinary[i], size_of(i), i + 7);
	}
	barrier_wait(&freeing->freed);
	barrier_wait(&freeing->gone);
	for (size_t i = 0; i < freeing->count; i++) {
		REQUIRE(filled(freeing->ordinary[i], size_of(i), i + 7));
		zfree(freeing->ordinary[i]);
	}
	return NULL;
}

static void end_under_foreign_caches(int (*end)(zarena *))
{
	static struct freeing freeing[4];
	static char *block[4 * BLOCKS / 4], *again[BLOCKS];
	pthread_t thread[4];
	size_t before = zmalloc_used_memory();
	zarena *arena = zarena_create();

	fill_arena(arena, block, BLOCKS);
	for (size_t t = 0; t < 4; t++) {
		freeing[t].block = block + t * (BLOCKS / 4);
		freeing[t].count = BLOCKS / 4 - 20; /* some are live at the end */
		barrier_init(&freeing[t].freed, 2);
		barrier_init(&freeing[t].gone, 2);
		thread[t] = start_thread(free_and_allocate, &freeing[t]);
	}
	for (size_t t = 0; t < 4; t++)
		barrier_wait(&freeing[t].freed);
	ck_assert_int_eq(end(arena), 0);
	/* New users of the same memory, while the threads' caches hold what they freed. */
	if (end == zarena_reset)
		fill_arena(arena, again, BLOCKS);
	for (size_t t = 0; t < 4; t++)
		barrier_wait(&freeing[t].gone);
	for (size_t t = 0; t < 4; t++) {
		join_thread(thread[t]);
		barrier_done(&freeing[t].freed);
		barrier_done(&freeing[t].gone);
	}
	if (end == zarena_reset) {
		for (size_t i = 0; i < BLOCKS; i++)
			ck_assert(filled(again[i], size_of(i), i));
		ck_assert_int_eq(zarena_destroy(arena), 0);
	}
	ck_assert_uint_eq(zmalloc_used_memory(), before);
}

START_TEST(test_a_reset_leaves_blocks_of_threads_that_freed_arena_blocks)
{
	end_under_foreign_caches(zarena_reset);
}
END_TEST

START_TEST(test_destroying_leaves_blocks_of_threads_that_freed_arena_blocks)
{
	end_under_foreign_caches(zarena_destroy);
}
END_TEST

START_TEST(test_ordinary_blocks_outlive_arenas_beside_them)
{
	static char *block[BLOCKS], *ordinary[BLOCKS];
	size_t before = zmalloc_used_memory();

	for (int round = 0; round < 20; round++) {
		zarena *one = zarena_create(), *other = zarena_create();

		for (size_t i = 0; i < BLOCKS; i++) {
			ordinary[i] = zmalloc(size_of(i));
			fill(ordinary[i], size_of(i), i + 1);
			block[i] = zarena_malloc(i % 2 ? one : other, size_of(i));
			if (i % 3 == 0)
				zfree(block[i]);
		}
		ck_assert_int_eq(zarena_destroy(one), 0);
		ck_assert_int_eq(zarena_destroy(other), 0);
		for (size_t i = 0; i < BLOCKS; i++) {
			ck_assert(filled(ordinary[i], size_of(i), i + 1));
			zfree(ordinary[i]);
		}
	}
	ck_assert_uint_eq(zmalloc_used_memory(), before);
}
END_TEST

/* ---- Resizing ---- */

START_TEST(test_zrealloc_takes_a_block_out_of_its_arena)
{
	size_t before = zmalloc_used_memory();
	zarena *arena = zarena_create();
	char *same = zarena_malloc(arena, 1000), *grown = zarena_malloc(arena, 1000);

	fill(same, 1000, 1);
	fill(grown, 1000, 2);
	same = zrealloc(same, 1000);
	grown = ztryrealloc(grown, 70000);
	ck_assert_uint_eq(used_of(arena), 0);
	ck_assert_int_eq(zarena_destroy(arena), 0);
	ck_assert(filled(same, 1000, 1));
	ck_assert(filled(grown, 1000, 2));
	ck_assert_uint_eq(zmalloc_used_memory(), before + zmalloc_size(same) + zmalloc_size(grown));
	zfree(same);
	zfree(grown);
}
END_TEST

START_TEST(test_zarena_realloc_keeps_a_block_in)
{
	size_t before = zmalloc_used_memory();
	zarena *arena = zarena_create();
	char *block = zarena_realloc(arena, NULL, 10);

	for (size_t size = 10; size < MIB; size = size * 3 / 2) {
		size_t usable = zmalloc_usable_size(block);

		/* What was not asked for is the caller's as well. */
		fill(block, usable, size);
		block = zarena_realloc(arena, block, size * 3 / 2);
		ck_assert(filled(block, usable, size));
		ck_assert_uint_eq(used_of(arena), zmalloc_size(block));
	}
	block = zarena_tryrealloc(arena, block, 10);
	ck_assert_uint_lt(zmalloc_size(block), 1000);
	ck_assert_ptr_null(zarena_realloc(arena, block, 0));
	ck_assert_uint_eq(zmalloc_used_memory(), before);
	zarena_destroy(arena);
}
END_TEST

static void *zrealloc_plainly(void *ptr, size_t size)
{
	return zrealloc(ptr, size);
}

static void *zrealloc_by_flags(void *ptr, size_t size)
{
	return zrealloc_with_flags(ptr, size, 0);
}

static void *by_another_thread(void *block)
{
	void *moved = zrealloc(block, 8 * MIB - 1);

	return moved == block ? zrealloc(block, 8 * MIB) : moved;
}

static void *zrealloc_elsewhere(void *ptr, size_t size)
{
	(void)size;
	return join_thread(start_thread(by_another_thread, ptr));
}

/* How many of some resizes of large blocks that are in no arena moved the block. */
static size_t moves(void *(*resize)(void *ptr, size_t size))
{
	void *block = zmalloc(8 * MIB), *resized;
	size_t moved = 0;

	for (size_t i = 0; i < 10; i++) {
		resized = resize(block, 8 * MIB - i % 2);
		moved += resized != block;
		block = resized;
	}
	zfree(block);
	return moved;
}

/* Of what is in no arena nothing changes: a copy of 8 MiB takes a millisecond or more. */
START_TEST(test_blocks_of_no_arena_are_resized_in_place)
{
	void *(*const resize[])(void *ptr, size_t size) = {zrealloc_plainly, zrealloc_by_flags,
							   zrealloc_elsewhere};
	size_t before[COUNT_OF(resize)];
	zarena *arena, *other;

	for (size_t i = 0; i < COUNT_OF(resize); i++)
		before[i] = moves(resize[i]);
	arena = zarena_create();
	other = zarena_create();
	ck_assert_ptr_nonnull(zarena_malloc(arena, 1000));
	for (size_t i = 0; i < COUNT_OF(resize); i++)
		ck_assert_uint_le(moves(resize[i]), before[i]);
	zarena_destroy(arena);
	zarena_destroy(other);
	for (size_t i = 0; i < COUNT_OF(resize); i++)
		ck_assert_uint_le(moves(resize[i]), before[i]);
}
END_TEST

static void *resize_out(void *block)
{
	return zrealloc(block, 900);
}

static void *resize_out_by_flags(void *block)
{
	return zrealloc_with_flags(block, 900, 0);
}

START_TEST(test_any_thread_and_any_zrealloc_takes_a_block_out_of_its_arena)
{
	size_t before = zmalloc_used_memory();
	zarena *arena = zarena_create();
	char *block[4];

	for (size_t i = 0; i < COUNT_OF(block); i++) {
		block[i] = zarena_malloc(arena, 1000);
		fill(block[i], 1000, i);
	}
	block[0] = join_thread(start_thread(resize_out, block[0]));
	block[1] = join_thread(start_thread(resize_out_by_flags, block[1]));
	block[2] = resize_out(block[2]);
	block[3] = resize_out_by_flags(block[3]);
	ck_assert_uint_eq(used_of(arena), 0);
	ck_assert_int_eq(zarena_destroy(arena), 0);
	for (size_t i = 0; i < COUNT_OF(block); i++) {
		ck_assert(filled(block[i], 900, i));
		zfree(block[i]);
	}
	ck_assert_uint_eq(zmalloc_used_memory(), before);
}
END_TEST

/* ---- The contract of the family ---- */

START_TEST(test_arenas_fail_as_the_family_does)
{
	zarena *arena = zarena_create();
	char *block = zarena_malloc(arena, opaque_size(0));

	count_oom();
	ck_assert_ptr_nonnull(block);
	ck_assert_ptr_null(zarena_malloc(arena, opaque_size(SIZE_MAX)));
	ck_assert_uint_eq(oom_calls, 1);
	ck_assert_uint_eq(oom_size, SIZE_MAX);
	errno = 0;
	ck_assert_ptr_null(zarena_trycalloc(arena, opaque_size((size_t)PTRDIFF_MAX + 1)));
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_ptr_null(zarena_tryrealloc(arena, block, opaque_size(SIZE_MAX)));
	ck_assert_uint_eq(oom_calls, 1);
	ck_assert_uint_eq(used_of(arena), zmalloc_size(block));
	zarena_destroy(arena);
}
END_TEST

START_TEST(test_blocks_from_zarena_calloc_are_zero)
{
	zarena *arena = zarena_create();

	for (int round = 0; round < 2; round++) {
		for (size_t size = 1; size < MIB; size *= 3) {
			char *block = zarena_calloc(arena, size);
			char *tried = zarena_trycalloc(arena, size);

			ck_assert(all_zero(block, size));
			ck_assert(all_zero(tried, size));
			memset(block, 1, size);
			memset(tried, 1, size);
		}
		zarena_reset(arena);
	}
	zarena_destroy(arena);
}
END_TEST

/* ---- Threads ---- */

struct use {
	zarena *arena;
	_Atomic size_t kept;
};

static void *use_arena(void *argument)
{
	struct use *use = argument;
	struct chance chance = chance_of((uint64_t)(uintptr_t)use);
	char *block[64] = {NULL};

	for (size_t i = 0; i < steps(100000, 5000); i++) {
		size_t at = chance_below(&chance, COUNT_OF(block));

		zfree(block[at]);
		block[at] = zarena_malloc(use->arena, chance_below(&chance, 3000));
	}
	for (size_t i = 0; i < COUNT_OF(block); i++)
		if (block[i] != NULL)
			use->kept += zmalloc_size(block[i]);
	return NULL;
}

START_TEST(test_threads_share_an_arena)
{
	size_t before = zmalloc_used_memory(), kept = 0;
	zarena *arena = zarena_create();
	struct use use[4];
	pthread_t thread[4];

	for (size_t t = 0; t < 4; t++) {
		use[t] = (struct use){arena, 0};
		thread[t] = start_thread(use_arena, &use[t]);
	}
	for (size_t t = 0; t < 4; t++) {
		join_thread(thread[t]);
		kept += use[t].kept;
	}
	ck_assert_uint_eq(used_of(arena), kept);
	ck_assert_uint_eq(zmalloc_used_memory(), before + kept);
	ck_assert_int_eq(zarena_destroy(arena), 0);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
}
END_TEST

static void use_in_child(void *argument)
{
	static char *block[BLOCKS];
	zarena *arena = argument;

	for (size_t i = 0; i < BLOCKS; i++)
		REQUIRE((block[i] = zarena_malloc(arena, size_of(i))) != NULL);
	REQUIRE_EQ(zarena_reset(arena), 0);
	/* Statistics after a purge: where the allocator has lost track of caches it reads freed memory. */
	zmalloc_purge();
	zmalloc_get_allocator_info(1, NULL, NULL, NULL, NULL, NULL, NULL);
	/* What another thread was just then allocating is lost to a child, in any allocator. */
	REQUIRE(zmalloc_used_memory() < 256);
}

static void *churn_until_told(void *argument)
{
	struct use *use = argument;

	while (use->kept == 0)
		zfree(zarena_malloc(use->arena, 100));
	return NULL;
}

START_TEST(test_a_child_may_use_an_arena_of_its_parent)
{
	zarena *arena = zarena_create();
	struct use use = {arena, 0};
	pthread_t thread;

	if (zmalloc_used_memory() != 0)
		skip_part("blocks of another test are live in this process");
	else if (under_checker())
		skip_part("a child loses what threads hold, which checkers mind");
	else {
		thread = start_thread(churn_until_told, &use);
		for (int i = 0; i < 20; i++)
			run_child_ok(use_in_child, arena);
		use.kept = 1;
		join_thread(thread);
	}
	zarena_destroy(arena);
}
END_TEST

/* ---- Figures ---- */

START_TEST(test_figures_of_an_arena_are_its_own)
{
	static char *block[BLOCKS];
	struct zarena_stats stats = {.size = sizeof(stats)};
	zarena *arena = zarena_create(), *other = zarena_create();
	size_t bytes = fill_arena(arena, block, BLOCKS);

	ck_assert_ptr_nonnull(zarena_malloc(other, MIB));
	ck_assert_int_eq(zarena_get_stats(arena, 1, &stats), 0);
	ck_assert_uint_eq(stats.used_bytes, bytes);
	if (zmalloc_has(ZMALLOC_CAN_ARENA)) {
		ck_assert_uint_ge(stats.active_bytes, stats.used_bytes);
		ck_assert_uint_lt(stats.active_bytes, bytes * 2 + 4 * MIB);
	} else {
		ck_assert_uint_eq(stats.active_bytes, ZMALLOC_STATS_UNKNOWN);
	}
	zarena_destroy(arena);
	zarena_destroy(other);
}
END_TEST

/* What stays after a purge, of the 64 MiB that each round takes: the next must use it. */
static size_t kept_bytes(void)
{
	if (!zmalloc_has(ZMALLOC_CAN_PURGE))
		return 64 * MIB;
	/* A segment, if there is a live block in it. */
	return strncmp(zmalloc_allocator(), "mimalloc-2", 10) == 0 ? 32 * MIB : 0;
}

START_TEST(test_a_destroyed_arena_gives_its_memory_back)
{
	size_t rss, kept = kept_bytes(), addresses = 0;
	zarena *arena;

	if (under_checker()) {
		skip_part("a checker keeps freed memory");
		return;
	}
	rss = zmalloc_get_rss();
	for (int round = 0; round < 3; round++) {
		arena = zarena_create();
		for (size_t i = 0; i < 64; i++)
			memset(zarena_malloc(arena, MIB), 1, MIB);
		ck_assert_uint_gt(zmalloc_get_rss(), rss + 60 * MIB);
		zarena_destroy(arena);
		zmalloc_purge();
		ck_assert_uint_lt(zmalloc_get_rss(), rss + kept + 16 * MIB);
		if (round == 0)
			addresses = zmalloc_get_smap_bytes_by_field("Size:", -1);
	}
	/* Those of jemalloc's arenas are ours to give back. Where the system does not tell, both are 0. */
	if (strncmp(zmalloc_allocator(), "jemalloc", 8) == 0)
		ck_assert_uint_le(zmalloc_get_smap_bytes_by_field("Size:", -1),
				  addresses + 32 * MIB);
}
END_TEST

/* What the allocator has given out, whoever was given it; 0 where it does not tell. */
static uint64_t allocated_bytes(void)
{
	struct zmalloc_stats stats = {.size = sizeof(stats)};

	zmalloc_ctl("thread.tcache.flush", NULL, NULL, NULL, 0);
	ck_assert_int_eq(zmalloc_stats_get(&stats, 1), 0);
	return stats.allocated_bytes != ZMALLOC_STATS_UNKNOWN ? stats.allocated_bytes : 0;
}

/* Every way in which a block of an arena ends, and the arena itself. */
static void use_and_end_arenas(void)
{
	static char *block[BLOCKS];
	zarena *arena = zarena_create();

	fill_arena(arena, block, BLOCKS);
	for (size_t i = 0; i < BLOCKS; i += 2)
		zfree(block[i]);
	for (size_t i = 1; i < BLOCKS / 2; i += 2)
		zfree(zrealloc(block[i], 3000));
	ck_assert_int_eq(zarena_reset(arena), 0);
	fill_arena(arena, block, BLOCKS);
	ck_assert_int_eq(zarena_destroy(arena), 0);
	for (size_t i = 0; i < BLOCKS; i++)
		zarena_destroy(zarena_create());
}

/* The first round may leave what the next ones use again: tables, and threads' caches. */
START_TEST(test_what_ends_leaves_nothing_allocated)
{
	uint64_t before = 0;

	if (under_checker()) {
		skip_part("a checker's malloc tells nothing");
		return;
	}
	for (int round = 0; round < 3; round++) {
		use_and_end_arenas();
		if (round == 0)
			before = allocated_bytes();
	}
	ck_assert_uint_le(allocated_bytes(), before + 16 * KIB);
}
END_TEST

/* It may keep what one round took, and must use it in the next. */
START_TEST(test_a_reset_arena_gives_its_memory_back)
{
	const size_t kept = 64 * MIB;
	size_t before;
	zarena *arena = zarena_create();

	if (under_checker()) {
		skip_part("a checker keeps freed memory");
		zarena_destroy(arena);
		return;
	}
	before = zmalloc_get_rss();
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 64; i++)
			memset(zarena_malloc(arena, MIB), 1, MIB);
		ck_assert_int_eq(zarena_reset(arena), 0);
		zmalloc_purge();
		ck_assert_uint_lt(zmalloc_get_rss(), before + kept + 16 * MIB);
	}
	zarena_destroy(arena);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("arena");

	tcase_add_test(tests, test_a_reset_takes_all_blocks_from_the_account);
	tcase_add_test(tests, test_destroying_takes_what_is_live_and_no_more);
	tcase_add_test(tests, test_plain_zfree_takes_a_block_from_the_arena_figure);
	tcase_add_test(tests, test_a_reset_leaves_blocks_of_threads_that_freed_arena_blocks);
	tcase_add_test(tests, test_destroying_leaves_blocks_of_threads_that_freed_arena_blocks);
	tcase_add_test(tests, test_ordinary_blocks_outlive_arenas_beside_them);
	tcase_add_test(tests, test_zrealloc_takes_a_block_out_of_its_arena);
	tcase_add_test(tests, test_blocks_of_no_arena_are_resized_in_place);
	tcase_add_test(tests, test_any_thread_and_any_zrealloc_takes_a_block_out_of_its_arena);
	tcase_add_test(tests, test_zarena_realloc_keeps_a_block_in);
	tcase_add_test(tests, test_arenas_fail_as_the_family_does);
	tcase_add_test(tests, test_blocks_from_zarena_calloc_are_zero);
	tcase_add_test(tests, test_threads_share_an_arena);
	tcase_add_test(tests, test_a_child_may_use_an_arena_of_its_parent);
	tcase_add_test(tests, test_figures_of_an_arena_are_its_own);
	tcase_add_test(tests, test_a_destroyed_arena_gives_its_memory_back);
	tcase_add_test(tests, test_a_reset_arena_gives_its_memory_back);
	tcase_add_test(tests, test_what_ends_leaves_nothing_allocated);
	return run_tests(tests);
}
