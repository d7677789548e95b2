/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/stats.h - what the files behind <zmalloc/stats.h> share.
 */
#ifndef ZM_STATS_H
#define ZM_STATS_H

#include <stdbool.h>

#include <zmalloc/stats.h>

#include "allocator/allocator.h"

/*
 * As zm_allocator_info(), with what the accounts know in place of what the allocator does not: `allocated`
 * is always known.
 */
bool zm_allocator_figures(bool refresh, struct zm_allocator_info *info);

/* All figures of this process, the ratios included. */
void zm_stats_take(bool refresh, struct zmalloc_stats *stats);

/* This process as zmalloc_process_read() would show it, with figures of now. */
void zm_process_self(struct zmalloc_process *process, bool refresh);

#endif
