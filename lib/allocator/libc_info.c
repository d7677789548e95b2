/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/libc_info.c - figures of the C library's malloc: glibc has them, mallinfo(3) and
 * malloc_info(3).
 */
#include "config.h"

#include "allocator/allocator.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(HAVE_MALLOC_H)
#include <malloc.h>
#endif

#include "allocator/kept_info.h"
#include "base/large_stack.h"

#if defined(HAVE_MALLINFO2)

/*
 * What is obtained from the system is blocks in use, free chunks, and the free top of the heap,
 * which malloc_trim() gives back. Mapped blocks come on top, and have no free part.
 */
static void read_figures(struct zm_allocator_info *info)
{
	struct mallinfo2 figures = mallinfo2();

	*info = ZM_ALLOCATOR_INFO_UNKNOWN;
	if (zm_libc_is_foreign)
		return;
	if (figures.arena + figures.hblkhd == 0) {
		/* Nothing taken yet, or a checker stands in for malloc(). */
		void *volatile block = zm_libc.malloc(1);

		zm_libc.free(block);
		figures = mallinfo2();
	}
	if (figures.arena + figures.hblkhd == 0)
		return;
	info->allocated = figures.uordblks + figures.hblkhd;
	info->active = figures.arena - figures.keepcost + figures.hblkhd;
	info->frag_smallbins = figures.fordblks - figures.keepcost;
}

/* mallinfo2() walks every free chunk under each arena's lock. */
bool zm_allocator_info(bool refresh, struct zm_allocator_info *info)
{
	return zm_kept_info(refresh, read_figures, info);
}

#else

bool zm_allocator_info(bool refresh, struct zm_allocator_info *info)
{
	(void)refresh;
	*info = ZM_ALLOCATOR_INFO_UNKNOWN;
	return false;
}

#endif

#if defined(HAVE_MALLOC_INFO) && defined(HAVE_MALLINFO2)

/* glibc's: 254 bins, and each arena lists those of its own that hold any chunk. */
#define BINS_MAX 256

struct bins {
	size_t count;
	struct zm_allocator_bin bin[BINS_MAX];
};

/* Chunks of several arenas, and of several sizes within a bin, are added up by the largest size. */
static void add_chunks(struct bins *bins, size_t chunk_bytes, size_t total_bytes)
{
	size_t at = 0;

	while (at < bins->count && bins->bin[at].region_bytes < chunk_bytes)
		at++;
	if (at == bins->count || bins->bin[at].region_bytes != chunk_bytes) {
		if (bins->count == BINS_MAX)
			return;
		memmove(&bins->bin[at + 1], &bins->bin[at],
			(bins->count - at) * sizeof(bins->bin[0]));
		bins->bin[at] = (struct zm_allocator_bin){chunk_bytes, ZM_UNKNOWN, ZM_UNKNOWN,
							  ZM_UNKNOWN, 0};
		bins->count++;
	}
	bins->bin[at].free_bytes += total_bytes;
}

/*
 * `  <size from="33" to="48" total="96" count="2"/>`;
 * the unsorted list's is spelt otherwise, and has no one size.
 */
static void read_line(struct bins *bins, const char *line)
{
	size_t from, to, total, count;

	if (sscanf(line, " <size from=\"%zu\" to=\"%zu\" total=\"%zu\" count=\"%zu\"", &from, &to,
		   &total, &count) == 4)
		add_chunks(bins, to, total);
}

/* The text of malloc_info(), for the caller to free. */
struct text {
	char *at;
	size_t size;
	int error;
};

/* On a large stack: malloc_info() has 8 KiB of variables. */
static void *write_text(void *argument)
{
	struct text *text = argument;
	FILE *stream = open_memstream(&text->at, &text->size);

	if (stream == NULL) {
		text->error = ENOMEM;
		return NULL;
	}
	text->error = malloc_info(0, stream) == 0 ? 0 : errno;
	if (fclose(stream) != 0 && text->error == 0)
		text->error = ENOMEM;
	return NULL;
}

int zm_allocator_bins(unsigned arena, bool refresh, zm_allocator_bin_visit visit, void *context)
{
	struct text text = {NULL, 0, 0};
	struct bins *bins;
	char *line, *rest;

	(void)refresh;
	if (zm_libc_is_foreign)
		return ENOTSUP;
	if (arena != ZM_ALL_ARENAS)
		return ENOENT;
	bins = calloc(1, sizeof(*bins));
	if (bins == NULL)
		return ENOMEM;
	zm_on_large_stack(write_text, &text);
	for (line = text.error == 0 ? strtok_r(text.at, "\n", &rest) : NULL; line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		read_line(bins, line);
	free(text.at);
	for (size_t i = 0; i < bins->count; i++)
		if (!visit(&bins->bin[i], context))
			break;
	free(bins);
	return text.error;
}

#else

int zm_allocator_bins(unsigned arena, bool refresh, zm_allocator_bin_visit visit, void *context)
{
	(void)arena, (void)refresh, (void)visit, (void)context;
	return ENOTSUP;
}

#endif
