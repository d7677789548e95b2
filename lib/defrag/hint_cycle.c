/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/hint_cycle.c - a cycle of hints, from stage to stage.
 */
#include "config.h"

#include "base/probe.h"
#include "defrag/driver.h"
#include "defrag/hint.h"
#include "defrag/hook.h"

/*
 * What one hint does besides its answer, 3 to 4 us each: pages and slabs asked about, slabs pinned, and work
 * of releasing in the units of zm_cycle_unpin_some().
 */
#define WALK_PAGES ZM_SLAB_BATCH
#define LOOK_SLABS ZM_SLAB_BATCH
#define CHOOSE_SLABS 8
#define RELEASE_WORK 64

/*
 * Begin over this part of live bytes as fragmentation, which is 1 %, and aim for that, which is 0.67 %:
 * some slabs will not be emptied.
 */
#define BEGIN_PART 100
#define TARGET_PART 150

/*
 * Less than this part of live bytes is not worth scanning for: 1 %. In a small heap that is a handful of
 * slabs, for whose last blocks a program that asks at random is waited for for ten passes, and then for
 * those of the next: 32 pages have to be gained in any case.
 */
#define WORTH_PART 100
#define WORTH_MIN_BYTES ((size_t)128 << 10)

/* A plan that falls short by this part of live bytes looks at slabs that were asked about late. */
#define SHORT_PART 400

/* A round is worth it that has released such a part of its plan, and such a part of what was wanted. */
#define PLAN_PART 4
#define WANT_PART 16

/*
 * A round empties all of its slabs but for such a part, and a few, or else the program has blocks of
 * that bin that it never asks about: in doubt, a bin is counted first. It is tried again some day.
 */
#define VAIN_PART 8
#define FEW_SLABS 2
#define DOUBT_CYCLES 8

/* Of 256 blocks that are shown so many may be new, and a plan allows for it. */
#define CHURN_MAX_X256 32

/* So many rounds in a row that are not worth it end the cycle. */
#define FUTILE_MAX 2

/*
 * A pass is watched in so many windows. Had the program asked about its blocks at random, so many would
 * have moved in one: where it was a quarter of that or less, what is left of the chosen slabs' blocks
 * does not seem to be shown any more, and the round may end if a pass is over; or two, if much is left:
 * a program that scans to and fro shows some blocks twice at the turn, and others not before the end of
 * the next pass but one.
 * A program that shows one part of its data many times before it turns to the next has many such
 * windows before its pass is over; but after a long time with a 64th or less a round ends in any case.
 */
#define MUCH_PART 4
#define WINDOWS 16
#define DRY_PART 4
#define PARCHED_PART 64
#define PARCHED_HEAPS 2
#define FEW_BLOCKS 4096
#define HEAPS_MAX 4

/*
 * Looks at the gate take 0.1 ms. While there is nothing to gain they get rarer, up to 1.6 s. After a
 * cycle that gained too little none begins for as long as that one took, or a second if that is more;
 * for twice as long after the next; and so on up to an hour.
 */
#define LOOK_EVERY_NS 100000000u
#define RESUME_MIN_NS 1000000000u
#define RESUME_MAX_NS 3600000000000u
#define BACKOFF_MAX 12

/*
 * It is worse than what the last cycle left if it is more by a quarter, and by what is worth it in any
 * heap, as what the program's caches hold comes and goes; where that cycle gained too little, by a 64th
 * of live bytes besides.
 */
#define WORSE_PART 4
#define WORSE_LIVE_PART 64

/* What a round may leave of its plan, and of live bytes: they are what the target is below 1 % for. */
#define LEFT_PART 16
#define LEFT_LIVE_PART 400

/* How much more than what can be attained at the moment is planned for where more holes keep coming. */
#define AHEAD_MAX_X256 224
#define RECENT_NS 30000000000u

struct zm_hints zm_hints;
const char zm_hints_owner;

/* ---- Is there something to gain? ---- */

/* An enum zdefrag_reason against going on; *want: what to release if there is none. */
static int look(struct zm_gate_figures *figures, size_t *want)
{
	struct zdefrag_stats *total = &zm_hints.total;
	size_t target;

	zm_gate_look(figures);
	total->frag_bytes = figures->frag_bytes;
	total->live_bytes = figures->live_bytes;
	total->attainable_bytes = figures->attainable_bytes;
	total->percent_x100 = figures->live_bytes == 0
				      ? 0
				      : (unsigned)((double)figures->frag_bytes * 10000 /
						   (double)figures->live_bytes);
	target = figures->live_bytes / TARGET_PART;
	if (figures->frag_bytes <= figures->live_bytes / BEGIN_PART)
		return ZDEFRAG_REASON_LOW;
	*want = figures->frag_bytes - target;
	if (figures->attainable_bytes <= figures->live_bytes / WORTH_PART ||
	    figures->attainable_bytes <= WORTH_MIN_BYTES)
		return ZDEFRAG_REASON_UNATTAINABLE;
	if (*want > figures->attainable_bytes)
		*want = figures->attainable_bytes;
	return ZDEFRAG_REASON_NONE;
}

/* There is something to gain: but is it too early, so soon after the last cycle? */
static int look_back(const struct zm_gate_figures *figures, uint64_t now)
{
	uint64_t part = zm_hints.end_frag_bytes / WORSE_PART;
	uint64_t worse =
		zm_hints.end_frag_bytes + (part > WORTH_MIN_BYTES ? part : WORTH_MIN_BYTES);

	if ((zm_hints.end_reason == ZDEFRAG_REASON_LOW ||
	     zm_hints.end_reason == ZDEFRAG_REASON_UNATTAINABLE) &&
	    figures->frag_bytes <= worse)
		return zm_hints.end_reason;
	if (now < zm_hints.resume_ns &&
	    figures->frag_bytes <= worse + figures->live_bytes / WORSE_LIVE_PART)
		return ZDEFRAG_REASON_BACKOFF;
	return ZDEFRAG_REASON_NONE;
}

static size_t more(size_t bytes, size_t than_bytes)
{
	return bytes > than_bytes ? bytes - than_bytes : 0;
}

/* What the plan has not released yet. */
static size_t left_bytes(void)
{
	return more(zm_cycle.planned_bytes, (size_t)zm_cycle.released_bytes);
}

/*
 * What the round is to leave, and what it has not done yet. Where it is ahead of what can be attained,
 * blocks move to new slabs for some time, which are no more than is left.
 */
static size_t expected_frag_bytes(void)
{
	return zm_hints.planned_frag_bytes + left_bytes();
}

/* A plan has been made, or is over: the heap as it is now, and what the plan leaves of fragmentation. */
static void note_plan(uint64_t frag_bytes, uint64_t live_bytes, size_t leaves_bytes, uint64_t now)
{
	zm_hints.had_frag_bytes = (size_t)frag_bytes;
	zm_hints.had_live_bytes = (size_t)live_bytes;
	zm_hints.had_released_bytes = (size_t)zm_cycle.released_bytes;
	zm_hints.planned_frag_bytes = leaves_bytes;
	zm_hints.planned_ns = now;
}

/*
 * Fragmentation that has come since the last plan. A plan that was ahead expected some of it, so what is
 * more than expected tells too little; then it is what the program has freed, as far as that made holes.
 */
static size_t come_bytes(const struct zm_gate_figures *figures)
{
	size_t unexpected = more(figures->frag_bytes, expected_frag_bytes());
	size_t released = more((size_t)zm_cycle.released_bytes, zm_hints.had_released_bytes);
	size_t holes = more(figures->frag_bytes + released, zm_hints.had_frag_bytes);
	size_t freed = more(zm_hints.had_live_bytes, figures->live_bytes);

	if (freed > holes)
		freed = holes;
	return unexpected > freed ? unexpected : freed;
}

/*
 * Of 256 bytes of fragmentation so many have come since the last plan, since the program was last seen to
 * ask no more, or since the end of the last cycle, if that is not long ago: as many may come till the next.
 */
static unsigned come_since_x256(const struct zm_gate_figures *figures)
{
	size_t come = come_bytes(figures);
	double part;

	if (come == 0 || zm_hints.planned_ns == 0 ||
	    zm_hint_now_ns() - zm_hints.planned_ns > RECENT_NS)
		return 0;
	part = (double)come * 256 / (double)figures->frag_bytes;
	return part < AHEAD_MAX_X256 ? (unsigned)part : AHEAD_MAX_X256;
}

static void begin_walking(void)
{
	zm_hints.walk = (struct zm_slab_walk){0, 0};
	zm_hints.walk_asked = zm_hints.asked;
	zm_hints.stage = ZM_HINT_WALKING;
}

/* The program has all its blocks to show yet. */
static void begin_afresh(void)
{
	zm_hints.blindly = true;
	zm_hints.pass_asked = 0;
	zm_hints.afresh_asked = zm_hints.asked;
	zm_shown_begin();
	begin_walking();
}

bool zm_hint_begin(void)
{
	struct zm_gate_figures figures;
	uint64_t now = zm_hint_now_ns();
	int reason;

	if (now < zm_hints.next_look_ns)
		return false;
	zm_hints.next_look_ns = now + LOOK_EVERY_NS;
	reason = look(&figures, &zm_hints.want_bytes);
	if (reason == ZDEFRAG_REASON_NONE)
		reason = look_back(&figures, now);
	if (reason == ZDEFRAG_REASON_NONE && zm_cycle_begin(&zm_hints_owner, zm_hint_tick) != 0)
		reason = ZDEFRAG_REASON_NO_MEMORY;
	zm_hints.total.reason = reason;
	if (reason != ZDEFRAG_REASON_NONE)
		return false;
	zm_probe_defrag_cycle_begin(&zm_hints_owner, figures.frag_bytes, figures.live_bytes);
	zm_hints.total.cycles++;
	for (unsigned bin = 0; bin < ZM_SLAB_BINS_MAX; bin++)
		if (zm_hints.doubt[bin] > 0)
			zm_hints.doubt[bin]--;
	zm_hints.asked = 0;
	zm_hints.blocks = figures.blocks;
	zm_hints.began_ns = now;
	zm_hints.futile = 0;
	zm_hints.refusals = 0;
	zm_hints.churn_x256 = 0;
	zm_hints.noticed_asked = 0;
	zm_hints.noticed_ns = now;
	zm_hints.clock_ns = now;
	begin_afresh();
	return true;
}

/* ---- The end ---- */

/* What this round has done becomes a part of the sum. */
static void take_counts(void)
{
	zm_driver_add_cycle(&zm_hints.total);
	zm_cycle.chosen = zm_cycle.emptied = zm_cycle.waiting = 0;
	zm_cycle.planned_bytes = 0;
	zm_cycle.moved = zm_cycle.moved_bytes = zm_cycle.missed = zm_cycle.released_bytes = 0;
	zm_store(&zm_cycle.refused, 0);
	zm_store(&zm_cycle.held_frees, 0);
	zm_store(&zm_cycle.steered, 0);
}

static void back_off(uint64_t now)
{
	uint64_t pause = now - zm_hints.began_ns;

	if (pause < RESUME_MIN_NS)
		pause = RESUME_MIN_NS;
	for (unsigned i = 0; i < zm_hints.backoff && pause < RESUME_MAX_NS; i++)
		pause *= 2;
	zm_hints.resume_ns = now + (pause < RESUME_MAX_NS ? pause : RESUME_MAX_NS);
	if (zm_hints.backoff < BACKOFF_MAX)
		zm_hints.backoff++;
}

void zm_hint_begin_ending(int reason)
{
	zm_assert(zm_load(&zm_cycle.owner) == &zm_hints_owner);
	zm_cycle_shut();
	zm_hook_watch();
	zm_store(&zm_hints.ending, true);
	zm_hints.stage = ZM_HINT_ENDING;
	zm_hints.total.reason = reason;
}

bool zm_hint_end_some(uint32_t work)
{
	uint64_t now;

	if (!zm_cycle_release_some(work))
		return false;
	zm_hook_remove();
	zm_store(&zm_hints.ending, false);
	take_counts();
	zm_hints.total.visited += zm_hints.asked;
	now = zm_hint_now_ns();
	zm_hints.stage = ZM_HINT_IDLE;
	zm_hints.end_reason = zm_hints.total.reason;
	zm_hints.end_frag_bytes = zm_hints.total.frag_bytes;
	if (zm_hints.total.reason != ZDEFRAG_REASON_NONE)
		note_plan(zm_hints.total.frag_bytes, zm_hints.total.live_bytes,
			  (size_t)zm_hints.total.frag_bytes, now);
	zm_hints.next_look_ns = now;
	if (zm_hints.total.reason == ZDEFRAG_REASON_BACKOFF)
		back_off(now);
	return true;
}

/* ---- From stage to stage ---- */

/* Nothing is known of the blocks: any slab that was not asked about yet, unless its bin is in doubt. */
static const struct zm_plan_rule blind_rule = {.doubt = zm_hints.doubt, .blindly = true};

/*
 * Of what was not shown, twice as much as was new: the blocks that came after the program had passed
 * their slab are among them.
 */
static unsigned unshown_x256(void)
{
	unsigned churn_x256 = zm_shown_fresh_x256();

	if (churn_x256 < zm_hints.churn_x256)
		churn_x256 = zm_hints.churn_x256;
	return churn_x256 < CHURN_MAX_X256 ? 2 * churn_x256 : 2 * CHURN_MAX_X256;
}

static void make_rule(struct zm_plan_rule *rule)
{
	rule->unshown_x256 = unshown_x256();
	rule->late_asked = (uint32_t)zm_hints.run_asked + 1;
	rule->late = false;
	rule->full = true;
	rule->blindly = false;
}

static void measure_pass(void)
{
	uint64_t grown = zm_hints.grown_asked - zm_hints.afresh_asked;

	if (zm_hints.pass_asked == 0)
		zm_hints.pass_asked = zm_hints.run_asked - zm_hints.afresh_asked + 1;
	if (zm_hints.pass_asked < grown)
		zm_hints.pass_asked = grown;
}

static size_t with_ahead(size_t want_bytes, const struct zm_plan_rule *rule)
{
	return want_bytes + want_bytes * rule->ahead_x256 / 256;
}

static void begin_planning(void)
{
	struct zm_plan_rule rule = blind_rule;
	struct zm_gate_figures figures;
	int reason = look(&figures, &zm_hints.want_bytes);

	if (reason != ZDEFRAG_REASON_NONE) {
		zm_hint_begin_ending(reason);
		return;
	}
	rule.late_asked = (uint32_t)zm_hints.walk_asked + 1;
	if (!zm_hints.blindly) {
		measure_pass();
		make_rule(&rule);
	}
	rule.ahead_x256 = zm_hints.blindly ? come_since_x256(&figures) : zm_hints.ahead_x256;
	zm_hints.ahead_x256 = 0;
	zm_hints.blocks = figures.blocks;
	zm_plan_begin(with_ahead(zm_hints.want_bytes, &rule), &rule);
	zm_hints.want_planned_bytes = zm_hints.want_bytes;
	zm_hints.stage = ZM_HINT_LOOKING;
}

static void count_again(void)
{
	zm_hints.blindly = false;
	zm_hints.stage = ZM_HINT_COUNTING;
	zm_shown_begin_run();
}

static void end_for_nothing(void)
{
	if (zm_hints.blindly) {
		count_again();
	} else if (zm_shown_still_grows()) {
		zm_shown_want_more();
		count_again();
	} else {
		zm_hint_begin_ending(ZDEFRAG_REASON_BACKOFF);
	}
}

static void close_plan(void)
{
	size_t want = zm_hints.want_planned_bytes;
	size_t short_bytes = zm_hints.total.live_bytes / SHORT_PART;

	if (!zm_cycle.rule.late && zm_cycle.heap_count == 0 &&
	    zm_cycle.planned_bytes + short_bytes < want) {
		zm_plan_begin_late();
		zm_hints.stage = ZM_HINT_LOOKING;
		return;
	}
	zm_plan_close();
	if (zm_cycle.chosen == 0) {
		end_for_nothing();
		return;
	}
	zm_hints.total.slabs_chosen = zm_cycle.chosen;
	zm_hints.stage = ZM_HINT_PRIMING;
}

/* What has moved, in whatever way the program frees the old blocks. */
static uint64_t moved(void)
{
	return zm_cycle.moved + zm_load(&zm_cycle.held_frees);
}

static void begin_moving(void)
{
	size_t frag = (size_t)zm_hints.total.frag_bytes, left = left_bytes();
	size_t gain = left < zm_hints.want_bytes ? left : zm_hints.want_bytes;

	zm_hints.stage = ZM_HINT_MOVING;
	note_plan(frag, zm_hints.total.live_bytes, more(frag, gain), zm_hints.clock_ns);
	zm_hints.moving_asked = zm_hints.moving_began = zm_hints.asked;
	zm_hints.window_asked = zm_hints.asked;
	zm_hints.window_moved = moved();
	zm_hints.dry = false;
	zm_hints.parched_asked = 0;
	zm_shown_begin_run();
}

/* What is left is too little to go on asking for, and none of it keeps the heap from the target. */
static bool little_is_left(void)
{
	size_t left = left_bytes();

	return left <= zm_hints.total.live_bytes / LEFT_LIVE_PART &&
	       left <= zm_cycle.planned_bytes / LEFT_PART;
}

/* Has more fragmentation come than the plan knew of? */
static bool has_more_come(void)
{
	struct zm_gate_figures figures;

	if (zm_hints.clock_ns < zm_hints.next_look_ns)
		return false;
	zm_hints.next_look_ns = zm_hints.clock_ns + LOOK_EVERY_NS / 2;
	zm_gate_look(&figures);
	return figures.frag_bytes > expected_frag_bytes() + figures.live_bytes / WORSE_LIVE_PART;
}

/* Before the program has come round for the first time: a heap's worth. */
static uint64_t pass(void)
{
	return zm_hints.pass_asked != 0 ? zm_hints.pass_asked : zm_hints.blocks;
}

/* Of the present window: did so small a part move of what would have? */
static bool moved_only(unsigned part)
{
	uint64_t asked = zm_hints.asked - zm_hints.window_asked;
	uint64_t has_moved = moved() - zm_hints.window_moved;
	uint64_t left = zm_cycle.evacuated > moved() ? zm_cycle.evacuated - moved() : 0;

	return (double)has_moved * part * (double)zm_hints.blocks <= (double)asked * (double)left;
}

static void watch_window(void)
{
	uint64_t asked = zm_hints.asked - zm_hints.window_asked;

	if (asked <= pass() / WINDOWS)
		return;
	zm_hints.dry = moved_only(DRY_PART);
	zm_hints.parched_asked = moved_only(PARCHED_PART) ? zm_hints.parched_asked + asked : 0;
	zm_hints.window_asked = zm_hints.asked;
	zm_hints.window_moved = moved();
}

/* In how many passes should everything that moves have been shown? */
static unsigned passes_wanted(void)
{
	uint64_t left = zm_cycle.evacuated > moved() ? zm_cycle.evacuated - moved() : 0;

	return left > zm_cycle.evacuated / MUCH_PART ? 2 : 1;
}

/* So many hints as there are blocks in so many heaps like this one, or passes if those take more. */
static uint64_t heaps(unsigned count)
{
	uint64_t one =
		zm_hints.pass_asked > zm_hints.blocks ? zm_hints.pass_asked : zm_hints.blocks;

	return one * count + FEW_BLOCKS;
}

/*
 * Slabs that only wait for regions out of a stock are not waited for: a region there comes past with a
 * block that moves, and none may be left. The stocks are drained before such slabs are judged.
 */
static bool all_have_moved(void)
{
	return zm_cycle.emptied + zm_cycle.waiting == zm_cycle.chosen;
}

static bool moving_is_over(void)
{
	if (all_have_moved() || little_is_left())
		return true;
	if (zm_hints.pass_asked == 0 && zm_shown_is_complete())
		measure_pass();
	watch_window();
	if (zm_hints.asked - zm_hints.moving_began >= heaps(HEAPS_MAX) ||
	    zm_hints.parched_asked >= heaps(PARCHED_HEAPS))
		return true;
	return zm_hints.dry && zm_hints.pass_asked != 0 &&
	       zm_hints.asked - zm_hints.moving_asked >=
		       passes_wanted() * pass() + pass() / WINDOWS;
}

static void begin_settling(void)
{
	zm_hints.churn_x256 = zm_shown_fresh_x256();
	zm_cycle_shut();
	zm_hints.stage = ZM_HINT_SETTLING;
}

static bool was_worth_it(void)
{
	return zm_cycle.released_bytes >= zm_cycle.planned_bytes / PLAN_PART &&
	       zm_cycle.released_bytes >= zm_hints.want_bytes / WANT_PART;
}

void zm_hint_suspend(void)
{
	zm_assert(zm_load(&zm_cycle.owner) == &zm_hints_owner);
	begin_settling();
	zm_cycle.blameless = true;
	zm_hook_watch();
	zm_store(&zm_hints.ending, true);
}

/* Nothing is pinned any more. When the program asks again, plan anew with what is there then. */
static void suspended(void)
{
	struct zm_gate_figures figures;

	take_counts();
	zm_gate_look(&figures);
	note_plan(figures.frag_bytes, figures.live_bytes, figures.frag_bytes, zm_hint_now_ns());
	zm_hook_remove();
	zm_store(&zm_hints.ending, false);
	begin_afresh();
}

/* A bin in which too many slabs could not be emptied has blocks that are never asked about. */
static void learn_to_doubt(void)
{
	for (unsigned bin = 0; bin < ZM_SLAB_BINS_MAX; bin++)
		if (zm_cycle.bin_left[bin] > zm_cycle.bin_chosen[bin] / VAIN_PART + FEW_SLABS)
			zm_hints.doubt[bin] = DOUBT_CYCLES;
}

static void judge_round(void)
{
	struct zm_gate_figures figures;
	bool worth_it = was_worth_it();
	int reason = look(&figures, &zm_hints.want_bytes);
	size_t expected = expected_frag_bytes();
	bool overtaken = figures.frag_bytes >
			 expected + expected / WORSE_PART + figures.live_bytes / WORSE_LIVE_PART;

	zm_hints.ahead_x256 = come_since_x256(&figures);
	if (!overtaken)
		learn_to_doubt();
	measure_pass();
	take_counts();
	zm_hook_remove();
	zm_hints.futile = worth_it ? 0 : zm_hints.futile + 1;
	if (worth_it)
		zm_hints.backoff = 0;
	if (reason == ZDEFRAG_REASON_NONE && zm_hints.futile >= FUTILE_MAX &&
	    !zm_shown_still_grows())
		reason = ZDEFRAG_REASON_BACKOFF;
	/*
	 * What was shown tells little of a heap that has become another since; and without room for
	 * more slabs a cycle sees only a part of it. Begin anew.
	 */
	if (reason != ZDEFRAG_REASON_NONE || overtaken ||
	    zm_cycle.slabs_count == zm_cycle.slabs_capacity) {
		zm_hint_begin_ending(reason);
		return;
	}
	/* A whole pass, to see again what could not be emptied; or as little as it takes. */
	zm_hints.enough = worth_it ? 1 : zm_hints.pass_asked;
	count_again();
}

void zm_hint_settle_some(uint32_t work)
{
	if (!zm_cycle_unpin_some(work))
		return;
	if (zm_cycle.blameless)
		suspended();
	else
		judge_round();
}

/* More slabs than are chosen: the program has freed, or brought, a good deal since then. */
static void extend_plan(void)
{
	struct zm_plan_rule rule = blind_rule;
	struct zm_gate_figures figures;
	size_t want, left = left_bytes();

	if (look(&figures, &want) != ZDEFRAG_REASON_NONE || want <= left) {
		begin_moving();
		return;
	}
	rule.blindly = false;
	rule.unshown_x256 = unshown_x256();
	rule.late_asked = (uint32_t)zm_hints.asked + 1;
	rule.ahead_x256 = come_since_x256(&figures);
	zm_hints.blocks = figures.blocks;
	zm_hints.want_bytes = want;
	zm_hints.want_planned_bytes = zm_cycle.planned_bytes + want - left;
	zm_plan_extend(with_ahead(want, &rule) - left, &rule);
	zm_hints.stage = ZM_HINT_LOOKING;
}

void zm_hint_work(unsigned shares)
{
	zm_assert(zm_lock_is_mine(&zm_cycle.lock) && zm_load(&zm_cycle.owner) == &zm_hints_owner);
	switch (zm_hints.stage) {
	case ZM_HINT_WALKING:
		if (!zm_slab_walk(&zm_hints.walk, shares * WALK_PAGES, zm_cycle_meet))
			break;
		if (zm_cycle.open)
			extend_plan();
		else
			begin_planning();
		break;
	case ZM_HINT_COUNTING:
		if (zm_shown_is_complete())
			begin_planning();
		break;
	case ZM_HINT_LOOKING:
		if (zm_plan_look(shares * LOOK_SLABS))
			zm_hints.stage = ZM_HINT_CHOOSING;
		break;
	case ZM_HINT_CHOOSING:
		if (zm_plan_choose(shares * CHOOSE_SLABS))
			close_plan();
		break;
	case ZM_HINT_PRIMING:
		if (zm_move_open_next() && zm_move_prime(&zm_hints.refusals))
			begin_moving();
		break;
	case ZM_HINT_MOVING:
		if (zm_cycle.spare_used)
			zm_move_prime(&zm_hints.refusals);
		if (moving_is_over())
			begin_settling();
		else if (has_more_come())
			begin_walking();
		break;
	case ZM_HINT_SETTLING:
		zm_hint_settle_some(shares * RELEASE_WORK);
		break;
	default:
		zm_hint_end_some(shares * RELEASE_WORK);
	}
}
