/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/defrag_heap.c - heaps, and what the allocator says of them.
 */
#include "config.h"

#include "bench/defrag_heap.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmalloc/redis.h>

static void die(const char *why)
{
	fprintf(stderr, "defrag: %s\n", why);
	exit(1);
}

static void *plain(size_t count, size_t bytes)
{
	void *pages = calloc(count, bytes);

	if (pages == NULL)
		die("out of memory");
	return pages;
}

/* ---- The allocator ---- */

struct raw raw;
struct bin bins[256];
unsigned bin_count;
unsigned char bin_of_size[(64 << 10) / 8];

static bool find(void *function, const char *name)
{
	void *at = dlsym(RTLD_DEFAULT, name);

	memcpy(function, &at, sizeof(at));
	return at != NULL;
}

static size_t read_mib(const char *name, size_t at, size_t number, size_t bytes)
{
	size_t mib[8], depth = 8;
	union {
		size_t wide;
		uint32_t narrow;
	} value = {0};

	if (raw.mallctlnametomib(name, mib, &depth) != 0)
		return 0;
	mib[at] = number;
	if (raw.mallctlbymib(mib, depth, &value, &bytes, NULL, 0) != 0)
		return 0;
	return bytes == sizeof(uint32_t) ? value.narrow : value.wide;
}

bool raw_open(void)
{
	size_t bytes = sizeof(bin_count);

	if (!find(&raw.mallocx, "mallocx") || !find(&raw.dallocx, "dallocx") ||
	    !find(&raw.sallocx, "sallocx") || !find(&raw.mallctlnametomib, "mallctlnametomib") ||
	    !find(&raw.mallctlbymib, "mallctlbymib") ||
	    zmalloc_ctl("arenas.nbins", &bin_count, &bytes, NULL, 0) != 0 || bin_count > 256)
		return false;
	for (unsigned i = 0; i < bin_count; i++) {
		bins[i].region_bytes = read_mib("arenas.bin.0.size", 2, i, sizeof(size_t));
		bins[i].slab_bytes = read_mib("arenas.bin.0.slab_size", 2, i, sizeof(size_t));
		bins[i].regions = (uint32_t)read_mib("arenas.bin.0.nregs", 2, i, sizeof(uint32_t));
		bin_of_size[bins[i].region_bytes / 8] = (unsigned char)i;
	}
	return true;
}

size_t raw_bin_stat(const char *name, unsigned arena, unsigned bin)
{
	static struct {
		const char *name;
		size_t mib[8], depth;
	} known[4];
	size_t value = 0, bytes = sizeof(value);
	int i = 0;

	while (known[i].name != NULL && strcmp(known[i].name, name) != 0)
		i++;
	if (known[i].name == NULL) {
		char full[64];

		snprintf(full, sizeof(full), "stats.arenas.0.bins.0.%s", name);
		known[i].depth = 8;
		if (raw.mallctlnametomib(full, known[i].mib, &known[i].depth) != 0)
			die("no bin statistics");
		known[i].name = name;
	}
	known[i].mib[2] = arena;
	known[i].mib[4] = bin;
	raw.mallctlbymib(known[i].mib, known[i].depth, &value, &bytes, NULL, 0);
	return value;
}

unsigned raw_arenas(void)
{
	unsigned arenas = 0;
	size_t bytes = sizeof(arenas);

	zmalloc_ctl("arenas.narenas", &arenas, &bytes, NULL, 0);
	return arenas;
}

void raw_refresh(void)
{
	uint64_t epoch = 1;
	size_t bytes = sizeof(epoch);

	zmalloc_ctl("epoch", &epoch, &bytes, &epoch, sizeof(epoch));
}

void raw_query(void *const *ptrs, struct usage *usage, size_t count)
{
	static size_t mib[8], depth;
	size_t bytes = count * sizeof(*usage);

	if (depth == 0) {
		depth = 8;
		if (raw.mallctlnametomib("experimental.utilization.batch_query", mib, &depth) != 0)
			die("no batch_query");
	}
	raw.mallctlbymib(mib, depth, usage, &bytes, (void *)ptrs, count * sizeof(*ptrs));
}

unsigned raw_arena_of(const void *ptr)
{
	static size_t mib[8], depth;
	unsigned arena = 0;
	size_t bytes = sizeof(arena);

	if (depth == 0) {
		depth = 8;
		raw.mallctlnametomib("arenas.lookup", mib, &depth);
	}
	raw.mallctlbymib(mib, depth, &arena, &bytes, &ptr, sizeof(ptr));
	return arena;
}

/* ---- Blocks ---- */

static uint64_t next_random(struct heap *heap)
{
	uint64_t x = heap->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return heap->random = x;
}

static uint32_t below(struct heap *heap, uint32_t bound)
{
	return (uint32_t)((next_random(heap) >> 32) * bound >> 32);
}

/* Keys and small values mostly, as a Redis full of short strings has them. */
static uint32_t small_size(struct heap *heap)
{
	uint32_t kind = below(heap, 100);

	if (kind < 50)
		return 16 + below(heap, 49);
	if (kind < 80)
		return 65 + below(heap, 64);
	return 129 + below(heap, 384);
}

static uint32_t skewed_size(struct heap *heap)
{
	double u = (double)(next_random(heap) >> 11) / 9007199254740992.0;

	return (uint32_t)(16 * exp(u * log(14336.0 / 16)));
}

static void new_block(struct heap *heap, struct block *block, unsigned arena)
{
	block->arena = (uint16_t)arena;
	block->bytes = heap->spec.skewed ? skewed_size(heap) : small_size(heap);
	block->at = heap->spec.arenas > 1 ? zmalloc_with_flags(block->bytes, heap->flags[arena])
					  : zmalloc(block->bytes);
	block->stamp = ++heap->stamps;
	block->at[0] = block->stamp;
	block->at[block->bytes / 8 - 1] = block->stamp;
	block->unknown = below(heap, 1000) < heap->spec.unknown_permille;
}

static void free_block(struct heap *heap, struct block *block)
{
	if (heap->spec.arenas > 1)
		zfree_with_flags(block->at, MALLOCX_TCACHE_NONE);
	else
		zfree(block->at);
	block->at = NULL;
}

static void open_arenas(struct heap *heap)
{
	for (unsigned i = 0; heap->spec.arenas > 1 && i < heap->spec.arenas; i++) {
		unsigned arena;
		size_t bytes = sizeof(arena);

		if (zmalloc_ctl("arenas.create", &arena, &bytes, NULL, 0) != 0)
			die("no arena");
		heap->flags[i] = MALLOCX_ARENA(arena) | MALLOCX_TCACHE_NONE;
	}
}

/*
 * Is the number-th of all blocks, in order of age, one to free?
 * seen: how many of its bin came before.
 */
static bool goes(struct heap *heap, size_t number, size_t seen)
{
	const char *pattern = heap->spec.pattern;

	if (strcmp(pattern, "rand50") == 0)
		return below(heap, 100) < 50;
	if (strcmp(pattern, "rand70") == 0)
		return below(heap, 100) < 70;
	if (strcmp(pattern, "alt") == 0)
		return seen % 2 == 0;
	if (strcmp(pattern, "age") == 0)
		return below(heap, 100) < (number * 2 < heap->count ? 90 : 10);
	return below(heap, 100) < (number * 10 < heap->count * 6 ? 97 : 2);
}

static void free_part(struct heap *heap)
{
	size_t seen[16][256] = {{0}}, left = 0;

	for (size_t i = 0; i < heap->count; i++) {
		struct block block = heap->blocks[i];
		unsigned bin = bin_of_size[raw.sallocx(block.at, 0) / 8];

		if (goes(heap, i, seen[block.arena][bin]++))
			free_block(heap, &block);
		else
			heap->blocks[left++] = block;
	}
	heap->count = left;
}

static void shuffle(struct heap *heap)
{
	for (size_t i = heap->count; i > 1; i--) {
		size_t other = below(heap, (uint32_t)i);
		struct block block = heap->blocks[i - 1];

		heap->blocks[i - 1] = heap->blocks[other];
		heap->blocks[other] = block;
	}
}

void heap_build(struct heap *heap, const struct heap_spec *spec)
{
	size_t filled = 0, capacity = spec->fill_bytes / 16;

	memset(heap, 0, sizeof(*heap));
	heap->spec = *spec;
	heap->random = spec->seed * 0x9e3779b97f4a7c15u + 1;
	heap->blocks = plain(capacity, sizeof(*heap->blocks));
	open_arenas(heap);
	while (filled < spec->fill_bytes) {
		new_block(heap, &heap->blocks[heap->count], (unsigned)heap->count % spec->arenas);
		filled += heap->blocks[heap->count++].bytes;
	}
	heap->own_arena = raw_arena_of(heap->blocks[0].at);
	free_part(heap);
	shuffle(heap);
	zmalloc_ctl("thread.tcache.flush", NULL, NULL, NULL, 0);
}

void heap_check(const struct heap *heap)
{
	for (size_t i = 0; i < heap->count; i++) {
		const struct block *block = &heap->blocks[i];

		if (block->at[0] != block->stamp || block->at[block->bytes / 8 - 1] != block->stamp)
			die("a block lost its contents");
	}
}

void heap_churn(struct heap *heap, size_t examined)
{
	static size_t due;

	if (!heap->spec.churn)
		return;
	for (due += examined; due >= 4; due -= 4) {
		struct block *block = &heap->blocks[below(heap, (uint32_t)heap->count)];
		unsigned arena = block->arena;

		free_block(heap, block);
		new_block(heap, block, arena);
	}
}

/* ---- Figures ---- */

struct frag heap_frag(void)
{
	struct frag frag = {0, 0, 0};

	zmalloc_get_allocator_info(1, &frag.live_bytes, NULL, NULL, NULL, NULL, &frag.frag_bytes);
	frag.percent = 100.0 * (double)frag.frag_bytes / (double)frag.live_bytes;
	return frag;
}

/*
 * A slab with u regions used shows up u times, once for each of its blocks: so blocks counted by
 * what their slab uses, over u, are slabs. No need to know which slab a block is in.
 */
struct slab_census {
	unsigned arenas;
	size_t slabs[64][256];      /* by arena and bin, in all */
	uint32_t *by_used[64][256]; /* blocks */
};

struct slab_census *heap_census(const struct heap *heap)
{
	struct slab_census *census = plain(1, sizeof(*census));

	raw_refresh();
	census->arenas = raw_arenas();
	for (unsigned arena = 0; arena < census->arenas; arena++)
		for (unsigned i = 0; i < bin_count; i++)
			census->slabs[arena][i] = raw_bin_stat("curslabs", arena, i);
	for (size_t n = 0; n < heap->count; n++) {
		void *at = heap->blocks[n].at;
		unsigned arena = raw_arena_of(at), bin;
		struct usage usage;

		raw_query(&at, &usage, 1);
		if (usage.regions < 2)
			continue;
		bin = bin_of_size[usage.bytes / usage.regions / 8];
		if (census->by_used[arena][bin] == NULL)
			census->by_used[arena][bin] =
				plain(bins[bin].regions + 1, sizeof(uint32_t));
		census->by_used[arena][bin][usage.regions - usage.free]++;
	}
	return census;
}

size_t heap_floor(const struct slab_census *census)
{
	size_t bytes = 0;

	raw_refresh();
	for (unsigned arena = 0; arena < census->arenas; arena++)
		for (unsigned i = 0; i < bin_count; i++) {
			size_t slabs = raw_bin_stat("curslabs", arena, i), released;
			const uint32_t *by_used = census->by_used[arena][i];

			if (by_used == NULL || slabs >= census->slabs[arena][i])
				continue;
			released = census->slabs[arena][i] - slabs;
			for (uint32_t used = 1; used <= bins[i].regions && released > 0; used++) {
				size_t have = by_used[used] / used;
				size_t some = have < released ? have : released;

				bytes += some * used * bins[i].region_bytes;
				released -= some;
			}
		}
	return bytes;
}
