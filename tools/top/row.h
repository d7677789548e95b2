/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/row.h - what `zmalloc top` knows of each process, from one round of asking to the next.
 */
#ifndef ZM_TOP_ROW_H
#define ZM_TOP_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include <zmalloc/process.h>

#include "tools/top/growth.h"

enum {
	ROW_USER_BYTES = 33
};

struct row {
	int64_t pid;
	struct zmalloc_process process; /* of our size, whatever the library's is */
	struct growth growth;           /* of used memory */
	uint64_t limit_bytes;           /* ZMALLOC_STATS_UNKNOWN: nobody told */
	uint64_t told_ms;               /* when user and limit were asked for; 0: never */
	uint32_t user_number;
	char user[ROW_USER_BYTES]; /* "" until it is known */
	unsigned missed;           /* how often it gave no answer since it last did */
	bool has_figures, has_second_chance, is_gone;
};

/* By number. The rows stay where they are while their processes live. */
struct rows {
	struct row **row;
	size_t count;
};

/*
 * Have a row for each of these processes, whose numbers are in order, and for no other. False: there is no
 * memory, and the rows are as they were.
 */
bool rows_merge(struct rows *rows, const int64_t *pids, size_t count);

/* Forget those that are gone, or never had figures. */
void rows_sweep(struct rows *rows);
void rows_free(struct rows *rows);

/* Figures that were read. Another name means another program, if not another process: it begins anew. */
void row_take(struct row *row, const struct zmalloc_process *process);

/* Who and how much it may have, as far as is told; `now_ms` is when. */
void row_take_about(struct row *row, const struct zmalloc_process_info *about, uint64_t now_ms);

/* No answer, and not for want of patience on a busy machine. Its figures are its last ones. */
bool row_is_silent(const struct row *row);

/* How old the figures are, on a wall clock that shows this. */
uint64_t row_age_ms(const struct row *row, uint64_t wall_ms);

#endif
