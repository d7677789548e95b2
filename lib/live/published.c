/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/published.c - what stands on a published page: how the writer puts it there and a reader
 * takes it off.
 *
 * Readers trust nothing: the page may be cut short, half written, or made up by someone. It is copied by
 * pread(2), every text in it is ended and made printable, and figures that cannot be are refused.
 */
#include "config.h"

#include "live/published.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zmalloc.h>

#include "base/clock.h"
#include "base/text.h"

/*
 * A writer takes a microsecond for a page, a few more for one in a file, and may lose the processor in the
 * middle of it for some 10 ms. What does not come to rest in so many looks, 60 ms at least, is no page.
 */
#define ATTEMPTS 1000

/* ---- Writing ---- */

void zm_published_describe(struct zm_published *page)
{
	int64_t pid = getpid();
	struct zm_os_process self;

	/* Where there is no /proc the process is found from outside all the same. */
	if (zm_os_process(pid, &self) != 0)
		memset(&self, 0, sizeof(self));
	memcpy(page->magic, ZM_PUBLISHED_MAGIC, sizeof(page->magic));
	page->form = ZM_PUBLISHED_FORM;
	page->size = sizeof(*page);
	page->figures = ZM_PUBLISHED_FIGURES;
	page->pid = pid;
	page->start = self.start;
	page->image = self.image;
	zm_text_copy(page->name, sizeof(page->name), self.name, sizeof(self.name));
	zm_text_copy(page->allocator, sizeof(page->allocator), zmalloc_allocator(), SIZE_MAX);
	zm_text_copy(page->version, sizeof(page->version), zmalloc_version(), SIZE_MAX);
}

#define PUT(member, ...) figure[ZM_PUBLISHED_##member] = stats->member;

void zm_published_put(uint64_t figure[ZM_PUBLISHED_FIGURES], const struct zmalloc_stats *stats)
{
	ZM_FIGURES(PUT, ZM_NO_FIGURE)
}

void zm_published_write(struct zm_published *page, const struct zmalloc_stats *stats)
{
	uint32_t odd = zm_sequence_begin(&page->sequence);

	page->updated_ms = zm_clock_ns(CLOCK_REALTIME) / 1000000;
	zm_published_put(page->figure, stats);
	zm_sequence_end(&page->sequence, odd);
}

/* ---- Reading ---- */

static uint64_t figure_at(const uint64_t figure[], uint32_t count, uint32_t place)
{
	return place < count ? figure[place] : ZMALLOC_STATS_UNKNOWN;
}

#define GET(member, ...) stats->member = figure_at(figure, count, ZM_PUBLISHED_##member);

void zm_published_get(const uint64_t figure[], uint32_t count, struct zmalloc_stats *stats)
{
	stats->size = sizeof(*stats);
	ZM_FIGURES(GET, ZM_NO_FIGURE)
	zm_figures_derive(stats);
}

/* A writer that has more figures than we has a larger page, of which we copy the front. */
static bool is_whole(const struct zm_published *page, size_t copied, uint64_t bytes)
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

/* Whatever a process has, it is no more than this; the rest was made up. */
static bool can_be(const struct zm_published *page)
{
	for (uint32_t i = 0; i < page->figures && i < ZM_PUBLISHED_FIGURES; i++)
		if (page->figure[i] > INT64_MAX && page->figure[i] != ZMALLOC_STATS_UNKNOWN)
			return false;
	return true;
}

static bool read_sequence(int fd, uint32_t *sequence)
{
	return pread(fd, sequence, sizeof(*sequence), offsetof(struct zm_published, sequence)) ==
	       (ssize_t)sizeof(*sequence);
}

/* Bytes of the file; 0 if it does not tell. */
static uint64_t bytes_of(int fd)
{
	struct stat about;

	return fstat(fd, &about) == 0 && about.st_size > 0 ? (uint64_t)about.st_size : 0;
}

int zm_published_copy(int fd, struct zm_published *page)
{
	const struct timespec pause = {.tv_nsec = 10000};
	uint32_t before, after;
	ssize_t copied = 0;
	bool at_rest;

	for (int i = 0; i < ATTEMPTS; i++) {
		if (!read_sequence(fd, &before))
			return EBADMSG;
		at_rest = zm_sequence_may_copy(before);
		if (at_rest)
			copied = pread(fd, page, sizeof(*page), 0);
		zm_sequence_copied();
		if (copied < 0 || !read_sequence(fd, &after))
			return EBADMSG;
		if (at_rest && before == after)
			return is_whole(page, (size_t)copied, bytes_of(fd)) && can_be(page)
				       ? 0
				       : EBADMSG;
		nanosleep(&pause, NULL);
	}
	return EBADMSG;
}

void zm_published_show(const struct zm_published *page, struct zmalloc_process *process)
{
	process->updated_ms = page->updated_ms;
	zm_text_copy(process->allocator, sizeof(process->allocator), page->allocator,
		     sizeof(page->allocator));
	zm_text_copy(process->version, sizeof(process->version), page->version,
		     sizeof(page->version));
	zm_published_get(page->figure, page->figures, &process->stats);
}
