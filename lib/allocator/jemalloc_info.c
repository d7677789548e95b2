/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_info.c - jemalloc's figures: for the process, an arena, a bin.
 *
 * Statistics are a snapshot (jemalloc(3), "epoch"). To read a figure of it takes one lock. Names are
 * resolved only once.
 */
#include "config.h"

#include "allocator/allocator.h"

#include <errno.h>

#include "allocator/jemalloc_mib.h"
#include "allocator/jemalloc_names.h"
#include "base/lock.h"

static struct {
	struct zm_je_mib allocated, active, resident, retained, metadata;
	struct zm_je_mib small, large, pactive, pmuzzy, arena_resident, arena_retained, base,
		internal;
	struct zm_je_mib curslabs, curregs;
	struct zm_je_mib bin_size, bin_regions;
	size_t page_bytes;
	unsigned bins;
} je;

static void resolve_all(void)
{
	zm_je_resolve(&je.allocated, "stats.allocated");
	zm_je_resolve(&je.active, "stats.active");
	zm_je_resolve(&je.resident, "stats.resident");
	zm_je_resolve(&je.retained, "stats.retained");
	zm_je_resolve(&je.metadata, "stats.metadata");
	zm_je_resolve(&je.small, "stats.arenas.0.small.allocated");
	zm_je_resolve(&je.large, "stats.arenas.0.large.allocated");
	zm_je_resolve(&je.pactive, "stats.arenas.0.pactive");
	zm_je_resolve(&je.pmuzzy, "stats.arenas.0.pmuzzy");
	zm_je_resolve(&je.arena_resident, "stats.arenas.0.resident");
	zm_je_resolve(&je.arena_retained, "stats.arenas.0.retained");
	zm_je_resolve(&je.base, "stats.arenas.0.base");
	zm_je_resolve(&je.internal, "stats.arenas.0.internal");
	zm_je_resolve(&je.curslabs, "stats.arenas.0.bins.0.curslabs");
	zm_je_resolve(&je.curregs, "stats.arenas.0.bins.0.curregs");
	zm_je_resolve(&je.bin_size, "arenas.bin.0.size");
	zm_je_resolve(&je.bin_regions, "arenas.bin.0.nregs");
	zm_je_read_by_name("arenas.page", &je.page_bytes, sizeof(je.page_bytes));
	zm_je_read_by_name("arenas.nbins", &je.bins, sizeof(je.bins));
}

static void prepare(bool refresh)
{
	static struct zm_once resolved;

	zm_once(&resolved, resolve_all);
	if (refresh)
		zm_je_renew_statistics();
}

/* Takes the path by value: callers put their numbers into a copy. */
static size_t read_size(struct zm_je_mib mib)
{
	size_t value;

	return zm_je_read(&mib, &value, sizeof(value)) ? value : ZM_UNKNOWN;
}

static size_t read_arena(struct zm_je_mib mib, size_t arena)
{
	mib.path[ZM_JE_ARENA_AT] = arena;
	return read_size(mib);
}

static size_t read_arena_bin(struct zm_je_mib mib, size_t arena, size_t bin)
{
	mib.path[ZM_JE_ARENA_BIN_AT] = bin;
	return read_arena(mib, arena);
}

static size_t bin_region_bytes(size_t bin)
{
	size_t bytes;

	return zm_je_read_at(je.bin_size, ZM_JE_LAYOUT_BIN_AT, bin, &bytes, sizeof(bytes))
		       ? bytes
		       : ZM_UNKNOWN;
}

/* Of type uint32_t, unlike all else here. */
static size_t bin_slab_regions(size_t bin)
{
	uint32_t regions;

	return zm_je_read_at(je.bin_regions, ZM_JE_LAYOUT_BIN_AT, bin, &regions, sizeof(regions))
		       ? regions
		       : ZM_UNKNOWN;
}

static size_t bytes_of_pages(size_t count)
{
	return count == ZM_UNKNOWN ? ZM_UNKNOWN : count * je.page_bytes;
}

static size_t sum_if_known(size_t a, size_t b)
{
	return a == ZM_UNKNOWN || b == ZM_UNKNOWN ? ZM_UNKNOWN : a + b;
}

/* ---- Bins ---- */

static bool read_bin(size_t arena, size_t number, struct zm_allocator_bin *bin)
{
	size_t slab_regions = bin_slab_regions(number);

	bin->region_bytes = bin_region_bytes(number);
	bin->slabs = read_arena_bin(je.curslabs, arena, number);
	bin->used_regions = read_arena_bin(je.curregs, arena, number);
	if (slab_regions == ZM_UNKNOWN || bin->region_bytes == ZM_UNKNOWN ||
	    bin->slabs == ZM_UNKNOWN || bin->used_regions == ZM_UNKNOWN)
		return false;
	bin->regions = bin->slabs * slab_regions;
	bin->free_bytes = (bin->regions - bin->used_regions) * bin->region_bytes;
	return true;
}

static size_t smallbins_frag(size_t arena)
{
	struct zm_allocator_bin bin;
	size_t frag = 0;

	for (unsigned number = 0; number < je.bins; number++) {
		if (!read_bin(arena, number, &bin))
			return ZM_UNKNOWN;
		frag += bin.free_bytes;
	}
	return frag;
}

int zm_allocator_bins(unsigned arena, bool refresh, zm_allocator_bin_visit visit, void *context)
{
	struct zm_allocator_bin bin;

	prepare(refresh);
	if (arena == ZM_ALL_ARENAS)
		arena = MALLCTL_ARENAS_ALL;
	else if (!zm_je_has_arena(arena))
		return ENOENT;
	for (unsigned number = 0; number < je.bins; number++) {
		if (!read_bin(arena, number, &bin))
			return ENOTSUP;
		if (bin.slabs != 0 && !visit(&bin, context))
			break;
	}
	return 0;
}

/* ---- Sums ---- */

bool zm_allocator_info(bool refresh, struct zm_allocator_info *info)
{
	prepare(refresh);
	info->allocated = read_size(je.allocated);
	info->active = read_size(je.active);
	info->resident = read_size(je.resident);
	info->retained = read_size(je.retained);
	info->metadata = read_size(je.metadata);
	info->muzzy = bytes_of_pages(read_arena(je.pmuzzy, MALLCTL_ARENAS_ALL));
	info->frag_smallbins = smallbins_frag(MALLCTL_ARENAS_ALL);
	return info->active != ZM_UNKNOWN;
}

unsigned zm_allocator_arenas(void)
{
	return zm_je_arenas();
}

bool zm_allocator_info_by_arena(unsigned arena, bool refresh, struct zm_allocator_info *info)
{
	*info = ZM_ALLOCATOR_INFO_UNKNOWN;
	prepare(refresh);
	if (!zm_je_has_arena(arena))
		return false;
	info->allocated = sum_if_known(read_arena(je.small, arena), read_arena(je.large, arena));
	info->active = bytes_of_pages(read_arena(je.pactive, arena));
	info->resident = read_arena(je.arena_resident, arena);
	info->retained = read_arena(je.arena_retained, arena);
	info->metadata = sum_if_known(read_arena(je.base, arena), read_arena(je.internal, arena));
	info->muzzy = bytes_of_pages(read_arena(je.pmuzzy, arena));
	info->frag_smallbins = smallbins_frag(arena);
	return info->active != ZM_UNKNOWN;
}
