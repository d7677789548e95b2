/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/layout.c - which columns fit, and how wide each is.
 */
#include "tools/top/layout.h"

#include <string.h>

/* How wide those become that a wide screen widens. Linux knows fifteen characters of a name. */
static int most_width(const struct column *column)
{
	switch (column->cell) {
	case CELL_NAME:
		return 17;
	case CELL_USER:
		return 13;
	case CELL_BAR:
		return 17;
	default:
		return column->width;
	}
}

/* With the cell for its mark. */
static int least_width(const struct column *column)
{
	return column->cell == CELL_NAME ? NAME_LEAST + 1 : column->width;
}

/* Mark which columns fit, those of the lowest rank first. Returns the width that is left. */
static int choose(const struct column *column, size_t count, int width, bool *fits)
{
	int highest = 0;

	for (size_t i = 0; i < count; i++)
		highest = column[i].rank > highest ? column[i].rank : highest;
	for (int rank = 0; rank <= highest; rank++)
		for (size_t i = 0; i < count; i++) {
			if (column[i].rank != rank ||
			    (rank != 0 && least_width(&column[i]) > width))
				continue;
			fits[i] = true;
			width -= least_width(&column[i]);
		}
	return width > 0 ? width : 0;
}

/* The bar first, for a bar of four cells tells little. */
static void widen(struct layout *layout, int cell, int *left)
{
	for (size_t i = 0; i < layout->count; i++) {
		int more = most_width(layout->place[i].column) - layout->place[i].width;

		if ((int)layout->place[i].column->cell != cell || more <= 0)
			continue;
		more = more < *left ? more : *left;
		layout->place[i].width += more;
		*left -= more;
	}
}

void layout_make(struct layout *layout, int width)
{
	bool fits[COLUMNS_MOST] = {false};
	size_t count;
	const struct column *column = columns_all(&count);
	int left = choose(column, count, width, fits);

	layout->count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!fits[i])
			continue;
		layout->place[layout->count].column = &column[i];
		layout->place[layout->count++].width = least_width(&column[i]);
	}
	if (layout->count == 1 && width < layout->place[0].width)
		layout->place[0].width = width > 0 ? width : 1;
	widen(layout, CELL_BAR, &left);
	widen(layout, CELL_NAME, &left);
	widen(layout, CELL_USER, &left);
}

void layout_cell(const struct column *column, int width, const char *text, char *cell)
{
	int length = (int)strlen(text), room = column->cell == CELL_NAME ? width - 1 : width;
	int at = 0;

	memset(cell, ' ', (size_t)width);
	cell[width] = '\0';
	if (column->cell != CELL_NAME)
		at = column->is_text || length >= room ? 1 : room - length;
	if (at + length > room)
		length = room > at ? room - at : 0;
	memcpy(cell + at, text, (size_t)length);
}

/* ---- Bars ---- */

static uint64_t larger_known(uint64_t a, uint64_t b)
{
	return b != ZMALLOC_STATS_UNKNOWN && b > a ? b : a;
}

uint64_t bar_full_bytes(struct row *const *rows, size_t count)
{
	uint64_t full = 0;

	for (size_t i = 0; i < count; i++) {
		full = larger_known(full, rows[i]->process.stats.used_bytes);
		full = larger_known(full, rows[i]->process.stats.rss_bytes);
	}
	return full;
}

int bar_cells(uint64_t bytes, uint64_t full_bytes, int cells)
{
	double share;

	if (bytes == ZMALLOC_STATS_UNKNOWN || bytes == 0 || full_bytes == 0)
		return 0;
	share = (double)bytes / (double)full_bytes;
	return share >= 1 ? cells : (int)(share * (cells - 1)) + 1;
}
