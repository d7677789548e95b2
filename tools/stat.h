/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/stat.h - what `zmalloc stat` has found out about a process, for its two writers.
 */
#ifndef ZM_TOOL_STAT_H
#define ZM_TOOL_STAT_H

#include "look.h"

/* Size classes, arenas or scopes, as a visit showed them. */
struct parts {
	bool wanted;
	int error; /* an errno value: they cannot be told */
	size_t count, room;
	struct zmalloc_bin_stats *bin;
	unsigned *arena;
	struct zmalloc_stats *arena_stats;
	struct zmalloc_scope_stats *scope; /* the largest first, everything else as the last */
};

/* Between two looks. */
struct grown {
	bool known;
	int64_t bytes; /* of used */
	uint64_t ms;
};

struct report {
	struct look look;
	struct grown growth;
	struct parts bins, arenas, scopes;
};

void print_report(const struct report *report);

/* An array with an object for each. 0, or an errno value. */
int write_reports_json(const struct report *reports, size_t count);

#endif
