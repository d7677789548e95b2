/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_fork.c - fork in the middle of threads at work: child and parent are both exact.
 *
 * The child inherits every block of every thread, so all are charged there; only the forking thread
 * lives on. With threads at rest its figure is the parent's to the byte. With threads at work the
 * fork catches some between a block and its charge; what can be said is that each of them holds
 * between two known bounds, and that from there on every change is exact.
 */
#include "config.h"

#include "tests/support.h"

#include <stdlib.h>
#include <unistd.h>

#include <zmalloc.h>

#define WORKERS_MAX 32
#define HELD 40

/* Seconds; a child that finds a lock taken for good would wait for ever. */
#define CHILD_ALARM 60

static struct worker {
	pthread_t thread;
	size_t number;
	void *held[HELD];
} workers[WORKERS_MAX];

static size_t worker_count;
static struct barrier rest;
static bool stop;

static size_t sum_of_workers(void)
{
	size_t sum = 0;

	for (size_t i = 0; i < worker_count; i++)
		for (size_t j = 0; j < HELD; j++)
			sum += zmalloc_size(workers[i].held[j]);
	return sum;
}

static void free_of_workers(void)
{
	for (size_t i = 0; i < worker_count; i++)
		for (size_t j = 0; j < HELD; j++) {
			zfree(workers[i].held[j]);
			workers[i].held[j] = NULL;
		}
}

/* ---- What a child does, and its threads ----------------------------------------------------- */

static void churn(uint64_t seed)
{
	struct chance chance = chance_of(seed);
	void *blocks[60] = {NULL};
	size_t used = zmalloc_used_memory(), sum = 0;

	for (size_t i = 0; i < 2000; i++) {
		void **block = &blocks[chance_below(&chance, COUNT_OF(blocks))];

		zfree(*block);
		*block = zmalloc(chance_size(&chance, 14));
	}
	for (size_t i = 0; i < COUNT_OF(blocks); i++)
		sum += zmalloc_size(blocks[i]);
	REQUIRE_EQ(zmalloc_used_memory() - used, sum);
	for (size_t i = 0; i < COUNT_OF(blocks); i++)
		zfree(blocks[i]);
	REQUIRE_EQ(zmalloc_used_memory(), used);
}

static void *allocate_some(void *blocks)
{
	for (size_t i = 0; i < HELD; i++)
		((void **)blocks)[i] = zmalloc(100 * i);
	return NULL;
}

static void *free_some(void *blocks)
{
	for (size_t i = 0; i < HELD; i++)
		zfree(((void **)blocks)[i]);
	return NULL;
}

/*
 * New threads take over what the lost ones left: also their stacks, which gcc's TSan cannot bear.
 */
static void use_threads(void)
{
	void *blocks[8][HELD];
	pthread_t threads[8];
	size_t used = zmalloc_used_memory(), sum = 0;

	if (sanitized())
		return;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		threads[i] = start_thread(allocate_some, blocks[i]);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		join_thread(threads[i]);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		for (size_t j = 0; j < HELD; j++)
			sum += zmalloc_size(blocks[i][j]);
	REQUIRE_EQ(zmalloc_used_memory() - used, sum);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		threads[i] = start_thread(free_some, blocks[i]);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		join_thread(threads[i]);
	REQUIRE_EQ(zmalloc_used_memory(), used);
}

/* ---- Workers at rest ------------------------------------------------------------------------ */

static void work(struct worker *worker, struct chance *chance)
{
	void **held = &worker->held[chance_below(chance, HELD)];

	zfree(*held);
	*held = zmalloc(chance_size(chance, 13));
}

static void *work_and_rest(void *argument)
{
	struct worker *worker = argument;
	struct chance chance = chance_of(worker->number);

	while (!stop) {
		for (size_t i = 0; i < 200; i++)
			work(worker, &chance);
		barrier_wait(&rest);
		barrier_wait(&rest);
	}
	return NULL;
}

struct expected {
	size_t used, peak, floor;
	int64_t thread_used;
	int generations;
};

static void be_exact(void *argument)
{
	struct expected *expected = argument;

	alarm(CHILD_ALARM);
	REQUIRE_EQ(zmalloc_used_memory(), expected->used);
	REQUIRE_EQ(zmalloc_thread_used_memory(), expected->thread_used);
	REQUIRE(zmalloc_peak_memory() >= expected->peak);
	REQUIRE_EQ(sum_of_workers(), expected->used - expected->floor);
	churn(12);
	REQUIRE_EQ(zmalloc_used_memory(), expected->used);
	use_threads();
	REQUIRE_EQ(zmalloc_used_memory(), expected->used);
	if (expected->generations-- > 0)
		run_child_ok(be_exact, expected);
	/* The lost threads' blocks are as good as any. */
	free_of_workers();
	REQUIRE_EQ(zmalloc_used_memory(), expected->floor);
	use_threads();
}

START_TEST(test_threads_at_rest)
{
	size_t floor = zmalloc_used_memory(), forks = steps(10, 3);

	worker_count = steps(WORKERS_MAX, 8);
	barrier_init(&rest, worker_count + 1);
	stop = false;
	for (size_t i = 0; i < worker_count; i++) {
		workers[i].number = i;
		workers[i].thread = start_thread(work_and_rest, &workers[i]);
	}
	for (size_t i = 0; i < forks; i++) {
		struct expected expected = {.floor = floor, .generations = 2};

		barrier_wait(&rest);
		expected.used = zmalloc_used_memory();
		expected.peak = zmalloc_peak_memory();
		expected.thread_used = zmalloc_thread_used_memory();
		ck_assert_uint_eq(expected.used - floor, sum_of_workers());
		run_child_ok(be_exact, &expected);
		ck_assert_uint_eq(zmalloc_used_memory(), expected.used);
		ck_assert_int_eq(zmalloc_thread_used_memory(), expected.thread_used);
		stop = i + 1 == forks;
		barrier_wait(&rest);
	}
	for (size_t i = 0; i < worker_count; i++)
		join_thread(workers[i].thread);
	ck_assert_uint_eq(zmalloc_used_memory() - floor, sum_of_workers());
	free_of_workers();
	ck_assert_uint_eq(zmalloc_used_memory(), floor);
	barrier_done(&rest);
}
END_TEST

/* ---- Workers at work ------------------------------------------------------------------------ */

/* All of one size, so that each holds HELD blocks or, between free and allocation, one less. */
#define SAME ((size_t)500)

static void *work_on(void *argument)
{
	struct worker *worker = argument;

	for (size_t at = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); at = (at + 1) % HELD) {
		zfree(worker->held[at]);
		worker->held[at] = zmalloc(SAME);
	}
	return NULL;
}

struct bounds {
	size_t least, most;
};

static void be_within(void *argument)
{
	struct bounds *bounds = argument;
	size_t used;

	alarm(CHILD_ALARM);
	used = zmalloc_used_memory();
	REQUIRE(used >= bounds->least);
	REQUIRE(used <= bounds->most);
	REQUIRE(zmalloc_peak_memory() >= used);
	churn(13);
	REQUIRE_EQ(zmalloc_used_memory(), used);
	use_threads();
	REQUIRE_EQ(zmalloc_used_memory(), used);
}

START_TEST(test_threads_at_work)
{
	size_t floor = zmalloc_used_memory(), block, forks = steps(30, 5);
	struct bounds bounds;
	void *like;

	if (under_checker()) {
		skip_part("a child loses threads' stacks and locks, which checkers mind");
		return;
	}
	like = zmalloc(SAME);
	block = zmalloc_size(like);
	zfree(like);
	worker_count = 4;
	for (size_t i = 0; i < worker_count; i++)
		for (size_t j = 0; j < HELD; j++)
			workers[i].held[j] = zmalloc(SAME);
	bounds.most = floor + worker_count * HELD * block;
	bounds.least = bounds.most - worker_count * block;
	stop = false;
	for (size_t i = 0; i < worker_count; i++)
		workers[i].thread = start_thread(work_on, &workers[i]);
	for (size_t i = 0; i < forks; i++)
		run_child_ok(be_within, &bounds);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < worker_count; i++)
		join_thread(workers[i].thread);
	ck_assert_uint_eq(zmalloc_used_memory(), bounds.most);
	free_of_workers();
	ck_assert_uint_eq(zmalloc_used_memory(), floor);
}
END_TEST

/* ---- Threads that come and go, one of which forks ------------------------------------------- */

static void *come_and_go(void *unused)
{
	void *blocks[HELD];

	(void)unused;
	allocate_some(blocks);
	free_some(blocks);
	return NULL;
}

static void *keep_coming(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		join_thread(start_thread(come_and_go, NULL));
	return NULL;
}

static void be_steady(void *unused)
{
	size_t used;

	(void)unused;
	alarm(CHILD_ALARM);
	used = zmalloc_used_memory();
	churn(14);
	if (children_start_threads())
		use_threads();
	REQUIRE_EQ(zmalloc_used_memory(), used);
}

static void *fork_often(void *unused)
{
	void *block = zmalloc(3000);

	(void)unused;
	for (size_t i = 0; i < steps(20, 4); i++) {
		int64_t mine = zmalloc_thread_used_memory();

		run_child_ok(be_steady, NULL);
		REQUIRE_EQ(zmalloc_thread_used_memory(), mine);
	}
	zfree(block);
	return NULL;
}

START_TEST(test_threads_that_come_and_go)
{
	size_t used = zmalloc_used_memory();
	pthread_t coming[2];

	if (under_checker()) {
		skip_part("a child loses threads' stacks and locks, which checkers mind");
		return;
	}
	stop = false;
	for (size_t i = 0; i < COUNT_OF(coming); i++)
		coming[i] = start_thread(keep_coming, NULL);
	join_thread(start_thread(fork_often, NULL));
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < COUNT_OF(coming); i++)
		join_thread(coming[i]);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("fork");

	tcase_add_test(tests, test_threads_at_rest);
	tcase_add_test(tests, test_threads_at_work);
	tcase_add_test(tests, test_threads_that_come_and_go);
	return run_tests(tests);
}
