/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/defrag_rules.c - libzmalloc's driver and hints, and the known rule to compare them with.
 */
#include "config.h"

#include "bench/defrag_rules.h"

#include <string.h>
#include <time.h>

#include <zmalloc/defrag.h>
#include <zmalloc/redis.h>

static double cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/*
 * Pictures need a few hundred points; a heap that is measured
 * after each slice would be measured more than it is worked on.
 */
static void take_sample(struct outcome *outcome, double at_s)
{
	static double last_s;

	if (outcome->samples == SAMPLES_MAX || (outcome->samples > 0 && at_s - last_s < 0.002))
		return;
	last_s = at_s;
	outcome->sample[outcome->samples].cpu_s = at_s;
	outcome->sample[outcome->samples++].percent = heap_frag().percent;
}

#define SLICE_S 500e-6
#define SLICE_OVER_S 1e-3

/* Blocks between two looks at anything. */
#define CHUNK ((size_t)64)

/* A pass that brings less than this, in percentage points, is the rule's last. */
#define GAIN_PERCENT 0.02

/* ---- The driver ---- */

struct driven {
	struct heap *heap;
	struct outcome *outcome;
	size_t cursor;
	double churn_s;
};

/* The program's own work, not the rule's. */
static void churn(struct driven *driven)
{
	double begin;

	if (!driven->heap->spec.churn)
		return;
	begin = cpu_s();
	heap_churn(driven->heap, CHUNK);
	driven->churn_s += cpu_s() - begin;
}

static int scan(zdefrag *d, int begin, void *context)
{
	struct driven *driven = context;
	struct heap *heap = driven->heap;

	if (begin)
		driven->cursor = 0;
	while (driven->cursor < heap->count) {
		struct block *block = &heap->blocks[driven->cursor++];

		if (!block->unknown)
			block->at = zdefrag_visit(d, block->at);
		if (driven->cursor % CHUNK == 0)
			churn(driven);
		if (zdefrag_slice_over(d))
			return 0;
	}
	return 1;
}

static void sample_driver(zdefrag *d, void *context)
{
	struct driven *driven = context;
	struct zdefrag_stats stats = {.size = sizeof(stats)};

	zdefrag_get_stats(d, &stats);
	take_sample(driven->outcome,
		    (double)(stats.cpu_ns - stats.purge_ns) / 1e9 - driven->churn_s);
}

static void run_driver(struct heap *heap, double target_percent, struct outcome *outcome)
{
	struct driven driven = {.heap = heap, .outcome = outcome};
	struct zdefrag_settings settings;
	struct zdefrag_stats stats = {.size = sizeof(stats)};
	double percent = heap_frag().percent, before;
	zdefrag *d;

	zdefrag_settings_init(&settings);
	settings.slice_us = (unsigned)(SLICE_S * 1e6);
	settings.lower_percent = (unsigned)target_percent;
	d = zdefrag_new(scan, &driven, &settings);
	zdefrag_set_progress(d, sample_driver, &driven);
	do {
		before = percent;
		zdefrag_run(d);
		outcome->passes++;
		percent = heap_frag().percent;
	} while (outcome->passes < PASSES_MAX && percent > target_percent &&
		 before - percent >= GAIN_PERCENT);
	zdefrag_get_stats(d, &stats);
	outcome->moved_bytes = (double)stats.moved_bytes;
	outcome->visited = (double)stats.visited;
	outcome->cpu_s = (double)(stats.cpu_ns - stats.purge_ns) / 1e9 - driven.churn_s;
	outcome->slice_ms = (double)stats.longest_slice_ns / 1e6;
	outcome->slices = (double)stats.slices;
	outcome->slices_over = (double)stats.slices_over; /* twice 500 us */
	outcome->purge_ms = (double)stats.purge_ns / 1e6;
	outcome->purge_slice_ms = (double)stats.longest_purge_ns / 1e6;
	outcome->refused = (double)stats.refused;
	zdefrag_free(d);
}

/* ---- Passes in slices, for rules without a driver ---- */

struct pass {
	struct heap *heap;
	struct outcome *outcome;
	double slice_s;
};

/* Examine blocks [from, to). */
typedef void examine_function(struct pass *pass, size_t from, size_t to);

static void purge_at_once(struct outcome *outcome)
{
	double begin = cpu_s();

	zmalloc_purge();
	outcome->purge_ms = outcome->purge_slice_ms = (cpu_s() - begin) * 1e3;
}

static void end_slice(struct pass *pass)
{
	struct outcome *outcome = pass->outcome;

	if (pass->slice_s * 1e3 > outcome->slice_ms)
		outcome->slice_ms = pass->slice_s * 1e3;
	outcome->slices++;
	outcome->slices_over += pass->slice_s > SLICE_OVER_S;
	pass->slice_s = 0;
}

static void run_part(struct pass *pass, examine_function *examine, size_t from, size_t to)
{
	struct outcome *outcome = pass->outcome;

	for (size_t i = from; i < to; i += CHUNK) {
		size_t end = i + CHUNK < to ? i + CHUNK : to;
		double begin = cpu_s(), took;

		examine(pass, i, end);
		took = cpu_s() - begin;
		heap_churn(pass->heap, end - i);
		outcome->cpu_s += took;
		pass->slice_s += took;
		if (pass->slice_s >= SLICE_S) {
			end_slice(pass);
			take_sample(outcome, outcome->cpu_s);
		}
	}
	outcome->visited += (double)(to - from);
	outcome->passes += (double)(to - from) / (double)pass->heap->count;
}

/*
 * parts:      of a pass, between looks at what has been reached.
 * passes_min: how many may gain nothing before that is a reason to stop.
 */
static void run_passes(struct heap *heap, double target_percent, struct outcome *outcome,
		       examine_function *examine, size_t parts, double passes_min)
{
	struct pass pass = {.heap = heap, .outcome = outcome};
	size_t step = (heap->count / parts + CHUNK) / CHUNK * CHUNK;
	double percent = heap_frag().percent, before;
	bool reached = false;

	do {
		before = percent;
		for (size_t i = 0; i < heap->count && !reached; i += step) {
			run_part(&pass, examine, i,
				 i + step < heap->count ? i + step : heap->count);
			percent = heap_frag().percent;
			reached = percent <= target_percent;
		}
	} while (!reached && outcome->passes < PASSES_MAX &&
		 (before - percent >= GAIN_PERCENT || outcome->passes < passes_min));
	zdefrag_hint_end();
	take_sample(outcome, outcome->cpu_s);
	purge_at_once(outcome);
}

/* ---- Hints ---- */

static void examine_hints(struct pass *pass, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		struct block *block = &pass->heap->blocks[i];
		size_t bytes;
		void *copy;

		if (block->unknown || !zdefrag_hint(block->at))
			continue;
		bytes = zmalloc_size(block->at);
		copy = zmalloc_no_tcache(bytes);
		memcpy(copy, block->at, bytes);
		zfree_no_tcache(block->at);
		block->at = copy;
		pass->outcome->moved_bytes += (double)bytes;
	}
}

static void run_hints(struct heap *heap, double target_percent, struct outcome *outcome)
{
	/* The first one counts. */
	run_passes(heap, target_percent, outcome, examine_hints, 16, 2);
}

/* ---- The known rule: move out of slabs emptier than 9/8 of the average one not full ---- */

/*
 * The slab that is being allocated from is no nonfull one to the allocator. Redis and Valkey take it
 * for a full one, and so the others for emptier than they are; the mended rule counts it right.
 */
static size_t current_slabs;

/* What the rule needs of each bin, read again every so often: it drifts as blocks move. */
#define KNOWN_REFRESH 4096
static struct known_bin {
	size_t nonfull_slabs, nonfull_used;
} known[64][256];

static void known_refresh(void)
{
	unsigned arenas = raw_arenas();

	raw_refresh();
	for (unsigned arena = 0; arena < arenas && arena < 64; arena++)
		for (unsigned i = 0; i < bin_count; i++) {
			struct known_bin *bin = &known[arena][i];
			size_t slabs = raw_bin_stat("curslabs", arena, i), full;

			if (slabs == 0)
				continue;
			bin->nonfull_slabs =
				raw_bin_stat("nonfull_slabs", arena, i) + current_slabs;
			full = (slabs - bin->nonfull_slabs) * bins[i].regions;
			bin->nonfull_used = raw_bin_stat("curregs", arena, i) - full;
		}
}

static void known_move(struct pass *pass, struct block *block, const struct usage *usage)
{
	unsigned arena =
		pass->heap->spec.arenas > 1 ? raw_arena_of(block->at) : pass->heap->own_arena;
	unsigned number;
	int flags = pass->heap->spec.arenas > 1 ? MALLOCX_ARENA(arena) | MALLOCX_TCACHE_NONE
						: MALLOCX_TCACHE_NONE;
	const struct known_bin *bin;
	size_t used = usage->regions - usage->free, bytes;
	void *copy;

	if (usage->free == 0 || usage->regions < 2)
		return;
	number = bin_of_size[usage->bytes / usage->regions / 8];
	bin = &known[arena][number];
	if (bin->nonfull_slabs < 2 || 1000 * used * bin->nonfull_slabs > 1125 * bin->nonfull_used)
		return;
	bytes = raw.sallocx(block->at, 0);
	copy = raw.mallocx(bytes, flags);
	memcpy(copy, block->at, bytes);
	raw.dallocx(block->at, MALLOCX_TCACHE_NONE);
	block->at = copy;
	pass->outcome->moved_bytes += (double)bytes;
}

static void examine_known(struct pass *pass, size_t from, size_t to)
{
	struct usage usage;

	if (from % KNOWN_REFRESH == 0)
		known_refresh();
	for (size_t i = from; i < to; i++) {
		struct block *block = &pass->heap->blocks[i];
		void *at = block->at;

		if (block->unknown)
			continue;
		raw_query(&at, &usage, 1);
		known_move(pass, block, &usage);
	}
}

static void examine_known_batched(struct pass *pass, size_t from, size_t to)
{
	struct usage usage[64];
	void *at[64];

	if (from % KNOWN_REFRESH == 0)
		known_refresh();
	for (size_t i = from; i < to; i++)
		at[i - from] = pass->heap->blocks[i].at;
	raw_query(at, usage, to - from);
	for (size_t i = from; i < to; i++)
		if (!pass->heap->blocks[i].unknown)
			known_move(pass, &pass->heap->blocks[i], &usage[i - from]);
}

static void run_known(struct heap *heap, double target_percent, struct outcome *outcome)
{
	run_passes(heap, target_percent, outcome, examine_known, 1, 1);
}

static void run_known_batched(struct heap *heap, double target_percent, struct outcome *outcome)
{
	run_passes(heap, target_percent, outcome, examine_known_batched, 1, 1);
}

static void run_mended(struct heap *heap, double target_percent, struct outcome *outcome)
{
	current_slabs = 1;
	run_passes(heap, target_percent, outcome, examine_known_batched, 1, 1);
}

const struct rule rules[] = {
	{"known1", "the known rule, one query for each block", run_known},
	{"known", "the known rule, queries in batches of 64", run_known_batched},
	{"mended", "the known rule, the current slab counted right", run_mended},
	{"hints", "libzmalloc's hints", run_hints},
	{"driver", "libzmalloc's driver", run_driver},
};
const size_t rule_count = sizeof(rules) / sizeof(rules[0]);

/* ---- The machine ---- */

double idle_slices(size_t slices, size_t *over)
{
	double longest_s = 0;

	*over = 0;
	for (size_t i = 0; i < slices; i++) {
		struct timespec now;
		double begin = cpu_s(), took, end_s;

		clock_gettime(CLOCK_MONOTONIC, &now);
		end_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9 + SLICE_S;
		do
			clock_gettime(CLOCK_MONOTONIC, &now);
		while ((double)now.tv_sec + (double)now.tv_nsec / 1e9 < end_s);
		took = cpu_s() - begin;
		longest_s = took > longest_s ? took : longest_s;
		*over += took > SLICE_OVER_S;
	}
	return longest_s * 1e3;
}
