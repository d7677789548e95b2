/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/sheet.h - all that one process tells, as lines.
 */
#ifndef ZM_TOP_SHEET_H
#define ZM_TOP_SHEET_H

#include "tools/top/row.h"

enum {
	SHEET_SECTIONS = 5 /* itself, figures, scopes, arenas, bins */
};

/* Begins as zeros. */
struct sheet {
	char **line;
	size_t count, room;
	size_t section[SHEET_SECTIONS]; /* the line that each begins at */
};

/*
 * Ask the process, once for each section; where it does not answer, that is what the section says. What
 * there is no memory for is left out.
 */
void sheet_fill(struct sheet *sheet, const struct row *row);
void sheet_free(struct sheet *sheet);

/* Name, number, whether it answers, and how old its figures are. */
void sheet_title(const struct row *row, uint64_t wall_ms, char *text, size_t size);

#endif
