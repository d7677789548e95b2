/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/view.c - the pictures of `zmalloc top`, with curses.
 */
#include "tools/top/view.h"

#include <curses.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/top/layout.h"
#include "tools/top/screen.h"

enum {
	PAIR_BAR = 1,
	PAIR_WARNING
};

static const char *bar_used, *bar_rest;
static bool has_colour;

/* With curses of wide characters: the others show a byte each. */
static void choose_characters(void)
{
	bool wide = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;

	bar_used = wide ? "\xe2\x96\x88" : "#"; /* full block */
	bar_rest = wide ? "\xe2\x96\x91" : "."; /* light shade */
}

void view_start(void)
{
	const char *forbidden = getenv("NO_COLOR");

	choose_characters();
	has_colour = (forbidden == NULL || *forbidden == '\0') && has_colors();
	if (!has_colour)
		return;
	start_color();
	use_default_colors();
	init_pair(PAIR_BAR, COLOR_GREEN, -1);
	init_pair(PAIR_WARNING, COLOR_RED, -1);
}

static attr_t colour(int pair)
{
	return has_colour ? (attr_t)COLOR_PAIR(pair) : A_NORMAL;
}

/* ---- Lines ---- */

static size_t lines_but(int others)
{
	int width, height;

	screen_size(&width, &height);
	return height > others ? (size_t)(height - others) : 0;
}

size_t view_list_lines(void)
{
	return lines_but(3);
}

size_t view_text_lines(void)
{
	return lines_but(2);
}

/* The rest of the line is blank, with the same attributes. */
static void put_line(int y, int width, attr_t attributes, const char *text)
{
	int length = (int)strlen(text);

	attrset(attributes);
	mvaddnstr(y, 0, text, width);
	for (int x = length; x < width; x++)
		addch(' ');
	attrset(A_NORMAL);
}

/* ---- A row ---- */

/* What is used, then what is resident beyond it. */
static void put_bar(const struct row *row, uint64_t full, int width, attr_t attributes)
{
	const struct zmalloc_stats *stats = &row->process.stats;
	int room = width - 1;
	int used = bar_cells(stats->used_bytes, full, room);
	int all = bar_cells(stats->rss_bytes, full, room);

	addch(' ');
	attrset(attributes | colour(PAIR_BAR));
	for (int i = 0; i < room; i++)
		addstr(i < used ? bar_used : i < all ? bar_rest : " ");
	attrset(attributes);
}

static bool is_near_the_limit(const struct row *row)
{
	return row->limit_bytes != ZMALLOC_STATS_UNKNOWN && row->limit_bytes != 0 &&
	       row->process.stats.rss_bytes != ZMALLOC_STATS_UNKNOWN &&
	       row->process.stats.rss_bytes >= row->limit_bytes / 10 * 9;
}

static void put_cell(const struct column *column, int width, const struct row *row, uint64_t now,
		     attr_t attributes)
{
	char text[CELL_BYTES], cell[CELL_BYTES];
	bool warns = (column->cell == CELL_LIMIT && is_near_the_limit(row)) ||
		     (column->cell == CELL_AGE && row_is_silent(row));

	layout_cell(column, width, column_text(column, row, now, text), cell);
	if (column->cell == CELL_NAME && row_is_silent(row))
		cell[width - 1] = '!';
	attrset(attributes | (warns ? colour(PAIR_WARNING) | A_BOLD : A_NORMAL));
	addstr(cell);
	attrset(attributes);
}

static void put_row(int y, const struct layout *layout, const struct row *row, uint64_t full,
		    bool is_chosen)
{
	attr_t attributes = is_chosen ? A_REVERSE : A_NORMAL;
	uint64_t now = wall_ms();

	move(y, 0);
	attrset(attributes);
	for (size_t i = 0; i < layout->count; i++) {
		const struct column *column = layout->place[i].column;

		if (column->cell == CELL_BAR)
			put_bar(row, full, layout->place[i].width, attributes);
		else
			put_cell(column, layout->place[i].width, row, now, attributes);
	}
	attrset(A_NORMAL);
}

/* ---- The list ---- */

static void put_summary(const struct pick *pick, size_t total, int width)
{
	char text[256], used[ZM_HUMAN_BYTES], silent[48] = "", filter[FILTER_BYTES + 16] = "";
	uint64_t sum = 0;
	size_t no_answer = 0;

	for (size_t i = 0; i < pick->count; i++) {
		uint64_t bytes = pick->row[i]->process.stats.used_bytes;

		sum += bytes != ZMALLOC_STATS_UNKNOWN ? bytes : 0;
		no_answer += row_is_silent(pick->row[i]) ? 1 : 0;
	}
	if (no_answer != 0)
		snprintf(silent, sizeof(silent), ", no answer of %zu", no_answer);
	if (*pick->filter != '\0')
		snprintf(filter, sizeof(filter), " with '%s'", pick->filter);
	snprintf(text, sizeof(text), "%zu of %zu %s%s, %s used%s", pick->count, total,
		 total == 1 ? "process" : "processes", filter, human(sum, used), silent);
	put_line(0, width, A_NORMAL, text);
}

static void put_heading(const struct pick *pick, const struct layout *layout, int width)
{
	char cell[CELL_BYTES];

	put_line(1, width, A_REVERSE, "");
	move(1, 0);
	for (size_t i = 0; i < layout->count; i++) {
		const struct column *column = layout->place[i].column;

		layout_cell(column, layout->place[i].width, column->heading, cell);
		attrset(A_REVERSE | (column == pick->by ? A_BOLD | A_UNDERLINE : A_NORMAL));
		addstr(cell);
	}
	attrset(A_NORMAL);
}

static void put_bottom(const struct pick *pick, int width, int height, const char *bottom)
{
	char keys[160];

	snprintf(keys, sizeof(keys),
		 "by %s %c  ? help  q quit  / filter  < > sort  Enter details  P purge",
		 pick->by->name, pick_is_downwards(pick) ? 'v' : '^');
	put_line(height - 1, width, A_BOLD, bottom != NULL ? bottom : keys);
}

void view_list(const struct pick *pick, size_t total, size_t *first, const char *bottom)
{
	size_t lines = view_list_lines();
	uint64_t full = bar_full_bytes(pick->row, pick->count);
	struct layout layout;
	int width, height;

	screen_size(&width, &height);
	layout_make(&layout, width);
	*first = pick_first(pick, *first, lines);
	erase();
	put_summary(pick, total, width);
	put_heading(pick, &layout, width);
	for (size_t i = 0; i < lines && *first + i < pick->count; i++)
		put_row((int)i + 2, &layout, pick->row[*first + i], full,
			*first + i == pick->chosen);
	if (total == 0 && lines != 0)
		mvaddnstr(2, 0, "Nothing yet: start a program with ZMALLOC_PUBLISH=1.", width);
	put_bottom(pick, width, height, bottom);
	refresh();
}

/* ---- A text ---- */

static void put_text_line(int y, int width, const char *line, size_t column)
{
	size_t length = strlen(line);

	if (column < length)
		mvaddnstr(y, 0, line + column, width);
}

void view_text(struct view_text *text, const char *title, const char *bottom)
{
	size_t lines = view_text_lines(), last;
	int width, height;

	screen_size(&width, &height);
	last = text->count > lines ? text->count - lines : 0;
	text->first = text->first < last ? text->first : last;
	erase();
	put_line(0, width, A_REVERSE, title);
	for (size_t i = 0; i < lines && text->first + i < text->count; i++)
		put_text_line((int)i + 1, width, text->line[text->first + i], text->column);
	put_line(height - 1, width, A_BOLD, bottom);
	refresh();
}
