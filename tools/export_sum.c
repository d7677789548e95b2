/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/export_sum.c - one series of several processes that have the same labels.
 */
#include "export.h"

#include <math.h>
#include <string.h>

/* What is made up stays within its own series; it must not run over into small numbers. */
static uint64_t sum(uint64_t a, uint64_t b)
{
	if (a == ZMALLOC_STATS_UNKNOWN || b == ZMALLOC_STATS_UNKNOWN)
		return ZMALLOC_STATS_UNKNOWN;
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* Unknown is the largest number: the known one is the lower. */
static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t integer_at(const struct zmalloc_stats *stats, size_t offset)
{
	return *(const uint64_t *)((const char *)stats + offset);
}

static void add_figures(struct zmalloc_stats *to, const struct zmalloc_stats *from)
{
	if (from->size < to->size)
		to->size = from->size;
	for (size_t i = 0; i < FIGURES; i++) {
		char *at = (char *)to + figures[i].offset;

		if (figures[i].unit == FIGURE_RATIO ||
		    figures[i].offset + sizeof(uint64_t) > to->size)
			continue;
		*(uint64_t *)at = sum(*(uint64_t *)at, figure_integer(from, &figures[i]));
	}
}

/* Of the sums: a mean of ratios would count a small process as much as a large one. */
static void derive_ratios(struct zmalloc_stats *stats)
{
	for (size_t i = 0; i < FIGURES; i++) {
		uint64_t of = integer_at(stats, figures[i].of),
			 to = integer_at(stats, figures[i].to);
		double *at = (double *)((char *)stats + figures[i].offset);

		if (figures[i].unit != FIGURE_RATIO ||
		    figures[i].offset + sizeof(double) > stats->size)
			continue;
		*at = of == ZMALLOC_STATS_UNKNOWN || to == ZMALLOC_STATS_UNKNOWN || to == 0
			      ? NAN
			      : (double)of / (double)to;
	}
}

static void add_series(struct series *to, const struct series *from)
{
	add_figures(&to->stats, &from->stats);
	to->processes += from->processes;
	to->silent += from->silent;
	to->oldest_ms = lower(to->oldest_ms, from->oldest_ms);
	to->youngest_ms = lower(to->youngest_ms, from->youngest_ms);
	to->limit_bytes = lower(to->limit_bytes, from->limit_bytes);
	to->swap_bytes = sum(to->swap_bytes, from->swap_bytes);
	to->pss_bytes = sum(to->pss_bytes, from->pss_bytes);
}

void export_sum(const struct series_list *all, struct series_list *sums)
{
	sums->taken_ms = all->taken_ms;
	sums->count = 0;
	for (size_t i = 0; i < all->count; i++) {
		struct series *last = sums->count != 0 ? &sums->series[sums->count - 1] : NULL;

		if (last != NULL && labels_compare(&last->labels, &all->series[i].labels) == 0)
			add_series(last, &all->series[i]);
		else
			sums->series[sums->count++] = all->series[i];
	}
	for (size_t i = 0; i < sums->count; i++)
		if (sums->series[i].processes > 1)
			derive_ratios(&sums->series[i].stats);
}
