/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/write_table.c - figures for people: all of one process, or a line for each process.
 */
#include "config.h"

#include <string.h>

#include "stats/write.h"

enum {
	NAME_WIDTH = 24,
	PID_WIDTH = 8,
	INTEGER_WIDTH = 12,
	RATIO_WIDTH = 8,
	ALLOCATOR_WIDTH = 22
};

static void put_ratio(struct zm_builder *out, double ratio, size_t width)
{
	struct zm_builder number;

	zm_builder_start(&number);
	zm_build_decimal(&number, ratio);
	number.text[number.length] = '\0';
	zm_build_right(out, number.text, width);
}

static void put_known(struct zm_builder *out, const struct zmalloc_stats *stats,
		      const struct zm_figure *figure, size_t width)
{
	char bytes[ZM_HUMAN_BYTES], digits[ZM_DIGITS];

	if (figure->unit == ZM_UNIT_RATIO)
		put_ratio(out, zm_figure_ratio(stats, figure), width);
	else if (figure->unit == ZM_UNIT_BYTES)
		zm_build_right(out, zm_human_bytes(zm_figure_integer(stats, figure), bytes), width);
	else
		zm_build_right(out, zm_digits(zm_figure_integer(stats, figure), digits), width);
}

static void put_figure(struct zm_builder *out, const struct zm_process_set *set, size_t i,
		       const struct zm_figure *figure, size_t width)
{
	if (zm_process_knows(set, i, figure))
		put_known(out, &zm_process_at(set, i)->stats, figure, width);
	else
		zm_build_right(out, "-", width);
}

/* ---- One process ---- */

static void put_sheet(struct zm_builder *out, const struct zm_process_set *set)
{
	const struct zmalloc_process *process = set->first;

	zm_build_text(out, process->name);
	zm_build_text(out, " (");
	zm_build_number(out, (uint64_t)process->pid);
	zm_build_text(out, "), ");
	zm_build_text(out, process->allocator);
	zm_build_text(out, ", libzmalloc ");
	zm_build_text(out, process->version);
	zm_build_text(out, "\n");
	for (size_t i = 0; i < ZM_FIGURES_COUNT; i++) {
		zm_build_left(out, zm_figures[i].name, NAME_WIDTH);
		put_figure(out, set, 0, &zm_figures[i], INTEGER_WIDTH);
		zm_build_text(out, "  ");
		zm_build_text(out, zm_figures[i].help);
		zm_build_text(out, "\n");
	}
}

/* ---- A line for each ---- */

static bool is_column(const struct zm_figure *figure)
{
	return *figure->column != '\0';
}

static size_t width_of(const struct zm_figure *figure)
{
	return figure->unit == ZM_UNIT_RATIO ? RATIO_WIDTH : INTEGER_WIDTH;
}

static void put_heading(struct zm_builder *out)
{
	zm_build_right(out, "PID", PID_WIDTH);
	for (size_t i = 0; i < ZM_FIGURES_COUNT; i++)
		if (is_column(&zm_figures[i]))
			zm_build_right(out, zm_figures[i].column, width_of(&zm_figures[i]));
	zm_build_text(out, "  ");
	zm_build_left(out, "ALLOCATOR", ALLOCATOR_WIDTH);
	zm_build_text(out, " NAME\n");
}

static void put_row(struct zm_builder *out, const struct zm_process_set *set, size_t number)
{
	const struct zmalloc_process *process = zm_process_at(set, number);
	char digits[ZM_DIGITS];

	zm_build_right(out, zm_digits((uint64_t)process->pid, digits), PID_WIDTH);
	for (size_t i = 0; i < ZM_FIGURES_COUNT; i++)
		if (is_column(&zm_figures[i]))
			put_figure(out, set, number, &zm_figures[i], width_of(&zm_figures[i]));
	zm_build_text(out, "  ");
	zm_build_left(out, process->allocator, ALLOCATOR_WIDTH);
	zm_build_text(out, " ");
	zm_build_text(out, process->name);
	zm_build_text(out, "\n");
}

void zm_write_table(struct zm_builder *out, const struct zm_process_set *set)
{
	if (!set->labels || set->count == 1) {
		put_sheet(out, set);
		if (set->scopes)
			zm_write_table_scopes(out);
		return;
	}
	put_heading(out);
	for (size_t i = 0; i < set->count; i++)
		put_row(out, set, i);
}
