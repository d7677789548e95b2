/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/top_rows.c - made-up processes for the tests of `zmalloc top`.
 */
#include "tests/top_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support.h"

struct zmalloc_process made_up(int64_t pid, const char *name, uint64_t used_bytes, uint64_t ms)
{
	struct zmalloc_process process;

	memset(&process, 0, sizeof(process));
	process.size = sizeof(process);
	process.pid = pid;
	process.updated_ms = ms;
	snprintf(process.name, sizeof(process.name), "%s", name);
	process.stats.size = sizeof(process.stats);
	process.stats.used_bytes = used_bytes;
	process.stats.peak_bytes = used_bytes;
	process.stats.rss_bytes = used_bytes;
	process.stats.allocator_frag_ratio = 1;
	return process;
}

static uint64_t figure(struct chance *chance)
{
	return chance_below(chance, 8) == 0 ? ZMALLOC_STATS_UNKNOWN : chance_size(chance, 44);
}

static void fill_row(struct row *row, struct chance *chance)
{
	char name[24];
	struct zmalloc_process process;

	snprintf(name, sizeof(name), "program%zu", chance_below(chance, 40));
	process = made_up(row->pid, name, figure(chance), 100000 - chance_below(chance, 90000));
	process.stats.rss_bytes = figure(chance);
	process.stats.peak_bytes = figure(chance);
	if (chance_below(chance, 8) == 0)
		process.stats.allocator_frag_ratio = (double)NAN;
	else
		process.stats.allocator_frag_ratio = (double)chance_below(chance, 1000000) / 1000;
	row_take(row, &process);
	if (process.stats.used_bytes != ZMALLOC_STATS_UNKNOWN && chance_below(chance, 4) != 0)
		growth_add(&row->growth, process.updated_ms + 30000, chance_size(chance, 44));
	row->limit_bytes = figure(chance);
	snprintf(row->user, sizeof(row->user), "user%zu", chance_below(chance, 9));
}

struct rows made_up_rows(size_t count)
{
	int64_t *pids = malloc((count + 1) * sizeof(*pids));
	struct chance chance = chance_of(14);
	struct rows rows = {NULL, 0};

	for (size_t i = 0; i < count; i++)
		pids[i] = (int64_t)i + 1;
	ck_assert(rows_merge(&rows, pids, count));
	free(pids);
	for (size_t i = 0; i < count; i++)
		fill_row(rows.row[i], &chance);
	return rows;
}
