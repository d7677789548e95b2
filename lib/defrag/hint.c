/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/hint.c - a cycle behind "should this block move?", for programs that cannot walk
 * twice.
 *
 *   COUNTING  the first hints are answered 0; each looks at a few hundred pages, until all slabs
 *             and what is used of each are known
 *   CHOOSING  the same set is chosen and pinned as by a driver, but with no knowledge of which
 *             blocks will turn up: a slab with one that is never asked about is emptied in vain
 *   PRIMING   runs of chosen slabs that the allocator would serve from first are held, until each
 *             pool has found a region elsewhere
 *   MOVING    a block in a pinned slab is answered 1, every other 0
 *   ENDING    what is held is released, a few slabs with each hint
 *
 * The blocks are not asked about for counting, and their order says nothing about the slabs that
 * they lie in: counting a sixteenth of them and judging slabs as they turn up took 3 to 5 passes
 * where this takes one. MOVING ends when all chosen slabs are empty, when a pass and a bit has been
 * asked about, or when no one asks any more.
 */
#include "config.h"

#include <zmalloc/defrag.h>

#include <errno.h>
#include <string.h>

#include <zmalloc/redis.h>

#include "account/account.h"
#include "alloc/oom.h"
#include "allocator/allocator.h"
#include "base/clock.h"
#include "defrag/cycle.h"
#include "defrag/hook.h"

/*
 * What one hint does before any is answered 1: pages looked at, slabs pinned; 3 us each. A batch
 * does so much more, up to a limit.
 */
#define COUNT_PAGES 64
#define CHOOSE_SLABS 8
#define BATCH_SHARES 16

/*
 * Destinations that may be refused, 47 ns each: every hint adds some to what is allowed, so that a
 * run of them is 4 us a hint and 25 us at once, however long the run is. With less, more blocks are
 * left for a second pass.
 */
#define REFUSALS_EACH 80
#define REFUSALS_MAX ZM_MOVE_REFUSALS

/*
 * Aim: this part of live bytes left as fragmentation, and begin over 1 %.
 * The program stops asking when it has had enough.
 */
#define TARGET_PART 133
#define BEGIN_PART 100

/*
 * Looks at the gate while nothing is to be done,
 * and patience with a program that has stopped asking.
 */
#define LOOK_EVERY_NS 100000000u
#define BACKOFF_MAX 6
#define PATIENCE_NS 1000000000u
#define TICK_CALLS 1024

/* Patience with a pass that does not bring all that was planned: such a part of it once more. */
#define PASS_MORE_PART 16

/* Slabs looked at by each hint while a cycle ends: 16 are released in under 50 us. */
#define END_SLABS 16

enum stage {
	COUNTING,
	CHOOSING,
	PRIMING,
	MOVING,
	ENDING
};

static struct {
	int stage;
	ZM_ATOMIC(size_t) asked; /* since the stage began */
	size_t pass_blocks;
	size_t vain_bytes; /* of the slabs that the last cycle chose, what it could not empty */
	struct zm_slab_walk walk;
	unsigned refusals; /* allowed */
	unsigned backoff;  /* doublings of LOOK_EVERY_NS */
	uint64_t next_look_ns;
	size_t noticed_asked; /* by zm_hint_tick() */
	uint64_t noticed_ns;
} hints;

static const char owner; /* the cycle's owner is its address */

/* Where the block last hinted lives: its copy goes to the same arena. */
static ZM_TLS uint32_t last_arena = UINT32_MAX;

/* ---- Begin and end ---- */

static void begin_ending(void)
{
	zm_cycle_close();
	hints.stage = ENDING;
}

/* What was chosen in vain is the emptiest and will be chosen again: so much more is to be wanted. */
static void judge_cycle(void)
{
	size_t released = (size_t)zm_cycle.released_bytes, planned = zm_cycle.planned_bytes;

	hints.vain_bytes = released < planned ? planned - released : 0;
	if (released > hints.vain_bytes)
		hints.backoff = 0;
	else if (hints.backoff < BACKOFF_MAX)
		hints.backoff++;
	hints.next_look_ns = zm_now_ns() + ((uint64_t)LOOK_EVERY_NS << hints.backoff);
}

static void end_some(uint32_t slabs)
{
	if (zm_cycle_release_some(slabs))
		judge_cycle();
}

static void end_cycle(void)
{
	if (hints.stage != ENDING)
		begin_ending();
	end_some(UINT32_MAX);
}

static bool begin_cycle(void)
{
	struct zm_gate_figures figures;
	uint64_t now = zm_now_ns();
	size_t target;

	if (now < hints.next_look_ns)
		return false;
	hints.next_look_ns = now + LOOK_EVERY_NS;
	zm_gate_look(&figures);
	target = figures.live_bytes / TARGET_PART;
	if (figures.frag_bytes <= figures.live_bytes / BEGIN_PART ||
	    figures.attainable_bytes == 0 || zm_cycle_begin(&owner) != 0)
		return false;
	zm_plan_begin(figures.frag_bytes - target + hints.vain_bytes);
	hints.stage = COUNTING;
	hints.walk = (struct zm_slab_walk){0, 0};
	zm_store(&hints.asked, 0);
	hints.noticed_ns = now;
	hints.pass_blocks = figures.blocks;
	return true;
}

/* ---- The stages ---- */

/* These three: instead of an answer. */
static void count_slabs(size_t shares)
{
	if (zm_slab_walk(&hints.walk, shares * COUNT_PAGES, zm_plan_add))
		hints.stage = CHOOSING;
}

static void choose_slabs(size_t shares)
{
	if (!zm_plan_choose((uint32_t)shares * CHOOSE_SLABS))
		return;
	zm_plan_close();
	hints.stage = PRIMING;
}

static void prime(void)
{
	if (!zm_move_open_next() || !zm_move_prime(&hints.refusals))
		return;
	zm_store(&hints.asked, 0);
	hints.stage = MOVING;
}

static int answer(const void *ptr)
{
	uint32_t region;
	struct zm_slab_record *slab = zm_move_pinned(ptr, &region);

	if (slab == NULL)
		return 0;
	/* No destination in time: another pass will ask about it again. */
	if (!zm_move_find_spare(slab, &hints.refusals)) {
		zm_store(&hints.asked, 0);
		return 0;
	}
	last_arena = slab->arena;
	return 1;
}

static bool is_done(void)
{
	return hints.stage == MOVING &&
	       (zm_cycle.emptied == zm_cycle.chosen ||
		zm_load(&hints.asked) >= hints.pass_blocks + hints.pass_blocks / PASS_MORE_PART);
}

/* Some call of the program's, now and then: has it stopped asking? */
void zm_hint_tick(void)
{
	static ZM_TLS unsigned calls;
	uint64_t now;

	if (zm_likely(++calls % TICK_CALLS != 0) || zm_load(&zm_cycle.owner) != &owner ||
	    !zm_cycle_trylock())
		return;
	now = zm_now_ns();
	if (zm_load(&hints.asked) != hints.noticed_asked) {
		hints.noticed_asked = zm_load(&hints.asked);
		hints.noticed_ns = now;
	} else if (zm_load(&zm_cycle.owner) == &owner && now - hints.noticed_ns > PATIENCE_NS) {
		end_cycle();
	}
	zm_cycle_unlock();
}

/* ---- Layouts whose slabs have no names ---- */

static int answer_by_average(const void *ptr)
{
	struct zm_slab_usage usage;

	if (!zm_average_hint(ptr, &usage))
		return 0;
	last_arena = usage.arena;
	return 1;
}

static void refresh_average(void)
{
	uint64_t now = zm_now_ns();

	if (now < hints.next_look_ns)
		return;
	hints.next_look_ns = now + LOOK_EVERY_NS / 100;
	zm_slab_refresh();
}

/* ---- The public side ---- */

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
		answers[i] = (unsigned char)answer(ptrs[i]);
		moves += answers[i];
	}
	if (zm_load(&zm_cycle.full) != 0)
		zm_move_release_full(&work_ns);
	return moves;
}

static size_t step(const void *const *ptrs, unsigned char *answers, size_t count)
{
	size_t shares = count < BATCH_SHARES ? count : BATCH_SHARES;

	zm_store(&hints.asked, zm_load(&hints.asked) + count);
	hints.refusals += (unsigned)shares * REFUSALS_EACH;
	if (hints.refusals > REFUSALS_MAX)
		hints.refusals = REFUSALS_MAX;
	switch (hints.stage) {
	case COUNTING:
		count_slabs(shares);
		return 0;
	case CHOOSING:
		choose_slabs(shares);
		return 0;
	case PRIMING:
		prime();
		return 0;
	case MOVING:
		if (zm_cycle.spare_used)
			zm_move_prime(&hints.refusals);
		return answer_all(ptrs, answers, count);
	default:
		end_some((uint32_t)shares * END_SLABS);
		return 0;
	}
}

static size_t answer_all_by_average(const void *const *ptrs, unsigned char *answers, size_t count)
{
	size_t moves = 0;

	refresh_average();
	for (size_t i = 0; i < count; i++) {
		answers[i] = (unsigned char)answer_by_average(ptrs[i]);
		moves += answers[i];
	}
	return moves;
}

size_t zdefrag_hints(const void *const *ptrs, unsigned char *answers, size_t count)
{
	const struct zm_slab_layout *layout = zm_slab_layout();
	size_t moves = 0;

	memset(answers, 0, count);
	if (layout == NULL || !zm_cycle_trylock())
		return 0;
	if (!layout->exact)
		moves = answer_all_by_average(ptrs, answers, count);
	else if (zm_load(&zm_cycle.owner) == &owner ||
		 (zm_load(&zm_cycle.owner) == NULL && begin_cycle()))
		moves = step(ptrs, answers, count);
	if (zm_load(&zm_cycle.owner) == &owner && is_done())
		begin_ending();
	zm_cycle_unlock();
	return moves;
}

int zdefrag_hint(const void *ptr)
{
	unsigned char answered;

	return zdefrag_hints(&ptr, &answered, 1) != 0;
}

void zdefrag_hint_end(void)
{
	zm_cycle_lock();
	if (zm_load(&zm_cycle.owner) == &owner)
		end_cycle();
	zm_cycle_unlock();
}

/* ---- The copy and the old block ---- */

static void *take_copy(size_t size)
{
	unsigned bin;
	void *ptr = NULL;

	if (last_arena == UINT32_MAX || zm_slab_layout() == NULL || !zm_slab_bin_of(size, &bin) ||
	    !zm_cycle_trylock())
		return NULL;
	if (zm_load(&zm_cycle.owner) == &owner)
		ptr = zm_move_take(last_arena, bin, &hints.refusals);
	zm_cycle_unlock();
	if (ptr != NULL)
		zm_account_new(zm_raw_charged(ptr));
	return ptr;
}

void *zmalloc_no_tcache(size_t size)
{
	void *ptr = take_copy(size);

	return ptr != NULL ? ptr : zmalloc_with_flags(size, MALLOCX_TCACHE_NONE);
}

static bool hold_old(void *ptr)
{
	uint32_t region;
	struct zm_slab_record *slab;
	size_t bytes;
	bool held;

	if (!(zm_table_get(ptr) & ZM_PAGE_PINNED) || !zm_cycle_trylock())
		return false;
	slab = zm_load(&zm_cycle.owner) != NULL ? zm_move_pinned(ptr, &region) : NULL;
	bytes = slab != NULL ? zm_raw_charged(ptr) : 0;
	held = slab != NULL && bytes == zm_cycle.layout->bin[slab->bin].region_bytes &&
	       zm_move_hold_freed(slab, region);
	zm_cycle_unlock();
	if (held)
		zm_account_gone(bytes);
	return held;
}

void zfree_no_tcache(void *ptr)
{
	int saved_errno = errno;

	if (ptr == NULL)
		return;
	if (!hold_old(ptr))
		zfree_with_flags(ptr, MALLOCX_TCACHE_NONE);
	errno = saved_errno;
}
