/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/pick.c - which rows are shown, in which order, and which one is chosen.
 */
#include "tools/top/pick.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pick_start(struct pick *pick)
{
	size_t count;

	*pick = (struct pick){.by = columns_all(&count)};
	pick_key(pick, 'u');
	pick->is_reversed = false;
}

void pick_free(struct pick *pick)
{
	free(pick->row);
	pick->row = NULL;
	pick->count = pick->room = 0;
}

/* ---- The filter ---- */

static bool begins_with(const char *text, const char *piece)
{
	for (; *piece != '\0'; text++, piece++)
		if (tolower((unsigned char)*text) != tolower((unsigned char)*piece))
			return false;
	return true;
}

static bool has(const char *text, const char *piece)
{
	for (; *text != '\0'; text++)
		if (begins_with(text, piece))
			return true;
	return false;
}

static bool passes(const struct row *row, const char *filter)
{
	char pid[24];

	if (*filter == '\0' || has(row->process.name, filter) || has(row->user, filter))
		return true;
	snprintf(pid, sizeof(pid), "%lld", (long long)row->pid);
	return has(pid, filter);
}

/* ---- The order ---- */

/* qsort(3) hands nothing through to who compares. */
static const struct column *sorted_by;
static bool sorted_downwards;

bool pick_is_downwards(const struct pick *pick)
{
	bool at_first = !pick->by->is_text && pick->by->cell != CELL_PID;

	return pick->is_reversed ? !at_first : at_first;
}

static int compare(const void *left, const void *right)
{
	const struct row *a = *(struct row *const *)left, *b = *(struct row *const *)right;
	bool is_unknown;
	int answer = column_compare(sorted_by, a, b, &is_unknown);

	if (answer == 0)
		return (a->pid > b->pid) - (a->pid < b->pid);
	return sorted_downwards && !is_unknown ? -answer : answer;
}

bool pick_key(struct pick *pick, char key)
{
	size_t count;
	const struct column *column = columns_all(&count);

	for (size_t i = 0; i < count; i++) {
		if (column[i].key != key || key == 0)
			continue;
		pick->is_reversed = pick->by == &column[i] ? !pick->is_reversed : false;
		pick->by = &column[i];
		return true;
	}
	return false;
}

/* A bar is of the figure before it. */
void pick_next_column(struct pick *pick, int by)
{
	size_t count, at;
	const struct column *column = columns_all(&count);

	at = (size_t)(pick->by - column);
	do
		at = (at + count + (size_t)(by > 0 ? 1 : count - 1)) % count;
	while (column[at].cell == CELL_BAR);
	pick->by = &column[at];
	pick->is_reversed = false;
}

/* ---- The chosen one ---- */

static void choose(struct pick *pick, size_t at)
{
	pick->chosen = at < pick->count ? at : pick->count != 0 ? pick->count - 1 : 0;
	pick->chosen_pid = pick->count != 0 ? pick->row[pick->chosen]->pid : 0;
}

/* One that is gone leaves its place to the next. */
static void choose_again(struct pick *pick)
{
	for (size_t i = 0; i < pick->count; i++)
		if (pick->row[i]->pid == pick->chosen_pid) {
			pick->chosen = i;
			return;
		}
	choose(pick, pick->chosen);
}

void pick_move(struct pick *pick, long by)
{
	if (by < 0 && (size_t)-by > pick->chosen)
		choose(pick, 0);
	else
		choose(pick, pick->chosen + (size_t)by);
}

struct row *pick_chosen(const struct pick *pick)
{
	return pick->count != 0 ? pick->row[pick->chosen] : NULL;
}

size_t pick_first(const struct pick *pick, size_t first, size_t lines)
{
	if (lines == 0 || pick->count <= lines)
		return 0;
	if (first > pick->count - lines)
		first = pick->count - lines;
	if (pick->chosen < first)
		return pick->chosen;
	return pick->chosen >= first + lines ? pick->chosen - lines + 1 : first;
}

/* ---- All of it ---- */

bool pick_rows(struct pick *pick, const struct rows *rows)
{
	pick->count = 0;
	if (rows->count > pick->room) {
		free(pick->row);
		pick->row = malloc(rows->count * sizeof(*pick->row));
		pick->room = pick->row != NULL ? rows->count : 0;
		if (pick->row == NULL)
			return false;
	}
	for (size_t i = 0; i < rows->count; i++)
		if (passes(rows->row[i], pick->filter))
			pick->row[pick->count++] = rows->row[i];
	sorted_by = pick->by;
	sorted_downwards = pick_is_downwards(pick);
	if (pick->count != 0)
		qsort(pick->row, pick->count, sizeof(*pick->row), compare);
	choose_again(pick);
	return true;
}
