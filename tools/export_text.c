/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/export_text.c - series as OpenMetrics text.
 *
 * No sample has a time stamp, for the node exporter refuses files that have any: the times are samples
 * themselves.
 */
#include "export.h"

#include <string.h>

#include "metric_list.h"

enum {
	BYTES,
	COUNT,
	SECONDS
};

struct metric {
	const char *name, *help;
	int unit;
	uint64_t (*value)(const struct series *series);
};

#define VALUE(name, unit, value, help)                                                             \
	static uint64_t value_of_##name(const struct series *series)                               \
	{                                                                                          \
		return value;                                                                      \
	}
ZM_METRICS(VALUE)

#define ROW(name, unit, value, help) {#name, help, unit, value_of_##name},
static const struct metric metrics[] = {ZM_METRICS(ROW)};
#define METRICS (sizeof(metrics) / sizeof(metrics[0]))

/* ---- Pieces ---- */

static void put_line(struct zm_builder *out, const char *word, const char *name, const char *text)
{
	zm_build_text(out, "# ");
	zm_build_text(out, word);
	zm_build_text(out, " zmalloc_");
	zm_build_text(out, name);
	zm_build_text(out, " ");
	zm_build_text(out, text);
	zm_build_text(out, "\n");
}

/* unit: "" for none. No help has a character that would have to be quoted. */
static void put_family(struct zm_builder *out, const char *name, bool counter, const char *unit,
		       const char *help)
{
	put_line(out, "TYPE", name, counter ? "counter" : "gauge");
	if (*unit != '\0')
		put_line(out, "UNIT", name, unit);
	zm_build_text(out, "# HELP zmalloc_");
	zm_build_text(out, name);
	zm_build_text(out, " ");
	zm_build_text(out, help);
	zm_build_text(out, ".\n");
}

static void put_label(struct zm_builder *out, const char *name, const char *value)
{
	zm_build_text(out, name);
	zm_build_text(out, "=");
	zm_build_quoted(out, value);
}

static void put_labels(struct zm_builder *out, const struct labels *labels)
{
	put_label(out, "{name", labels->name);
	put_label(out, ",unit", labels->unit);
	put_label(out, ",user", labels->user);
	if (labels->pid != 0) {
		zm_build_text(out, ",pid=\"");
		zm_build_number(out, (uint64_t)labels->pid);
		zm_build_text(out, "\"");
	}
}

static void put_sample_start(struct zm_builder *out, const char *name, bool counter,
			     const struct labels *labels)
{
	zm_build_text(out, "zmalloc_");
	zm_build_text(out, name);
	zm_build_text(out, counter ? "_total" : "");
	put_labels(out, labels);
	zm_build_text(out, "} ");
}

/* "1764169200.125" */
static void put_seconds(struct zm_builder *out, uint64_t ms)
{
	char text[ZM_DIGITS];

	zm_build_number(out, ms / 1000);
	zm_build_text(out, ".");
	zm_build_text(out, zm_digits(1000 + ms % 1000, text) + 1);
}

/* ---- Families: samples of one stand together, and one without samples is left out ---- */

static void put_metric(struct zm_builder *out, const struct series_list *sums,
		       const struct metric *metric)
{
	static const char *const units[] = {[BYTES] = "bytes", [COUNT] = "", [SECONDS] = "seconds"};
	bool begun = false;

	for (size_t i = 0; i < sums->count; i++) {
		uint64_t value = metric->value(&sums->series[i]);

		if (value == ZMALLOC_STATS_UNKNOWN)
			continue;
		if (!begun)
			put_family(out, metric->name, false, units[metric->unit], metric->help);
		begun = true;
		put_sample_start(out, metric->name, false, &sums->series[i].labels);
		if (metric->unit == SECONDS)
			put_seconds(out, value);
		else
			zm_build_number(out, value);
		zm_build_text(out, "\n");
	}
}

static void put_figure(struct zm_builder *out, const struct series_list *sums,
		       const struct figure *figure)
{
	static const char *const units[] = {
		[FIGURE_BYTES] = "bytes", [FIGURE_COUNT] = "", [FIGURE_RATIO] = "ratio"};
	bool begun = false;

	for (size_t i = 0; i < sums->count; i++) {
		const struct series *series = &sums->series[i];

		if (!figure_is_known(&series->stats, figure))
			continue;
		if (!begun)
			put_family(out, figure->name, figure->counter, units[figure->unit],
				   figure->help);
		begun = true;
		put_sample_start(out, figure->name, figure->counter, &series->labels);
		build_figure(out, &series->stats, figure);
		zm_build_text(out, "\n");
	}
}

/* Several processes of one series may have several libraries: each of those is told once. */
static void put_build_info(struct zm_builder *out, const struct series_list *each)
{
	const struct series *last = NULL;

	if (each->count != 0)
		put_family(out, ZM_BUILD_INFO_NAME, false, "", ZM_BUILD_INFO_HELP);
	for (size_t i = 0; i < each->count; i++) {
		const struct series *series = &each->series[i];

		if (last != NULL && labels_compare(&last->labels, &series->labels) == 0 &&
		    strcmp(last->allocator, series->allocator) == 0 &&
		    strcmp(last->version, series->version) == 0)
			continue;
		last = series;
		zm_build_text(out, "zmalloc_" ZM_BUILD_INFO_NAME);
		put_labels(out, &series->labels);
		put_label(out, ",allocator", series->allocator);
		put_label(out, ",version", series->version);
		zm_build_text(out, "} 1\n");
	}
}

void export_write(struct zm_builder *out, const struct series_list *each,
		  const struct series_list *sums)
{
	put_family(out, ZM_EXPORT_TIME_NAME, false, "seconds", ZM_EXPORT_TIME_HELP);
	zm_build_text(out, "zmalloc_" ZM_EXPORT_TIME_NAME " ");
	put_seconds(out, each->taken_ms);
	zm_build_text(out, "\n");
	put_build_info(out, each);
	for (size_t i = 0; i < METRICS; i++)
		put_metric(out, sums, &metrics[i]);
	for (size_t i = 0; i < FIGURES; i++)
		put_figure(out, sums, &figures[i]);
	zm_build_text(out, "# EOF\n");
}
