/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/work_threads.c - the workloads of several threads, and the readers of the account.
 */
#include "work.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "column.h"

#define BLOCKS 1024

/* ---- A window of its own for each thread ---- */

struct worker {
	void **blocks; /* BLOCKS of them */
	size_t ops;
	double ns;
	uint32_t state;
};

static void fill(void **blocks)
{
	uint32_t state = 1;

	for (size_t i = 0; i < BLOCKS; i++)
		blocks[i] = bench_touch(b_malloc(16 + bench_random(&state) % 512));
}

static void empty(void **blocks)
{
	for (size_t i = 0; i < BLOCKS; i++)
		b_free(blocks[i]);
}

static void replace(struct worker *worker)
{
	for (size_t i = 0; i < worker->ops; i++) {
		size_t slot = bench_random(&worker->state) % BLOCKS;

		b_free(worker->blocks[slot]);
		worker->blocks[slot] =
			bench_touch(b_malloc(16 + bench_random(&worker->state) % 512));
	}
}

static void *replace_timed(void *argument)
{
	struct worker *worker = argument;
	double start = bench_ns(CLOCK_THREAD_CPUTIME_ID);

	replace(worker);
	worker->ns = bench_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	return NULL;
}

static void *own_window(void *argument)
{
	struct worker *worker = argument;
	void *blocks[BLOCKS];

	worker->blocks = blocks;
	fill(blocks);
	replace_timed(worker);
	empty(blocks);
	return NULL;
}

/*
 * Of both threads, per operation of one:
 * what it is with one thread, if they do not disturb each other.
 */
double work_two(size_t blocks, size_t ops)
{
	struct worker workers[2] = {{.ops = ops, .state = 1}, {.ops = ops, .state = 2}};
	pthread_t threads[2];

	(void)blocks;
	for (size_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, own_window, &workers[i]);
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return (workers[0].ns + workers[1].ns) / 2;
}

/*
 * As a server does: threads go on with blocks that threads before them allocated. Each pair of
 * threads lives for a quarter of the round.
 */
double work_server(size_t count, size_t ops)
{
	static void *blocks[2][BLOCKS];
	static bool filled;
	double ns = 0;

	(void)count;
	for (size_t i = 0; i < 2 && filled != (ops != 0); i++)
		ops != 0 ? fill(blocks[i]) : empty(blocks[i]);
	filled = ops != 0;
	for (unsigned generation = 0; generation < 4 && ops != 0; generation++) {
		struct worker workers[2];
		pthread_t threads[2];

		for (unsigned i = 0; i < 2; i++) {
			workers[i] = (struct worker){.blocks = blocks[(i + generation) % 2],
						     .ops = ops / 8,
						     .state = generation * 2 + i + 1};
			pthread_create(&threads[i], NULL, replace_timed, &workers[i]);
		}
		for (unsigned i = 0; i < 2; i++) {
			pthread_join(threads[i], NULL);
			ns += workers[i].ns;
		}
	}
	return ns;
}

/* ---- Allocated here, freed there ---- */

#define RING 256

static struct {
	_Atomic(void *) slot[RING];
} ring;

static void *free_others(void *argument)
{
	size_t ops = *(size_t *)argument;

	for (size_t i = 0; i < ops; i++) {
		void *block;

		while ((block = atomic_load_explicit(&ring.slot[i % RING], memory_order_acquire)) ==
		       NULL)
			sched_yield();
		atomic_store_explicit(&ring.slot[i % RING], NULL, memory_order_release);
		b_free(block);
	}
	return NULL;
}

double work_cross(size_t none, size_t ops)
{
	double start = bench_ns(CLOCK_MONOTONIC);
	uint32_t state = 1;
	pthread_t thread;

	(void)none;
	pthread_create(&thread, NULL, free_others, &ops);
	for (size_t i = 0; i < ops; i++) {
		void *block = bench_touch(b_malloc(16 + bench_random(&state) % 512));

		while (atomic_load_explicit(&ring.slot[i % RING], memory_order_acquire) != NULL)
			sched_yield();
		atomic_store_explicit(&ring.slot[i % RING], block, memory_order_release);
	}
	pthread_join(thread, NULL);
	return bench_ns(CLOCK_MONOTONIC) - start;
}

/* ---- Births and deaths ---- */

static void *short_life(void *argument)
{
	void *blocks[16] = {NULL};
	uint32_t state = (uint32_t)(size_t)argument;

	for (size_t i = 0; i < 100; i++) {
		size_t slot = bench_random(&state) % 16;

		b_free(blocks[slot]);
		blocks[slot] = bench_touch(b_malloc(16 + bench_random(&state) % 512));
	}
	for (size_t i = 0; i < 16; i++)
		b_free(blocks[i]);
	return NULL;
}

double work_births(size_t none, size_t ops)
{
	double start = bench_ns(CLOCK_PROCESS_CPUTIME_ID);
	pthread_t thread;

	(void)none;
	for (size_t i = 0; i < ops; i++) {
		pthread_create(&thread, NULL, short_life, (void *)(i + 1));
		pthread_join(thread, NULL);
	}
	return bench_ns(CLOCK_PROCESS_CPUTIME_ID) - start;
}

/* ---- Readers of the account ---- */

#if defined(b_used)

static atomic_bool stop_reading;

/* 100,000 readings a second would be a lot for a program; this is about as many. */
static void *read_used(void *none)
{
	struct timespec pause = {.tv_nsec = 10000};
	size_t sum = 0;

	while (!atomic_load(&stop_reading)) {
		sum += b_used();
		nanosleep(&pause, NULL);
	}
	(void)none;
	return (void *)sum;
}

double work_reader(size_t blocks, size_t ops)
{
	struct worker worker = {.ops = ops, .state = 1};
	pthread_t thread;

	(void)blocks;
	atomic_store(&stop_reading, false);
	pthread_create(&thread, NULL, read_used, NULL);
	own_window(&worker);
	atomic_store(&stop_reading, true);
	pthread_join(thread, NULL);
	return worker.ns;
}

static struct {
	pthread_t threads[64];
	pthread_mutex_t lock;
	pthread_cond_t change;
	size_t alive;
	bool leave;
} crowd = {.lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};

static void *stay(void *none)
{
	void *block = b_malloc(100);

	pthread_mutex_lock(&crowd.lock);
	crowd.alive++;
	pthread_cond_broadcast(&crowd.change);
	while (!crowd.leave)
		pthread_cond_wait(&crowd.change, &crowd.lock);
	crowd.alive--;
	pthread_mutex_unlock(&crowd.lock);
	b_free(block);
	return none;
}

static void gather_crowd(void)
{
	for (size_t i = 0; i < 64; i++)
		pthread_create(&crowd.threads[i], NULL, stay, NULL);
	pthread_mutex_lock(&crowd.lock);
	while (crowd.alive < 64)
		pthread_cond_wait(&crowd.change, &crowd.lock);
	pthread_mutex_unlock(&crowd.lock);
}

static void dismiss_crowd(void)
{
	pthread_mutex_lock(&crowd.lock);
	crowd.leave = true;
	pthread_cond_broadcast(&crowd.change);
	pthread_mutex_unlock(&crowd.lock);
	for (size_t i = 0; i < 64; i++)
		pthread_join(crowd.threads[i], NULL);
	crowd.leave = false;
}

double work_used(size_t threads, size_t ops)
{
	double start;
	volatile size_t used;

	(void)threads;
	if (ops == 0 && crowd.alive != 0)
		dismiss_crowd();
	if (ops == 0)
		return 0;
	if (crowd.alive == 0)
		gather_crowd();
	start = bench_ns(CLOCK_THREAD_CPUTIME_ID);
	for (size_t i = 0; i < ops; i++)
		used = b_used();
	(void)used;
	return bench_ns(CLOCK_THREAD_CPUTIME_ID) - start;
}

double work_used_later(size_t threads, size_t ops)
{
	static bool lived;

	for (size_t i = 0; i < 200 && ops != 0 && !lived; i++) {
		pthread_t lives[50];

		for (size_t k = 0; k < 50; k++)
			pthread_create(&lives[k], NULL, short_life, (void *)(k + 1));
		for (size_t k = 0; k < 50; k++)
			pthread_join(lives[k], NULL);
	}
	lived = true;
	return work_used(threads, ops);
}

#else

double work_reader(size_t blocks, size_t ops)
{
	(void)blocks, (void)ops;
	return -1;
}

double work_used(size_t threads, size_t ops)
{
	(void)threads, (void)ops;
	return -1;
}

double work_used_later(size_t threads, size_t ops)
{
	(void)threads, (void)ops;
	return -1;
}

#endif
