/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/layout.h - which columns a line of some width has room for, and how wide each is there.
 */
#ifndef ZM_TOP_LAYOUT_H
#define ZM_TOP_LAYOUT_H

#include "tools/top/column.h"

/* A name is never shown with fewer; only a screen that is narrower still cuts it. */
#define NAME_LEAST 12

struct layout {
	size_t count;
	struct {
		const struct column *column;
		int width; /* with the blank before it, but for the first */
	} place[COLUMNS_MOST];
};

/*
 * Columns stay by their ranks while there is room; what is left over widens names, users and the bar.
 * Behind the name is a cell for the mark of who does not answer.
 */
void layout_make(struct layout *layout, int width);

/* A cell's text in its place: padded, or cut, to `width` bytes. */
void layout_cell(const struct column *column, int width, const char *text, char *cell);

/* What a bar of full length is of: the largest figure among these rows. */
uint64_t bar_full_bytes(struct row *const *rows, size_t count);
/* How many of `cells` show so many bytes; what is there at all shows one. */
int bar_cells(uint64_t bytes, uint64_t full_bytes, int cells);

#endif
