/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/write_openmetrics.c - figures as OpenMetrics text, which Prometheus reads.
 */
#include "config.h"

#include "stats/write.h"

static void put_line_start(struct zm_builder *out, const char *word, const char *name)
{
	zm_build_text(out, "# ");
	zm_build_text(out, word);
	zm_build_text(out, " zmalloc_");
	zm_build_text(out, name);
	zm_build_text(out, " ");
}

void zm_write_family(struct zm_builder *out, const char *name, const char *type, const char *unit,
		     const char *help)
{
	put_line_start(out, "TYPE", name);
	zm_build_text(out, type);
	zm_build_text(out, "\n");
	if (*unit != '\0') {
		put_line_start(out, "UNIT", name);
		zm_build_text(out, unit);
		zm_build_text(out, "\n");
	}
	put_line_start(out, "HELP", name);
	zm_build_text(out, help);
	zm_build_text(out, ".\n");
}

static void put_family_of(struct zm_builder *out, const struct zm_figure *figure)
{
	static const char *const units[] = {
		[ZM_UNIT_BYTES] = "bytes", [ZM_UNIT_COUNT] = "", [ZM_UNIT_RATIO] = "ratio"};
	static const char *const types[] = {
		[ZM_KIND_GAUGE] = "gauge", [ZM_KIND_COUNTER] = "counter"};

	zm_write_family(out, figure->name, types[figure->kind], units[figure->unit], figure->help);
}

static void put_process_labels(struct zm_builder *out, const struct zmalloc_process *process)
{
	zm_build_text(out, "pid=\"");
	zm_build_number(out, (uint64_t)process->pid);
	zm_build_text(out, "\",name=");
	zm_build_quoted(out, process->name);
}

static void put_sample(struct zm_builder *out, const struct zm_process_set *set,
		       const struct zmalloc_process *process, const struct zm_figure *figure)
{
	zm_build_text(out, "zmalloc_");
	zm_build_text(out, figure->name);
	if (figure->kind == ZM_KIND_COUNTER)
		zm_build_text(out, "_total");
	if (set->labels) {
		zm_build_text(out, "{");
		put_process_labels(out, process);
		zm_build_text(out, "}");
	}
	zm_build_text(out, " ");
	zm_write_value(out, &process->stats, figure);
	zm_build_text(out, "\n");
}

static void put_build_info(struct zm_builder *out, const struct zm_process_set *set)
{
	zm_write_family(out, "build_info", "gauge", "",
			"Allocator and version of libzmalloc; always 1");
	for (size_t i = 0; i < set->count; i++) {
		zm_build_text(out, "zmalloc_build_info{");
		if (set->labels) {
			put_process_labels(out, zm_process_at(set, i));
			zm_build_text(out, ",");
		}
		zm_build_text(out, "allocator=");
		zm_build_quoted(out, zm_process_at(set, i)->allocator);
		zm_build_text(out, ",version=");
		zm_build_quoted(out, zm_process_at(set, i)->version);
		zm_build_text(out, "} 1\n");
	}
}

/* A family's samples must stand together, and a family without samples is left out. */
static void put_figure(struct zm_builder *out, const struct zm_process_set *set,
		       const struct zm_figure *figure)
{
	bool begun = false;

	for (size_t i = 0; i < set->count; i++) {
		if (!zm_process_knows(set, i, figure))
			continue;
		if (!begun)
			put_family_of(out, figure);
		begun = true;
		put_sample(out, set, zm_process_at(set, i), figure);
	}
}

void zm_write_openmetrics(struct zm_builder *out, const struct zm_process_set *set)
{
	if (set->count != 0)
		put_build_info(out, set);
	for (size_t i = 0; i < ZM_FIGURES_COUNT; i++)
		put_figure(out, set, &zm_figures[i]);
	if (set->scopes)
		zm_write_openmetrics_scopes(out);
	zm_build_text(out, "# EOF\n");
}
