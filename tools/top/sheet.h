/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/sheet.h - all that one process tells, as lines.
 */
#ifndef ZM_TOP_SHEET_H
#define ZM_TOP_SHEET_H

#include "tools/profile/symbols.h"
#include "tools/top/row.h"

enum {
	SHEET_SECTIONS = 6 /* itself, figures, scopes, who holds it, arenas, bins */
};

/* Begins as zeros. */
struct sheet {
	char **line;
	size_t count, room;
	size_t section[SHEET_SECTIONS]; /* the line that each begins at */
	/* Names of functions, which are kept from one look to the next: of which profile they are. */
	struct symbols *symbols;
	int64_t symbols_pid;
	uint64_t symbols_ns;
};

/*
 * Ask the process, once for each section; where it does not answer, that is what the section says. What
 * there is no memory for is left out.
 */
void sheet_fill(struct sheet *sheet, const struct row *row);
void sheet_free(struct sheet *sheet);

/* One line more, as printf(3). */
void sheet_add(struct sheet *sheet, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));

/* Name, number, whether it answers, and how old its figures are. */
void sheet_title(const struct row *row, uint64_t wall_ms, char *text, size_t size);

#endif
