/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/figures.c - the library's list of figures, as the tool knows it.
 */
#include "figures.h"

#include <math.h>

/* The words of the list. */
enum {
	GAUGE = 0,
	COUNTER = 1,
	PROCESS = 0,
	ALLOCATOR = 1
};

#define PLACE(member) offsetof(struct zmalloc_stats, member)
#define INTEGER_FIGURE(member, unit, kind, group, known, source, column, help)                     \
	{#member, help, FIGURE_##unit, kind, group, PLACE(member), 0, 0},
#define RATIO_FIGURE(member, of, to, column, help)                                                 \
	{#member, help, FIGURE_RATIO, false, false, PLACE(member), PLACE(of), PLACE(to)},

const struct figure figures[FIGURES] = {ZM_FIGURES(INTEGER_FIGURE, RATIO_FIGURE)};

static bool is_there(const struct zmalloc_stats *stats, const struct figure *figure)
{
	return figure->offset + sizeof(uint64_t) <= stats->size;
}

uint64_t figure_integer(const struct zmalloc_stats *stats, const struct figure *figure)
{
	if (!is_there(stats, figure))
		return ZMALLOC_STATS_UNKNOWN;
	return *(const uint64_t *)((const char *)stats + figure->offset);
}

double figure_ratio(const struct zmalloc_stats *stats, const struct figure *figure)
{
	if (!is_there(stats, figure))
		return NAN;
	return *(const double *)((const char *)stats + figure->offset);
}

bool figure_is_known(const struct zmalloc_stats *stats, const struct figure *figure)
{
	if (figure->unit == FIGURE_RATIO)
		return !isnan(figure_ratio(stats, figure));
	return figure_integer(stats, figure) != ZMALLOC_STATS_UNKNOWN;
}

void build_figure(struct zm_builder *out, const struct zmalloc_stats *stats,
		  const struct figure *figure)
{
	if (figure->unit == FIGURE_RATIO)
		zm_build_decimal(out, figure_ratio(stats, figure));
	else
		zm_build_number(out, figure_integer(stats, figure));
}

void build_json_figures(struct zm_builder *out, const struct zmalloc_stats *stats)
{
	for (size_t i = 0; i < FIGURES; i++) {
		zm_build_text(out, ",");
		zm_build_quoted(out, figures[i].name);
		zm_build_text(out, ":");
		if (figure_is_known(stats, &figures[i]))
			build_figure(out, stats, &figures[i]);
		else
			zm_build_text(out, "null");
	}
}

void build_json_number(struct zm_builder *out, uint64_t number)
{
	if (number == ZMALLOC_STATS_UNKNOWN)
		zm_build_text(out, "null");
	else
		zm_build_number(out, number);
}
