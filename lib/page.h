/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/page.h - the page on which a process publishes its figures: its form, and where it lies.
 *
 * Writer and reader may be of different versions and widths, so every member has a fixed size and
 * place, and new figures are only ever added at the end. The writer maps the page; readers take
 * copies by pread(2), which a page cut short or changed under them cannot hurt, and trust nothing
 * in it.
 *
 * `sequence` is odd while the writer writes. A copy is whole if the sequence was the same even
 * number before and after it.
 */
#ifndef ZM_PAGE_H
#define ZM_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomic.h"

#define ZM_PAGE_MAGIC "zmstats1"

/* In the order of the members of struct zmalloc_stats, ratios left out. */
enum {
	ZM_PAGE_FIGURES = 11,
	ZM_PAGE_FIGURES_MAX = 32
};

struct zm_page {
	char magic[8]; /* written last: until then it is no page */
	ZM_ATOMIC(uint32_t) sequence;
	uint32_t figures; /* how many of them the writer knows of */
	int64_t pid;
	uint64_t start, image; /* as zm_os_process() told the writer of itself */
	uint64_t updated_ms;
	char name[64];
	char allocator[64];
	char version[32];
	uint64_t figure[ZM_PAGE_FIGURES_MAX];
};

/* ---- The directory ---- */

/* Enough for any directory that is tried, the page's name included. */
#define ZM_PAGE_PATH 512

/*
 * The directories that may hold pages, the best first: number 0 to ZM_PAGE_DIRS - 1. Opens one that
 * is there, or makes it if `make`.
 * 0 or an errno value: ENOENT if it is not there or its parent is not to be used; EPERM if it is
 * not this user's alone.
 */
enum {
	ZM_PAGE_DIRS = 3
};
int zm_page_dir_open(int number, bool make, int *fd);

/* "1234", the page's name in its directory. */
void zm_page_name(int64_t pid, char *name, size_t size);

#endif
