/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/column.c - what is in a cell, and which of two rows comes first.
 */
#include "tools/top/column.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stats/figure_list.h"

/* ---- Which there are ---- */

/* The library's list of figures says which of them have columns, in which order. */
#define WIDTH(heading, usual) ((int)sizeof(heading) > usual ? (int)sizeof(heading) : usual)
#define INTEGER_COLUMN(member, figure_unit, kind, group, known, source, head, help)                \
	{.heading = head,                                                                          \
	 .cell = CELL_FIGURE,                                                                      \
	 .unit = UNIT_##figure_unit,                                                               \
	 .width = WIDTH(head, 7),                                                                  \
	 .offset = offsetof(struct zmalloc_stats, member)},
#define RATIO_COLUMN(member, of, to, head, help)                                                   \
	{.heading = head,                                                                          \
	 .cell = CELL_FIGURE,                                                                      \
	 .unit = UNIT_RATIO,                                                                       \
	 .width = WIDTH(head, 5),                                                                  \
	 .offset = offsetof(struct zmalloc_stats, member)},

static const struct column figures[] = {ZM_FIGURES(INTEGER_COLUMN, RATIO_COLUMN)};

/* What is known of figures beyond the list: a key, a name, and a place on narrow screens. */
static const struct {
	size_t offset;
	const char *name;
	char key;
	int rank;
} special[] = {
	{offsetof(struct zmalloc_stats, used_bytes), "used", 'u', 1},
	{offsetof(struct zmalloc_stats, peak_bytes), "peak", 'm', 8},
	{offsetof(struct zmalloc_stats, rss_bytes), "RSS", 'r', 4},
	{offsetof(struct zmalloc_stats, allocator_frag_ratio), "fragmentation", 'f', 9},
};
#define RANK_OF_OTHER_FIGURES 11

static const struct column before[] = {
	{"NAME", "name", 'n', 12, true, CELL_NAME, 0, 0, 0},
	{"USER", "user", 'w', 9, true, CELL_USER, 0, 0, 6},
	{"PID", "PID", 'p', 8, false, CELL_PID, 0, 0, 2},
};
static const struct column after_used[] = {
	{"", "", 0, 5, true, CELL_BAR, 0, 0, 7},
	{"%LIM", "percent of the limit", 'l', 6, false, CELL_LIMIT, 0, 0, 3},
};
static const struct column after[] = {
	{"+/MIN", "growth", 'g', 8, false, CELL_GROWTH, 0, 0, 5},
	{"AGE", "age", 'a', 5, false, CELL_AGE, 0, 0, 10},
};

static struct {
	struct column column[COLUMNS_MOST];
	size_t count;
} all;

static void add(const struct column *columns, size_t count)
{
	for (size_t i = 0; i < count && all.count < COLUMNS_MOST; i++)
		all.column[all.count++] = columns[i];
}
#define ADD(columns) add(columns, sizeof(columns) / sizeof((columns)[0]))

static void add_figure(struct column figure)
{
	figure.name = figure.heading;
	figure.rank = RANK_OF_OTHER_FIGURES;
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		if (special[i].offset != figure.offset)
			continue;
		figure.name = special[i].name;
		figure.key = special[i].key;
		figure.rank = special[i].rank;
	}
	add(&figure, 1);
}

const struct column *columns_all(size_t *count)
{
	if (all.count == 0) {
		ADD(before);
		for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
			if (*figures[i].heading != '\0')
				add_figure(figures[i]);
			if (figures[i].offset == offsetof(struct zmalloc_stats, used_bytes))
				ADD(after_used);
		}
		ADD(after);
	}
	*count = all.count;
	return all.column;
}

/* ---- Figures ---- */

/* A library older than this tool does not fill what it does not know. */
static const void *figure_of(const struct column *column, const struct row *row)
{
	const struct zmalloc_stats *stats = &row->process.stats;

	if (column->offset + sizeof(uint64_t) > stats->size)
		return NULL;
	return (const char *)stats + column->offset;
}

static double ratio_of(const struct column *column, const struct row *row)
{
	const double *ratio = figure_of(column, row);

	return ratio != NULL ? *ratio : NAN;
}

static uint64_t integer_of(const struct column *column, const struct row *row)
{
	const uint64_t *integer = figure_of(column, row);

	return integer != NULL ? *integer : ZMALLOC_STATS_UNKNOWN;
}

/* The resident set, since that is what the kernel holds against the limit. */
static double percent_of_limit(const struct row *row)
{
	uint64_t rss = row->process.stats.rss_bytes, limit = row->limit_bytes;

	if (rss == ZMALLOC_STATS_UNKNOWN || limit == ZMALLOC_STATS_UNKNOWN || limit == 0)
		return NAN;
	return (double)rss * 100 / (double)limit;
}

/* ---- Text ---- */

const char *compact_bytes(uint64_t bytes, char text[CELL_BYTES])
{
	double value = (double)bytes;
	int unit = 0;

	if (bytes == ZMALLOC_STATS_UNKNOWN)
		return strcpy(text, "-");
	/* 999.95 would be rounded to four digits before the point. */
	for (; value >= 999.95 && unit < 6; unit++)
		value /= 1024;
	snprintf(text, CELL_BYTES, "%.*f%c", unit != 0, value, "BKMGTPE"[unit]);
	return text;
}

static const char *ratio_text(double ratio, char text[CELL_BYTES])
{
	if (isnan(ratio))
		return strcpy(text, "-");
	if (ratio < 99.95)
		snprintf(text, CELL_BYTES, "%.*f", ratio < 9.995 ? 2 : 1, ratio);
	else
		snprintf(text, CELL_BYTES, "%.0f", ratio < 9999 ? ratio : 9999);
	return text;
}

static const char *percent_text(double percent, char text[CELL_BYTES])
{
	if (isnan(percent))
		return strcpy(text, "-");
	if (percent < 999.95)
		snprintf(text, CELL_BYTES, "%.1f", percent);
	else
		snprintf(text, CELL_BYTES, "%.0f", percent < 99999 ? percent : 99999);
	return text;
}

static const char *growth_text(const struct row *row, char text[CELL_BYTES])
{
	char size[CELL_BYTES];
	int64_t bytes;

	if (!growth_per_minute(&row->growth, &bytes))
		return strcpy(text, "-");
	if (bytes == 0)
		return strcpy(text, "0B");
	compact_bytes((uint64_t)(bytes < 0 ? -bytes : bytes), size);
	snprintf(text, CELL_BYTES, "%c%.16s", bytes < 0 ? '-' : '+', size);
	return text;
}

/* Four characters at most: the mark says that it was asked and did not answer. */
static const char *age_text(const struct row *row, uint64_t wall_ms, char text[CELL_BYTES])
{
	uint64_t seconds = row_age_ms(row, wall_ms) / 1000;
	const char *mark = row_is_silent(row) ? "!" : "";

	if (seconds < 100)
		snprintf(text, CELL_BYTES, "%us%s", (unsigned)seconds, mark);
	else if (seconds < 6000)
		snprintf(text, CELL_BYTES, "%um%s", (unsigned)(seconds / 60), mark);
	else if (seconds < 360000)
		snprintf(text, CELL_BYTES, "%uh%s", (unsigned)(seconds / 3600), mark);
	else
		snprintf(text, CELL_BYTES, "%ud%s",
			 (unsigned)(seconds / 86400 < 99 ? seconds / 86400 : 99), mark);
	return text;
}

static const char *figure_text(const struct column *column, const struct row *row,
			       char text[CELL_BYTES])
{
	uint64_t integer;

	if (column->unit == UNIT_RATIO)
		return ratio_text(ratio_of(column, row), text);
	integer = integer_of(column, row);
	if (column->unit == UNIT_BYTES || integer == ZMALLOC_STATS_UNKNOWN)
		return compact_bytes(integer, text);
	snprintf(text, CELL_BYTES, "%llu", (unsigned long long)integer);
	return text;
}

const char *column_text(const struct column *column, const struct row *row, uint64_t wall_ms,
			char text[CELL_BYTES])
{
	*text = '\0';
	switch (column->cell) {
	case CELL_NAME:
		snprintf(text, CELL_BYTES, "%s", row->process.name);
		break;
	case CELL_USER:
		snprintf(text, CELL_BYTES, "%s", *row->user != '\0' ? row->user : "-");
		break;
	case CELL_PID:
		snprintf(text, CELL_BYTES, "%lld", (long long)row->pid);
		break;
	case CELL_FIGURE:
		return figure_text(column, row, text);
	case CELL_LIMIT:
		return percent_text(percent_of_limit(row), text);
	case CELL_GROWTH:
		return growth_text(row, text);
	case CELL_AGE:
		return age_text(row, wall_ms, text);
	case CELL_BAR:
		break;
	}
	return text;
}

/* ---- Order ---- */

static int compare_integers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_known(uint64_t a, uint64_t b, bool *is_unknown)
{
	*is_unknown = a == ZMALLOC_STATS_UNKNOWN || b == ZMALLOC_STATS_UNKNOWN;
	return compare_integers(a, b);
}

static int compare_ratios(double a, double b, bool *is_unknown)
{
	*is_unknown = isnan(a) || isnan(b);
	if (*is_unknown)
		return (isnan(a) != 0) - (isnan(b) != 0);
	return (a > b) - (a < b);
}

static double growth_of(const struct row *row)
{
	int64_t bytes;

	return growth_per_minute(&row->growth, &bytes) ? (double)bytes : NAN;
}

int column_compare(const struct column *column, const struct row *a, const struct row *b,
		   bool *is_unknown)
{
	*is_unknown = false;
	switch (column->cell) {
	case CELL_NAME:
		return strcmp(a->process.name, b->process.name);
	case CELL_USER:
		return strcmp(a->user, b->user);
	case CELL_PID:
		return (a->pid > b->pid) - (a->pid < b->pid);
	case CELL_FIGURE:
		if (column->unit == UNIT_RATIO)
			return compare_ratios(ratio_of(column, a), ratio_of(column, b), is_unknown);
		return compare_known(integer_of(column, a), integer_of(column, b), is_unknown);
	case CELL_LIMIT:
		return compare_ratios(percent_of_limit(a), percent_of_limit(b), is_unknown);
	case CELL_GROWTH:
		return compare_ratios(growth_of(a), growth_of(b), is_unknown);
	case CELL_AGE:
		/* The older the figures, the lower the time that they are of. */
		return compare_integers(b->process.updated_ms, a->process.updated_ms);
	case CELL_BAR:
		break;
	}
	return 0;
}
