/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/defrag_rules.h - the rules that bench/defrag compares.
 */
#ifndef BENCH_DEFRAG_RULES_H
#define BENCH_DEFRAG_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "bench/defrag_heap.h"

#define SAMPLES_MAX 4096
#define PASSES_MAX 20

struct sample {
	double cpu_s, percent;
};

struct outcome {
	double before_percent, after_percent;
	double passes; /* that move */
	double moved_bytes, floor_bytes;
	double visited;
	double cpu_s;               /* without purging */
	double slice_ms;            /* the longest, CPU time */
	double slices, slices_over; /* 1 ms */
	double purge_ms, purge_slice_ms;
	double rss_before, rss_after;
	double refused;
	uint32_t samples;
	struct sample sample[SAMPLES_MAX];
};

struct rule {
	const char *name, *text;
	void (*run)(struct heap *heap, double target_percent, struct outcome *outcome);
};
extern const struct rule rules[];
extern const size_t rule_count;

/*
 * So many slices in which nothing is done but looking at the clock: what the machine itself makes of
 * a slice's CPU time. The longest, ms; *over: how many were over 1 ms.
 */
double idle_slices(size_t slices, size_t *over);

#endif
