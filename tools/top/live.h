/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/live.h - `zmalloc top` on a screen: what is shown, and what keys do to it.
 */
#ifndef ZM_TOP_LIVE_H
#define ZM_TOP_LIVE_H

#include "tools/command.h"
#include "tools/top/gather.h"
#include "tools/top/pick.h"
#include "tools/top/sheet.h"
#include "tools/top/view.h"

struct live {
	struct gather gather;
	struct rows rows;
	struct pick pick;
	size_t first; /* row of the list on the screen */
	enum {
		SHOWS_LIST,
		SHOWS_SHEET, /* of the chosen process */
		SHOWS_HELP
	} shows;
	enum {
		ASKS_NOTHING,
		ASKS_FILTER,
		ASKS_PURGE /* of the process `asked` */
	} asks;
	int64_t asked;
	struct sheet sheet;
	struct view_text text; /* where in the sheet, or in the help */
	char message[160];     /* on the last line until the next key; "": none */
	bool has_ended;
};

/* What a key does, as curses has them; the picture is drawn anew after each. */
void live_key(struct live *live, int key);
void live_draw(struct live *live);

/* The lines of the help. */
char *const *help_lines(size_t *count);

/* False: there is no terminal that can show it. Else *answer is the exit status. */
bool top_live(const struct options *options, int *answer);

#endif
