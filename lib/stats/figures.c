/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/figures.c - the list of figures held against struct zmalloc_stats, and filling that struct.
 */
#include "config.h"

#include "stats/figures.h"

#include <math.h>

#include "account/account.h"
#include "account/limits.h"
#include "base/assert.h"
#include "os/os.h"

/* ---- The list and the header agree ---- */

/*
 * The struct that the list describes. A row without a member has no place in the header's struct, and
 * rows in another order have another place there.
 */
#define INTEGER_MEMBER(member, ...) uint64_t member;
#define RATIO_MEMBER(member, ...) double member;
struct shape {
	size_t size;
	ZM_FIGURES(INTEGER_MEMBER, RATIO_MEMBER)
};

#define SAME_PLACE(member, ...)                                                                    \
	_Static_assert(offsetof(struct shape, member) == offsetof(struct zmalloc_stats, member),   \
		       "lib/stats/figure_list.h has " #member                                      \
		       " in another place than struct zmalloc_stats of include/zmalloc/stats.h");
ZM_FIGURES(SAME_PLACE, SAME_PLACE)

/* The compiler names the first member that no row is for: a missing initializer. */
#define INTEGER_NOUGHT(...) , 0
#define RATIO_NOUGHT(...) , 0.0
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wmissing-field-initializers"
#endif
_Static_assert(sizeof(struct shape) ==
		       sizeof((struct zmalloc_stats){0 ZM_FIGURES(INTEGER_NOUGHT, RATIO_NOUGHT)}),
	       "struct zmalloc_stats of include/zmalloc/stats.h has a member that "
	       "lib/stats/figure_list.h has no row for");
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/* ---- Rows ---- */

#define INTEGER_ROW(member, unit, kind, group, known, source, column, help)                        \
	{#member,        column,         help,                                                     \
	 ZM_UNIT_##unit, ZM_KIND_##kind, offsetof(struct zmalloc_stats, member)},
#define RATIO_ROW(member, of, to, column, help)                                                    \
	{#member,       column,        help,                                                       \
	 ZM_UNIT_RATIO, ZM_KIND_GAUGE, offsetof(struct zmalloc_stats, member)},

const struct zm_figure zm_figures[ZM_FIGURES_COUNT] = {ZM_FIGURES(INTEGER_ROW, RATIO_ROW)};

uint64_t zm_figure_integer(const struct zmalloc_stats *stats, const struct zm_figure *figure)
{
	zm_assert(figure->unit != ZM_UNIT_RATIO);
	return *(const uint64_t *)((const char *)stats + figure->offset);
}

double zm_figure_ratio(const struct zmalloc_stats *stats, const struct zm_figure *figure)
{
	zm_assert(figure->unit == ZM_UNIT_RATIO);
	return *(const double *)((const char *)stats + figure->offset);
}

/* A ratio below 0 or infinite is the caller's invention. */
bool zm_figure_is_known(const struct zmalloc_stats *stats, size_t room,
			const struct zm_figure *figure)
{
	double ratio;

	if (figure->offset + sizeof(uint64_t) > room)
		return false;
	if (figure->unit != ZM_UNIT_RATIO)
		return zm_figure_integer(stats, figure) != ZMALLOC_STATS_UNKNOWN;
	ratio = zm_figure_ratio(stats, figure);
	return isfinite(ratio) && ratio >= 0;
}

/* ---- Filling ---- */

static size_t resident_set(void)
{
	size_t bytes;

	return zm_os_rss(&bytes) == 0 ? bytes : ZM_UNKNOWN;
}

enum {
	MAYBE,
	ALWAYS
};

/* value: of so many bytes, whose largest is ZM_UNKNOWN. */
static uint64_t taken(uint64_t value, size_t bytes, int known)
{
	if (bytes < sizeof(value) && value == SIZE_MAX)
		value = ZMALLOC_STATS_UNKNOWN;
	zm_assert(known != ALWAYS || value != ZMALLOC_STATS_UNKNOWN);
	(void)known;
	return value;
}

#define FILL(member, unit, kind, group, known, source, column, help)                               \
	stats->member = (groups & ZM_GROUP_##group) != 0 ? taken(source, sizeof(source), known)    \
							 : ZMALLOC_STATS_UNKNOWN;

void zm_figures_fill(struct zmalloc_stats *stats, const struct zm_allocator_info *info, int groups)
{
	stats->size = sizeof(*stats);
	ZM_FIGURES(FILL, ZM_NO_FIGURE)
	zm_figures_derive(stats);
}

static double ratio(uint64_t of, uint64_t to)
{
	if (of == ZMALLOC_STATS_UNKNOWN || to == ZMALLOC_STATS_UNKNOWN || to == 0)
		return NAN;
	return (double)of / (double)to;
}

#define DERIVE(member, of, to, column, help) stats->member = ratio(stats->of, stats->to);

void zm_figures_derive(struct zmalloc_stats *stats)
{
	ZM_FIGURES(ZM_NO_FIGURE, DERIVE)
}
