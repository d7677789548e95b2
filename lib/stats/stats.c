/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/stats.c - the figures of this process, of an arena, of a size class.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <zmalloc/stats.h>

#include "account/account.h"
#include "base/sized.h"
#include "os/os.h"
#include "stats/figures.h"
#include "stats/stats.h"

/* What is held is no one's block, whatever the allocator thinks. */
static void leave_out_held(struct zm_allocator_info *info)
{
	size_t held = zm_account_held();

	if (held > info->allocated)
		held = info->allocated;
	info->allocated -= held;
	if (info->frag_smallbins != ZM_UNKNOWN)
		info->frag_smallbins += held;
}

bool zm_figures(bool refresh, struct zm_allocator_info *info)
{
	bool known = zm_allocator_info(refresh, info);

	/*
	 * Live blocks are what the accounts count,
	 * but for any that the program took from the same allocator itself.
	 */
	if (info->allocated == ZM_UNKNOWN)
		info->allocated = zm_account_used();
	else
		leave_out_held(info);
	return known;
}

static uint64_t wide(size_t bytes)
{
	return bytes != ZM_UNKNOWN ? bytes : ZMALLOC_STATS_UNKNOWN;
}

static double ratio(uint64_t of, uint64_t to)
{
	if (of == ZMALLOC_STATS_UNKNOWN || to == ZMALLOC_STATS_UNKNOWN || to == 0)
		return NAN;
	return (double)of / (double)to;
}

void zm_stats_derive(struct zmalloc_stats *stats)
{
	stats->allocator_frag_ratio = ratio(stats->active_bytes, stats->allocated_bytes);
	stats->allocator_rss_ratio = ratio(stats->resident_bytes, stats->active_bytes);
	stats->rss_overhead_ratio = ratio(stats->rss_bytes, stats->resident_bytes);
	stats->mem_fragmentation_ratio = ratio(stats->rss_bytes, stats->used_bytes);
}

static void set_allocator_figures(struct zmalloc_stats *stats, const struct zm_allocator_info *info)
{
	stats->allocated_bytes = wide(info->allocated);
	stats->active_bytes = wide(info->active);
	stats->resident_bytes = wide(info->resident);
	stats->retained_bytes = wide(info->retained);
	stats->muzzy_bytes = wide(info->muzzy);
	stats->metadata_bytes = wide(info->metadata);
	stats->frag_smallbins_bytes = wide(info->frag_smallbins);
}

void zm_stats_take(bool refresh, struct zmalloc_stats *stats)
{
	struct zm_allocator_info info;
	size_t rss;

	zm_figures(refresh, &info);
	set_allocator_figures(stats, &info);
	stats->size = sizeof(*stats);
	stats->used_bytes = zm_account_used();
	stats->peak_bytes = zm_account_peak();
	stats->threads = zm_account_threads();
	stats->rss_bytes = zm_os_rss(&rss) == 0 ? rss : ZMALLOC_STATS_UNKNOWN;
	zm_stats_derive(stats);
}

int zmalloc_stats_get(struct zmalloc_stats *stats, int refresh)
{
	struct zmalloc_stats taken;

	if (!zm_sized_is_set(stats))
		return -1;
	zm_stats_take(refresh != 0, &taken);
	return zm_sized_hand_over(stats, &taken, sizeof(taken));
}

unsigned zmalloc_stats_arenas(void)
{
	return zm_allocator_arenas();
}

int zmalloc_stats_get_arena(unsigned arena, int refresh, struct zmalloc_stats *stats)
{
	struct zmalloc_stats taken;
	struct zm_allocator_info info;

	if (!zm_sized_is_set(stats))
		return -1;
	if (!zm_allocator_info_by_arena(arena, refresh != 0, &info)) {
		errno = zm_allocator_arenas() == 0 ? ENOTSUP : ENOENT;
		return -1;
	}
	set_allocator_figures(&taken, &info);
	taken.size = sizeof(taken);
	taken.used_bytes = taken.peak_bytes = taken.rss_bytes = taken.threads =
		ZMALLOC_STATS_UNKNOWN;
	zm_stats_derive(&taken);
	return zm_sized_hand_over(stats, &taken, sizeof(taken));
}

/* ---- Size classes ---- */

struct visitor {
	int (*visit)(const struct zmalloc_bin_stats *bin, void *context);
	void *context;
	int answer;
};

static bool show(const struct zm_allocator_bin *bin, void *context)
{
	struct visitor *visitor = context;
	const struct zmalloc_bin_stats stats = {
		.size = sizeof(stats),
		.region_bytes = bin->region_bytes,
		.slabs = wide(bin->slabs),
		.regions = wide(bin->regions),
		.used_regions = wide(bin->used_regions),
		.free_bytes = bin->free_bytes,
	};

	visitor->answer = visitor->visit(&stats, visitor->context);
	return visitor->answer == 0;
}

int zmalloc_stats_visit_bins(unsigned arena, int refresh,
			     int (*visit)(const struct zmalloc_bin_stats *bin, void *context),
			     void *context)
{
	struct visitor visitor = {visit, context, 0};
	int error = zm_allocator_bins(arena == ZMALLOC_STATS_ALL_ARENAS ? ZM_ALL_ARENAS : arena,
				      refresh != 0, show, &visitor);

	if (error == 0)
		return visitor.answer;
	errno = error;
	return -1;
}
