/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/published.c - what stands on a published page: how the writer puts it there and a reader takes it off.
 */
#include "config.h"

#include "live/published.h"

#include <string.h>

#include <zmalloc.h>

#include "base/text.h"

void zm_published_describe(struct zm_published *page, int64_t pid,
			   const struct zm_os_process *process)
{
	memcpy(page->magic, ZM_PUBLISHED_MAGIC, sizeof(page->magic));
	page->form = ZM_PUBLISHED_FORM;
	page->size = sizeof(*page);
	page->figures = ZM_PUBLISHED_FIGURES;
	page->pid = pid;
	page->start = process->start;
	page->image = process->image;
	zm_text_copy(page->name, sizeof(page->name), process->name, SIZE_MAX);
	zm_text_copy(page->allocator, sizeof(page->allocator), zmalloc_allocator(), SIZE_MAX);
	zm_text_copy(page->version, sizeof(page->version), zmalloc_version(), SIZE_MAX);
}

#define PUT(member, ...) page->figure[ZM_PUBLISHED_##member] = stats->member;

void zm_published_put(struct zm_published *page, const struct zmalloc_stats *stats)
{
	ZM_FIGURES(PUT, ZM_NO_FIGURE)
}

static uint64_t figure_at(const struct zm_published *page, uint32_t place)
{
	return place < page->figures ? page->figure[place] : ZMALLOC_STATS_UNKNOWN;
}

#define GET(member, ...) stats->member = figure_at(page, ZM_PUBLISHED_##member);

void zm_published_get(const struct zm_published *page, struct zmalloc_stats *stats)
{
	stats->size = sizeof(*stats);
	ZM_FIGURES(GET, ZM_NO_FIGURE)
	zm_figures_derive(stats);
}

/* A writer that has more figures than we has a larger page, of which we copy the front. */
bool zm_published_is_whole(const struct zm_published *page, size_t copied, uint64_t bytes)
{
	const size_t head = offsetof(struct zm_published, figure);
	uint64_t end;

	if (copied < head || memcmp(page->magic, ZM_PUBLISHED_MAGIC, sizeof(page->magic)) != 0 ||
	    page->form != ZM_PUBLISHED_FORM)
		return false;
	end = head + (uint64_t)page->figures * sizeof(page->figure[0]);
	return end <= page->size && page->size <= bytes &&
	       copied >= (end < sizeof(*page) ? end : sizeof(*page));
}
