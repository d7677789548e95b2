/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/hint.c - "should this block move?": what the program calls, and the answers. hint.h tells
 * what goes on behind them.
 */
#include "config.h"

#include <string.h>

#include "account/account.h"
#include "base/clock.h"
#include "base/sized.h"
#include "defrag/driver.h"
#include "defrag/hint.h"
#include "defrag/hint_copy.h"

/* A call for many blocks at once does so many hints' work besides the answers, at most. */
#define BATCH_SHARES 16

/*
 * Destinations that may be refused, 47 ns each: every hint adds some to what is allowed, so that a
 * run of them is 4 us a hint and 25 us at once, however long the run is.
 */
#define REFUSALS_EACH 80
#define REFUSALS_MAX ZM_MOVE_REFUSALS

/* Hints between two looks at the clock, 25 ns each; and between two questions whether to begin. */
#define CLOCK_HINTS 8
#define IDLE_HINTS 16

/* What zdefrag_hint_end() does at once: 0.2 ms. */
#define END_PARTS 8
#define END_WORK 512

/* ---- The answers ---- */

static bool may_move(const struct zm_slab_record *slab)
{
	/* A first region of a pool takes its time, and has a hint of its own. */
	if (zm_hints.stage == ZM_HINT_PRIMING && zm_cycle.opened < zm_cycle.heap_count &&
	    zm_plan_pool(slab->arena, slab->bin)->spare == NULL)
		return false;
	return zm_move_find_spare(slab, &zm_hints.refusals);
}

static bool answer_pinned(const void *ptr)
{
	uint32_t region;
	struct zm_slab_record *slab = zm_move_pinned(ptr, &region);

	if (slab == NULL)
		return false;
	/* The round is over, and its slabs are about to be anyone's again. */
	if (!zm_cycle.open)
		return false;
	/* No destination in time: another scan will ask about it again. */
	if (!may_move(slab)) {
		zm_cycle.missed++;
		zm_hints.moving_asked = zm_hints.asked;
		return false;
	}
	zm_hint_copy_goes_to(slab->arena);
	return true;
}

static bool answer(const void *ptr)
{
	zm_hints.asked++;
	if (zm_table_get(ptr) & ZM_PAGE_PINNED)
		return answer_pinned(ptr);
	zm_hint_show(ptr);
	return false;
}

/*
 * A slab's record is two loads away and mostly cold, and blocks come in no order of theirs: have it
 * on its way six blocks ahead. With 2 million blocks asked about in 64s, 114 ns each become 95;
 * with 8 million, 214 become 146.
 */
#define AHEAD 6

static void prefetch_record(const void *ptr)
{
	uint32_t entry = zm_table_get(ptr) & ~ZM_PAGE_PINNED;

	if (entry != 0)
		zm_prefetch(&zm_cycle.slabs[entry - 1]);
}

static size_t answer_all(const void *const *ptrs, unsigned char *answers, size_t count)
{
	size_t moves = 0;
	uint32_t work_ns = 0;

	for (size_t i = 0; i < count; i++) {
		if (i + AHEAD < count)
			prefetch_record(ptrs[i + AHEAD]);
		answers[i] = answer(ptrs[i]);
		moves += answers[i];
	}
	if (zm_load(&zm_cycle.full) != 0)
		zm_move_release_full(&work_ns);
	return moves;
}

/*
 * The work, which may end the round, comes before the answers: what is answered 1 has moved when the
 * program asks next.
 */
static size_t step(const void *const *ptrs, unsigned char *answers, size_t count)
{
	unsigned shares = count < BATCH_SHARES ? (unsigned)count : BATCH_SHARES;

	if (count >= CLOCK_HINTS || zm_hints.asked % CLOCK_HINTS == 0)
		zm_hint_check_pause();
	zm_hints.refusals += shares * REFUSALS_EACH;
	if (zm_hints.refusals > REFUSALS_MAX)
		zm_hints.refusals = REFUSALS_MAX;
	zm_hint_work(shares);
	if (zm_hints.stage == ZM_HINT_ENDING || zm_hints.stage == ZM_HINT_IDLE)
		return 0;
	return answer_all(ptrs, answers, count);
}

/* ---- Layouts whose slabs have no names ---- */

#define REFRESH_EVERY_NS 1000000u

static void refresh_average(void)
{
	static uint64_t next_ns;
	uint64_t now = zm_now_ns();

	if (now < next_ns)
		return;
	next_ns = now + REFRESH_EVERY_NS;
	zm_slab_refresh();
}

static size_t answer_all_by_average(const void *const *ptrs, unsigned char *answers, size_t count)
{
	struct zm_slab_usage usage;
	size_t moves = 0;

	if (!zm_cycle_trylock())
		return 0;
	refresh_average();
	for (size_t i = 0; i < count; i++) {
		answers[i] = zm_average_hint(ptrs[i], &usage);
		moves += answers[i];
	}
	zm_cycle_unlock();
	return moves;
}

/* ---- The public side ---- */

/* Without the lock: nothing runs, and it is not worth a look yet. */
static bool may_rest(size_t count)
{
	static ZM_TLS size_t idle_hints;
	size_t before = idle_hints;

	idle_hints += count;
	return zm_load(&zm_cycle.owner) == NULL && before / IDLE_HINTS == idle_hints / IDLE_HINTS;
}

static size_t answer_by_slab(const void *const *ptrs, unsigned char *answers, size_t count)
{
	const void *owner;
	size_t moves = 0;

	if (may_rest(count))
		return 0;
	owner = zm_load(&zm_cycle.owner);
	if (owner != NULL && owner != &zm_hints_owner)
		return 0;
	zm_cycle_lock();
	owner = zm_load(&zm_cycle.owner);
	if (owner == NULL)
		zm_hint_check_pause();
	if (owner == &zm_hints_owner || (owner == NULL && zm_hint_begin()))
		moves = step(ptrs, answers, count);
	zm_cycle_unlock();
	return moves;
}

size_t zdefrag_hints(const void *const *ptrs, unsigned char *answers, size_t count)
{
	const struct zm_slab_layout *layout = zm_slab_layout();

	memset(answers, 0, count);
	if (layout == NULL)
		return 0;
	return layout->exact ? answer_by_slab(ptrs, answers, count)
			     : answer_all_by_average(ptrs, answers, count);
}

int zdefrag_hint(const void *ptr)
{
	unsigned char answered;

	return zdefrag_hints(&ptr, &answered, 1) != 0;
}

void zdefrag_hint_end(void)
{
	zm_cycle_lock();
	if (zm_load(&zm_cycle.owner) == &zm_hints_owner) {
		if (zm_hints.stage != ZM_HINT_ENDING)
			zm_hint_begin_ending(ZDEFRAG_REASON_ABANDONED);
		for (int i = 0; i < END_PARTS && !zm_hint_end_some(END_WORK); i++)
			;
	}
	zm_cycle_unlock();
}

/* ---- Figures ---- */

static int phase_of(int stage)
{
	switch (stage) {
	case ZM_HINT_IDLE:
		return ZDEFRAG_IDLE;
	case ZM_HINT_WALKING:
	case ZM_HINT_COUNTING:
		return ZDEFRAG_COUNTING;
	case ZM_HINT_LOOKING:
	case ZM_HINT_CHOOSING:
		return ZDEFRAG_PLANNING;
	case ZM_HINT_PRIMING:
	case ZM_HINT_MOVING:
		return ZDEFRAG_MOVING;
	default:
		return ZDEFRAG_ENDING;
	}
}

static unsigned permille(uint64_t done, uint64_t all)
{
	return all == 0 ? 0 : done >= all ? 1000 : (unsigned)(done * 1000 / all);
}

static unsigned permille_done(int phase)
{
	switch (phase) {
	case ZDEFRAG_COUNTING:
		return permille(zm_cycle.shown, zm_hints.blocks);
	case ZDEFRAG_PLANNING:
	case ZDEFRAG_ENDING:
		return permille(zm_cycle.cursor, zm_cycle.slabs_count);
	case ZDEFRAG_MOVING:
		return permille(zm_hints.asked - zm_hints.moving_began, zm_hints.pass_asked);
	default:
		return 0;
	}
}

static void fill_stats(struct zdefrag_stats *filled)
{
	*filled = zm_hints.total;
	filled->phase = phase_of(zm_hints.stage);
	filled->permille = permille_done(filled->phase);
	if (zm_load(&zm_cycle.owner) == &zm_hints_owner) {
		zm_driver_add_cycle(filled);
		filled->visited += zm_hints.asked;
	}
	filled->held_bytes = zm_account_held();
	if (!zdefrag_supported())
		filled->reason = ZDEFRAG_REASON_UNSUPPORTED;
}

int zdefrag_hint_get_stats(struct zdefrag_stats *stats)
{
	struct zdefrag_stats filled;

	if (!zm_sized_is_set(stats))
		return -1;
	zm_cycle_lock();
	fill_stats(&filled);
	zm_cycle_unlock();
	return zm_sized_hand_over(stats, &filled, sizeof(filled));
}
