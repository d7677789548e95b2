/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/figures.h - filling struct zmalloc_stats, and going through its figures one by one.
 */
#ifndef ZM_FIGURES_H
#define ZM_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmalloc/stats.h>

#include "allocator/allocator.h"
#include "stats/figure_list.h"

enum zm_figure_unit {
	ZM_UNIT_BYTES,
	ZM_UNIT_COUNT,
	ZM_UNIT_RATIO
};

enum zm_figure_kind {
	ZM_KIND_GAUGE,
	ZM_KIND_COUNTER
};

enum zm_figure_group {
	ZM_GROUP_PROCESS = 1,
	ZM_GROUP_ALLOCATOR = 2
};

/* A row, for those who go through all of them. */
struct zm_figure {
	const char *name, *column, *help;
	enum zm_figure_unit unit;
	enum zm_figure_kind kind;
	size_t offset; /* in struct zmalloc_stats */
};

#define ZM_FIGURE_ONE_MORE(...) +1
enum {
	ZM_FIGURES_COUNT = 0 ZM_FIGURES(ZM_FIGURE_ONE_MORE, ZM_FIGURE_ONE_MORE)
};
extern const struct zm_figure zm_figures[ZM_FIGURES_COUNT];

/*
 * Fill the struct: the integers of these groups (enum zm_figure_group), the others unknown, and the ratios.
 * info  of the allocator or of one of its arenas
 */
void zm_figures_fill(struct zmalloc_stats *stats, const struct zm_allocator_info *info, int groups);

/* The ratios alone, from the integers. */
void zm_figures_derive(struct zmalloc_stats *stats);

/* Of a figure that is an integer; of one that is a ratio. */
uint64_t zm_figure_integer(const struct zmalloc_stats *stats, const struct zm_figure *figure);
double zm_figure_ratio(const struct zmalloc_stats *stats, const struct zm_figure *figure);

/* Is it there, and not unknown? room: bytes of the struct that may be looked at. */
bool zm_figure_is_known(const struct zmalloc_stats *stats, size_t room,
			const struct zm_figure *figure);

#endif
