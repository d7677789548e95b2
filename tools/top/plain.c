/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/plain.c - `zmalloc top` where there is no screen: lines, JSON, OpenMetrics.
 */
#include "tools/top/plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/top/gather.h"
#include "tools/top/layout.h"
#include "tools/top/pick.h"

/* All columns, as wide as they become, but for the bar. */
enum {
	ALL_COLUMNS_WIDTH = 4096
};

static void print_cell(const struct column *column, int width, const char *text)
{
	char cell[CELL_BYTES];

	layout_cell(column, width, text, cell);
	fputs(cell, stdout);
}

static void print_line(const struct layout *layout, const struct row *row, uint64_t now)
{
	char text[CELL_BYTES];

	for (size_t i = 0; i < layout->count; i++) {
		const struct column *column = layout->place[i].column;

		if (column->cell == CELL_BAR)
			continue;
		print_cell(column, layout->place[i].width,
			   row != NULL ? column_text(column, row, now, text) : column->heading);
	}
	putchar('\n');
}

static void print_table(const struct pick *pick)
{
	struct layout layout;
	uint64_t now = wall_ms();

	layout_make(&layout, ALL_COLUMNS_WIDTH);
	print_line(&layout, NULL, now);
	for (size_t i = 0; i < pick->count; i++)
		print_line(&layout, pick->row[i], now);
}

static int write_document(const struct pick *pick, int format)
{
	struct process_list list = {0};
	int answer = DONE;

	for (size_t i = 0; i < pick->count && answer == DONE; i++)
		if (!list_add(&list, &pick->row[i]->process))
			answer = complain("there is no memory");
	if (answer == DONE)
		answer = write_processes(&list, format);
	free(list.process);
	return answer;
}

static int show(struct gather *gather, struct rows *rows, struct pick *pick, int format)
{
	int error = gather_round(gather, rows);

	if (error != 0 || !pick_rows(pick, rows))
		return complain("cannot list the processes that show themselves: %s",
				strerror(error));
	if (format != ZMALLOC_STATS_TABLE)
		return write_document(pick, format);
	print_table(pick);
	return fflush(stdout) == 0 ? DONE : complain("cannot write to standard output");
}

/* Once, unless a number of rounds was asked for: that is what a script or a pipe wants. */
int top_plain(const struct options *options)
{
	long rounds = options->rounds < 0 ? 1 : options->rounds;
	struct gather gather = gather_plain();
	struct rows rows = {NULL, 0};
	struct pick pick;
	int answer = DONE;

	pick_start(&pick);
	for (long round = 0; answer == DONE && (rounds == 0 || round < rounds); round++) {
		if (round != 0)
			pause_for(options->delay_s);
		answer = show(&gather, &rows, &pick, options->format);
	}
	pick_free(&pick);
	rows_free(&rows);
	return answer;
}
