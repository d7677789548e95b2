/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/driver.c - when to work, how hard, and in what slices.
 *
 *             gate open            walked             chosen          walked, or all empty
 *   +-> IDLE -----------> COUNTING -------> PLANNING -------> MOVING -----------------------+
 *   |   ^  |                                   |                                            |
 *   |   +--+ gate shut: look again later       | nothing to choose                          |
 *   |                                          |                                            v
 *   |                                          +---------------------------------------> ENDING
 *   |                                                                                       |
 *   +---------------------------------------------------------------- PURGING <-------------+
 *                                                                          all released
 *
 * A layout that is not exact goes from IDLE to MOVING. A long cycle goes from MOVING to PURGING and
 * back now and then. With purge_ms 0 nobody goes there: ENDING leads to IDLE.
 */
#include "config.h"

#include <zmalloc/defrag.h>

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/probe.h"
#include "defrag/cycle.h"
#include "defrag/driver.h"

/*
 * The clock is read when about this much work is estimated to have been done since the last look.
 * A cold cache makes it two to five times as long; a slice ends when it has not time enough left for
 * as much again.
 */
#define LOOK_NS 10000

/* Refused destinations between two looks while spares are sought: 47 ns each. */
#define LOOK_REFUSALS 256

/*
 * Work between two looks at the clock where a phase does not call the walk: slabs.
 * 64 to ask about are 2 us, to pin 100 us at most.
 */
#define LOOK_SLABS ZM_SLAB_BATCH

/* The same where a phase releases: see zm_cycle_unpin_some(). */
#define LOOK_WORK 1024

/* A cycle that released less than this part of what it planned makes the next one wait. */
#define WORTHWHILE_PART 4
#define BACKOFF_MAX 6

/* ---- The walk ---- */

static void look_at_clock(zdefrag *d)
{
	uint64_t now = zm_now_ns();

	d->work_ns = 0;
	if (now + (now - d->looked_ns) >= d->slice_end_ns)
		d->over = true;
	d->looked_ns = now;
}

/* Nothing is left to be moved. A layout that is not exact chooses no slabs. */
static bool all_emptied(void)
{
	return zm_cycle.emptied == zm_cycle.chosen && zm_cycle.layout->exact;
}

void *zdefrag_visit(zdefrag *d, void *ptr)
{
	if (zm_unlikely(!d->scanning))
		return ptr;
	d->walk_visited++;
	if (d->stats.phase == ZDEFRAG_COUNTING) {
		zm_count_visit(ptr, &d->work_ns);
	} else if (!zm_cycle.layout->exact) {
		ptr = zm_average_visit(ptr);
		d->work_ns += 200;
	} else {
		ptr = zm_move_visit(ptr, &d->work_ns);
		d->work_ns += 10;
		if (zm_unlikely(all_emptied()) || zm_unlikely(zm_cycle.spare_used))
			d->over = true;
	}
	if (zm_unlikely(d->work_ns >= LOOK_NS))
		look_at_clock(d);
	return ptr;
}

int zdefrag_slice_over(const zdefrag *d)
{
	return d->over;
}

enum walk_part {
	WALK_BEGINS,
	WALK_GOES_ON
};

/* True when the walk is complete. */
static bool walk(zdefrag *d)
{
	int begin = d->part == WALK_BEGINS, complete;

	d->part = WALK_GOES_ON;
	d->scanning = true;
	complete = d->scan(d, begin, d->context);
	d->scanning = false;
	return complete != 0;
}

/* ---- Phases ---- */

static void enter_phase(zdefrag *d, int phase)
{
	d->stats.phase = phase;
	d->stats.permille = 0;
	d->part = 0;
	d->stats.visited += d->walk_visited;
	d->walk_visited = 0;
}

static void go_idle(zdefrag *d, int reason)
{
	enter_phase(d, ZDEFRAG_IDLE);
	d->stats.reason = reason;
	d->next_ns = zm_now_ns() + ((uint64_t)d->settings.check_ms << d->backoff) * 1000000u;
}

static unsigned percent_x100(const struct zm_gate_figures *figures)
{
	return figures->live_bytes == 0 ? 0
					: (unsigned)((double)figures->frag_bytes * 10000 /
						     (double)figures->live_bytes);
}

static void look(zdefrag *d, struct zm_gate_figures *figures)
{
	zm_gate_look(figures);
	d->stats.frag_bytes = figures->frag_bytes;
	d->stats.live_bytes = figures->live_bytes;
	d->stats.attainable_bytes = figures->attainable_bytes;
	d->stats.percent_x100 = percent_x100(figures);
}

/* Linear between the two thresholds, as Redis has it. */
static unsigned cpu_share(const zdefrag *d)
{
	const struct zdefrag_settings *s = &d->settings;
	unsigned percent = d->stats.percent_x100 / 100;

	if (percent >= s->upper_percent || s->upper_percent <= s->lower_percent)
		return s->cpu_max_percent;
	if (percent <= s->lower_percent)
		return s->cpu_min_percent;
	return s->cpu_min_percent + (s->cpu_max_percent - s->cpu_min_percent) *
					    (percent - s->lower_percent) /
					    (s->upper_percent - s->lower_percent);
}

static size_t target_bytes(const zdefrag *d)
{
	return (size_t)((double)d->stats.live_bytes * d->settings.lower_percent / 100);
}

/*
 * What has to be released for fragmentation to come under the lower threshold,
 * and a tenth of that on top.
 */
static size_t want_bytes(const zdefrag *d)
{
	size_t enough = target_bytes(d) / 10 * 9;

	return d->stats.frag_bytes > enough ? (size_t)d->stats.frag_bytes - enough : 0;
}

/* Is moving worth it? Half of what is wanted should be attainable. */
static int gate_reason(const zdefrag *d)
{
	if (d->stats.percent_x100 / 100 < d->settings.lower_percent || d->stats.percent_x100 == 0 ||
	    (!d->whole && d->stats.frag_bytes < d->settings.ignore_bytes))
		return ZDEFRAG_REASON_LOW;
	if (d->stats.attainable_bytes == 0 ||
	    (!d->whole && d->stats.attainable_bytes < want_bytes(d) / 2))
		return ZDEFRAG_REASON_UNATTAINABLE;
	return ZDEFRAG_REASON_NONE;
}

static void begin_moving(zdefrag *d)
{
	zm_purge_hold(d);
	enter_phase(d, ZDEFRAG_MOVING);
}

static void step_idle(zdefrag *d)
{
	struct zm_gate_figures figures;
	int reason, error;

	look(d, &figures);
	reason = gate_reason(d);
	if (reason == ZDEFRAG_REASON_NONE) {
		zm_hint_make_way(d->whole ? UINT32_MAX : LOOK_WORK);
		error = zm_cycle_begin(d, NULL);
		if (error != 0)
			reason = error == EBUSY ? ZDEFRAG_REASON_BUSY : ZDEFRAG_REASON_NO_MEMORY;
	}
	if (reason != ZDEFRAG_REASON_NONE) {
		d->backoff = reason == ZDEFRAG_REASON_LOW ? 0 : d->backoff;
		go_idle(d, reason);
		return;
	}
	zm_probe_defrag_cycle_begin(d, figures.frag_bytes, figures.live_bytes);
	d->cpu_percent = cpu_share(d);
	d->stats.cycles++;
	d->stats.reason = ZDEFRAG_REASON_NONE;
	d->walk_blocks = figures.blocks;
	if (zm_cycle.layout->exact)
		enter_phase(d, ZDEFRAG_COUNTING);
	else
		begin_moving(d);
}

static void step_counting(zdefrag *d)
{
	bool complete = walk(d);

	if (!complete)
		return;
	d->walk_blocks = d->walk_visited;
	enter_phase(d, ZDEFRAG_PLANNING);
}

static void begin_ending(zdefrag *d)
{
	zm_cycle_close();
	enter_phase(d, ZDEFRAG_ENDING);
}

/* Ask about all slabs first, then choose among them. The first part may take a slice of its own. */
enum plan_part {
	PLAN_BEGINS,
	PLAN_LOOKS,
	PLAN_CHOOSES
};

/* The walk is over when planning begins: no slab is late, and what it has not shown it never will. */
static const struct zm_plan_rule shown_only = {.late_asked = 1};

/* True when there is nothing more to plan. */
static bool plan_some(zdefrag *d)
{
	switch (d->part) {
	case PLAN_BEGINS:
		zm_plan_begin(want_bytes(d), &shown_only);
		d->part = PLAN_LOOKS;
		return false;
	case PLAN_LOOKS:
		if (zm_plan_look(LOOK_SLABS))
			d->part = PLAN_CHOOSES;
		return false;
	default:
		return zm_plan_choose(LOOK_SLABS);
	}
}

static void step_planning(zdefrag *d)
{
	do {
		if (plan_some(d)) {
			d->stats.slabs_chosen = zm_cycle.chosen;
			zm_plan_close();
			if (zm_cycle.chosen == 0)
				begin_ending(d);
			else
				begin_moving(d);
			return;
		}
		look_at_clock(d);
	} while (!d->over);
}

/* For the walk: what hooks have emptied is given back, every pool has a spare. False: not all yet. */
static bool make_ready(zdefrag *d)
{
	unsigned tries = LOOK_REFUSALS;
	uint32_t work_ns = 0;

	if (!zm_move_open_next()) {
		d->over = true; /* each has a slice of its own */
		return false;
	}
	return zm_move_release_full(&work_ns) && zm_move_prime(&tries);
}

static void step_moving(zdefrag *d)
{
	bool complete = false;

	if (zm_purge_is_due(d)) {
		zm_purge_begin(d);
		return;
	}
	while (!d->over && !make_ready(d))
		look_at_clock(d);
	if (!d->over)
		complete = walk(d);
	if (complete || all_emptied())
		begin_ending(d);
}

void zm_driver_add_cycle(struct zdefrag_stats *stats)
{
	stats->moved += zm_cycle.moved;
	stats->moved_bytes += zm_cycle.moved_bytes;
	stats->missed += zm_cycle.missed;
	stats->slabs_released += zm_cycle.emptied;
	stats->released_bytes += zm_cycle.released_bytes;
	stats->refused += zm_load(&zm_cycle.refused);
	stats->held_frees += zm_load(&zm_cycle.held_frees);
	stats->steered += zm_load(&zm_cycle.steered);
}

/* All is released, and the next cycle, somebody else's perhaps, may begin: take what this one did. */
static void take_counts(zdefrag *d)
{
	zm_driver_add_cycle(&d->stats);
	d->gained = zm_cycle.emptied != 0 &&
		    zm_cycle.released_bytes >= zm_cycle.planned_bytes / WORTHWHILE_PART;
}

static void judge_cycle(zdefrag *d)
{
	struct zm_gate_figures figures;
	size_t before = d->stats.frag_bytes;
	bool worthwhile;

	look(d, &figures);
	worthwhile =
		zm_slab_layout()->exact ? d->gained : figures.frag_bytes + before / 32 < before;
	if (worthwhile)
		d->backoff = 0;
	else if (d->backoff < BACKOFF_MAX)
		d->backoff++;
	d->stats.reason = worthwhile ? ZDEFRAG_REASON_NONE : ZDEFRAG_REASON_BACKOFF;
}

static void finish_cycle(zdefrag *d)
{
	judge_cycle(d);
	if (d->decay_held && d->settings.purge_ms != 0) {
		enter_phase(d, ZDEFRAG_PURGING);
		zm_purge_begin(d);
	} else {
		zm_purge_end(d);
		go_idle(d, d->stats.reason);
	}
}

/* The last part asks for fresh figures, which may take a slice of its own. */
enum ending_part {
	ENDING_RELEASES,
	ENDING_JUDGES
};

static void step_ending(zdefrag *d)
{
	do {
		if (d->part == ENDING_JUDGES) {
			finish_cycle(d);
			return;
		}
		if (zm_cycle_release_some(LOOK_WORK)) {
			take_counts(d);
			d->part = ENDING_JUDGES;
		}
		look_at_clock(d);
	} while (!d->over);
}

/* ---- Steps ---- */

static bool works_in_slices(int phase)
{
	return phase != ZDEFRAG_IDLE && phase != ZDEFRAG_PURGING;
}

static void note_slice(zdefrag *d, uint64_t took_ns)
{
	d->stats.slices++;
	if (took_ns > d->stats.longest_slice_ns)
		d->stats.longest_slice_ns = took_ns;
	if (took_ns > 2000ull * d->settings.slice_us)
		d->stats.slices_over++;
	/* Rest until the work of this slice is the wanted share of the time. */
	if (works_in_slices(d->stats.phase))
		d->next_ns = zm_now_ns() + took_ns * (100 - d->cpu_percent) / d->cpu_percent;
}

static void step_phase(zdefrag *d)
{
	switch (d->stats.phase) {
	case ZDEFRAG_IDLE:
		step_idle(d);
		break;
	case ZDEFRAG_COUNTING:
		step_counting(d);
		break;
	case ZDEFRAG_PLANNING:
		step_planning(d);
		break;
	case ZDEFRAG_MOVING:
		step_moving(d);
		break;
	default:
		step_ending(d);
	}
}

static void take_slice(zdefrag *d)
{
	uint64_t begin, took;

	d->over = false;
	d->work_ns = 0;
	d->looked_ns = zm_now_ns();
	d->slice_end_ns = d->looked_ns + d->settings.slice_us * 1000ull;
	begin = zm_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	step_phase(d);
	took = zm_clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
	d->stats.cpu_ns += took;
	note_slice(d, took);
}

static void step_purging(zdefrag *d)
{
	bool more = zm_purge_some(d), moving = zm_load(&zm_cycle.owner) == d;

	if (more && !(moving && zm_purge_may_pause(d)))
		return;
	if (moving) {
		zm_purge_hold(d);
		d->stats.phase = ZDEFRAG_MOVING;
	} else {
		zm_purge_end(d);
		go_idle(d, d->stats.reason);
	}
}

int zdefrag_step(zdefrag *d)
{
	int phase;

	if (d->scanning)
		return d->stats.phase;
	zm_cycle_lock();
	phase = d->stats.phase;
	if (works_in_slices(phase) || d->whole || zm_now_ns() >= d->next_ns) {
		if (phase == ZDEFRAG_PURGING)
			step_purging(d);
		else
			take_slice(d);
	}
	zm_cycle_unlock();
	if (d->progress != NULL && (phase != ZDEFRAG_IDLE || d->stats.phase != ZDEFRAG_IDLE))
		d->progress(d, d->progress_context);
	return d->stats.phase;
}

unsigned zdefrag_next_delay_ms(const zdefrag *d)
{
	uint64_t now = zm_now_ns();

	return now >= d->next_ns ? 0 : (unsigned)((d->next_ns - now + 999999) / 1000000);
}

static void sleep_until(uint64_t at_ns)
{
	uint64_t now = zm_now_ns(), left = at_ns > now ? at_ns - now : 0;
	struct timespec pause = {.tv_sec = (time_t)(left / 1000000000u),
				 .tv_nsec = (long)(left % 1000000000u)};

	nanosleep(&pause, NULL);
}

int zdefrag_run(zdefrag *d)
{
	int reason;

	if (d->scanning)
		return 0;
	d->whole = true;
	while (zdefrag_step(d) != ZDEFRAG_IDLE)
		if (d->stats.phase == ZDEFRAG_PURGING)
			sleep_until(d->next_ns);
	d->whole = false;
	reason = d->stats.reason;
	if (reason != ZDEFRAG_REASON_BUSY && reason != ZDEFRAG_REASON_NO_MEMORY)
		return 0;
	errno = reason == ZDEFRAG_REASON_BUSY ? EBUSY : ENOMEM;
	return -1;
}

void zdefrag_abandon(zdefrag *d)
{
	if (d->scanning || d->stats.phase == ZDEFRAG_IDLE)
		return;
	zm_cycle_lock();
	zm_purge_end(d);
	if (zm_load(&zm_cycle.owner) == d) {
		zm_cycle_end();
		zm_driver_add_cycle(&d->stats);
	}
	go_idle(d, ZDEFRAG_REASON_ABANDONED);
	zm_cycle_unlock();
}
