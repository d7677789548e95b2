/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/gather.c - a round of asking every process for its figures.
 */
#include "tools/top/gather.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/command.h"

enum {
	SILENT_MS = 1,        /* what a process that did not answer last time is waited for */
	LIMIT_MS = 5,         /* and one that did, for its limit */
	TOLD_AGAIN_MS = 10000 /* a limit changes, and so does a user */
};

static const struct gather_source everybody = {zmalloc_process_list, zmalloc_process_ask,
					       zmalloc_process_about, steady_ms};

struct gather gather_live(void)
{
	return (struct gather){.source = everybody,
			       .first_ms = 3,
			       .second_ms = 40,
			       .wait_ms = 150,
			       .round_ms = 400,
			       .about_ms = 100};
}

struct gather gather_plain(void)
{
	return (struct gather){.source = everybody,
			       .first_ms = 10,
			       .second_ms = 250,
			       .wait_ms = 2000,
			       .round_ms = 4000,
			       .about_ms = 2000};
}

/* ---- Which there are ---- */

/* Between two calls there may be more of them: with room to spare, a second call is rare. */
static int list(const struct gather *gather, struct rows *rows)
{
	size_t room = rows->count + 64, count = 0;
	int64_t *pids = NULL;

	for (;;) {
		int64_t *grown = realloc(pids, room * sizeof(*pids));
		int error = grown == NULL ? ENOMEM : 0;

		pids = grown != NULL ? grown : pids;
		if (error == 0 && gather->source.list(pids, room, &count) != 0)
			error = errno;
		if (error == 0 && count > room) {
			room = count + 64;
			continue;
		}
		if (error == 0 && !rows_merge(rows, pids, count))
			error = ENOMEM;
		free(pids);
		return error;
	}
}

/* ---- Figures ---- */

struct round {
	const struct gather *gather;
	uint64_t ends_ms;
	unsigned wait_left_ms;
};

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Not so an error of our own, as of too many open files: the last figures stand. */
static bool is_of_its_own(int error)
{
	return error == ESRCH || error == ENOENT || error == EACCES || error == EPERM ||
	       error == EBADMSG;
}

/* Ask, and be billed for the time if there is no answer. True: it answered, or is passive. */
static bool ask(struct round *round, struct row *row, unsigned patience_ms)
{
	struct zmalloc_process process = {.size = sizeof(process)};
	const struct gather_source *source = &round->gather->source;
	uint64_t began = source->now_ms();
	int error = source->ask(row->pid, patience_ms, &process) != 0 ? errno : 0;
	uint64_t took;

	row->is_gone = is_of_its_own(error);
	if (error == 0 || error == ETIMEDOUT)
		row_take(row, &process);
	if (error != ETIMEDOUT)
		return error == 0;
	took = source->now_ms() - began;
	if (took < patience_ms)
		took = patience_ms;
	round->wait_left_ms -= took < round->wait_left_ms ? (unsigned)took : round->wait_left_ms;
	return false;
}

static bool may_ask(const struct round *round)
{
	return round->wait_left_ms != 0 && round->gather->source.now_ms() < round->ends_ms;
}

static void ask_and_count(struct round *round, struct row *row, unsigned patience_ms)
{
	if (ask(round, row, least(patience_ms, round->wait_left_ms)))
		row->missed = 0;
	else
		row->missed++;
}

/* Returns how many were asked before time was up. */
static size_t ask_all(struct round *round, const struct rows *rows)
{
	size_t asked = 0;

	for (size_t i = 0; i < rows->count; i++) {
		struct row *row = rows->row[(round->gather->ask_from + i) % rows->count];

		row->has_second_chance = row->missed == 0;
		if (!may_ask(round)) {
			row->has_second_chance = false;
			ask(round, row, 0);
			continue;
		}
		asked++;
		ask_and_count(round, row, row->missed == 0 ? round->gather->first_ms : SILENT_MS);
	}
	return asked;
}

static void ask_late(struct round *round, const struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct row *row = rows->row[i];

		if (row->has_second_chance && row->missed != 0 && !row->is_gone && may_ask(round))
			ask_and_count(round, row, round->gather->second_ms);
	}
}

/* ---- Users and limits ---- */

static void ask_about(const struct gather *gather, struct row *row)
{
	struct zmalloc_process_info about = {
		.size = offsetof(struct zmalloc_process_info, swap_bytes)};
	unsigned patience = row->missed != 0 ? SILENT_MS : LIMIT_MS;

	if (gather->source.about(row->pid, patience, &about) == 0)
		row_take_about(row, &about, gather->source.now_ms());
}

static void ask_about_all(struct gather *gather, const struct rows *rows)
{
	uint64_t began = gather->source.now_ms(), now = began;
	size_t i;

	for (i = 0; i < rows->count && now - began < gather->about_ms; i++) {
		struct row *row = rows->row[(gather->about_from + i) % rows->count];

		if (row->told_ms == 0 || now - row->told_ms >= TOLD_AGAIN_MS)
			ask_about(gather, row);
		now = gather->source.now_ms();
	}
	gather->about_from += i;
}

/* ---- A round ---- */

int gather_round(struct gather *gather, struct rows *rows)
{
	struct round round = {gather, gather->source.now_ms() + gather->round_ms, gather->wait_ms};
	int error = list(gather, rows);

	if (error != 0)
		return error;
	gather->ask_from += ask_all(&round, rows);
	ask_late(&round, rows);
	rows_sweep(rows);
	ask_about_all(gather, rows);
	return 0;
}
