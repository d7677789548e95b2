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

/*
 * Has the caller set the size that comes first in each of our size-tagged structs? Ask before
 * anything else is done with one. False: errno is EINVAL.
 */
bool zm_stats_has_size(const void *of);

/*
 * Copy one of our size-tagged structs, of `known` bytes, to the caller's, which may be shorter or
 * longer. Returns 0; -1 with EINVAL if it has no room for its own size.
 */
int zm_stats_hand_over(void *to, const void *from, size_t known);

#endif
