/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/write.c - figures as a table for people, as JSON and as OpenMetrics text.
 *
 * Never allocates: pieces flow through a buffer on the stack. What a figure is called and means is
 * written once, in `figures`, for all three.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <zmalloc/stats.h>

#include "base/builder.h"
#include "base/sized.h"
#include "os/os.h"
#include "stats/stats.h"

enum kind {
	BYTES,
	COUNT,
	RATIO
};

struct figure {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *help;
};

#define FIGURE(name, kind, help)                                                                   \
	{                                                                                          \
#name, kind, offsetof(struct zmalloc_stats, name), help                            \
	}

static const struct figure figures[] = {
	FIGURE(used_bytes, BYTES, "Live blocks allocated through libzmalloc"),
	FIGURE(peak_bytes, BYTES, "The highest that used has been"),
	FIGURE(rss_bytes, BYTES, "Resident set of the process"),
	FIGURE(allocated_bytes, BYTES, "Live blocks of the allocator"),
	FIGURE(active_bytes, BYTES, "Pages that hold live blocks"),
	FIGURE(resident_bytes, BYTES, "Allocator pages that may be in memory"),
	FIGURE(retained_bytes, BYTES, "Addresses kept, given back to the kernel"),
	FIGURE(muzzy_bytes, BYTES, "Pages that the kernel may take"),
	FIGURE(metadata_bytes, BYTES, "The allocator's own bookkeeping"),
	FIGURE(frag_smallbins_bytes, BYTES, "Free space inside slabs in use"),
	FIGURE(threads, COUNT, "Live threads that have used libzmalloc"),
	FIGURE(allocator_frag_ratio, RATIO, "Active over allocated"),
	FIGURE(allocator_rss_ratio, RATIO, "Allocator resident over active"),
	FIGURE(rss_overhead_ratio, RATIO, "Process resident over allocator resident"),
	FIGURE(mem_fragmentation_ratio, RATIO, "Process resident over used"),
};
#define FIGURES (sizeof(figures) / sizeof(figures[0]))

static uint64_t integer_of(const struct zmalloc_stats *stats, const struct figure *figure)
{
	return *(const uint64_t *)((const char *)stats + figure->offset);
}

static double ratio_of(const struct zmalloc_stats *stats, const struct figure *figure)
{
	return *(const double *)((const char *)stats + figure->offset);
}

/*
 * A struct of an older program ends before the newer figures.
 * A ratio below 0 or infinite is the caller's invention.
 */
static bool is_known(const struct zmalloc_stats *stats, const struct figure *figure)
{
	if (figure->offset + sizeof(uint64_t) > stats->size)
		return false;
	if (figure->kind == RATIO)
		return isfinite(ratio_of(stats, figure)) && ratio_of(stats, figure) >= 0;
	return integer_of(stats, figure) != ZMALLOC_STATS_UNKNOWN;
}

/* The plain number, for machines. */
static void put_value(struct zm_builder *report, const struct zmalloc_stats *stats,
		      const struct figure *figure)
{
	if (figure->kind == RATIO)
		zm_build_decimal(report, ratio_of(stats, figure));
	else
		zm_build_number(report, integer_of(stats, figure));
}

/* ---- Several processes: callers' structs may be of another size ---- */

struct set {
	const struct zmalloc_process *first;
	size_t count;
	bool labels; /* several processes, or one among others */
};

static const struct zmalloc_process *at(const struct set *set, size_t i)
{
	return (const struct zmalloc_process *)((const char *)set->first + i * set->first->size);
}

/* ---- Table ---- */

static void put_human(struct zm_builder *report, const struct zmalloc_stats *stats,
		      const struct figure *figure, size_t width)
{
	char human[ZM_HUMAN_BYTES], digits[ZM_DIGITS];

	if (!is_known(stats, figure)) {
		zm_build_right(report, "-", width);
	} else if (figure->kind == BYTES) {
		zm_build_right(report, zm_human_bytes(integer_of(stats, figure), human), width);
	} else if (figure->kind == COUNT) {
		zm_build_right(report, zm_digits(integer_of(stats, figure), digits), width);
	} else {
		struct zm_builder number;

		zm_builder_start(&number);
		zm_build_decimal(&number, ratio_of(stats, figure));
		number.text[number.length] = '\0';
		zm_build_right(report, number.text, width);
	}
}

static void put_sheet(struct zm_builder *report, const struct zmalloc_process *process)
{
	zm_build_text(report, process->name);
	zm_build_text(report, " (");
	zm_build_number(report, (uint64_t)process->pid);
	zm_build_text(report, "), ");
	zm_build_text(report, process->allocator);
	zm_build_text(report, ", libzmalloc ");
	zm_build_text(report, process->version);
	zm_build_text(report, "\n");
	for (size_t i = 0; i < FIGURES; i++) {
		zm_build_left(report, figures[i].name, 24);
		put_human(report, &process->stats, &figures[i], 12);
		zm_build_text(report, "  ");
		zm_build_text(report, figures[i].help);
		zm_build_text(report, "\n");
	}
}

static void put_row(struct zm_builder *report, const struct zmalloc_process *process)
{
	char digits[ZM_DIGITS];

	zm_build_right(report, zm_digits((uint64_t)process->pid, digits), 8);
	for (size_t i = 0; i < 3; i++)
		put_human(report, &process->stats, &figures[i], 12);
	put_human(report, &process->stats, &figures[11], 8);
	zm_build_text(report, "  ");
	zm_build_left(report, process->allocator, 22);
	zm_build_text(report, " ");
	zm_build_text(report, process->name);
	zm_build_text(report, "\n");
}

static void put_table(struct zm_builder *report, const struct set *set)
{
	if (!set->labels || set->count == 1) {
		put_sheet(report, set->first);
		return;
	}
	zm_build_text(report, "     PID        USED        PEAK         RSS    FRAG  "
			      "ALLOCATOR              NAME\n");
	for (size_t i = 0; i < set->count; i++)
		put_row(report, at(set, i));
}

/* ---- JSON ---- */

static void put_key(struct zm_builder *report, const char *key)
{
	zm_build_text(report, ",");
	zm_build_quoted(report, key);
	zm_build_text(report, ":");
}

static void put_object(struct zm_builder *report, const struct zmalloc_process *process)
{
	zm_build_text(report, "{\"pid\":");
	zm_build_number(report, (uint64_t)process->pid);
	put_key(report, "name");
	zm_build_quoted(report, process->name);
	put_key(report, "allocator");
	zm_build_quoted(report, process->allocator);
	put_key(report, "version");
	zm_build_quoted(report, process->version);
	put_key(report, "updated_ms");
	zm_build_number(report, process->updated_ms);
	for (size_t i = 0; i < FIGURES; i++) {
		put_key(report, figures[i].name);
		if (is_known(&process->stats, &figures[i]))
			put_value(report, &process->stats, &figures[i]);
		else
			zm_build_text(report, "null");
	}
	zm_build_text(report, "}");
}

static void put_json(struct zm_builder *report, const struct set *set)
{
	if (set->labels)
		zm_build_text(report, "[");
	for (size_t i = 0; i < set->count; i++) {
		if (i != 0)
			zm_build_text(report, ",\n ");
		put_object(report, at(set, i));
	}
	zm_build_text(report, set->labels ? "]\n" : "\n");
}

/* ---- OpenMetrics ---- */

/* `# TYPE zmalloc_used_bytes gauge` and its two companions. unit: "" for none. */
static void put_family(struct zm_builder *report, const char *name, const char *unit,
		       const char *help)
{
	zm_build_text(report, "# TYPE zmalloc_");
	zm_build_text(report, name);
	zm_build_text(report, " gauge\n");
	if (*unit != '\0') {
		zm_build_text(report, "# UNIT zmalloc_");
		zm_build_text(report, name);
		zm_build_text(report, " ");
		zm_build_text(report, unit);
		zm_build_text(report, "\n");
	}
	zm_build_text(report, "# HELP zmalloc_");
	zm_build_text(report, name);
	zm_build_text(report, " ");
	zm_build_text(report, help);
	zm_build_text(report, ".\n");
}

static void put_process_labels(struct zm_builder *report, const struct zmalloc_process *process)
{
	zm_build_text(report, "pid=\"");
	zm_build_number(report, (uint64_t)process->pid);
	zm_build_text(report, "\",name=");
	zm_build_quoted(report, process->name);
}

static void put_sample(struct zm_builder *report, const struct set *set,
		       const struct zmalloc_process *process, const struct figure *figure)
{
	zm_build_text(report, "zmalloc_");
	zm_build_text(report, figure->name);
	if (set->labels) {
		zm_build_text(report, "{");
		put_process_labels(report, process);
		zm_build_text(report, "}");
	}
	zm_build_text(report, " ");
	put_value(report, &process->stats, figure);
	zm_build_text(report, "\n");
}

static void put_build_info(struct zm_builder *report, const struct set *set)
{
	put_family(report, "build_info", "", "Allocator and version of libzmalloc; always 1");
	for (size_t i = 0; i < set->count; i++) {
		zm_build_text(report, "zmalloc_build_info{");
		if (set->labels) {
			put_process_labels(report, at(set, i));
			zm_build_text(report, ",");
		}
		zm_build_text(report, "allocator=");
		zm_build_quoted(report, at(set, i)->allocator);
		zm_build_text(report, ",version=");
		zm_build_quoted(report, at(set, i)->version);
		zm_build_text(report, "} 1\n");
	}
}

/* A family's samples must stand together, and one without samples is left out. */
static void put_metrics(struct zm_builder *report, const struct set *set)
{
	static const char *const units[] = {[BYTES] = "bytes", [COUNT] = "", [RATIO] = "ratio"};

	if (set->count != 0)
		put_build_info(report, set);
	for (size_t f = 0; f < FIGURES; f++) {
		bool begun = false;

		for (size_t i = 0; i < set->count; i++) {
			if (!is_known(&at(set, i)->stats, &figures[f]))
				continue;
			if (!begun)
				put_family(report, figures[f].name, units[figures[f].kind],
					   figures[f].help);
			begun = true;
			put_sample(report, set, at(set, i), &figures[f]);
		}
	}
	zm_build_text(report, "# EOF\n");
}

/* ---- The public functions ---- */

static int write_set(const struct set *set, int format, zmalloc_writer write, void *context)
{
	struct zm_builder report;
	int error;

	zm_builder_start_writer(&report, write, context);
	if (format == ZMALLOC_STATS_TABLE)
		put_table(&report, set);
	else if (format == ZMALLOC_STATS_JSON)
		put_json(&report, set);
	else if (format == ZMALLOC_STATS_OPENMETRICS)
		put_metrics(&report, set);
	else
		report.error = EINVAL;
	error = zm_builder_finish(&report);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

/* A struct that ends before its figures' own size shows nothing, and names are read before that. */
static bool have_sizes(const struct set *set)
{
	const size_t least = offsetof(struct zmalloc_process, stats) + sizeof(size_t);

	for (size_t i = 0; i < set->count; i++) {
		if (!zm_sized_is_set(at(set, i)) || set->first->size < least ||
		    !zm_sized_is_set(&at(set, i)->stats)) {
			errno = EINVAL;
			return false;
		}
	}
	return true;
}

int zmalloc_process_write(const struct zmalloc_process *processes, size_t count, int format,
			  zmalloc_writer write, void *context)
{
	const struct set set = {processes, count, true};

	if (!have_sizes(&set))
		return -1;
	return write_set(&set, format, write, context);
}

int zmalloc_stats_write(const struct zmalloc_stats *stats, int format, zmalloc_writer write,
			void *context)
{
	struct zmalloc_process self;
	const struct set set = {&self, 1, false};

	if (stats != NULL && !zm_sized_is_set(stats))
		return -1;
	zm_process_self(&self, stats == NULL);
	if (stats != NULL) {
		self.stats.size = sizeof(self.stats);
		memcpy(&self.stats, stats,
		       stats->size < sizeof(self.stats) ? stats->size : sizeof(self.stats));
		if (self.stats.size > sizeof(self.stats))
			self.stats.size = sizeof(self.stats);
	}
	return write_set(&set, format, write, context);
}

static int write_to_fd(void *context, const char *text, size_t size)
{
	return zm_os_write(*(int *)context, text, size);
}

int zmalloc_stats_write_fd(const struct zmalloc_stats *stats, int format, int fd)
{
	return zmalloc_stats_write(stats, format, write_to_fd, &fd);
}
