/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/view.h - the pictures of `zmalloc top`.
 */
#ifndef ZM_TOP_VIEW_H
#define ZM_TOP_VIEW_H

#include "tools/top/pick.h"

/* After screen_open(): colours, where the terminal has them and NO_COLOR does not forbid, and characters. */
void view_start(void);

/*
 * The list. *first is the row that was on the first line, and is then.
 * total   how many there are, the filter aside
 * bottom  the last line; NULL: which keys there are
 */
void view_list(const struct pick *pick, size_t total, size_t *first, const char *bottom);

/* Lines that are more than the screen, from a line and a column on that are kept within what there is. */
struct view_text {
	char *const *line;
	size_t count;
	size_t first, column;
};
void view_text(struct view_text *text, const char *title, const char *bottom);

/* How many lines of a list, or of a text, the screen has. */
size_t view_list_lines(void);
size_t view_text_lines(void);

#endif
