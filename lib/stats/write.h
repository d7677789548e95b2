/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/write.h - what the writers of figures share: a set of processes, and one writer for each format.
 *
 * No writer allocates: text flows through a builder on the stack. Names, units and meanings of figures are
 * those of figure_list.h.
 */
#ifndef ZM_STATS_WRITE_H
#define ZM_STATS_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include <zmalloc/stats.h>

#include "base/builder.h"
#include "stats/figures.h"

/* Processes side by side, as a caller has them: each is as large as the first one says. */
struct zm_process_set {
	const struct zmalloc_process *first;
	size_t count;
	bool labels; /* they are several, or one among others: say which is which */
	bool scopes; /* it is this process, with figures of now: tell of its scopes too */
};

const struct zmalloc_process *zm_process_at(const struct zm_process_set *set, size_t i);

/* Does the struct of that process reach as far as the figure, and is the figure known? */
bool zm_process_knows(const struct zm_process_set *set, size_t i, const struct zm_figure *figure);

/* The plain number, for machines. The figure is known. */
void zm_write_value(struct zm_builder *out, const struct zmalloc_stats *stats,
		    const struct zm_figure *figure);

void zm_write_table(struct zm_builder *out, const struct zm_process_set *set);
void zm_write_json(struct zm_builder *out, const struct zm_process_set *set);
void zm_write_openmetrics(struct zm_builder *out, const struct zm_process_set *set);

/* `# TYPE zmalloc_used_bytes gauge` and its two companions. unit: "" for none. */
void zm_write_family(struct zm_builder *out, const char *name, const char *type, const char *unit,
		     const char *help);

/* write_scopes.c: the scopes of this process; nothing where there are none. */
void zm_write_table_scopes(struct zm_builder *out);
void zm_write_json_scopes(struct zm_builder *out);
void zm_write_openmetrics_scopes(struct zm_builder *out);

#endif
