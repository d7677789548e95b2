/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/figures.h - the library's list of figures, as the tool knows it: what stat and export write follows
 * from it.
 */
#ifndef ZM_TOOL_FIGURES_H
#define ZM_TOOL_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmalloc/stats.h>

#include "base/builder.h"
#include "stats/figure_list.h"

struct figure {
	const char *name, *help;
	enum {
		FIGURE_BYTES,
		FIGURE_COUNT,
		FIGURE_RATIO
	} unit;
	bool counter;  /* it never goes down */
	bool of_arena; /* an arena of the allocator has it as well */
	size_t offset; /* in struct zmalloc_stats */
	size_t of, to; /* of a ratio: offsets of the figures whose ratio it is */
};

#define ZM_COUNT_FIGURE(...) +1
enum {
	FIGURES = 0 ZM_FIGURES(ZM_COUNT_FIGURE, ZM_COUNT_FIGURE)
};
extern const struct figure figures[FIGURES];

/* A library older than this tool does not fill what it does not know. */
bool figure_is_known(const struct zmalloc_stats *stats, const struct figure *figure);

/* Bytes or a count; ZMALLOC_STATS_UNKNOWN if it is not known. */
uint64_t figure_integer(const struct zmalloc_stats *stats, const struct figure *figure);
double figure_ratio(const struct zmalloc_stats *stats, const struct figure *figure);

/* The plain number of a figure that is known, for machines. */
void build_figure(struct zm_builder *out, const struct zmalloc_stats *stats,
		  const struct figure *figure);

/* `,"used_bytes":1234` for each figure; null for what is not known. */
void build_json_figures(struct zm_builder *out, const struct zmalloc_stats *stats);

/* A number; null where it is ZMALLOC_STATS_UNKNOWN. */
void build_json_number(struct zm_builder *out, uint64_t number);

#endif
