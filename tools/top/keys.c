/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/keys.c - what keys do.
 */
#include "tools/top/live.h"

#include <curses.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	KEY_ESCAPE = 27,
	KEY_CONTROL_L = 12,
	KEY_DELETE = 127,
	PURGE_MS = 3000, /* what a process is waited for that gives memory back */
	SHIFT = 8        /* columns to the side */
};

static bool is_enter(int key)
{
	return key == '\n' || key == '\r' || key == KEY_ENTER;
}

/* ---- Purge ---- */

static struct row *row_of(const struct live *live, int64_t pid)
{
	for (size_t i = 0; i < live->rows.count; i++)
		if (live->rows.row[i]->pid == pid)
			return live->rows.row[i];
	return NULL;
}

static void purge(struct live *live, const struct row *row)
{
	char text[ZM_HUMAN_BYTES];
	uint64_t bytes;
	const char *name = row->process.name;

	if (zmalloc_process_purge(row->pid, PURGE_MS, &bytes) == 0)
		snprintf(live->message, sizeof(live->message), "%s gave back %s", name,
			 human(bytes, text));
	else if (errno == ETIMEDOUT)
		snprintf(live->message, sizeof(live->message),
			 "%s gives no answer; it may still do it", name);
	else if (errno == ENOTSUP)
		snprintf(live->message, sizeof(live->message), "%s cannot be told to", name);
	else
		snprintf(live->message, sizeof(live->message), "%s: %s", name, strerror(errno));
}

static void ask_purge(struct live *live)
{
	const struct row *row = pick_chosen(&live->pick);

	if (row == NULL)
		return;
	if (row_is_silent(row)) {
		snprintf(live->message, sizeof(live->message), "%s gives no answer",
			 row->process.name);
		return;
	}
	live->asked = row->pid;
	live->asks = ASKS_PURGE;
}

static void answer_purge(struct live *live, int key)
{
	const struct row *row = row_of(live, live->asked);

	live->asks = ASKS_NOTHING;
	if (row == NULL)
		snprintf(live->message, sizeof(live->message), "it is gone");
	else if (key == 'y' || key == 'Y')
		purge(live, row);
}

/* ---- Filter ---- */

static void edit_filter(struct live *live, int key)
{
	char *filter = live->pick.filter;
	size_t length = strlen(filter);

	if (is_enter(key))
		live->asks = ASKS_NOTHING;
	else if (key == KEY_ESCAPE) {
		live->asks = ASKS_NOTHING;
		*filter = '\0';
	} else if ((key == KEY_BACKSPACE || key == KEY_DELETE || key == '\b') && length != 0)
		filter[length - 1] = '\0';
	else if (key >= ' ' && key <= '~' && length + 1 < FILTER_BYTES) {
		filter[length] = (char)key;
		filter[length + 1] = '\0';
	}
	pick_rows(&live->pick, &live->rows);
}

/* ---- The list ---- */

static bool move_list(struct live *live, int key)
{
	long page = (long)view_list_lines() - 1;

	if (key == KEY_UP)
		pick_move(&live->pick, -1);
	else if (key == KEY_DOWN)
		pick_move(&live->pick, 1);
	else if (key == KEY_PPAGE)
		pick_move(&live->pick, page > 0 ? -page : -1);
	else if (key == KEY_NPAGE || key == ' ')
		pick_move(&live->pick, page > 0 ? page : 1);
	else if (key == KEY_HOME)
		pick_move(&live->pick, -(long)live->pick.count);
	else if (key == KEY_END)
		pick_move(&live->pick, (long)live->pick.count);
	else
		return false;
	return true;
}

static bool sort_list(struct live *live, int key)
{
	if (key == '<' || key == KEY_LEFT)
		pick_next_column(&live->pick, -1);
	else if (key == '>' || key == KEY_RIGHT)
		pick_next_column(&live->pick, 1);
	else if (key == 'R')
		live->pick.is_reversed = !live->pick.is_reversed;
	else if (key <= 0 || key > '~' || !pick_key(&live->pick, (char)key))
		return false;
	pick_rows(&live->pick, &live->rows);
	return true;
}

static void list_key(struct live *live, int key)
{
	if (key == 'q')
		live->has_ended = true;
	else if (key == '/')
		live->asks = ASKS_FILTER;
	else if (key == KEY_ESCAPE)
		edit_filter(live, key);
	else if (is_enter(key) && pick_chosen(&live->pick) != NULL) {
		live->shows = SHOWS_SHEET;
		live->text = (struct view_text){0};
		sheet_fill(&live->sheet, pick_chosen(&live->pick));
	} else if (!move_list(live, key))
		sort_list(live, key);
}

/* ---- A text ---- */

static void next_section(struct live *live)
{
	size_t first = live->text.first;

	for (int i = 0; i < SHEET_SECTIONS; i++)
		if (live->sheet.section[i] > first) {
			live->text.first = live->sheet.section[i];
			return;
		}
	live->text.first = 0;
}

static void move_text(struct view_text *text, int key)
{
	size_t page = view_text_lines();

	if (key == KEY_DOWN)
		text->first++;
	else if (key == KEY_UP && text->first != 0)
		text->first--;
	else if (key == KEY_NPAGE || key == ' ')
		text->first += page;
	else if (key == KEY_PPAGE)
		text->first -= page < text->first ? page : text->first;
	else if (key == KEY_HOME)
		text->first = 0;
	else if (key == KEY_END)
		text->first = text->count;
	else if (key == KEY_RIGHT)
		text->column += SHIFT;
	else if (key == KEY_LEFT && text->column != 0)
		text->column -= SHIFT;
}

static void text_key(struct live *live, int key)
{
	if (key == 'q' || key == KEY_ESCAPE || is_enter(key))
		live->shows = SHOWS_LIST;
	else if (key == '\t' && live->shows == SHOWS_SHEET)
		next_section(live);
	else
		move_text(&live->text, key);
}

/* ---- All of them ---- */

void live_key(struct live *live, int key)
{
	*live->message = '\0';
	if (live->asks == ASKS_PURGE)
		answer_purge(live, key);
	else if (live->asks == ASKS_FILTER)
		edit_filter(live, key);
	else if (key == KEY_CONTROL_L)
		clearok(curscr, TRUE);
	else if ((key == '?' || key == 'h') && live->shows != SHOWS_HELP) {
		live->shows = SHOWS_HELP;
		live->text = (struct view_text){0};
	} else if (key == 'P' && live->shows != SHOWS_HELP)
		ask_purge(live);
	else if (live->shows == SHOWS_LIST)
		list_key(live, key);
	else
		text_key(live, key);
}
