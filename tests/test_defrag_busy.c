/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_defrag_busy.c - the program goes on while a cycle runs: the walking thread itself, and
 * others.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>

#include <zmalloc.h>

#include "tests/defrag_blocks.h"

/* ---- The same thread, between two visits ---- */

static struct chance chance;
static size_t others_used;

static void churn(struct blocks *blocks, zdefrag *d)
{
	struct held_block *block;
	size_t bytes;

	(void)d;
	if (chance_below(&chance, 4) != 0)
		return;
	block = &blocks->held[chance_below(&chance, blocks->count)];
	REQUIRE(filled(block->at, block->bytes, block->seed));
	bytes = 1 + chance_below(&chance, 400);
	if (chance_below(&chance, 4) == 0) {
		block->at = zrealloc(block->at, bytes);
		REQUIRE(filled(block->at, bytes < block->bytes ? bytes : block->bytes,
			       block->seed));
		block->bytes = (uint32_t)bytes;
		fill(block->at, bytes, block->seed);
	} else {
		blocks_replace(block, bytes, (uint32_t)chance_next(&chance));
	}
	if (chance_below(&chance, 4096) == 0)
		REQUIRE_EQ(zmalloc_used_memory(), others_used + blocks_bytes(blocks));
}

START_TEST(churn_on_the_walking_thread)
{
	struct blocks blocks = {.after_each = churn};
	struct zdefrag_stats stats;
	size_t fragmented, uncharged;
	zdefrag *d;

	chance = chance_of(1);
	blocks_fill(&blocks, block_steps(400000, 20000), 400, 5);
	blocks_thin(&blocks, 40);
	d = blocks_driver(&blocks);
	others_used = zmalloc_used_memory() - blocks_bytes(&blocks);
	fragmented = frag_bytes();
	uncharged = uncharged_bytes();
	ck_assert_int_eq(zdefrag_run(d), 0);
	blocks_check(&blocks);
	/* All regions that the cycle took or kept back are the allocator's again. */
	ck_assert_uint_le(uncharged_bytes(), uncharged + 32 * KIB);
	ck_assert_uint_eq(zmalloc_used_memory(), others_used + blocks_bytes(&blocks));
	stats = stats_of(d);
	ck_assert_uint_gt(stats.moved, 0);
	ck_assert_uint_gt(stats.held_frees, 0);
	ck_assert_uint_gt(stats.steered, 0);
	ck_assert_uint_eq(stats.held_bytes, 0);
	ck_assert_uint_lt(frag_bytes(), fragmented / 4);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

/* A block that comes zeroed is zeroed wherever it is served from. */
static void zeroed(struct blocks *blocks, zdefrag *d)
{
	static void *kept[512];
	static size_t next;
	unsigned char *fresh;
	size_t bytes = 1 + blocks->cursor % 400;

	(void)d;
	fresh = zcalloc(bytes);
	REQUIRE(all_zero(fresh, bytes));
	fill(fresh, zmalloc_usable_size(fresh), bytes);
	zfree(kept[next % 512]);
	kept[next++ % 512] = fresh;
}

START_TEST(zeroed_blocks_are_zeroed)
{
	struct blocks blocks = {.after_each = zeroed};
	zdefrag *d;

	blocks_fill(&blocks, block_steps(100000, 10000), 400, 6);
	blocks_thin(&blocks, 40);
	d = blocks_driver(&blocks);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_gt(stats_of(d).moved, 0);
	blocks_check(&blocks);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

/* ---- Other threads ---- */

#define WORKERS 3
#define OWN 4000

struct worker {
	uint64_t seed;
	struct held_block own[OWN];
	struct held_block *given; /* blocks of the thread that filled the heap, to free here */
	size_t given_count;
};

static int stop;
static struct barrier begin, end;

static void work_once(struct worker *worker, struct chance *mine)
{
	struct held_block *block = &worker->own[chance_below(mine, OWN)];

	if (block->at != NULL)
		REQUIRE(filled(block->at, block->bytes, block->seed));
	blocks_replace(block, 1 + chance_below(mine, 400), (uint32_t)chance_next(mine));
	if (worker->given_count > 0)
		zfree(worker->given[--worker->given_count].at);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct chance mine = chance_of(worker->seed);

	barrier_wait(&begin);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		work_once(worker, &mine);
	barrier_wait(&end);
	barrier_wait(&begin);
	for (size_t i = 0; i < OWN; i++)
		zfree(worker->own[i].at);
	return NULL;
}

static size_t workers_bytes(const struct worker *workers)
{
	size_t bytes = 0;

	for (size_t w = 0; w < WORKERS; w++) {
		for (size_t i = 0; i < OWN; i++)
			bytes += zmalloc_size(workers[w].own[i].at);
		for (size_t i = 0; i < workers[w].given_count; i++)
			bytes += zmalloc_size(workers[w].given[i].at);
	}
	return bytes;
}

START_TEST(other_threads_allocate_and_free_meanwhile)
{
	static struct worker workers[WORKERS];
	struct blocks blocks = {0}, given = {0};
	pthread_t threads[WORKERS];
	size_t before = zmalloc_used_memory(), d_bytes;
	zdefrag *d;

	/* Blocks to walk and blocks for the workers to free lie side by side. */
	blocks_fill(&blocks, block_steps(150000, 15000), 400, 7);
	blocks_fill(&given, block_steps(30000, 3000), 400, 8);
	blocks_thin(&blocks, 40);
	barrier_init(&begin, WORKERS + 1);
	barrier_init(&end, WORKERS + 1);
	stop = 0;
	for (size_t w = 0; w < WORKERS; w++) {
		workers[w].seed = w;
		workers[w].given = &given.held[w * (given.count / WORKERS)];
		workers[w].given_count = given.count / WORKERS;
		threads[w] = start_thread(work, &workers[w]);
	}
	d_bytes = zmalloc_used_memory();
	d = blocks_driver(&blocks);
	d_bytes = zmalloc_used_memory() - d_bytes;
	barrier_wait(&begin);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(zdefrag_run(d), 0);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	barrier_wait(&end);

	ck_assert_uint_gt(stats_of(d).moved, 0);
	ck_assert_uint_eq(stats_of(d).held_bytes, 0);
	ck_assert_uint_eq(zmalloc_used_memory(),
			  before + d_bytes + blocks_bytes(&blocks) + workers_bytes(workers));
	for (size_t w = 0; w < WORKERS; w++)
		for (size_t i = 0; i < workers[w].given_count; i++)
			zfree(workers[w].given[i].at);
	barrier_wait(&begin);
	for (size_t w = 0; w < WORKERS; w++)
		join_thread(threads[w]);
	blocks_check(&blocks);
	zdefrag_free(d);
	blocks_free(&blocks);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
	free(given.held);
	barrier_done(&begin);
	barrier_done(&end);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("defrag_busy");

	need_planning();
	tcase_add_test(tests, churn_on_the_walking_thread);
	tcase_add_test(tests, zeroed_blocks_are_zeroed);
	/*
	 * The allocator's locks are not instrumented: blocks that change threads look like races.
	 */
	if (under_checker())
		skip_part("other threads, whose blocks a checker cannot follow through this "
			  "allocator");
	else
		tcase_add_test(tests, other_threads_allocate_and_free_meanwhile);
	return run_tests(tests);
}
