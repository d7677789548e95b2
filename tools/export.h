/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/export.h - `zmalloc export`: series of figures, each with labels of its own, their text, and the file.
 */
#ifndef ZM_EXPORT_H
#define ZM_EXPORT_H

#include "figures.h"
#include "look.h"

/* Who the figures are of. Printable, and ASCII. */
struct labels {
	char name[64];
	char unit[LOOK_UNIT];
	char user[LOOK_USER];
	int64_t pid; /* 0: not asked for */
};

/* A process, or several that have the same labels, which stand side by side in `members`. */
struct series {
	struct labels labels;
	struct zmalloc_stats stats; /* sums; what one of them does not know is unknown */
	uint64_t processes, silent;
	uint64_t oldest_ms, youngest_ms; /* time of the figures, uptime */
	uint64_t limit_bytes, swap_bytes, pss_bytes;
	char allocator[64], version[32]; /* of the first */
};

/* In the order of their labels. */
struct series_list {
	struct series *series;
	size_t count;
	uint64_t taken_ms;
};

/* Sum up series with the same labels. Afterwards there are no two with the same ones. */
void export_sum(const struct series_list *all, struct series_list *sums);

/*
 * The whole text: `each` is of one process each, in order, and `sums` of them as export_sum() left them.
 */
void export_write(struct zm_builder *out, const struct series_list *each,
		  const struct series_list *sums);

/* The same label set? */
int labels_compare(const struct labels *a, const struct labels *b);

/* Put a text in a file's place, whole or not at all. DONE, or FAILED after a complaint. */
int export_to_file(const char *path, const char *text, size_t size);

#endif
