/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/published.h - the page on which a process publishes its figures: its form, and where it lies as a
 * file.
 *
 * Writer and reader may be of different versions and widths, so every member has a fixed size and place. The
 * page describes itself: `form` stands for all members before the figures, `size` for the whole, and
 * `figures` says how many figures the writer has. Their order never changes (stats/figure_list.h), so a
 * reader takes those that both know; whatever the writer lacks is unknown, and the reader leaves alone
 * whatever it does not know.
 *
 * The page is the front of a sealed piece of memory (page.h), or where the system has no such thing a file.
 * Readers take copies by pread(2), which a page cut short or changed under them cannot hurt, and trust
 * nothing in it.
 */
#ifndef ZM_PUBLISHED_H
#define ZM_PUBLISHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "live/sequence.h"
#include "os/process.h"
#include "stats/figures.h"

/* The place of each figure on the page: that of its row, ratios left out. */
#define ZM_PUBLISHED_PLACE(member, ...) ZM_PUBLISHED_##member,
enum {
	ZM_FIGURES(ZM_PUBLISHED_PLACE, ZM_NO_FIGURE) ZM_PUBLISHED_FIGURES
};

#define ZM_PUBLISHED_MAGIC "zmalloc" /* with its end */

enum {
	ZM_PUBLISHED_FORM = 1
};

struct zm_published {
	char magic[8];
	zm_sequence sequence; /* even when the page is whole */
	uint32_t form;        /* ZM_PUBLISHED_FORM */
	uint32_t size;        /* bytes of the whole page */
	uint32_t figures;     /* how many of them the writer has */
	int64_t pid;
	uint64_t start, image; /* as zm_os_process() told the writer of itself */
	uint64_t updated_ms;   /* milliseconds since 1970 */
	char name[64];
	char allocator[64];
	char version[32];
	uint64_t figure[ZM_PUBLISHED_FIGURES];
};
_Static_assert(offsetof(struct zm_published, figure) == 216, "a member of the page has moved");

/* ---- published.c: what is written, and what is made of it ---- */

/* All but sequence, time and figures. The writer does it once, before the first writing of figures. */
void zm_published_describe(struct zm_published *page);

/* Write the time and the figures. One writer at a time. */
void zm_published_write(struct zm_published *page, const struct zmalloc_stats *stats);

/*
 * A whole copy of the page that a descriptor has. EBADMSG: it is no page, is cut short, says what cannot be,
 * or does not come to rest.
 */
int zm_published_copy(int fd, struct zm_published *page);

/* What a copy says: time, allocator, version and figures. */
void zm_published_show(const struct zm_published *page, struct zmalloc_process *process);

/* Figures in the order of their places; `count` of them, the others unknown, and the ratios. */
void zm_published_put(uint64_t figure[ZM_PUBLISHED_FIGURES], const struct zmalloc_stats *stats);
void zm_published_get(const uint64_t figure[], uint32_t count, struct zmalloc_stats *stats);

/* ---- published_file.c: the page as a file ---- */

/*
 * In the user's runtime directory, of the process's number. The writer does not map the file, which
 * others may cut short, nor keep it open, for the program may close any descriptor and use its number
 * again.
 */
int zm_published_file_write(const struct zm_published *page);
void zm_published_file_remove(int64_t pid);

/*
 * The page of a process of this user's; `of` is what the system says of it. ENOENT: it has none. What a
 * process left that had the number before is removed.
 */
int zm_published_file_read(int64_t pid, const struct zm_os_process *of, struct zm_published *page);

/* Every number that has a page. visit returns 0 to go on. What it returned, or an errno value. */
int zm_published_file_visit(int (*visit)(int64_t pid, void *context), void *context);

/* ---- The directory ---- */

/*
 * The directories that may hold pages, the best first: number 0 to ZM_PUBLISHED_DIRS - 1. Opens one that
 * is there, or makes it if `make`.
 * 0 or an errno value: ENOENT if it is not there or its parent is not to be used; EPERM if it is
 * not this user's alone.
 */
enum {
	ZM_PUBLISHED_DIRS = 3
};
int zm_published_dir_open(int number, bool make, int *fd);

/* "1234", the page's name in its directory. */
void zm_published_name(int64_t pid, char *name, size_t size);

#endif
