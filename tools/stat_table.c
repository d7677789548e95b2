/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/stat_table.c - what `zmalloc stat` says to people.
 */
#include "stat.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "figures.h"

enum {
	NAME_WIDTH = 24,
	INTEGER_WIDTH = 12
};

static void put_name(const char *name)
{
	printf("%-*s", NAME_WIDTH, name);
}

static void put_text(const char *name, const char *text)
{
	put_name(name);
	puts(*text != '\0' ? text : "-");
}

static void put_bytes(const char *name, uint64_t bytes)
{
	char text[ZM_HUMAN_BYTES];

	put_text(name, human(bytes, text));
}

/* "350 ms", "12.3 s", "34 min 5 s", "12 h 5 min", "3 d 4 h" */
static void put_time(uint64_t ms)
{
	unsigned long long seconds = ms / 1000;

	if (ms < 1000)
		printf("%llu ms", (unsigned long long)ms);
	else if (seconds < 60)
		printf("%llu.%llu s", seconds, (unsigned long long)(ms % 1000 / 100));
	else if (seconds < 3600)
		printf("%llu min %llu s", seconds / 60, seconds % 60);
	else if (seconds < 86400)
		printf("%llu h %llu min", seconds / 3600, seconds % 3600 / 60);
	else
		printf("%llu d %llu h", seconds / 86400, seconds % 86400 / 3600);
}

/* ---- What it is ---- */

static void put_age(const struct look *look)
{
	put_name("figures");
	if (look->silent) {
		fputs("no answer: the process is stopped or hangs; its last ones, ", stdout);
	} else if (look->about.way == ZMALLOC_PROCESS_PASSIVE) {
		fputs("shown passively, ", stdout);
	} else {
		puts("of now");
		return;
	}
	put_time(look_age_ms(look));
	puts(" old");
}

static void put_uptime(const struct look *look)
{
	put_name("running for");
	if (look->about.uptime_ms != ZMALLOC_STATS_UNKNOWN)
		put_time(look->about.uptime_ms);
	else
		putchar('-');
	putchar('\n');
}

static void put_limit(const struct look *look)
{
	char text[ZM_HUMAN_BYTES];
	double share = look_of_limit(look);

	put_name("limit");
	fputs(human(look->about.limit_bytes, text), stdout);
	if (look->about.limit_source[0] != '\0')
		printf(", by %s", look->about.limit_source);
	putchar('\n');
	put_name("rss of limit");
	if (isnan(share))
		puts("-");
	else
		printf("%.1f %%\n", share * 100);
}

static void put_signed(int64_t bytes)
{
	char text[ZM_HUMAN_BYTES];
	uint64_t size = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;

	printf("%s%s", bytes < 0 ? "-" : "+", zm_human_bytes(size, text));
}

static void put_growth(const struct grown *growth)
{
	put_name("growth");
	if (!growth->known) {
		puts("-");
		return;
	}
	put_signed(growth->bytes);
	fputs(" in ", stdout);
	put_time(growth->ms);
	fputs(", ", stdout);
	put_signed((int64_t)((double)growth->bytes * 60000 / (double)growth->ms));
	puts(" a minute");
}

static void put_about(const struct report *report)
{
	const struct look *look = &report->look;
	char user[LOOK_USER], unit[LOOK_UNIT];

	look_user(look, user);
	unit_of_group(look->about.group, unit);
	put_text("command", look->about.command);
	put_text("user", user);
	put_text("unit", unit);
	put_text("control group", look->about.group);
	put_uptime(look);
	put_age(look);
	put_limit(look);
	put_bytes("swap", look->about.swap_bytes);
	put_bytes("pss", look->about.pss_bytes);
	put_growth(&report->growth);
}

/* ---- Its figures ---- */

static void put_figure(const struct zmalloc_stats *stats, const struct figure *figure, int width)
{
	char text[ZM_HUMAN_BYTES];

	if (!figure_is_known(stats, figure))
		printf("%*s", width, "-");
	else if (figure->unit == FIGURE_RATIO)
		printf("%*.3f", width, figure_ratio(stats, figure));
	else if (figure->unit == FIGURE_BYTES)
		printf("%*s", width, human(figure_integer(stats, figure), text));
	else
		printf("%*" PRIu64, width, figure_integer(stats, figure));
}

static void put_figures(const struct zmalloc_stats *stats)
{
	for (size_t i = 0; i < FIGURES; i++) {
		put_name(figures[i].name);
		put_figure(stats, &figures[i], INTEGER_WIDTH);
		printf("  %s\n", figures[i].help);
	}
}

/* ---- Size classes ---- */

static void put_count(uint64_t count)
{
	if (count == ZMALLOC_STATS_UNKNOWN)
		printf("%*s", INTEGER_WIDTH, "-");
	else
		printf("%*" PRIu64, INTEGER_WIDTH, count);
}

static void put_bin(const struct zmalloc_bin_stats *bin)
{
	char text[ZM_HUMAN_BYTES];

	printf("%*s", INTEGER_WIDTH, human(bin->region_bytes, text));
	put_count(bin->slabs);
	put_count(bin->regions);
	put_count(bin->used_regions);
	if (bin->regions == ZMALLOC_STATS_UNKNOWN || bin->used_regions == ZMALLOC_STATS_UNKNOWN ||
	    bin->regions == 0)
		printf("%8s", "-");
	else
		printf("%7.1f%%", 100 * (double)bin->used_regions / (double)bin->regions);
	printf("%*s\n", INTEGER_WIDTH, human(bin->free_bytes, text));
}

static void put_bins(const struct parts *bins)
{
	if (!bins->wanted || bins->error != 0)
		return;
	printf("\n%*s%*s%*s%*s%8s%*s\n", INTEGER_WIDTH, "SIZE", INTEGER_WIDTH, "SLABS",
	       INTEGER_WIDTH, "REGIONS", INTEGER_WIDTH, "USED", "FULL", INTEGER_WIDTH, "FREE");
	for (size_t i = 0; i < bins->count; i++)
		put_bin(&bins->bin[i]);
}

/* ---- Arenas ---- */

static bool is_arena_column(const struct figure *figure)
{
	return figure->of_arena && figure->unit == FIGURE_BYTES;
}

/* "used_bytes" is headed USED. */
static int width_of(const struct figure *figure)
{
	int length = (int)(strlen(figure->name) - strlen("_bytes")) + 2;

	return length > INTEGER_WIDTH ? length : INTEGER_WIDTH;
}

static void put_arena_heading(void)
{
	printf("\n%8s", "ARENA");
	for (size_t i = 0; i < FIGURES; i++) {
		int length = (int)(strlen(figures[i].name) - strlen("_bytes"));

		if (!is_arena_column(&figures[i]))
			continue;
		printf("%*s", width_of(&figures[i]) - length, "");
		for (int j = 0; j < length; j++)
			putchar(toupper((unsigned char)figures[i].name[j]));
	}
	putchar('\n');
}

static void put_arenas(const struct parts *arenas)
{
	if (!arenas->wanted || arenas->error != 0)
		return;
	put_arena_heading();
	for (size_t i = 0; i < arenas->count; i++) {
		printf("%8u", arenas->arena[i]);
		for (size_t j = 0; j < FIGURES; j++)
			if (is_arena_column(&figures[j]))
				put_figure(&arenas->arena_stats[i], &figures[j],
					   width_of(&figures[j]));
		putchar('\n');
	}
}

/* ---- Scopes ---- */

static void put_scopes(const struct parts *scopes)
{
	char name[ZMALLOC_SCOPE_NAME_BYTES], used[SIGNED_BYTES], text[ZM_HUMAN_BYTES];

	if (!scopes->wanted || scopes->error != 0)
		return;
	printf("\n%-*s%*s%*s%*s%*s%*s\n", NAME_WIDTH, "SCOPE", INTEGER_WIDTH, "USED", INTEGER_WIDTH,
	       "PEAK", INTEGER_WIDTH, "LIMIT", INTEGER_WIDTH, "REFUSALS", INTEGER_WIDTH, "THREADS");
	for (size_t i = 0; i < scopes->count; i++) {
		const struct zmalloc_scope_stats *scope = &scopes->scope[i];

		printf("%-*s%*s", NAME_WIDTH, scope_name(scope, name), INTEGER_WIDTH,
		       human_signed(scope->used_bytes, used));
		printf("%*s", INTEGER_WIDTH, human(scope->peak_bytes, text));
		printf("%*s", INTEGER_WIDTH, human(scope->limit_bytes, text));
		put_count(scope->refusals);
		put_count(scope->threads);
		putchar('\n');
	}
}

void print_report(const struct report *report)
{
	const struct zmalloc_process *process = &report->look.process;

	printf("%s (%" PRId64 "), %s, libzmalloc %s\n", process->name, process->pid,
	       process->allocator, process->version);
	put_about(report);
	put_figures(&process->stats);
	put_bins(&report->bins);
	put_arenas(&report->arenas);
	put_scopes(&report->scopes);
}
