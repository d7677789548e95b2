/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/driver.h - what a driver is: driver.c says when it works and what it does, purge.c how it
 * gives back, object.c how it is made, set and looked at.
 */
#ifndef ZM_DEFRAG_DRIVER_H
#define ZM_DEFRAG_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmalloc/defrag.h>

struct zdefrag {
	zdefrag_scan_function *scan;
	void *context;
	struct zdefrag_settings settings;
	struct zdefrag_stats stats;
	void (*progress)(zdefrag *d, void *context);
	void *progress_context;

	/*
	 * Of the present step. Only the thread that steps uses these, as all that follow.
	 * over:         the slice has used up its time; the walk asks zdefrag_slice_over().
	 * scanning:     the walk is running, so calls out of it do nothing.
	 * work_ns:      estimate of the work done since the clock was read last.
	 * looked_ns:    when that was, on the monotonic clock.
	 * slice_end_ns: when the slice is over, on the same clock.
	 */
	bool over;
	bool scanning;
	uint32_t work_ns;
	uint64_t looked_ns, slice_end_ns;

	/*
	 * Of the present cycle.
	 * whole:        zdefrag_run() makes it: there are no thresholds and no pauses.
	 * gained:       the cycle before it was worth its work.
	 * part:         how far the phase is; each phase numbers its own parts, from 0.
	 * cpu_percent:  share of one core that slices may take.
	 * walk_visited: blocks that this walk has shown so far.
	 * walk_blocks:  about how many it will show, for stats.permille.
	 */
	bool whole;
	bool gained;
	unsigned part;
	unsigned cpu_percent;
	uint64_t walk_visited, walk_blocks;

	/*
	 * Between steps.
	 * next_ns: when zdefrag_step() has something to do again, on the monotonic clock.
	 * backoff: how many times check_ms is doubled, since cycles gained too little.
	 */
	uint64_t next_ns;
	unsigned backoff;

	/*
	 * purge.c's, on giving back.
	 * decay_held:   the allocator has been told to give nothing back by itself.
	 * held_ns:      when it was told so.
	 * purged_bytes: what the cycle had released by then.
	 * purge_end_ns: when the phase of giving back is broken off, however much is left.
	 * purge_bytes:  what there was to be given back when that phase began.
	 */
	bool decay_held;
	uint64_t held_ns, purged_bytes;
	uint64_t purge_end_ns;
	size_t purge_bytes;
};

/* ---- driver.c ---- */

/* The running cycle's counts so far, on top of those of past ones. */
void zm_driver_add_cycle(struct zdefrag_stats *stats);

/* ---- purge.c ---- */

/* From now on the allocator gives nothing back by itself; nothing if purge_ms is 0. */
void zm_purge_hold(zdefrag *d);

/* The allocator's own pace again. */
void zm_purge_end(zdefrag *d);

/* While blocks move: has enough come together? */
bool zm_purge_is_due(const zdefrag *d);

/* Enter the phase of giving back. */
void zm_purge_begin(zdefrag *d);

/* False: what there was has been given back. */
bool zm_purge_some(zdefrag *d);

/* It is enough for going on with the cycle. */
bool zm_purge_may_pause(const zdefrag *d);

#endif
