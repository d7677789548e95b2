/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/pick.h - which rows are shown, in which order, and which one is chosen.
 */
#ifndef ZM_TOP_PICK_H
#define ZM_TOP_PICK_H

#include "tools/top/column.h"

enum {
	FILTER_BYTES = 64
};

/* Begins with pick_start(). */
struct pick {
	const struct column *by; /* the column that is sorted by */
	bool is_reversed;        /* not as the column is sorted at first */
	char filter[FILTER_BYTES];
	struct row **row; /* what is shown; valid until the next round */
	size_t count, room;
	int64_t chosen_pid; /* stays with its process, wherever that goes */
	size_t chosen;      /* where it is; 0 where nothing is shown */
};

void pick_start(struct pick *pick);
void pick_free(struct pick *pick);

/* Choose anew from these rows. False: no memory, and nothing is shown. */
bool pick_rows(struct pick *pick, const struct rows *rows);

/* Sort by the column of this key; by the same one the other way. False: no column has it. */
bool pick_key(struct pick *pick, char key);
/* By the column so many further to the right or left. */
void pick_next_column(struct pick *pick, int by);
/* Largest first? */
bool pick_is_downwards(const struct pick *pick);

/* Choose the row that is so many further, or the last one that there is. */
void pick_move(struct pick *pick, long by);

/* NULL where nothing is shown. */
struct row *pick_chosen(const struct pick *pick);

/* The line that is first on a screen of so many, so that the chosen one is on it. */
size_t pick_first(const struct pick *pick, size_t first, size_t lines);

#endif
