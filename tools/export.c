/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/export.c - `zmalloc export [FILE]`: the figures of all processes for Prometheus, by way of the node
 * exporter, which reads text files.
 *
 * Names of processes, units and users are whoever's who runs them. They are printable by the time they get
 * here, quoted when they are written, and two processes with the same labels are one series: a file in
 * which a series came twice would be refused as a whole.
 */
#include "export.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "find.h"

/* What a process is waited for when the time for all of them is over. */
#define IMPATIENCE_MS 10

/* ---- Processes ---- */

static void fill_labels(const struct look *look, bool pids, struct labels *labels)
{
	memset(labels, 0, sizeof(*labels));
	memcpy(labels->name, look->process.name, sizeof(labels->name));
	unit_of_group(look->about.group, labels->unit);
	look_user(look, labels->user);
	labels->pid = pids ? look->process.pid : 0;
}

static void fill_series(const struct look *look, bool pids, struct series *series)
{
	fill_labels(look, pids, &series->labels);
	series->stats = look->process.stats;
	series->processes = 1;
	series->silent = look->silent;
	series->oldest_ms = look->process.updated_ms;
	series->youngest_ms = look->about.uptime_ms;
	series->limit_bytes = look->about.limit_bytes;
	series->swap_bytes = look->about.swap_bytes;
	series->pss_bytes = look->about.pss_bytes;
	memcpy(series->allocator, look->process.allocator, sizeof(series->allocator));
	memcpy(series->version, look->process.version, sizeof(series->version));
}

int labels_compare(const struct labels *a, const struct labels *b)
{
	int answer = strcmp(a->name, b->name);

	if (answer == 0)
		answer = strcmp(a->unit, b->unit);
	if (answer == 0)
		answer = strcmp(a->user, b->user);
	return answer != 0 ? answer : (a->pid > b->pid) - (a->pid < b->pid);
}

/* Those of one allocator and version stand together as well. */
static int compare(const void *left, const void *right)
{
	const struct series *a = left, *b = right;
	int answer = labels_compare(&a->labels, &b->labels);

	if (answer == 0)
		answer = strcmp(a->allocator, b->allocator);
	return answer != 0 ? answer : strcmp(a->version, b->version);
}

/*
 * One that does not answer costs two seconds, and one that answers only half of what it is asked as well. At
 * the end of the time the rest are waited for less, whatever they do, and the file is in time.
 */
static unsigned patience_ms(uint64_t end_ms)
{
	uint64_t now_ms = steady_ms(), left_ms = end_ms > now_ms ? end_ms - now_ms : 0;

	if (left_ms > PATIENCE_MS)
		return PATIENCE_MS;
	return left_ms > IMPATIENCE_MS ? (unsigned)left_ms : IMPATIENCE_MS;
}

/* Processes that end meanwhile, and pages that are none, are passed over. */
static bool look_at_all(const struct options *options, struct series_list *each)
{
	struct pid_list list = {NULL, 0, 0};
	uint64_t end_ms = steady_ms() + (uint64_t)(options->within_s * 1000);

	if (!list_pids(&list))
		return false;
	each->series = malloc((list.count + 1) * sizeof(*each->series));
	for (size_t i = 0; each->series != NULL && i < list.count; i++) {
		struct look look;

		if (look_at(list.pid[i], patience_ms(end_ms), &look) != 0)
			continue;
		fill_series(&look, options->pids, &each->series[each->count++]);
	}
	free(list.pid);
	if (each->series == NULL) {
		complain("%s", strerror(ENOMEM));
		return false;
	}
	qsort(each->series, each->count, sizeof(*each->series), compare);
	return true;
}

/* ---- Text ---- */

struct text {
	char *at;
	size_t size, room;
};

static int append(void *context, const char *piece, size_t size)
{
	struct text *text = context;
	char *grown;

	if (text->room - text->size < size) {
		grown = realloc(text->at, text->room * 2 + size);
		if (grown == NULL)
			return ENOMEM;
		text->at = grown;
		text->room = text->room * 2 + size;
	}
	memcpy(text->at + text->size, piece, size);
	text->size += size;
	return 0;
}

static int make_text(struct series_list *each, struct text *text)
{
	struct series_list sums = {0};
	struct zm_builder out;
	int error;

	each->taken_ms = wall_ms();
	sums.series = malloc((each->count + 1) * sizeof(*sums.series));
	if (sums.series == NULL)
		return ENOMEM;
	export_sum(each, &sums);
	zm_builder_start_writer(&out, append, text);
	export_write(&out, each, &sums);
	error = zm_builder_finish(&out);
	free(sums.series);
	return error;
}

static int print(const struct text *text)
{
	if (write_to_stdout(NULL, text->at, text->size) != 0 || fflush(stdout) != 0)
		return complain("cannot write to standard output");
	return DONE;
}

int command_export(const struct options *options)
{
	struct series_list each = {0};
	struct text text = {NULL, 0, 0};
	int answer = FAILED, error;

	if (options->operand_count > 1)
		return complain("export writes one file, not '%s' too", options->operands[1]);
	if (!look_at_all(options, &each))
		return FAILED;
	error = make_text(&each, &text);
	if (error != 0)
		complain("%s", strerror(error));
	else if (options->operand_count == 1)
		answer = export_to_file(options->operands[0], text.at, text.size);
	else
		answer = print(&text);
	free(text.at);
	free(each.series);
	return answer;
}
