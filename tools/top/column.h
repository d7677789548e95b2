/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/column.h - the columns of `zmalloc top`: what is in a cell, and which of two rows comes first.
 */
#ifndef ZM_TOP_COLUMN_H
#define ZM_TOP_COLUMN_H

#include "tools/top/row.h"

struct column {
	const char *heading; /* short; what it is called on the screen and in a script's eyes */
	const char *name;    /* as the line at the bottom has it */
	char key;            /* sorts by it; 0: there is none */
	int width;           /* with a blank before it, but for the first one */
	bool is_text;        /* on the left, and sorted upwards at first */
	enum {
		CELL_NAME,
		CELL_USER,
		CELL_PID,
		CELL_FIGURE,
		CELL_BAR, /* drawn by whoever draws, next to the figure that it shows */
		CELL_LIMIT,
		CELL_GROWTH,
		CELL_AGE
	} cell;
	enum {
		UNIT_BYTES,
		UNIT_COUNT,
		UNIT_RATIO
	} unit;        /* of a figure */
	size_t offset; /* of the figure, in struct zmalloc_stats */
	int rank;      /* on a narrow screen: those of the lowest rank stay */
};

enum {
	COLUMNS_MOST = 64,
	CELL_BYTES = 72 /* a process's name is the longest */
};

/* All of them, in order; the same each time. */
const struct column *columns_all(size_t *count);

/* The text of a cell; "-" for what is not known. `wall_ms` is the time, milliseconds since 1970. */
const char *column_text(const struct column *column, const struct row *row, uint64_t wall_ms,
			char text[CELL_BYTES]);

/*
 * Which row comes first, upwards: under, over or 0. What is not known counts as more than
 * everything: *is_unknown is set, since it belongs at the end, whichever way is sorted.
 */
int column_compare(const struct column *column, const struct row *a, const struct row *b,
		   bool *is_unknown);

/* "999B", "1.0K", "12.3G", at most six characters. */
const char *compact_bytes(uint64_t bytes, char text[CELL_BYTES]);

#endif
