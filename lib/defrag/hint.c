/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/hint.c - a cycle behind "should this block move?", for programs that cannot walk
 * twice.
 *
 *   SAMPLING   The first sixteenth of the blocks is answered 0. Their slabs give a histogram of
 *              occupancy for each pool; a slab with u regions used shows up in the sample with
 *              probability 1 - (15/16)^u, so what was seen is divided by that. The histogram gives
 *              each pool a threshold, chosen like a plan: cheapest byte first.
 *   CHOOSING   A slab is judged when one of its blocks is asked about: pinned if it is at or under
 *              its pool's threshold and what leaves it still fits outside. The verdict stands: all
 *              its blocks get the same answer. A slab that turns up as a destination first is
 *              judged then: the emptiest are what the allocator fills first.
 *   ENDING     What is held is released, some slabs with each call.
 *
 * The cycle ends when a pass has been asked about, and the sampled part once more: the blocks that
 * were answered 0 there may lie in slabs that were chosen later. Or when no one asks any more.
 */
#include "config.h"

#include <zmalloc/defrag.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include <zmalloc/redis.h>

#include "account.h"
#include "allocator/allocator.h"
#include "defrag/cycle.h"
#include "defrag/hook.h"
#include "oom.h"

/*
 * A block in this many is sampled, and at least so many,
 * that small heaps are not judged by a handful.
 */
#define SAMPLE_PART 16
#define SAMPLE_MIN 2048

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
#define PATIENCE_NS 1000000000u
#define TICK_CALLS 1024

/* Estimates fall short of what can be chosen by about five percent: plan so much more. */
#define PLAN_MORE_PART 16

/* Slabs looked at by each hint while a cycle ends: 16 are released in under 50 us. */
#define END_SLABS 16

enum stage {
	SAMPLING,
	CHOOSING,
	ENDING
};

static struct {
	int stage;
	ZM_ATOMIC(size_t) asked; /* since the stage began */
	size_t sample_blocks, pass_blocks;
	uint64_t next_look_ns;
	size_t noticed_asked; /* by zm_hint_tick() */
	uint64_t noticed_ns;
} hints;

static const char owner; /* the cycle's owner is its address */

/* Where the block last hinted lives: its copy goes to the same arena. */
static ZM_TLS uint32_t last_arena = UINT32_MAX;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- Begin and end ---- */

static void begin_ending(void)
{
	zm_move_release_full();
	zm_cycle_close();
	hints.stage = ENDING;
}

static void end_some(uint32_t slabs)
{
	if (zm_cycle_release_some(slabs))
		hints.next_look_ns = now_ns() + LOOK_EVERY_NS;
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
	uint64_t now = now_ns();
	size_t target, want;

	if (now < hints.next_look_ns)
		return false;
	hints.next_look_ns = now + LOOK_EVERY_NS;
	zm_gate_look(&figures);
	target = figures.live_bytes / TARGET_PART;
	if (figures.frag_bytes <= figures.live_bytes / BEGIN_PART ||
	    figures.attainable_bytes == 0 || zm_cycle_begin(&owner) != 0)
		return false;
	want = figures.frag_bytes - target;
	zm_plan_begin(want + want / PLAN_MORE_PART);
	hints.stage = SAMPLING;
	zm_store(&hints.asked, 0);
	hints.noticed_ns = now;
	hints.pass_blocks = figures.blocks;
	hints.sample_blocks = figures.blocks / SAMPLE_PART;
	if (hints.sample_blocks < SAMPLE_MIN)
		hints.sample_blocks =
			SAMPLE_MIN < figures.blocks / 4 ? SAMPLE_MIN : figures.blocks / 4;
	return true;
}

/* ---- Verdicts ---- */

static uint32_t used_now(const struct zm_slab_record *slab)
{
	uint32_t bin = slab->bin, used;

	zm_slab_used(&slab->base, &bin, &used, 1);
	return used;
}

/* but: regions used that are ours. */
static void judge(struct zm_slab_record *slab, uint32_t but)
{
	uint32_t used = used_now(slab);

	zm_store_release(&slab->state, ZM_SLAB_LEFT);
	if (used <= but || used >= zm_cycle.layout->bin[slab->bin].regions)
		return;
	zm_plan_judge(slab, used - but);
}

void zm_hint_judge(const void *target)
{
	struct zm_slab_record *slab = zm_cycle_record(target);

	if (slab != NULL && zm_load(&slab->state) == ZM_SLAB_SEEN)
		judge(slab, 1);
}

static void sample(struct zm_slab_record *slab)
{
	if (slab->live++ == 0)
		zm_plan_sample(slab, used_now(slab));
}

static int answer(const void *ptr)
{
	struct zm_slab_record *slab = zm_cycle_record(ptr);
	uint32_t region;

	zm_store(&hints.asked, zm_load(&hints.asked) + 1);
	if (hints.stage == SAMPLING && zm_load(&hints.asked) >= hints.sample_blocks) {
		zm_plan_thresholds(SAMPLE_PART);
		zm_plan_close();
		zm_store(&hints.asked, 0);
		hints.stage = CHOOSING;
		zm_cycle.judging = true;
		zm_hook_install();
	}
	if (slab == NULL)
		return 0;
	if (hints.stage == SAMPLING) {
		sample(slab);
		return 0;
	}
	if (zm_load(&slab->state) == ZM_SLAB_SEEN)
		judge(slab, 0);
	if (zm_load(&slab->state) != ZM_SLAB_CHOSEN || zm_move_pinned(ptr, &region) == NULL ||
	    !zm_move_find_spare(slab))
		return 0;
	last_arena = slab->arena;
	return 1;
}

static bool is_done(void)
{
	return hints.stage == CHOOSING &&
	       zm_load(&hints.asked) >= hints.pass_blocks + 2 * hints.sample_blocks;
}

/* Some call of the program's, now and then: has it stopped asking? */
void zm_hint_tick(void)
{
	static ZM_TLS unsigned calls;
	uint64_t now;

	if (zm_likely(++calls % TICK_CALLS != 0) || zm_load(&zm_cycle.owner) != &owner ||
	    !zm_cycle_trylock())
		return;
	now = now_ns();
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
	uint64_t now = now_ns();

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

	for (size_t i = 0; i < count; i++) {
		if (i + AHEAD < count)
			prefetch_record(ptrs[i + AHEAD]);
		answers[i] = (unsigned char)answer(ptrs[i]);
		moves += answers[i];
	}
	if (zm_load(&zm_cycle.full) != 0)
		zm_move_release_full();
	return moves;
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
	else if (zm_load(&zm_cycle.owner) == &owner && hints.stage == ENDING)
		end_some(END_SLABS);
	else if (zm_load(&zm_cycle.owner) == &owner ||
		 (zm_load(&zm_cycle.owner) == NULL && begin_cycle()))
		moves = answer_all(ptrs, answers, count);
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
	uint32_t work_ns = 0;
	unsigned bin;
	void *ptr = NULL;

	if (last_arena == UINT32_MAX || zm_slab_layout() == NULL || !zm_slab_bin_of(size, &bin) ||
	    !zm_cycle_trylock())
		return NULL;
	if (zm_load(&zm_cycle.owner) == &owner)
		ptr = zm_move_take(last_arena, bin, &work_ns);
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
