/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/work.c - the workloads of one thread.
 */
#include "work.h"

#include "column.h"
#include "redis_sizes.h"

#define SIZES 65536u

static uint32_t mixed_bytes[SIZES], redis_bytes[SIZES];

static void fill_mixed(void)
{
	uint32_t state = 1;

	for (size_t i = 0; i < SIZES; i++)
		mixed_bytes[i] = 16 + bench_random(&state) % 512;
}

/* Sizes in the shares in which Redis asked for them. */
static void fill_redis(void)
{
	uint32_t state = 1, total = 0;

	for (size_t i = 0; i < BENCH_REDIS_SIZES; i++)
		total += bench_redis_sizes[i].share;
	for (size_t i = 0; i < SIZES; i++) {
		uint32_t at = bench_random(&state) % total;
		size_t class = 0;

		while (at >= bench_redis_sizes[class].share)
			at -= bench_redis_sizes[class ++].share;
		redis_bytes[i] = bench_redis_sizes[class].bytes;
	}
}

/*
 * A block of that size stays allocated: the first of a run of pages begins a page, which allocators
 * treat apart, and without it the pair would be about that block for ever.
 */
static void keep_first(size_t bytes, size_t ops)
{
	static void *first;

	if (first == NULL)
		first = bench_touch(b_malloc(bytes));
	if (ops != 0)
		return;
	b_free(first);
	first = NULL;
}

double work_pair(size_t bytes, size_t ops)
{
	double start;

	keep_first(bytes, ops);
	start = bench_ns(CLOCK_THREAD_CPUTIME_ID);
	for (size_t i = 0; i < ops; i++)
		b_free(bench_touch(b_malloc(bytes)));
	return bench_ns(CLOCK_THREAD_CPUTIME_ID) - start;
}

double work_pair_sized(size_t bytes, size_t ops)
{
	double start;

	keep_first(bytes, ops);
	start = bench_ns(CLOCK_THREAD_CPUTIME_ID);
	for (size_t i = 0; i < ops; i++)
		b_free_sized(bench_touch(b_malloc(bytes)), bytes);
	return bench_ns(CLOCK_THREAD_CPUTIME_ID) - start;
}

/* ---- Windows: a set of live blocks, one of which is replaced at a time ---- */

struct window {
	void **blocks;
	uint32_t *bytes; /* of each block */
	size_t count, at;
	uint32_t state;
};

static void empty_window(struct window *window)
{
	for (size_t i = 0; i < window->count; i++)
		b_free(window->blocks[i]);
	free(window->blocks);
	free(window->bytes);
	*window = (struct window){0};
}

static void fill_window(struct window *window, const uint32_t *bytes, size_t count)
{
	window->blocks = calloc(count, sizeof(window->blocks[0]));
	window->bytes = calloc(count, sizeof(window->bytes[0]));
	window->count = count;
	window->state = 12345;
	for (size_t i = 0; i < count; i++) {
		window->bytes[i] = bytes[i % SIZES];
		window->blocks[i] = bench_touch(b_malloc(window->bytes[i]));
	}
}

/* Inlined with `sized` known: no branch is left. */
static inline __attribute__((__always_inline__)) double
replace(struct window *window, const uint32_t *bytes, size_t ops, int sized)
{
	double start = bench_ns(CLOCK_THREAD_CPUTIME_ID);
	uint32_t state = window->state;
	size_t at = window->at;

	for (size_t i = 0; i < ops; i++) {
		size_t slot = bench_random(&state) & (window->count - 1);
		uint32_t size = bytes[at++ % SIZES];

		if (sized)
			b_free_sized(window->blocks[slot], window->bytes[slot]);
		else
			b_free(window->blocks[slot]);
		window->blocks[slot] = bench_touch(b_malloc(size));
		window->bytes[slot] = size;
	}
	window->state = state;
	window->at = at;
	return bench_ns(CLOCK_THREAD_CPUTIME_ID) - start;
}

/* One window at a time is kept: they are large. */
static struct window *kept_window(const uint32_t *bytes, size_t count, size_t ops)
{
	static struct window window;

	if (window.count != 0 && (window.count != count || ops == 0))
		empty_window(&window);
	if (ops == 0)
		return NULL;
	if (window.count == 0)
		fill_window(&window, bytes, count);
	return &window;
}

double work_window(size_t count, size_t ops)
{
	struct window *window;

	if (mixed_bytes[0] == 0)
		fill_mixed();
	window = kept_window(mixed_bytes, count, ops);
	return window != NULL ? replace(window, mixed_bytes, ops, 0) : 0;
}

double work_window_sized(size_t count, size_t ops)
{
	struct window *window;

	if (mixed_bytes[0] == 0)
		fill_mixed();
	window = kept_window(mixed_bytes, count, ops);
	return window != NULL ? replace(window, mixed_bytes, ops, 1) : 0;
}

double work_redis(size_t count, size_t ops)
{
	struct window *window;

	if (redis_bytes[0] == 0)
		fill_redis();
	window = kept_window(redis_bytes, count, ops);
	return window != NULL ? replace(window, redis_bytes, ops, 0) : 0;
}

/* ---- One size, resizes, zeroes ---- */

#define BATCH 8

double work_size(size_t bytes, size_t ops)
{
	double start = bench_ns(CLOCK_THREAD_CPUTIME_ID);
	void *blocks[BATCH];

	for (size_t i = 0; i < ops; i += BATCH) {
		for (size_t k = 0; k < BATCH; k++)
			blocks[k] = bench_touch(b_malloc(bytes));
		for (size_t k = 0; k < BATCH; k++)
			b_free(blocks[k]);
	}
	return bench_ns(CLOCK_THREAD_CPUTIME_ID) - start;
}

double work_calloc(size_t bytes, size_t ops)
{
	double start = bench_ns(CLOCK_THREAD_CPUTIME_ID);

	for (size_t i = 0; i < ops; i++)
		b_free(bench_touch(b_calloc(bytes)));
	return bench_ns(CLOCK_THREAD_CPUTIME_ID) - start;
}

double work_string(size_t most_bytes, size_t ops)
{
	double start = bench_ns(CLOCK_THREAD_CPUTIME_ID);

	for (size_t i = 0; i < ops; i++) {
		char *string = b_malloc(24);

		for (size_t bytes = 24; bytes < most_bytes; bytes += bytes / 2) {
			string = b_realloc(string, bytes);
			string[bytes - 1] = 1;
		}
		b_free(bench_touch(string));
	}
	return bench_ns(CLOCK_THREAD_CPUTIME_ID) - start;
}

double work_vector(size_t most_bytes, size_t ops)
{
	double start = bench_ns(CLOCK_THREAD_CPUTIME_ID);

	for (size_t i = 0; i < ops; i++) {
		char *vector = b_malloc(16);

		for (size_t bytes = 32; bytes <= most_bytes; bytes *= 2) {
			vector = b_realloc(vector, bytes);
			vector[bytes - 1] = 1;
		}
		b_free(bench_touch(vector));
	}
	return bench_ns(CLOCK_THREAD_CPUTIME_ID) - start;
}
