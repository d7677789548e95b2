/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/processes.c - the contract of <zmalloc/process.h>: processes that show themselves.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zmalloc/process.h>

#include "base/builder.h"
#include "base/result.h"
#include "base/sized.h"
#include "base/text.h"
#include "live/ask.h"
#include "live/records.h"
#include "os/os.h"
#include "stats/stats.h"

/* What zmalloc_process_read() and a visit of all wait for one process. */
#define PATIENCE_MS 250

/* ---- Figures ---- */

static int take_figures(struct zm_ask *ask, unsigned timeout_ms, struct zmalloc_process *process)
{
	int late = timeout_ms != 0 ? zm_ask_figures(ask, timeout_ms) : 0;

	if (late != 0 && late != ETIMEDOUT)
		return late;
	process->size = sizeof(*process);
	process->pid = ask->pid;
	zm_published_show(&ask->copy, process);
	zm_text_copy(process->name, sizeof(process->name), ask->of.name, sizeof(ask->of.name));
	process->stats.rss_bytes = ask->of.rss_bytes;
	zm_figures_derive(&process->stats);
	return late;
}

/* What the caller's struct has of the figures ends with the struct. */
static void cut_figures(struct zmalloc_process *found, size_t size)
{
	const size_t before = offsetof(struct zmalloc_process, stats);

	if (size < sizeof(*found) && size > before)
		found->stats.size = size - before;
}

/* ETIMEDOUT comes with the last figures. */
static int read_process(int64_t pid, unsigned timeout_ms, struct zmalloc_process *process)
{
	struct zm_ask ask;
	int error = zm_ask_open(pid, &ask);

	if (error != 0)
		return error;
	error = take_figures(&ask, timeout_ms, process);
	zm_ask_close(&ask);
	return error;
}

int zmalloc_process_ask(int64_t pid, unsigned timeout_ms, struct zmalloc_process *process)
{
	struct zmalloc_process found;
	int error;

	if (!zm_sized_is_set(process))
		return -1;
	error = read_process(pid, timeout_ms, &found);
	if (error == 0 || error == ETIMEDOUT) {
		cut_figures(&found, process->size);
		zm_sized_hand_over(process, &found, sizeof(found));
	}
	return zm_result(error);
}

int zmalloc_process_read(int64_t pid, struct zmalloc_process *process)
{
	int answered = zmalloc_process_ask(pid, PATIENCE_MS, process);

	return answered != 0 && errno == ETIMEDOUT ? 0 : answered;
}

/* ---- All of them ---- */

struct pids {
	int64_t *pid;
	size_t count, room;
};

static int add_pid(int64_t pid, void *context)
{
	struct pids *pids = context;
	int64_t *grown;

	if (pids->count == pids->room) {
		grown = realloc(pids->pid, (pids->room * 2 + 64) * sizeof(*grown));
		if (grown == NULL)
			return ENOMEM;
		pids->pid = grown;
		pids->room = pids->room * 2 + 64;
	}
	pids->pid[pids->count++] = pid;
	return 0;
}

static int add_if_it_shows(int64_t pid, void *context)
{
	struct zm_ask ask;

	if (zm_ask_open(pid, &ask) != 0)
		return 0;
	zm_ask_close(&ask);
	return add_pid(pid, context);
}

static int by_number(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/* A number may come from two directories; it is one process. */
static void sort_once(struct pids *pids)
{
	size_t kept = 0;

	if (pids->count != 0)
		qsort(pids->pid, pids->count, sizeof(*pids->pid), by_number);
	for (size_t i = 0; i < pids->count; i++)
		if (kept == 0 || pids->pid[i] != pids->pid[kept - 1])
			pids->pid[kept++] = pids->pid[i];
	pids->count = kept;
}

/* Where the system does not tell which processes there are, files do. */
static int list_all(struct pids *pids)
{
	int error = zm_os_process_visit(add_if_it_shows, pids);

	if (error == ENOTSUP)
		error = zm_published_file_visit(add_if_it_shows, pids);
	sort_once(pids);
	return error;
}

int zmalloc_process_list(int64_t *pids, size_t room, size_t *count)
{
	struct pids all = {NULL, 0, 0};
	int error = list_all(&all);

	if (error == 0) {
		*count = all.count;
		if (room > all.count)
			room = all.count;
		if (room != 0)
			memcpy(pids, all.pid, room * sizeof(*pids));
	}
	free(all.pid);
	return zm_result(error);
}

int zmalloc_process_visit(int (*visit)(const struct zmalloc_process *process, void *context),
			  void *context)
{
	struct pids pids = {NULL, 0, 0};
	struct zmalloc_process process;
	int error = list_all(&pids), told = 0;

	for (size_t i = 0; error == 0 && told == 0 && i < pids.count; i++) {
		int late = read_process(pids.pid[i], PATIENCE_MS, &process);

		if (late == 0 || late == ETIMEDOUT)
			told = visit(&process, context);
	}
	free(pids.pid);
	return error != 0 ? zm_result(error) : told;
}

/* ---- Commands ---- */

int zmalloc_process_visit_bins(int64_t pid, unsigned arena, unsigned timeout_ms,
			       int (*visit)(const struct zmalloc_bin_stats *bin, void *context),
			       void *context)
{
	const uint64_t argument[2] = {arena, 0};
	struct zm_records *room = zm_records_ask(pid, ZM_COMMAND_BINS, argument, timeout_ms);
	int told = 0;

	if (room == NULL)
		return -1;
	for (uint32_t i = 0; i < room->answer.records && told == 0; i++) {
		struct zmalloc_bin_stats bin = {.size = sizeof(bin)};
		struct zm_bin_record record;

		zm_records_copy(room, i, &record, sizeof(record));
		bin.region_bytes = record.region_bytes;
		bin.slabs = record.slabs;
		bin.regions = record.regions;
		bin.used_regions = record.used_regions;
		bin.free_bytes = record.free_bytes;
		told = visit(&bin, context);
	}
	free(room);
	return told;
}

int zmalloc_process_visit_arenas(int64_t pid, unsigned timeout_ms,
				 int (*visit)(unsigned arena, const struct zmalloc_stats *stats,
					      void *context),
				 void *context)
{
	const uint64_t nothing[2] = {0, 0};
	struct zm_records *room = zm_records_ask(pid, ZM_COMMAND_ARENAS, nothing, timeout_ms);
	int told = 0;

	if (room == NULL)
		return -1;
	for (uint32_t i = 0; i < room->answer.records && told == 0; i++) {
		struct zmalloc_stats stats;
		struct zm_arena_record record;

		zm_records_copy(room, i, &record, sizeof(record));
		zm_published_get(record.figure, ZM_PUBLISHED_FIGURES, &stats);
		told = visit((unsigned)record.arena, &stats, context);
	}
	free(room);
	return told;
}

/* What another process calls its scope: as zmalloc_scope_new() would have it, whatever is on its page. */
static void copy_scope_name(char name[ZMALLOC_SCOPE_NAME_BYTES], const char *from)
{
	size_t size;

	memcpy(name, from, ZMALLOC_SCOPE_NAME_BYTES);
	name[ZMALLOC_SCOPE_NAME_BYTES - 1] = '\0';
	for (char *at = name; *at != '\0'; at += size != 0 ? size : 1) {
		size = zm_character_size(at);
		if (size == 0)
			*at = '?';
	}
}

static int show_scopes(const struct zm_records *room,
		       int (*visit)(const struct zmalloc_scope_stats *scope, void *context),
		       void *context)
{
	int told = 0;

	for (uint32_t i = 0; i < room->answer.records && told == 0; i++) {
		struct zmalloc_scope_stats scope = {.size = sizeof(scope)};
		struct zm_scope_record record;

		zm_records_copy(room, i, &record, sizeof(record));
		copy_scope_name(scope.name, record.name);
		scope.used_bytes = record.used_bytes;
		scope.peak_bytes = record.peak_bytes;
		scope.limit_bytes = record.limit_bytes;
		scope.refusals = record.refusals;
		scope.threads = record.threads;
		told = visit(&scope, context);
	}
	return told;
}

/* As often as there are more than one answer has room for; no process has more than so many. */
int zmalloc_process_visit_scopes(int64_t pid, unsigned timeout_ms,
				 int (*visit)(const struct zmalloc_scope_stats *scope,
					      void *context),
				 void *context)
{
	bool is_more = true;
	int told = 0;

	for (uint64_t seen = 0; is_more && told == 0 && seen <= ZMALLOC_SCOPES_MAX;) {
		const uint64_t argument[2] = {seen, 0};
		struct zm_records *room =
			zm_records_ask(pid, ZM_COMMAND_SCOPES, argument, timeout_ms);

		if (room == NULL)
			return -1;
		told = show_scopes(room, visit, context);
		seen += room->answer.records;
		is_more = room->answer.left_off != 0 && room->answer.records != 0;
		free(room);
	}
	return told;
}

int zmalloc_process_purge(int64_t pid, unsigned timeout_ms, uint64_t *bytes)
{
	const uint64_t nothing[2] = {0, 0};
	struct zm_records *room = zm_records_ask(pid, ZM_COMMAND_PURGE, nothing, timeout_ms);

	if (room == NULL)
		return -1;
	if (bytes != NULL)
		*bytes = room->answer.value;
	free(room);
	return 0;
}

/* ---- About one ---- */

static uint64_t smaps_field(int64_t pid, const char *field)
{
	size_t bytes;

	return zm_os_smaps_field(field, (long)pid, &bytes) == 0 ? bytes : ZMALLOC_STATS_UNKNOWN;
}

/* What the process itself sees: from outside its control groups may be under other names. */
static void ask_for_limit(struct zm_ask *ask, unsigned timeout_ms,
			  struct zmalloc_process_info *about)
{
	static const uint64_t nothing[2];
	struct zm_limit_record record = {.source = ""};
	struct zm_command_answer limit = {.room = (char *)&record, .room_bytes = sizeof(record)};

	about->limit_bytes = ZMALLOC_STATS_UNKNOWN;
	if (zm_ask_command(ask, ZM_COMMAND_LIMIT, nothing, timeout_ms, &limit) != 0)
		return;
	about->limit_bytes = limit.value;
	zm_text_copy(about->limit_source, sizeof(about->limit_source), record.source,
		     sizeof(record.source));
}

/* The kernel takes its time for these: only for a caller who has room for any of them. */
static void walk_pages(int64_t pid, size_t callers_size, struct zmalloc_process_info *about)
{
	bool is_wanted = callers_size > offsetof(struct zmalloc_process_info, swap_bytes);

	about->swap_bytes = is_wanted ? smaps_field(pid, "Swap:") : ZMALLOC_STATS_UNKNOWN;
	about->pss_bytes = is_wanted ? smaps_field(pid, "Pss:") : ZMALLOC_STATS_UNKNOWN;
}

static int read_about(int64_t pid, unsigned timeout_ms, struct zmalloc_process_info *about)
{
	struct zm_os_process_about told;
	struct zm_ask ask;
	int error = zm_ask_open(pid, &ask);

	if (error != 0)
		return error;
	memset(about, 0, sizeof(*about));
	about->size = sizeof(*about);
	about->pid = pid;
	about->user = ask.of.user;
	about->way = ask.way;
	ask_for_limit(&ask, timeout_ms, about);
	zm_ask_close(&ask);
	error = zm_os_process_about(pid, &told);
	if (error != 0 && error != ENOTSUP)
		return error;
	about->uptime_ms = error == 0 ? told.uptime_ms : ZMALLOC_STATS_UNKNOWN;
	if (error == 0) {
		zm_text_copy(about->command, sizeof(about->command), told.command,
			     sizeof(told.command));
		zm_text_copy(about->group, sizeof(about->group), told.group, sizeof(told.group));
	}
	return 0;
}

int zmalloc_process_about(int64_t pid, unsigned timeout_ms, struct zmalloc_process_info *about)
{
	struct zmalloc_process_info found;
	int error;

	if (!zm_sized_is_set(about))
		return -1;
	error = read_about(pid, timeout_ms, &found);
	if (error != 0)
		return zm_result(error);
	walk_pages(pid, about->size, &found);
	return zm_sized_hand_over(about, &found, sizeof(found));
}
