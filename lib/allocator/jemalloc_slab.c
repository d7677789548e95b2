/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_slab.c - slabs as an unpatched jemalloc tells of them.
 *
 * experimental.utilization.batch_query tells of an address how many regions its slab has, how many of
 * them are free, and the slab's bytes; an address in a batch costs half of what one alone does.
 * arenas.lookup tells the arena, under a lock. Neither tells where the slab begins, which is why
 * zm_slab_region() has to. Both fault on an address that jemalloc has never had anything to do with: see
 * jemalloc_granules.h. What they cost is a part of `make bench-defrag`.
 */
#include "config.h"

#include "allocator/slab.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "allocator/allocator.h"
#include "allocator/arena.h"
#include "allocator/jemalloc_decay.h"
#include "allocator/jemalloc_gone.h"
#include "allocator/jemalloc_granules.h"
#include "allocator/jemalloc_mib.h"
#include "allocator/jemalloc_names.h"
#include "base/lock.h"

void zm_slab_note(const void *ptr)
{
	zm_granule_note(ptr);
}

/* ---- Layout ---- */

/*
 * jemalloc's small classes end below 2^(page shift + 2):
 * 14 KiB for 4 KiB pages, 224 KiB for 64 KiB.
 */
#define LARGEST_REGION_BYTES (256 << 10)

static struct {
	struct zm_slab_layout layout;
	bool usable;
	/*
	 * Bin by region size in units of 8 bytes, jemalloc's smallest class;
	 * largest: the largest bin there is.
	 */
	uint8_t bin_by_size[1 + LARGEST_REGION_BYTES / 8];
	uint32_t largest_region_bytes;
	struct zm_je_mib batch_query, lookup, curslabs, curregs, tcache_flush;
} je;
static struct zm_once je_once;

/*
 * odd * inverse == 1 modulo 2^32; each step doubles the bits that are right, three to begin with.
 */
static uint32_t inverse_of(uint32_t odd)
{
	uint32_t inverse = odd;

	for (int i = 0; i < 4; i++)
		inverse *= 2 - odd * inverse;
	return inverse;
}

/* False if regions of this bin do not name their slab. */
static bool work_out_bin(struct zm_slab_bin *bin, unsigned page_shift)
{
	unsigned shift = 0;

	while (shift < page_shift && (bin->region_bytes >> shift) % 2 == 0)
		shift++;
	bin->shift = (uint8_t)shift;
	bin->inverse = inverse_of(bin->region_bytes >> shift | 1);
	return bin->regions == 1 || (bin->slab_bytes == bin->region_bytes << (page_shift - shift) &&
				     bin->regions == 1u << (page_shift - shift));
}

static bool read_bin(unsigned number, struct zm_slab_bin *bin)
{
	struct zm_je_mib size, regions, slab;
	size_t region_bytes, slab_bytes;

	if (!zm_je_resolve(&size, "arenas.bin.0.size") ||
	    !zm_je_resolve(&regions, "arenas.bin.0.nregs") ||
	    !zm_je_resolve(&slab, "arenas.bin.0.slab_size") ||
	    !zm_je_read_at(size, ZM_JE_LAYOUT_BIN_AT, number, &region_bytes,
			   sizeof(region_bytes)) ||
	    !zm_je_read_at(regions, ZM_JE_LAYOUT_BIN_AT, number, &bin->regions,
			   sizeof(bin->regions)) ||
	    !zm_je_read_at(slab, ZM_JE_LAYOUT_BIN_AT, number, &slab_bytes, sizeof(slab_bytes)))
		return false;
	if (region_bytes > LARGEST_REGION_BYTES || bin->regions == 0 || slab_bytes > UINT32_MAX)
		return false;
	bin->region_bytes = (uint32_t)region_bytes;
	bin->slab_bytes = (uint32_t)slab_bytes;
	return true;
}

static bool read_layout(struct zm_slab_layout *layout)
{
	if (!zm_je_read_by_name("arenas.page", &layout->page_bytes, sizeof(layout->page_bytes)) ||
	    !zm_je_read_by_name("arenas.nbins", &layout->bins, sizeof(layout->bins)) ||
	    layout->bins > ZM_SLAB_BINS_MAX)
		return false;
	while ((size_t)1 << layout->page_shift < layout->page_bytes)
		layout->page_shift++;
	layout->exact = true;
	for (unsigned i = 0; i < layout->bins; i++) {
		struct zm_slab_bin *bin = &layout->bin[i];

		if (!read_bin(i, bin))
			return false;
		if (!work_out_bin(bin, layout->page_shift))
			layout->exact = false;
		je.bin_by_size[bin->region_bytes / 8] = (uint8_t)i;
		je.largest_region_bytes = bin->region_bytes;
	}
	return true;
}

struct usage {
	size_t free, regions, bytes;
};

static bool ask_usage(const void *const *ptrs, struct usage *usage, size_t count)
{
	size_t bytes = count * sizeof(*usage);

	return ZM_JE(mallctlbymib)(je.batch_query.path, je.batch_query.depth, usage, &bytes,
				   (void *)ptrs, count * sizeof(*ptrs)) == 0;
}

/* Experimental: does it answer in the form that we know? */
static bool ask_usage_works(void)
{
	void *block = ZM_JE_OWN(mallocx)(1, 0);
	const void *asked = block;
	struct usage usage = {0, 0, 0};
	bool works;

	if (block == NULL)
		return false;
	works = ask_usage(&asked, &usage, 1) && usage.free < usage.regions &&
		usage.bytes == je.layout.bin[0].slab_bytes &&
		usage.regions == je.layout.bin[0].regions;
	ZM_JE_OWN(sdallocx)(block, 1, 0);
	return works;
}

static void open_once(void)
{
	bool stats = false;

	je.usable = zm_je_read_by_name("config.stats", &stats, sizeof(stats)) && stats &&
		    read_layout(&je.layout) &&
		    zm_je_resolve(&je.batch_query, "experimental.utilization.batch_query") &&
		    zm_je_resolve(&je.lookup, "arenas.lookup") &&
		    zm_je_resolve(&je.curslabs, "stats.arenas.0.bins.0.curslabs") &&
		    zm_je_resolve(&je.curregs, "stats.arenas.0.bins.0.curregs") &&
		    zm_je_resolve(&je.tcache_flush, "tcache.flush") && ask_usage_works() &&
		    zm_je_answers_for_gone(&je.layout) && zm_je_decay_open();
}

const struct zm_slab_layout *zm_slab_layout(void)
{
	zm_allocator_init();
	zm_once(&je_once, open_once);
	return je.usable ? &je.layout : NULL;
}

/* ---- Asking ---- */

/* The arena of an address. False if jemalloc knows of nothing there. */
static bool arena_of(const void *ptr, uint32_t *arena)
{
	size_t bytes = sizeof(*arena);

	/* The blocks of private arenas stay where they are: those may end without being freed. */
	if (zm_arena_may_own(ptr))
		return false;
	return zm_granule_known(ptr) && ZM_JE(mallctlbymib)(je.lookup.path, je.lookup.depth, arena,
							    &bytes, (void *)&ptr, sizeof(ptr)) == 0;
}

/*
 * Which bin has slabs like this one?
 * A large block answers one region, in more bytes than any bin's region has.
 */
static bool bin_of(const struct usage *usage, uint32_t *bin)
{
	size_t region_bytes;

	if (usage->regions < 2)
		return false;
	region_bytes = usage->bytes / usage->regions;
	if (region_bytes > je.largest_region_bytes)
		return false;
	*bin = je.bin_by_size[region_bytes / 8];
	return je.layout.bin[*bin].regions == usage->regions &&
	       je.layout.bin[*bin].slab_bytes == usage->bytes;
}

static bool same_usage(const struct usage *a, const struct usage *b)
{
	return a->free == b->free && a->regions == b->regions && a->bytes == b->bytes;
}

bool zm_slab_find(const void *ptr, struct zm_slab *slab)
{
	const struct zm_slab_bin *bin;
	const void *asked[3] = {ptr};
	struct usage usage[3];
	uint32_t region, arena;

	if (!je.layout.exact || !arena_of(ptr, &slab->arena) || !ask_usage(asked, usage, 1) ||
	    !bin_of(&usage[0], &slab->bin))
		return false;
	bin = &je.layout.bin[slab->bin];
	region = zm_slab_region(&je.layout, bin, ptr);
	if (region >= bin->regions)
		return false;
	slab->base = (char *)(uintptr_t)ptr - (size_t)region * bin->region_bytes;
	slab->used = (uint32_t)(usage[0].regions - usage[0].free);
	if (bin->slab_bytes == je.layout.page_bytes)
		return true;
	/*
	 * Counts of an inside address can be those of another start.
	 * Then the slab would reach into its neighbour.
	 */
	asked[1] = slab->base;
	asked[2] = slab->base + bin->slab_bytes - 1;
	return arena_of(asked[1], &arena) && arena == slab->arena && arena_of(asked[2], &arena) &&
	       arena == slab->arena && ask_usage(asked, usage, 3) &&
	       same_usage(&usage[0], &usage[1]) && same_usage(&usage[0], &usage[2]);
}

void zm_slab_used(char *const *bases, const uint32_t *bins, uint32_t *used, size_t count)
{
	struct usage usage[ZM_SLAB_BATCH];
	bool answered = ask_usage((const void *const *)bases, usage, count);

	for (size_t i = 0; i < count; i++) {
		const struct zm_slab_bin *bin = &je.layout.bin[bins[i]];

		used[i] = answered && usage[i].regions == bin->regions &&
					  usage[i].bytes == bin->slab_bytes
				  ? (uint32_t)(usage[i].regions - usage[i].free)
				  : UINT32_MAX;
	}
}

bool zm_slab_usage(const void *ptr, struct zm_slab_usage *usage)
{
	struct usage answer;

	if (!arena_of(ptr, &usage->arena) || !ask_usage(&ptr, &answer, 1))
		return false;
	if (je.layout.exact) {
		if (!bin_of(&answer, &usage->bin))
			return false;
	} else {
		/*
		 * Region sizes do not follow from the slab's: ask.
		 * The address is known to be jemalloc's.
		 */
		size_t bytes = answer.regions < 2 ? SIZE_MAX : ZM_JE_OWN(sallocx)(ptr, 0);

		if (bytes > je.largest_region_bytes)
			return false;
		usage->bin = je.bin_by_size[bytes / 8];
	}
	usage->free = (uint32_t)answer.free;
	usage->regions = (uint32_t)answer.regions;
	return true;
}

int zm_slab_advice(const void *ptr)
{
#if defined(HAVE_JE_GET_DEFRAG_HINT)
	/* Redis's addition, which no header of jemalloc's declares: it knows the slab in use too. */
	int je_get_defrag_hint(void *block);

	return je_get_defrag_hint((void *)(uintptr_t)ptr) != 0;
#else
	(void)ptr;
	return -1;
#endif
}

/* ---- All slabs ---- */

/*
 * Every page of a slab answers for it, and the page after a slab begins something else. So a walk
 * by pages meets each slab at its first, goes on behind its last, and needs no address of a block.
 * Where a slab reaches over the end of a granule, the pages that it has there are left out; if those
 * behind it say the same of themselves they get a wrong base, up to the first that does not.
 */
#define GRANULE_PAGES(layout) ((size_t)1 << (ZM_GRANULE_SHIFT - (layout)->page_shift))

static size_t walk_batch(char *first, size_t pages, void (*found)(const struct zm_slab *slab))
{
	const void *asked[ZM_SLAB_BATCH];
	struct usage usage[ZM_SLAB_BATCH];
	struct zm_slab slab;
	size_t at = 0;

	for (size_t i = 0; i < pages; i++)
		asked[i] = first + (i << je.layout.page_shift);
	if (!ask_usage(asked, usage, pages))
		return pages;
	while (at < pages) {
		if (!bin_of(&usage[at], &slab.bin)) {
			at++;
			continue;
		}
		slab.base = first + (at << je.layout.page_shift);
		slab.used = (uint32_t)(usage[at].regions - usage[at].free);
		if (arena_of(slab.base, &slab.arena))
			found(&slab);
		at += je.layout.bin[slab.bin].slab_bytes >> je.layout.page_shift;
	}
	return at;
}

/* Pages at the beginning of a granule that belong to a slab of the one before. */
static size_t spilled_pages(char *granule)
{
	const void *asked[1 + ZM_SLAB_BATCH];
	struct usage usage[1 + ZM_SLAB_BATCH];
	size_t pages = 0;
	uint32_t bin;

	if (!zm_granule_known(granule - 1))
		return 0;
	asked[0] = granule - 1;
	for (size_t i = 0; i < ZM_SLAB_BATCH; i++)
		asked[1 + i] = granule + (i << je.layout.page_shift);
	if (!ask_usage(asked, usage, 1 + ZM_SLAB_BATCH) || !bin_of(&usage[0], &bin))
		return 0;
	while (pages < ZM_SLAB_BATCH && same_usage(&usage[1 + pages], &usage[0]) &&
	       (pages + 1) << je.layout.page_shift < je.layout.bin[bin].slab_bytes)
		pages++;
	return pages;
}

bool zm_slab_walk(struct zm_slab_walk *walk, size_t pages,
		  void (*found)(const struct zm_slab *slab))
{
	size_t count = zm_granules_count();

	for (size_t done = 0; walk->granule < count; done += ZM_SLAB_BATCH) {
		size_t granule = zm_granule_listed(walk->granule);
		char *first = (char *)(granule << ZM_GRANULE_SHIFT);
		size_t left = GRANULE_PAGES(&je.layout) - walk->page;

		if (done >= pages)
			return false;
		if (granule != 0 && walk->page == 0)
			walk->page = spilled_pages(first);
		if (granule != 0)
			walk->page +=
				walk_batch(first + (walk->page << je.layout.page_shift),
					   left < ZM_SLAB_BATCH ? left : ZM_SLAB_BATCH, found);
		if (granule == 0 || walk->page >= GRANULE_PAGES(&je.layout)) {
			walk->granule++;
			walk->page = 0;
		}
	}
	return true;
}

/* ---- Statistics ---- */

void zm_slab_refresh(void)
{
	zm_je_renew_statistics();
}

unsigned zm_slab_arenas(void)
{
	return zm_je_arenas();
}

static size_t figure_of(struct zm_je_mib mib, size_t arena, size_t bin)
{
	size_t value = 0;

	mib.path[ZM_JE_ARENA_AT] = arena;
	return zm_je_read_at(mib, ZM_JE_ARENA_BIN_AT, bin, &value, sizeof(value)) ? value : 0;
}

bool zm_slab_bin_stats(unsigned arena, unsigned bin, size_t *slabs, size_t *used_regions)
{
	if (bin == 0 && !zm_je_has_arena(arena))
		return false;
	*slabs = figure_of(je.curslabs, arena, bin);
	*used_regions = *slabs != 0 ? figure_of(je.curregs, arena, bin) : 0;
	return true;
}

size_t zm_slab_live_bytes(void)
{
	size_t bytes = 0;

	return zm_je_read_by_name("stats.allocated", &bytes, sizeof(bytes)) ? bytes : 0;
}

/* ---- Moving ---- */

/*
 * Regions are allocated through a cache of our own for each arena, because what a cache is filled with
 * must come from that arena. It is filled by the dozen under one lock, so a region costs less than half
 * of what it costs past all caches, and many are refused, so this shows. To give regions back through a
 * cache would save as much, but then slabs that are being emptied would lie half open to be allocated from.
 */
#define STOCKS 64
static unsigned stocks[STOCKS]; /* number of jemalloc's explicit tcache + 1; 0: none yet */

static int stock_flag(unsigned arena)
{
	unsigned number;
	size_t bytes = sizeof(number);

	if (arena >= STOCKS)
		return MALLOCX_TCACHE_NONE;
	if (stocks[arena] == 0) {
		if (ZM_JE(mallctl)("tcache.create", &number, &bytes, NULL, 0) != 0)
			return MALLOCX_TCACHE_NONE;
		stocks[arena] = number + 1;
	}
	return MALLOCX_TCACHE(stocks[arena] - 1);
}

/*
 * The program will get the region: its size has to be known as that of any new block, and its granule,
 * or the next cycle would not see the slab.
 */
static void *allocate_region(unsigned bin, int flags)
{
	void *ptr = ZM_JE_OWN(mallocx)(je.layout.bin[bin].region_bytes, flags);

	if (ptr == NULL)
		return NULL;
	zm_granule_note(ptr);
	zm_raw_charged(ptr);
	return ptr;
}

void *zm_slab_take(unsigned arena, unsigned bin)
{
	return allocate_region(bin, MALLOCX_ARENA(arena) | stock_flag(arena));
}

bool zm_slab_bin_of(size_t size, unsigned *bin)
{
	size_t bytes;

	if (size > je.largest_region_bytes)
		return false;
	bytes = ZM_JE_OWN(nallocx)(size + (size == 0), 0);
	*bin = je.bin_by_size[bytes / 8];
	return bytes <= je.largest_region_bytes;
}

void *zm_slab_take_alone(unsigned arena, unsigned bin)
{
	return allocate_region(bin, MALLOCX_ARENA(arena) | MALLOCX_TCACHE_NONE);
}

void zm_slab_give(void *const *regions, size_t count, unsigned bin)
{
	for (size_t i = 0; i < count; i++)
		ZM_JE_OWN(sdallocx)
	(regions[i], je.layout.bin[bin].region_bytes, MALLOCX_TCACHE_NONE);
}

bool zm_slab_drain_next(unsigned *next)
{
	while (*next < STOCKS) {
		unsigned number = stocks[(*next)++] - 1;

		if (number != UINT_MAX) {
			ZM_JE(mallctlbymib)
			(je.tcache_flush.path, je.tcache_flush.depth, NULL, NULL, &number,
			 sizeof(number));
			return true;
		}
	}
	return false;
}

void zm_slab_drain(void)
{
	unsigned next = 0;

	while (zm_slab_drain_next(&next))
		;
}

void zm_slab_flush_thread(void)
{
	ZM_JE(mallctl)("thread.tcache.flush", NULL, NULL, NULL, 0);
}
