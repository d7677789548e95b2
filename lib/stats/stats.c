/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/stats.c - the figures of this process, of an arena, of a size class.
 */
#include "config.h"

#include <errno.h>

#include <zmalloc/stats.h>

#include "account/account.h"
#include "base/sized.h"
#include "stats/figures.h"
#include "stats/stats.h"

/* A block that a defragmentation cycle holds is nobody's, whatever the allocator thinks. */
static void leave_out_held(struct zm_allocator_info *info)
{
	size_t held = zm_account_held();

	if (held > info->allocated)
		held = info->allocated;
	info->allocated -= held;
	if (info->frag_smallbins != ZM_UNKNOWN)
		info->frag_smallbins += held;
}

bool zm_allocator_figures(bool refresh, struct zm_allocator_info *info)
{
	bool known = zm_allocator_info(refresh, info);

	/*
	 * The accounts count all live blocks but those that the program took from the same allocator
	 * itself.
	 */
	if (info->allocated == ZM_UNKNOWN)
		info->allocated = zm_account_used();
	else
		leave_out_held(info);
	return known;
}

void zm_stats_take(bool refresh, struct zmalloc_stats *stats)
{
	struct zm_allocator_info info;

	zm_allocator_figures(refresh, &info);
	zm_figures_fill(stats, &info, ZM_GROUP_PROCESS | ZM_GROUP_ALLOCATOR);
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
	struct zm_allocator_info info;
	struct zmalloc_stats taken;

	if (!zm_sized_is_set(stats))
		return -1;
	if (!zm_allocator_info_by_arena(arena, refresh != 0, &info)) {
		errno = zm_allocator_arenas() == 0 ? ENOTSUP : ENOENT;
		return -1;
	}
	zm_figures_fill(&taken, &info, ZM_GROUP_ALLOCATOR);
	return zm_sized_hand_over(stats, &taken, sizeof(taken));
}

/* ---- Size classes ---- */

static uint64_t wide(size_t figure)
{
	return figure != ZM_UNKNOWN ? figure : ZMALLOC_STATS_UNKNOWN;
}

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
