/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/hint_tick.c - a program that pauses, or has stopped asking for good.
 *
 * The two look alike, and to end a cycle for a mere pause loses what has been shown. So a cycle waits:
 * for much longer than programs are known to pause, and for twice as long as a pause that has ended a
 * cycle in spite of that. Only while blocks move does a waiting cycle cost anything: the program's
 * calls are watched and pinned slabs serve nobody. Then those calls are our clock.
 */
#include "config.h"

#include <errno.h>

#include "base/clock.h"
#include "defrag/hint.h"

#define PATIENCE_NS 30000000000u
#define PIN_PATIENCE_NS 2000000000u
#define PATIENCE_MAX_NS 600000000000u

/* When a driver wants to begin, hints that were not asked for so long count as forgotten. */
#define FORGOTTEN_NS 1000000000u

/*
 * Each thread looks after so many of its calls: at the clock, 25 ns; and while a cycle ends, to do
 * some of that, 25 us.
 */
#define LOOK_CALLS 1024
#define WORK_CALLS 64
#define TICK_WORK 512

ZM_ATOMIC(size_t) zm_hint_clock_ms;

uint64_t zm_hint_now_ns(void)
{
	size_t ms = zm_load(&zm_hint_clock_ms);

	return zm_likely(ms == 0) ? zm_now_ns() : (uint64_t)ms * 1000000u;
}

static uint64_t pin_patience_ns(void)
{
	return zm_hints.pin_patience_ns != 0 ? zm_hints.pin_patience_ns : PIN_PATIENCE_NS;
}

static uint64_t patience_ns(void)
{
	return zm_hints.patience_ns != 0 ? zm_hints.patience_ns : PATIENCE_NS;
}

void zm_hint_check_pause(void)
{
	uint64_t now = zm_hint_now_ns(), last = zm_hints.clock_ns, pause = now - last;
	bool runs = zm_hints.stage != ZM_HINT_IDLE && zm_hints.stage != ZM_HINT_ENDING;

	zm_hints.clock_ns = now;
	if (last == 0)
		return;
	/* What was suspended for a pause like this one shall not be for the next. */
	if (runs && pause > pin_patience_ns() && pause <= PATIENCE_NS / 2)
		zm_hints.pin_patience_ns = 2 * pause;
	if (pause <= patience_ns())
		return;
	if (pause <= PATIENCE_MAX_NS / 2 &&
	    (runs || zm_hints.total.reason == ZDEFRAG_REASON_NOT_ASKED))
		zm_hints.patience_ns = 2 * pause;
	if (runs)
		zm_hint_begin_ending(ZDEFRAG_REASON_NOT_ASKED);
}

static void check_patience(void)
{
	uint64_t now = zm_hint_now_ns();

	if (zm_hints.asked != zm_hints.noticed_asked) {
		zm_hints.noticed_asked = zm_hints.asked;
		zm_hints.noticed_ns = now;
	} else if (now - zm_hints.noticed_ns > patience_ns()) {
		zm_hint_begin_ending(ZDEFRAG_REASON_NOT_ASKED);
	} else if (zm_cycle.open && now - zm_hints.noticed_ns > pin_patience_ns()) {
		zm_hint_suspend();
	}
}

static void tick(void)
{
	int saved_errno = errno;
	uint32_t work_ns = 0;

	if (!zm_cycle_trylock())
		return;
	if (zm_load(&zm_cycle.owner) == &zm_hints_owner) {
		if (zm_hints.stage == ZM_HINT_ENDING)
			zm_hint_end_some(TICK_WORK);
		else if (zm_hints.stage == ZM_HINT_SETTLING)
			zm_hint_settle_some(TICK_WORK);
		else if (zm_load(&zm_cycle.full) != 0 && zm_cycle.open)
			zm_move_release_full(&work_ns);
		else
			check_patience();
	}
	zm_cycle_unlock();
	errno = saved_errno;
}

/* Without the lock. */
void zm_hint_tick(void)
{
	static ZM_TLS unsigned calls;

	if (zm_likely(++calls % WORK_CALLS != 0) ||
	    (!zm_load(&zm_hints.ending) && zm_load(&zm_cycle.full) == 0 && calls % LOOK_CALLS != 0))
		return;
	if (zm_load(&zm_cycle.owner) == &zm_hints_owner)
		tick();
}

void zm_hint_make_way(uint32_t work)
{
	if (zm_load(&zm_cycle.owner) != &zm_hints_owner)
		return;
	if (zm_hints.stage != ZM_HINT_ENDING) {
		if (zm_hint_now_ns() - zm_hints.clock_ns < FORGOTTEN_NS)
			return;
		zm_hint_begin_ending(ZDEFRAG_REASON_NOT_ASKED);
	}
	while (!zm_hint_end_some(work) && work == UINT32_MAX)
		;
}
