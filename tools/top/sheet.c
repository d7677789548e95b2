/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/sheet.c - all that one process tells, as lines.
 */
#include "tools/top/sheet.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/figure_list.h"
#include "tools/command.h"
#include "tools/top/holders.h"

/* For each of five questions; the terminal waits. */
enum {
	PATIENCE_MS = 60,
	SILENT_MS = 1
};

/* ---- Lines ---- */

void sheet_add(struct sheet *sheet, const char *format, ...)
{
	char text[640], **grown;
	va_list arguments;

	if (sheet->count == sheet->room) {
		grown = realloc(sheet->line, (sheet->room * 2 + 32) * sizeof(*grown));
		if (grown == NULL)
			return;
		sheet->line = grown;
		sheet->room = sheet->room * 2 + 32;
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	sheet->line[sheet->count] = strdup(text);
	if (sheet->line[sheet->count] != NULL)
		sheet->count++;
}

static void begin(struct sheet *sheet, int section)
{
	if (sheet->count != 0)
		sheet_add(sheet, "%s", "");
	sheet->section[section] = sheet->count;
}

static void clear(struct sheet *sheet)
{
	for (size_t i = 0; i < sheet->count; i++)
		free(sheet->line[i]);
	sheet->count = 0;
}

void sheet_free(struct sheet *sheet)
{
	clear(sheet);
	free(sheet->line);
	symbols_close(sheet->symbols);
	*sheet = (struct sheet){0};
}

static unsigned patience(const struct row *row)
{
	return row->missed != 0 ? SILENT_MS : PATIENCE_MS;
}

static const char *refusal(int error)
{
	switch (error) {
	case ETIMEDOUT:
		return "no answer";
	case ENOTSUP:
		return "it does not tell";
	case ESRCH:
		return "it is gone";
	default:
		return strerror(error);
	}
}

/* ---- Itself ---- */

void sheet_title(const struct row *row, uint64_t wall_ms, char *text, size_t size)
{
	uint64_t age_ms = row_age_ms(row, wall_ms);

	snprintf(text, size, "%s (%lld): %s%llu.%llu s ago", row->process.name, (long long)row->pid,
		 row_is_silent(row) ? "no answer, figures of " : "figures of ",
		 (unsigned long long)(age_ms / 1000), (unsigned long long)(age_ms % 1000 / 100));
}

static void add_uptime(struct sheet *sheet, uint64_t ms)
{
	unsigned long long minutes = ms / 60000;

	if (ms != ZMALLOC_STATS_UNKNOWN)
		sheet_add(sheet, "running    %llud %02lluh %02llum %02llus", minutes / 1440,
			  minutes / 60 % 24, minutes % 60, (unsigned long long)(ms / 1000 % 60));
}

static void add_growth(struct sheet *sheet, const struct row *row)
{
	char text[ZM_HUMAN_BYTES];
	int64_t bytes;

	if (growth_per_minute(&row->growth, &bytes))
		sheet_add(sheet, "growth     %s%s a minute", bytes < 0 ? "-" : "+",
			  human((uint64_t)(bytes < 0 ? -bytes : bytes), text));
}

static void add_itself(struct sheet *sheet, const struct row *row)
{
	struct zmalloc_process_info about = {
		.size = offsetof(struct zmalloc_process_info, swap_bytes)};
	char limit[ZM_HUMAN_BYTES];
	int told = zmalloc_process_about(row->pid, patience(row), &about);

	begin(sheet, 0);
	sheet_add(sheet, "allocator  %s", row->process.allocator);
	sheet_add(sheet, "libzmalloc %s", row->process.version);
	sheet_add(sheet, "user       %s", *row->user != '\0' ? row->user : "-");
	add_growth(sheet, row);
	if (told != 0) {
		sheet_add(sheet, "about it   %s", refusal(errno));
		return;
	}
	sheet_add(sheet, "command    %s", about.command);
	sheet_add(sheet, "group      %s", about.group);
	add_uptime(sheet, about.uptime_ms);
	if (about.limit_bytes != ZMALLOC_STATS_UNKNOWN)
		sheet_add(sheet, "limit      %s, %s", human(about.limit_bytes, limit),
			  about.limit_source);
	sheet_add(sheet, "asked      %s",
		  about.way == ZMALLOC_PROCESS_PASSIVE ? "it shows itself passively"
						       : "it answers");
}

/* ---- Figures ---- */

static bool is_there(const struct zmalloc_stats *stats, size_t offset)
{
	return offset + sizeof(uint64_t) <= stats->size;
}

static void add_bytes(struct sheet *sheet, const char *name, uint64_t value, const char *help)
{
	char text[ZM_HUMAN_BYTES];

	sheet_add(sheet, "%-24s %10s  %s", name, human(value, text), help);
}

static void add_count(struct sheet *sheet, const char *name, uint64_t value, const char *help)
{
	if (value == ZMALLOC_STATS_UNKNOWN)
		sheet_add(sheet, "%-24s %10s  %s", name, "-", help);
	else
		sheet_add(sheet, "%-24s %10llu  %s", name, (unsigned long long)value, help);
}

static void add_ratio(struct sheet *sheet, const char *name, double value, const char *help)
{
	if (isnan(value))
		sheet_add(sheet, "%-24s %10s  %s", name, "-", help);
	else
		sheet_add(sheet, "%-24s %10.2f  %s", name, value, help);
}

#define ADD_BYTES add_bytes
#define ADD_COUNT add_count
#define ADD_INTEGER(member, unit, kind, group, known, source, heading, help)                       \
	ADD_##unit(sheet, #member,                                                                 \
		   is_there(stats, offsetof(struct zmalloc_stats, member))                         \
			   ? stats->member                                                         \
			   : ZMALLOC_STATS_UNKNOWN,                                                \
		   help);
#define ADD_RATIO(member, of, to, heading, help)                                                   \
	add_ratio(sheet, #member,                                                                  \
		  is_there(stats, offsetof(struct zmalloc_stats, member)) ? (double)stats->member  \
									  : (double)NAN,           \
		  help);

static void add_figures(struct sheet *sheet, const struct zmalloc_stats *stats)
{
	begin(sheet, 1);
	ZM_FIGURES(ADD_INTEGER, ADD_RATIO)
}

/* ---- Scopes ---- */

static int add_scope(const struct zmalloc_scope_stats *scope, void *context)
{
	char name[ZMALLOC_SCOPE_NAME_BYTES], used[SIGNED_BYTES], peak[ZM_HUMAN_BYTES],
		limit[ZM_HUMAN_BYTES];

	sheet_add(context, "%-24s %10s %10s %10s", scope_name(scope, name),
		  human_signed(scope->used_bytes, used), human(scope->peak_bytes, peak),
		  human(scope->limit_bytes, limit));
	return 0;
}

static void add_scopes(struct sheet *sheet, const struct row *row)
{
	begin(sheet, 2);
	sheet_add(sheet, "%-24s %10s %10s %10s", "SCOPE", "USED", "PEAK", "LIMIT");
	if (zmalloc_process_visit_scopes(row->pid, patience(row), add_scope, sheet) != 0)
		sheet_add(sheet, "scopes: %s", refusal(errno));
}

/* ---- Who holds it ---- */

static void add_holders(struct sheet *sheet, const struct row *row)
{
	int error;

	begin(sheet, 3);
	error = holders_add(sheet, row->pid, patience(row));
	if (error == ENODATA)
		sheet_add(sheet, "who holds it: `zmalloc profile --start %lld` has it find out",
			  (long long)row->pid);
	else if (error != 0)
		sheet_add(sheet, "who holds it: %s", refusal(error));
}

/* ---- Arenas and bins ---- */

static int add_arena(unsigned arena, const struct zmalloc_stats *stats, void *context)
{
	char allocated[ZM_HUMAN_BYTES], active[ZM_HUMAN_BYTES], resident[ZM_HUMAN_BYTES];

	sheet_add(context, "%6u %10s %10s %10s", arena, human(stats->allocated_bytes, allocated),
		  human(stats->active_bytes, active), human(stats->resident_bytes, resident));
	return 0;
}

static void add_arenas(struct sheet *sheet, const struct row *row)
{
	begin(sheet, 4);
	sheet_add(sheet, "%6s %10s %10s %10s", "ARENA", "ALLOCATED", "ACTIVE", "RESIDENT");
	if (zmalloc_process_visit_arenas(row->pid, patience(row), add_arena, sheet) != 0)
		sheet_add(sheet, "arenas: %s", refusal(errno));
}

static void add_field(char *line, size_t size, uint64_t value)
{
	size_t length = strlen(line);

	if (value == ZMALLOC_STATS_UNKNOWN)
		snprintf(line + length, size - length, " %9s", "-");
	else
		snprintf(line + length, size - length, " %9llu", (unsigned long long)value);
}

static int add_bin(const struct zmalloc_bin_stats *bin, void *context)
{
	char region[ZM_HUMAN_BYTES], wasted[ZM_HUMAN_BYTES], line[80];

	snprintf(line, sizeof(line), "%10s", human(bin->region_bytes, region));
	add_field(line, sizeof(line), bin->slabs);
	add_field(line, sizeof(line), bin->regions);
	add_field(line, sizeof(line), bin->used_regions);
	sheet_add(context, "%s %10s", line, human(bin->free_bytes, wasted));
	return 0;
}

static void add_bins(struct sheet *sheet, const struct row *row)
{
	begin(sheet, 5);
	sheet_add(sheet, "%10s %9s %9s %9s %10s", "BIN", "SLABS", "REGIONS", "USED", "FREE");
	if (zmalloc_process_visit_bins(row->pid, ZMALLOC_STATS_ALL_ARENAS, patience(row), add_bin,
				       sheet) != 0)
		sheet_add(sheet, "bins: %s", refusal(errno));
}

void sheet_fill(struct sheet *sheet, const struct row *row)
{
	clear(sheet);
	add_itself(sheet, row);
	add_figures(sheet, &row->process.stats);
	add_scopes(sheet, row);
	add_holders(sheet, row);
	add_arenas(sheet, row);
	add_bins(sheet, row);
}
