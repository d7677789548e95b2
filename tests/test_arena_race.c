/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_arena_race.c - threads make, use, reset and destroy arenas of their own, all at once and
 * while others fork: every byte stays its owner's, here and in each child.
 */
#include "config.h"

#include "tests/support.h"

#include <string.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>

enum {
	THREADS = 4,
	BLOCKS = 24,
	SHARED = 16,
	CHILD_ALARM_S = 60
};

static bool stop;

/* Blocks of arenas that pass from thread to thread, freed or resized by whoever has them. */
static char *passed[SHARED];

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_ACQUIRE);
}

static size_t size_of(size_t i)
{
	return i % 7 == 0 ? 40 * KIB + i : 1 + i * 131 % 3000;
}

static char *filled_block(zarena *arena, size_t i, uint64_t seed)
{
	char *block = zarena_malloc(arena, size_of(i));

	REQUIRE(block != NULL);
	fill(block, size_of(i), seed + i);
	return block;
}

/* One life of an arena; every other block is resized out of it, which must not be lost with it. */
static void live(uint64_t seed)
{
	char *block[BLOCKS], *out[BLOCKS] = {NULL};
	zarena *arena = zarena_create();

	REQUIRE(arena != NULL);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < BLOCKS; i++)
			block[i] = filled_block(arena, i, seed);
		for (size_t i = 0; i < BLOCKS; i++)
			REQUIRE(filled(block[i], size_of(i), seed + i));
		zfree(block[0]);
		if (out[1] == NULL)
			for (size_t i = 1; i < BLOCKS; i += 2)
				out[i] = zrealloc(block[i], size_of(i) + i);
		REQUIRE_EQ(round == 0 ? zarena_reset(arena) : zarena_destroy(arena), 0);
	}
	for (size_t i = 1; i < BLOCKS; i += 2) {
		REQUIRE(filled(out[i], size_of(i), seed + i));
		zfree(out[i]);
	}
}

/* Takes what is there and leaves a block of its own arena, whose end waits for that block's. */
static void pass_on(zarena *arena, size_t at)
{
	char *mine = filled_block(arena, at, 5), *theirs;

	theirs = __atomic_exchange_n(&passed[at], mine, __ATOMIC_ACQ_REL);
	if (theirs == NULL)
		return;
	REQUIRE(filled(theirs, size_of(at), 5 + at));
	theirs = zrealloc(theirs, size_of(at) / 2 + 1);
	REQUIRE(filled(theirs, size_of(at) / 2 + 1, 5 + at));
	zfree(theirs);
}

static void *live_and_pass(void *argument)
{
	uint64_t seed = (uint64_t)(uintptr_t)argument << 32;
	zarena *lasting = zarena_create();

	REQUIRE(lasting != NULL);
	for (uint64_t i = 0; !stopped(); i++) {
		live(seed + i * 1000);
		pass_on(lasting, i % SHARED);
	}
	return NULL; /* what others still have is of it */
}

static void live_in_child(void *unused)
{
	size_t used;
	char *ordinary;

	(void)unused;
	alarm(CHILD_ALARM_S);
	used = zmalloc_used_memory();
	REQUIRE(zmalloc_peak_memory() >= used);
	ordinary = zmalloc(100);
	for (uint64_t i = 0; i < 3; i++)
		live(77 + i);
	zfree(ordinary);
	REQUIRE_EQ(zmalloc_used_memory(), used);
}

START_TEST(test_arenas_of_many_threads_while_others_fork)
{
	size_t before = zmalloc_used_memory();
	pthread_t thread[THREADS];

	if (under_checker()) {
		skip_part("a child loses threads' stacks and locks, which checkers mind");
		return;
	}
	stop = false;
	for (size_t t = 0; t < THREADS; t++)
		thread[t] = start_thread(live_and_pass, (void *)(uintptr_t)(t + 1));
	for (size_t i = 0; i < steps(60, 4); i++)
		run_child_ok(live_in_child, NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (size_t t = 0; t < THREADS; t++)
		join_thread(thread[t]);
	for (size_t i = 0; i < SHARED; i++) {
		if (passed[i] != NULL)
			ck_assert(filled(passed[i], size_of(i), 5 + i));
		zfree(passed[i]);
		passed[i] = NULL;
	}
	ck_assert_uint_eq(zmalloc_used_memory(), before);
}
END_TEST

static void *live_often(void *argument)
{
	uint64_t seed = (uint64_t)(uintptr_t)argument << 32;

	for (uint64_t i = 0; i < steps(500, 40); i++)
		live(seed + i * 1000);
	return NULL;
}

START_TEST(test_arenas_of_many_threads)
{
	size_t before = zmalloc_used_memory();
	pthread_t thread[THREADS];

	for (size_t t = 0; t < THREADS; t++)
		thread[t] = start_thread(live_often, (void *)(uintptr_t)(t + 1));
	for (size_t t = 0; t < THREADS; t++)
		join_thread(thread[t]);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
}
END_TEST

/* ---- An arena that its thread leaves behind ------------------------------------------------- */

static pthread_key_t key;

struct left {
	zarena *arena;
	char *block;
	bool was_usable;
};

/* May be the last of its thread, when the allocator has ended what it had of the thread's. */
static void use_late(void *argument)
{
	struct left *left = argument;
	char *late = zarena_trymalloc(left->arena, 100);

	left->was_usable = late != NULL;
	zfree(late);
	zfree(zrealloc(zmalloc(50), 5000));
}

static void *leave_behind(void *argument)
{
	struct left *left = argument;

	pthread_setspecific(key, left);
	left->arena = zarena_create();
	left->block = filled_block(left->arena, 3, 9);
	return NULL;
}

START_TEST(test_an_arena_left_behind_keeps_its_blocks)
{
	size_t before = zmalloc_used_memory();
	struct left left;

	ck_assert_int_eq(pthread_key_create(&key, use_late), 0);
	for (int i = 0; i < 20; i++) {
		join_thread(start_thread(leave_behind, &left));
		ck_assert(filled(left.block, size_of(3), 12));
		left.block = zrealloc(left.block, size_of(3) * 4);
		ck_assert(filled(left.block, size_of(3), 12));
		zfree(left.block);
		/* Where only its thread may use an arena, it is lost. */
		if (left.was_usable)
			ck_assert_int_eq(zarena_destroy(left.arena), 0);
		ck_assert_uint_eq(zmalloc_used_memory(), before);
	}
	pthread_key_delete(key);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("arena_race");

	tcase_add_test(tests, test_arenas_of_many_threads);
	tcase_add_test(tests, test_arenas_of_many_threads_while_others_fork);
	tcase_add_test(tests, test_an_arena_left_behind_keeps_its_blocks);
	return run_tests(tests);
}
