/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/defrag_blocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support.h"

size_t block_steps(size_t full, size_t small)
{
	size_t page = 4096, bytes = sizeof(page);

	zmalloc_ctl("arenas.page", &page, &bytes, NULL, 0);
	return page > 4096 ? full : steps(full, small);
}

/* The table lies outside the heap that is measured. */
static void *table_of(size_t count)
{
	void *table = calloc(count, sizeof(struct held_block));

	REQUIRE(table != NULL);
	return table;
}

void blocks_replace(struct held_block *block, size_t bytes, uint32_t seed)
{
	zfree(block->at);
	block->at = zmalloc(bytes);
	block->bytes = (uint32_t)bytes;
	block->seed = seed;
	fill(block->at, bytes, seed);
}

void blocks_fill(struct blocks *blocks, size_t count, size_t largest, uint64_t seed)
{
	struct chance chance = chance_of(seed);

	blocks->held = table_of(count);
	blocks->count = count;
	for (size_t i = 0; i < count; i++)
		blocks_replace(&blocks->held[i], 1 + chance_below(&chance, largest),
			       (uint32_t)chance_next(&chance));
}

void blocks_thin(struct blocks *blocks, unsigned keep_percent)
{
	struct chance chance = chance_of(keep_percent);
	size_t left = 0;

	for (size_t i = 0; i < blocks->count; i++)
		if (chance_below(&chance, 100) < keep_percent)
			blocks->held[left++] = blocks->held[i];
		else
			zfree(blocks->held[i].at);
	blocks->count = left;
}

void blocks_check(const struct blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++)
		REQUIRE(filled(blocks->held[i].at, blocks->held[i].bytes, blocks->held[i].seed));
}

size_t blocks_bytes(const struct blocks *blocks)
{
	size_t bytes = 0;

	for (size_t i = 0; i < blocks->count; i++)
		bytes += zmalloc_size(blocks->held[i].at);
	return bytes;
}

void blocks_free(struct blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++)
		zfree(blocks->held[i].at);
	free(blocks->held);
	blocks->count = 0;
}

void blocks_move(struct held_block *block)
{
	size_t bytes = zmalloc_size(block->at);
	void *copy = zmalloc_no_tcache(bytes);

	memcpy(copy, block->at, bytes);
	zfree_no_tcache(block->at);
	block->at = copy;
}

int blocks_scan(zdefrag *d, int begin, void *context)
{
	struct blocks *blocks = context;

	if (begin) {
		blocks->cursor = 0;
		blocks->walks++;
	}
	while (blocks->cursor < blocks->count) {
		struct held_block *block = &blocks->held[blocks->cursor++];

		if (!block->hidden) {
			block->at = zdefrag_visit(d, block->at);
			blocks->shown++;
		}
		if (blocks->after_each != NULL)
			blocks->after_each(blocks, d);
		if (zdefrag_slice_over(d))
			return 0;
	}
	return 1;
}

zdefrag *blocks_driver_by(zdefrag_scan_function *scan, struct blocks *blocks)
{
	struct zdefrag_settings settings;
	zdefrag *d;

	zdefrag_settings_init(&settings);
	settings.lower_percent = 1;
	settings.ignore_bytes = 0;
	settings.purge_ms = 50;
	d = zdefrag_new(scan, blocks, &settings);
	REQUIRE(d != NULL);
	return d;
}

zdefrag *blocks_driver(struct blocks *blocks)
{
	return blocks_driver_by(blocks_scan, blocks);
}

struct zdefrag_stats stats_of(const zdefrag *d)
{
	struct zdefrag_stats stats = {.size = sizeof(stats)};

	REQUIRE(zdefrag_get_stats(d, &stats) == 0);
	return stats;
}

void step_until_held(zdefrag *d)
{
	for (int i = 0; stats_of(d).held_bytes == 0; i++) {
		REQUIRE(i < 100000);
		zdefrag_step(d);
	}
	REQUIRE(stats_of(d).phase == ZDEFRAG_MOVING);
}

size_t frag_bytes(void)
{
	size_t bytes = 0;

	zmalloc_get_allocator_info(1, NULL, NULL, NULL, NULL, NULL, &bytes);
	return bytes;
}

size_t uncharged_bytes(void)
{
	size_t allocated = 0, used;

	zmalloc_ctl("thread.tcache.flush", NULL, NULL, NULL, 0);
	zmalloc_get_allocator_info(1, &allocated, NULL, NULL, NULL, NULL, NULL);
	used = zmalloc_used_memory();
	return allocated > used ? allocated - used : 0;
}

static int scan_nothing(zdefrag *d, int begin, void *context)
{
	(void)d, (void)begin, (void)context;
	return 1;
}

size_t slab_frag_bytes(void)
{
	struct zdefrag_settings settings;
	size_t bytes;
	zdefrag *d;

	/* It looks, and leaves it at that. */
	zdefrag_settings_init(&settings);
	settings.ignore_bytes = SIZE_MAX;
	d = zdefrag_new(scan_nothing, NULL, &settings);
	REQUIRE(d != NULL && zdefrag_step(d) == ZDEFRAG_IDLE);
	bytes = (size_t)stats_of(d).frag_bytes;
	zdefrag_free(d);
	return bytes;
}

bool slabs_are_planned(void)
{
	return strcmp(ZM_ALLOCATOR_NAME, "jemalloc") == 0;
}

void need_planning(void)
{
	need_defrag();
	if (!slabs_are_planned())
		skip_program("blocks are judged one by one here: see test_defrag_average");
}

void need_defrag(void)
{
	static char reason[128];

	if (zdefrag_supported())
		return;
	snprintf(reason, sizeof(reason), "%s cannot be defragmented", zmalloc_allocator());
	skip_program(reason);
}
