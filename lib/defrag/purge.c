/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/purge.c - emptied memory goes back to the system.
 *
 * While blocks move, the allocator gives nothing back: it would do so in the middle of a slice, and
 * take as long as it takes. Its turn comes after the cycle, and in between whenever enough has been
 * released, or the program has had to wait for long with its own.
 */
#include "config.h"

#include "base/clock.h"
#include "base/probe.h"
#include "defrag/cycle.h"
#include "defrag/driver.h"

/*
 * Patience with giving back, on top of purge_ms: 10 MB in a second. A busy program may free as fast
 * as its steps give back.
 */
#define PURGE_BYTE_NS 100

/*
 * When a cycle pauses to give back: so much, or such a part of live bytes, if that is more; and when
 * it goes on: a part of it is left.
 */
#define PURGE_BATCH_BYTES ((size_t)64 << 20)
#define PURGE_BATCH_PART 16
#define PURGE_PAUSE_PART 8

/* And the time for which an allocator keeps unused pages by default. */
#define HELD_MAX_NS 10000000000u

void zm_purge_hold(zdefrag *d)
{
	if (d->settings.purge_ms == 0)
		return;
	zm_slab_decay_hold();
	d->decay_held = true;
	d->held_ns = zm_now_ns();
	d->purged_bytes = zm_cycle.released_bytes;
}

void zm_purge_end(zdefrag *d)
{
	if (d->decay_held)
		zm_slab_decay_end();
	d->decay_held = false;
}

bool zm_purge_is_due(const zdefrag *d)
{
	uint64_t batch = d->stats.live_bytes / PURGE_BATCH_PART;

	if (batch < PURGE_BATCH_BYTES)
		batch = PURGE_BATCH_BYTES;
	return d->decay_held && !d->whole &&
	       (zm_cycle.released_bytes - d->purged_bytes >= batch ||
		zm_now_ns() - d->held_ns >= HELD_MAX_NS);
}

void zm_purge_begin(zdefrag *d)
{
	d->next_ns = zm_now_ns();
	zm_slab_decay_begin(d->settings.purge_ms != 0 ? d->settings.purge_ms : 1);
	d->purge_bytes = zm_slab_decay_left_bytes();
	d->purge_end_ns = d->next_ns + d->settings.purge_ms * 1100000ull +
			  (uint64_t)d->purge_bytes * PURGE_BYTE_NS;
	d->stats.phase = ZDEFRAG_PURGING;
}

bool zm_purge_some(zdefrag *d)
{
	uint64_t begin = zm_clock_ns(CLOCK_THREAD_CPUTIME_ID), took, pause_ns;

	pause_ns = zm_slab_decay_step();
	took = zm_clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
	d->stats.cpu_ns += took;
	d->stats.purge_ns += took;
	zm_probe_defrag_purge(took);
	if (took > d->stats.longest_purge_ns)
		d->stats.longest_purge_ns = took;
	d->next_ns = zm_now_ns() + pause_ns;
	return pause_ns != 0 && d->next_ns < d->purge_end_ns;
}

bool zm_purge_may_pause(const zdefrag *d)
{
	return zm_slab_decay_left_bytes() < d->purge_bytes / PURGE_PAUSE_PART;
}
