/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/stat.c - `zmalloc stat PID|NAME...`: all there is to know of some processes.
 */
#include "stat.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "find.h"

/* What is known of one process, and of the look before. */
struct watched {
	struct report report;
	bool seen;
	uint64_t used_bytes, updated_ms, uptime_ms;
};

/* ---- Size classes, arenas and scopes ---- */

static int add_bin(const struct zmalloc_bin_stats *bin, void *context)
{
	struct parts *parts = context;

	if (parts->count == parts->room) {
		size_t room = parts->room * 2 + 64;
		struct zmalloc_bin_stats *grown = realloc(parts->bin, room * sizeof(*grown));

		if (grown == NULL)
			return ENOMEM;
		parts->bin = grown;
		parts->room = room;
	}
	parts->bin[parts->count++] = *bin;
	return 0;
}

static int add_arena(unsigned arena, const struct zmalloc_stats *stats, void *context)
{
	struct parts *parts = context;

	if (parts->count == parts->room) {
		size_t room = parts->room * 2 + 64;
		unsigned *numbers = realloc(parts->arena, room * sizeof(*numbers));
		struct zmalloc_stats *grown;

		if (numbers == NULL)
			return ENOMEM;
		parts->arena = numbers;
		grown = realloc(parts->arena_stats, room * sizeof(*grown));
		if (grown == NULL)
			return ENOMEM;
		parts->arena_stats = grown;
		parts->room = room;
	}
	parts->arena[parts->count] = arena;
	parts->arena_stats[parts->count] = *stats;
	if (stats->size > sizeof(*stats))
		parts->arena_stats[parts->count].size = sizeof(*stats);
	parts->count++;
	return 0;
}

static int add_scope(const struct zmalloc_scope_stats *scope, void *context)
{
	struct parts *parts = context;

	if (parts->count == parts->room) {
		size_t room = parts->room * 2 + 64;
		struct zmalloc_scope_stats *grown = realloc(parts->scope, room * sizeof(*grown));

		if (grown == NULL)
			return ENOMEM;
		parts->scope = grown;
		parts->room = room;
	}
	parts->scope[parts->count++] = *scope;
	return 0;
}

/* Everything else is behind the largest, whatever it has. */
static int by_used(const void *a, const void *b)
{
	const struct zmalloc_scope_stats *left = a, *right = b;
	int left_is_rest = *left->name == '\0', right_is_rest = *right->name == '\0';

	if (left_is_rest != right_is_rest)
		return left_is_rest - right_is_rest;
	return (left->used_bytes < right->used_bytes) - (left->used_bytes > right->used_bytes);
}

/* Why not, in words. */
static void complain_of_parts(const struct look *look, const char *what, int error)
{
	const struct zmalloc_process *process = &look->process;

	if (error == ENOTSUP && look->about.way == ZMALLOC_PROCESS_PASSIVE)
		complain("process %" PRId64
			 " (%s) shows itself passively, and tells of no %s; start "
			 "it with ZMALLOC_PUBLISH=1",
			 process->pid, process->name, what);
	else if (error == ENOTSUP && strcmp(what, "scopes") == 0)
		complain("process %" PRId64 " (%s) has libzmalloc %s, which tells of no scopes",
			 process->pid, process->name, process->version);
	else if (error == ENOTSUP)
		complain("the allocator of process %" PRId64 " (%s), %s, tells of no %s",
			 process->pid, process->name, process->allocator, what);
	else if (error == ETIMEDOUT)
		complain("process %" PRId64 " (%s) did not answer when asked for its %s",
			 process->pid, process->name, what);
	else
		complain("cannot tell the %s of process %" PRId64 " (%s): %s", what, process->pid,
			 process->name, strerror(error));
}

/* False after a complaint. */
static bool ask_for(const struct report *report, struct parts *parts, const char *what,
		    int (*visit)(int64_t pid, struct parts *parts))
{
	int told;

	parts->error = report->look.silent ? ETIMEDOUT : 0;
	parts->count = 0;
	if (!parts->wanted)
		return true;
	if (parts->error == 0) {
		told = visit(report->look.process.pid, parts);
		parts->error = told < 0 ? errno : told;
	}
	if (parts->error != 0)
		complain_of_parts(&report->look, what, parts->error);
	return parts->error == 0;
}

static int visit_bins(int64_t pid, struct parts *parts)
{
	return zmalloc_process_visit_bins(pid, ZMALLOC_STATS_ALL_ARENAS, PATIENCE_MS, add_bin,
					  parts);
}

static int visit_arenas(int64_t pid, struct parts *parts)
{
	return zmalloc_process_visit_arenas(pid, PATIENCE_MS, add_arena, parts);
}

static int visit_scopes(int64_t pid, struct parts *parts)
{
	int told = zmalloc_process_visit_scopes(pid, PATIENCE_MS, add_scope, parts);

	if (parts->count != 0)
		qsort(parts->scope, parts->count, sizeof(*parts->scope), by_used);
	return told;
}

static int ask_for_parts(struct report *report)
{
	bool told = ask_for(report, &report->bins, "size classes", visit_bins);

	told &= ask_for(report, &report->arenas, "arenas", visit_arenas);
	told &= ask_for(report, &report->scopes, "scopes", visit_scopes);
	return told ? DONE : FAILED;
}

/* ---- Looks ---- */

/* Figures of the same moment have not grown; a process that is younger than it was is another one. */
static void note_growth(struct watched *watched)
{
	const struct look *look = &watched->report.look;
	struct grown *growth = &watched->report.growth;
	uint64_t used = look->process.stats.used_bytes;

	growth->known = watched->seen && look->process.updated_ms > watched->updated_ms &&
			look->about.uptime_ms >= watched->uptime_ms &&
			used != ZMALLOC_STATS_UNKNOWN &&
			watched->used_bytes != ZMALLOC_STATS_UNKNOWN;
	if (growth->known) {
		growth->bytes = (int64_t)(used - watched->used_bytes);
		growth->ms = look->process.updated_ms - watched->updated_ms;
	}
	watched->seen = true;
	watched->used_bytes = used;
	watched->updated_ms = look->process.updated_ms;
	watched->uptime_ms = look->about.uptime_ms;
}

/* Processes that cannot be looked at are left out from then on. Returns DONE if there was none. */
static int look_at_all(struct watched *watched, size_t *count, bool with_parts)
{
	int answer = DONE;
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++) {
		struct watched one = watched[i];
		int64_t pid = one.report.look.process.pid;
		int error = look_at(pid, PATIENCE_MS, &one.report.look);

		if (error != 0) {
			answer = explain(pid, error, "stat");
			continue;
		}
		note_growth(&one);
		if (with_parts && ask_for_parts(&one.report) != DONE)
			answer = FAILED;
		watched[i] = watched[kept];
		watched[kept++] = one;
	}
	*count = kept;
	return answer;
}

static int show(const struct watched *watched, size_t count, int format)
{
	struct process_list list = {0};
	struct report *reports = malloc((count + 1) * sizeof(*reports));
	int answer = DONE, error = reports == NULL ? ENOMEM : 0;

	for (size_t i = 0; error == 0 && i < count; i++) {
		reports[i] = watched[i].report;
		if (!list_add(&list, &watched[i].report.look.process))
			error = ENOMEM;
	}
	if (error == 0 && format == ZMALLOC_STATS_JSON)
		error = write_reports_json(reports, count);
	else if (error == 0 && format == ZMALLOC_STATS_OPENMETRICS)
		answer = write_processes(&list, format);
	for (size_t i = 0; error == 0 && format == ZMALLOC_STATS_TABLE && i < count; i++) {
		if (i != 0)
			putchar('\n');
		print_report(&reports[i]);
	}
	if (error == 0 && fflush(stdout) != 0)
		error = errno;
	free(reports);
	free(list.process);
	return error != 0 ? complain("cannot write: %s", strerror(error)) : answer;
}

/*
 * One look, or with a delay two of which the second is shown with what grew between them, or as many as were
 * asked for, each with what grew since the one before.
 */
static int look_and_show(const struct options *options, struct watched *watched, size_t count)
{
	bool second_only = options->rounds < 0 && options->delay_given;
	long rounds = options->rounds < 0 ? (second_only ? 2 : 1) : options->rounds;
	int answer = DONE;

	for (long round = 0; count != 0 && (rounds == 0 || round < rounds); round++) {
		bool shown = !second_only || round == 1;

		if (round != 0)
			pause_for(options->delay_s);
		if (look_at_all(watched, &count, shown) != DONE)
			answer = FAILED;
		if (!shown || count == 0)
			continue;
		if (round != 0 && !second_only && options->format == ZMALLOC_STATS_TABLE)
			putchar('\n');
		if (show(watched, count, options->format) != DONE)
			return FAILED;
	}
	return answer;
}

static void free_parts(struct watched *watched, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(watched[i].report.bins.bin);
		free(watched[i].report.arenas.arena);
		free(watched[i].report.arenas.arena_stats);
		free(watched[i].report.scopes.scope);
	}
}

int command_stat(const struct options *options)
{
	struct pid_list pids = {NULL, 0, 0};
	int answer = find_processes(options, &pids), looked;
	struct watched *watched = calloc(pids.count + 1, sizeof(*watched));

	if (watched == NULL) {
		free(pids.pid);
		return complain("%s", strerror(ENOMEM));
	}
	for (size_t i = 0; i < pids.count; i++) {
		watched[i].report.look.process.pid = pids.pid[i];
		watched[i].report.bins.wanted = options->bins;
		watched[i].report.arenas.wanted = options->arenas;
		watched[i].report.scopes.wanted = options->scopes;
	}
	looked = look_and_show(options, watched, pids.count);
	free_parts(watched, pids.count);
	free(watched);
	free(pids.pid);
	return answer != DONE ? answer : looked;
}
