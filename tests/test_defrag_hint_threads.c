/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_defrag_hint_threads.c - hints while other threads allocate and free, and from several
 * threads at once.
 */
#include "config.h"

#include "tests/support.h"

#include <zmalloc.h>

#include "tests/defrag_blocks.h"

#define WORKERS 3
#define OWN 2000

struct worker {
	uint64_t seed;
	struct held_block own[OWN];
};

static struct worker workers[WORKERS];
static pthread_t threads[WORKERS];
static int stop;

static void *allocate_and_free(void *argument)
{
	struct worker *worker = argument;
	struct chance chance = chance_of(worker->seed);

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct held_block *block = &worker->own[chance_below(&chance, OWN)];

		if (block->at != NULL)
			REQUIRE(filled(block->at, block->bytes, block->seed));
		blocks_replace(block, 1 + chance_below(&chance, 300),
			       (uint32_t)chance_next(&chance));
	}
	for (size_t i = 0; i < OWN; i++) {
		zfree(worker->own[i].at);
		worker->own[i].at = NULL;
	}
	return NULL;
}

static void begin_traffic(void)
{
	stop = 0;
	for (size_t i = 0; i < WORKERS; i++) {
		workers[i].seed = i;
		threads[i] = start_thread(allocate_and_free, &workers[i]);
	}
}

static void end_traffic(void)
{
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (size_t i = 0; i < WORKERS; i++)
		join_thread(threads[i]);
}

/* Until the statistics say that no cycle runs; and then until nothing is held. */
static void wait_for_the_end(void)
{
	struct zdefrag_stats stats = {.size = sizeof(stats)};

	zdefrag_hint_end();
	for (int i = 0;; i++) {
		ck_assert_int_eq(zdefrag_hint_get_stats(&stats), 0);
		if (stats.phase == ZDEFRAG_IDLE)
			break;
		ck_assert_int_lt(i, 1000000);
		zfree(opaque(zmalloc(100)));
	}
	ck_assert_uint_eq(stats.held_bytes, 0);
}

START_TEST(others_allocate_and_free)
{
	struct blocks blocks = {0};
	size_t before = zmalloc_used_memory(), fragmented, moved = 0;

	blocks_fill(&blocks, block_steps(150000, 20000), 300, 1);
	blocks_thin(&blocks, 40);
	fragmented = frag_bytes();
	begin_traffic();
	for (size_t i = 0; i < 5 * blocks.count; i++) {
		struct held_block *block = &blocks.held[i * 104729 % blocks.count];

		if (!zdefrag_hint(block->at))
			continue;
		blocks_move(block);
		moved++;
	}
	wait_for_the_end();
	end_traffic();
	ck_assert_uint_gt(moved, blocks.count / 8);
	ck_assert_uint_lt(frag_bytes(), fragmented / 2);
	blocks_check(&blocks);
	ck_assert_uint_eq(zmalloc_used_memory(), before + blocks_bytes(&blocks));
	blocks_free(&blocks);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
}
END_TEST

/*
 * Each asks about blocks of its own, and moves them. They begin each scan together: to whoever asks, one
 * that has not had its turn yet on a loaded machine is a part of the program that never asks.
 */
#define SCANS 8

static struct barrier scan_begins;

static void *ask(void *argument)
{
	struct blocks *blocks = argument;

	for (size_t scan = 0; scan < SCANS; scan++) {
		barrier_wait(&scan_begins);
		for (size_t i = 0; i < blocks->count; i++) {
			if (!zdefrag_hint(blocks->held[i].at))
				continue;
			blocks_move(&blocks->held[i]);
			blocks->shown++;
		}
	}
	return NULL;
}

START_TEST(several_ask)
{
	struct blocks all = {0}, parts[WORKERS];
	size_t before = zmalloc_used_memory(), fragmented;

	blocks_fill(&all, block_steps(150000, 20000), 300, 2);
	blocks_thin(&all, 40);
	fragmented = frag_bytes();
	barrier_init(&scan_begins, WORKERS);
	for (size_t i = 0; i < WORKERS; i++) {
		parts[i] = (struct blocks){.held = &all.held[i * (all.count / WORKERS)],
					   .count = all.count / WORKERS};
		threads[i] = start_thread(ask, &parts[i]);
	}
	for (size_t i = 0; i < WORKERS; i++) {
		join_thread(threads[i]);
		ck_assert_uint_gt(parts[i].shown, 0);
	}
	barrier_done(&scan_begins);
	wait_for_the_end();
	ck_assert_uint_lt(frag_bytes(), fragmented / 2);
	blocks_check(&all);
	blocks_free(&all);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("defrag_hint_threads");

	need_planning();
	if (under_checker())
		skip_program("blocks change threads, which a checker cannot follow through this "
			     "allocator");
	tcase_add_test(tests, others_allocate_and_free);
	tcase_add_test(tests, several_ask);
	return run_tests(tests);
}
