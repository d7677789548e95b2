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

	bool over; /* the slice */
	bool scanning;
	bool whole;    /* zdefrag_run(): no thresholds, no pauses */
	bool gained;   /* the last cycle was worth its work */
	unsigned part; /* of the phase: each has parts of its own, from 0 */
	uint32_t work_ns;
	uint64_t looked_ns, slice_end_ns;
	uint64_t next_ns; /* when to step next */
	unsigned cpu_percent;
	unsigned backoff; /* doublings of check_ms */

	uint64_t walk_visited, walk_blocks; /* of them about this many */
	bool decay_held;
	uint64_t held_ns, purged_bytes; /* when; released until then */
	uint64_t purge_end_ns;          /* patience */
	size_t purge_bytes;             /* there were when it began */
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
