/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/page.h - the page on which a process publishes its figures: its form, and where it lies.
 *
 * Writer and reader may be of different versions and widths, so every member has a fixed size and
 * place, and new figures are only ever added at the end. The writer maps the page; readers take
 * copies by pread(2), which a page cut short or changed under them cannot hurt, and trust nothing
 * in it.
 *
 * `sequence` is odd while the writer writes, and 0 until the page was first written whole. A copy is
 * whole if the sequence was the same even number, not 0, before and after it.
 *
 * Why that holds, by C11: the release fence of zm_page_begin() lies between the odd number and all
 * that is written after it, the acquire fence of zm_page_copied() between all that was copied and
 * the second look. So whoever copied a byte of a later writing finds a later number at that look.
 * The number that ends a writing is stored by release and first read before an acquire fence, so
 * whoever starts from it copies nothing older. An exchange in place of the first fence would not do:
 * without LSE, 64-bit ARM may let later stores pass the store that is a part of it. A copy by pread(2)
 * is made by the kernel, of which C11 knows nothing; the fences order the processor all the same, and
 * the calls cannot be moved by the compiler.
 */
#ifndef ZM_PAGE_H
#define ZM_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"

#define ZM_PAGE_MAGIC "zmstats1"

/* In the order of the members of struct zmalloc_stats, ratios left out. */
enum {
	ZM_PAGE_FIGURES = 11,
	ZM_PAGE_FIGURES_MAX = 32
};

struct zm_page {
	char magic[8];
	ZM_ATOMIC(uint32_t) sequence; /* by the two functions below; one writer at a time */
	uint32_t figures;             /* how many of them the writer knows of */
	int64_t pid;
	uint64_t start, image; /* as zm_os_process() told the writer of itself */
	uint64_t updated_ms;
	char name[64];
	char allocator[64];
	char version[32];
	uint64_t figure[ZM_PAGE_FIGURES_MAX];
};

/* ---- The sequence ---- */

typedef ZM_ATOMIC(uint32_t) zm_page_sequence;

/* The writer: before it writes anything. Returns what zm_page_end() wants. */
static inline uint32_t zm_page_begin(zm_page_sequence *sequence)
{
	uint32_t odd = zm_load(sequence) | 1;

	zm_store(sequence, odd);
	zm_fence_release();
	return odd;
}

/* The next even number, but for 0. */
static inline void zm_page_end(zm_page_sequence *sequence, uint32_t odd)
{
	zm_store_release(sequence, odd != UINT32_MAX ? odd + 1 : 2);
}

/* The reader, after its look at the sequence. False: there is nothing to copy at the moment. */
static inline bool zm_page_may_copy(uint32_t sequence)
{
	zm_fence_acquire();
	return sequence != 0 && sequence % 2 == 0;
}

/* The reader, between its copy and its second look at the sequence. */
static inline void zm_page_copied(void)
{
	zm_fence_acquire();
}

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
