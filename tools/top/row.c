/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/row.c - what is known of each process.
 */
#include "tools/top/row.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"

static struct row *new_row(int64_t pid)
{
	struct row *row = calloc(1, sizeof(*row));

	if (row != NULL) {
		row->pid = pid;
		row->limit_bytes = ZMALLOC_STATS_UNKNOWN;
	}
	return row;
}

/* The row of a number, which rows from *from on may have; *from moves on to where the next one may be. */
static struct row *find(const struct rows *rows, size_t *from, int64_t pid)
{
	while (*from < rows->count && rows->row[*from]->pid < pid)
		++*from;
	return *from < rows->count && rows->row[*from]->pid == pid ? rows->row[*from] : NULL;
}

static bool is_among(const struct rows *rows, size_t *from, const struct row *row)
{
	return find(rows, from, row->pid) == row;
}

/* Free the rows of `some` that `others` do not have. */
static void free_rest(struct rows *some, const struct rows *others)
{
	size_t from = 0;

	for (size_t i = 0; i < some->count; i++)
		if (!is_among(others, &from, some->row[i]))
			free(some->row[i]);
	free(some->row);
}

bool rows_merge(struct rows *rows, const int64_t *pids, size_t count)
{
	struct rows merged = {malloc((count + 1) * sizeof(*merged.row)), 0};
	size_t from = 0;

	if (merged.row == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct row *row = find(rows, &from, pids[i]);

		if (row == NULL)
			row = new_row(pids[i]);
		if (row == NULL) {
			free_rest(&merged, rows);
			return false;
		}
		merged.row[merged.count++] = row;
	}
	free_rest(rows, &merged);
	*rows = merged;
	return true;
}

void rows_sweep(struct rows *rows)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (rows->row[i]->is_gone || !rows->row[i]->has_figures)
			free(rows->row[i]);
		else
			rows->row[kept++] = rows->row[i];
	}
	rows->count = kept;
}

void rows_free(struct rows *rows)
{
	const struct rows none = {NULL, 0};

	free_rest(rows, &none);
	*rows = none;
}

void row_take(struct row *row, const struct zmalloc_process *process)
{
	if (row->has_figures && strcmp(row->process.name, process->name) != 0) {
		row->growth = (struct growth){0};
		row->told_ms = 0;
		row->limit_bytes = ZMALLOC_STATS_UNKNOWN;
	}
	copy_process(&row->process, process);
	row->has_figures = true;
	if (process->stats.used_bytes != ZMALLOC_STATS_UNKNOWN)
		growth_add(&row->growth, process->updated_ms, process->stats.used_bytes);
}

/* The number, where the system has no name for it: a container's users may be unknown here. */
static void name_user(struct row *row, uint32_t user)
{
	const struct passwd *entry;

	if (*row->user != '\0' && row->user_number == user)
		return;
	entry = getpwuid((uid_t)user);
	row->user_number = user;
	if (entry != NULL)
		snprintf(row->user, sizeof(row->user), "%s", entry->pw_name);
	else
		snprintf(row->user, sizeof(row->user), "%lu", (unsigned long)user);
	/* One byte is one cell of the screen. */
	for (char *at = row->user; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
}

void row_take_about(struct row *row, const struct zmalloc_process_info *about, uint64_t now_ms)
{
	row->told_ms = now_ms != 0 ? now_ms : 1;
	name_user(row, about->user);
	if (about->limit_bytes != ZMALLOC_STATS_UNKNOWN)
		row->limit_bytes = about->limit_bytes;
}

bool row_is_silent(const struct row *row)
{
	return row->missed >= 2;
}

uint64_t row_age_ms(const struct row *row, uint64_t wall_ms)
{
	return wall_ms > row->process.updated_ms ? wall_ms - row->process.updated_ms : 0;
}
