/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/stats.h - what the files behind <zmalloc/stats.h> share.
 */
#ifndef ZM_STATS_H
#define ZM_STATS_H

#include <stdbool.h>

#include <zmalloc/stats.h>

/* All figures of this process, the ratios included. */
void zm_stats_take(bool refresh, struct zmalloc_stats *stats);

/* The ratios, from the figures. */
void zm_stats_derive(struct zmalloc_stats *stats);

/* This process as zmalloc_process_read() would show it, with figures of now. */
void zm_process_self(struct zmalloc_process *process, bool refresh);

#endif
