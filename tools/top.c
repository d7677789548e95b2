/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top.c - `zmalloc top`: a live view of every process of this user that publishes.
 */
#include "command.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "screen.h"
#include "stats/figure_list.h"

/* ---- Columns ---- */

struct column {
	const char *heading; /* "": the figure has no column */
	int width;
	enum {
		BYTES,
		COUNT,
		RATIO
	} unit;
	size_t offset; /* of the figure, in struct zmalloc_stats */
};

enum {
	PID_WIDTH = 8,
	INTEGER_WIDTH = 12,
	RATIO_WIDTH = 7,
	AGE_WIDTH = 6,
	BAR_CELLS = 16
};

/* The library's list of figures says which of them have columns, in which order. */
#define INTEGER_COLUMN(member, unit, kind, group, known, source, heading, help)                    \
	{heading, INTEGER_WIDTH, unit, offsetof(struct zmalloc_stats, member)},
#define RATIO_COLUMN(member, of, to, heading, help)                                                \
	{heading, RATIO_WIDTH, RATIO, offsetof(struct zmalloc_stats, member)},

static const struct column columns[] = {ZM_FIGURES(INTEGER_COLUMN, RATIO_COLUMN)};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* Of all but the name. */
static int fixed_width(void)
{
	int width = PID_WIDTH + AGE_WIDTH + 2 + BAR_CELLS + 2;

	for (size_t i = 0; i < COLUMNS; i++)
		width += *columns[i].heading != '\0' ? columns[i].width : 0;
	return width;
}

/* ---- Order ---- */

static char order = 'u';

static int descending(uint64_t a, uint64_t b)
{
	/* Unknown is the largest number, and belongs last. */
	a = a == ZMALLOC_STATS_UNKNOWN ? 0 : a;
	b = b == ZMALLOC_STATS_UNKNOWN ? 0 : b;
	return (a < b) - (a > b);
}

static double known(double ratio)
{
	return isnan(ratio) ? 0 : ratio;
}

static int compare(const void *left, const void *right)
{
	const struct zmalloc_process *a = left, *b = right;
	double frag_a = known(a->stats.allocator_frag_ratio);
	double frag_b = known(b->stats.allocator_frag_ratio);
	int answer = 0;

	if (order == 'u')
		answer = descending(a->stats.used_bytes, b->stats.used_bytes);
	else if (order == 'r')
		answer = descending(a->stats.rss_bytes, b->stats.rss_bytes);
	else if (order == 'f')
		answer = (frag_a < frag_b) - (frag_a > frag_b);
	return answer != 0 ? answer : (a->pid > b->pid) - (a->pid < b->pid);
}

/* ---- A line ---- */

static const char *bar_used, *bar_rest;

static void choose_bar(void)
{
	bool wide;

	setlocale(LC_CTYPE, "");
	wide = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	bar_used = wide ? "\xe2\x96\x88" : "#"; /* full block */
	bar_rest = wide ? "\xe2\x96\x91" : "."; /* light shade */
}

/* Cells for so much of the largest process; something that is there shows one. */
static int cells(uint64_t bytes, uint64_t largest)
{
	double share;

	if (bytes == ZMALLOC_STATS_UNKNOWN || bytes == 0 || largest == 0)
		return 0;
	share = (double)bytes / (double)largest;
	return share >= 1 ? BAR_CELLS : (int)(share * (BAR_CELLS - 1)) + 1;
}

/* What is used, then what is resident beyond it. */
static void print_bar(const struct zmalloc_stats *stats, uint64_t largest)
{
	int used = cells(stats->used_bytes, largest), all = cells(stats->rss_bytes, largest);

	for (int i = 0; i < BAR_CELLS; i++)
		fputs(i < used ? bar_used : i < all ? bar_rest : " ", stdout);
}

static void print_age(uint64_t updated_ms, uint64_t now_ms)
{
	uint64_t seconds = now_ms > updated_ms ? (now_ms - updated_ms) / 1000 : 0;

	if (seconds < 100)
		printf(" %4us", (unsigned)seconds);
	else if (seconds < 6000)
		printf(" %4um", (unsigned)(seconds / 60));
	else
		printf(" %4uh", (unsigned)(seconds / 3600 < 9999 ? seconds / 3600 : 9999));
}

/* A library older than this tool does not fill what it does not know. */
static void print_figure(const struct zmalloc_stats *stats, const struct column *column)
{
	const void *figure = (const char *)stats + column->offset;
	bool is_there = column->offset + sizeof(uint64_t) <= stats->size;
	uint64_t integer = is_there ? *(const uint64_t *)figure : ZMALLOC_STATS_UNKNOWN;
	char text[ZM_HUMAN_BYTES];
	double ratio;

	if (column->unit == RATIO) {
		ratio = is_there ? *(const double *)figure : NAN;
		if (isnan(ratio))
			printf("%*s", column->width, "-");
		else
			printf("%*.2f", column->width, ratio < 1000 ? ratio : 999.99);
	} else if (column->unit == BYTES || integer == ZMALLOC_STATS_UNKNOWN) {
		printf("%*s", column->width, human(integer, text));
	} else {
		printf("%*llu", column->width, (unsigned long long)integer);
	}
}

static void print_process(const struct zmalloc_process *process, uint64_t largest, uint64_t now_ms,
			  int name_columns)
{
	printf("%*lld", PID_WIDTH, (long long)process->pid);
	for (size_t i = 0; i < COLUMNS; i++)
		if (*columns[i].heading != '\0')
			print_figure(&process->stats, &columns[i]);
	print_age(process->updated_ms, now_ms);
	fputs("  ", stdout);
	print_bar(&process->stats, largest);
	printf("  %.*s", name_columns, process->name);
}

/* ---- A picture ---- */

static uint64_t now_ms(void)
{
	struct timespec now = {0, 0};

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t largest_of(const struct process_list *list)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct zmalloc_stats *stats = &list->process[i].stats;

		if (stats->rss_bytes != ZMALLOC_STATS_UNKNOWN && stats->rss_bytes > largest)
			largest = stats->rss_bytes;
		if (stats->used_bytes != ZMALLOC_STATS_UNKNOWN && stats->used_bytes > largest)
			largest = stats->used_bytes;
	}
	return largest;
}

static void print_summary(const struct process_list *list)
{
	char used[ZM_HUMAN_BYTES], limit[ZM_HUMAN_BYTES];
	uint64_t sum = 0;

	for (size_t i = 0; i < list->count; i++)
		if (list->process[i].stats.used_bytes != ZMALLOC_STATS_UNKNOWN)
			sum += list->process[i].stats.used_bytes;
	printf("%zu %s publish, %s used; memory limit %s", list->count,
	       list->count == 1 ? "process" : "processes", human(sum, used),
	       human(zmalloc_get_memory_limit(), limit));
}

static void print_heading(void)
{
	printf("%*s", PID_WIDTH, "PID");
	for (size_t i = 0; i < COLUMNS; i++)
		if (*columns[i].heading != '\0')
			printf("%*s", columns[i].width, columns[i].heading);
	printf("%*s  %-*s  %s", AGE_WIDTH, "AGE", BAR_CELLS, "USED/RSS", "NAME");
}

/* Only what fits: a picture that scrolls could not be drawn over. */
static void draw(struct process_list *list)
{
	uint64_t largest = largest_of(list), now = now_ms();
	int width, lines, name_columns;

	screen_size(&width, &lines);
	name_columns = width > fixed_width() ? width - fixed_width() : 0;
	screen_home();
	print_summary(list);
	screen_line_end();
	fputs("\033[7m", stdout);
	print_heading();
	fputs("\033[0m", stdout);
	screen_line_end();
	for (size_t i = 0; i < list->count && (int)i < lines - 4; i++) {
		print_process(&list->process[i], largest, now, name_columns);
		screen_line_end();
	}
	if (list->count == 0) {
		fputs("Nothing yet: start a program with ZMALLOC_PUBLISH=1.", stdout);
		screen_line_end();
	}
	fputs("u used  r rss  f fragmentation  p pid  q quit", stdout);
	screen_done();
}

static void print_plain(const struct process_list *list)
{
	uint64_t largest = largest_of(list), now = now_ms();

	print_heading();
	putchar('\n');
	for (size_t i = 0; i < list->count; i++) {
		print_process(&list->process[i], largest, now, 64);
		putchar('\n');
	}
}

/* ---- Again and again ---- */

static bool look(struct process_list *list)
{
	if (!list_processes(list))
		return false;
	if (list->count != 0)
		qsort(list->process, list->count, sizeof(*list->process), compare);
	return true;
}

static int run_on_screen(const struct options *options, struct process_list *list)
{
	bool looked = true;
	int key = 0;

	for (long round = 0; key != 'q' && (options->rounds <= 0 || round < options->rounds);
	     round++) {
		looked = look(list);
		if (!looked)
			break;
		draw(list);
		key = screen_key(options->delay_s);
		if (key != 0 && strchr("urfp", key) != NULL)
			order = (char)key;
	}
	screen_close();
	return looked ? DONE : FAILED;
}

static void pause_for(double seconds)
{
	struct timespec pause = {.tv_sec = (time_t)seconds};

	pause.tv_nsec = (long)((seconds - (double)pause.tv_sec) * 1e9);
	nanosleep(&pause, NULL);
}

/* Once, unless a number of rounds was asked for: that is what a script or a pipe wants. */
static int run_plain(const struct options *options, struct process_list *list)
{
	long rounds = options->rounds < 0 ? 1 : options->rounds;

	for (long round = 0; rounds == 0 || round < rounds; round++) {
		if (round != 0)
			pause_for(options->delay_s);
		if (!look(list))
			return FAILED;
		if (options->format != ZMALLOC_STATS_TABLE) {
			if (write_processes(list, options->format) != DONE)
				return FAILED;
			continue;
		}
		print_plain(list);
		if (fflush(stdout) != 0)
			return complain("cannot write to standard output");
	}
	return DONE;
}

int command_top(const struct options *options)
{
	struct process_list list = {0};
	int answer;

	choose_bar();
	if (options->format == ZMALLOC_STATS_TABLE && screen_open())
		answer = run_on_screen(options, &list);
	else
		answer = run_plain(options, &list);
	free(list.process);
	return answer;
}
