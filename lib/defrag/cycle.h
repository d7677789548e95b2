/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/cycle.h - one cycle of defragmentation, from the first count to the last release.
 *
 *   gate.c     is there something to gain?            sums over bins, no look at any block
 *   count.c    how many blocks of each slab does      live[slab]++ for each block shown
 *              the program show?
 *   plan.c     which slabs to empty?                  those whose blocks were all shown, cheapest
 *                                                     first; pins them
 *   move.c     move what lies in a pinned slab,       a region is either used by the program, free,
 *              hold what comes free in one            or held; a slab with none used is given
 *                                                     back
 *   hook.c     the same for the program's frees       a free is held, an allocation is served from
 *              and allocations meanwhile              elsewhere
 *   end.c      the end: nothing is pinned, and        a hook that is inside is waited for; what is
 *              all that is held goes back             held is released slab after slab
 *   hint.c     the same cycle without a walk          hint.h tells how it goes
 *   average.c  a simpler rule, for layouts that do    each block for itself, by how full its slab
 *              not allow for this one                 is
 *   driver.c   when, how hard, in what slices
 *   purge.c    what was emptied goes back to the system
 *   object.c   a driver's making, settings and figures
 *
 * There is one cycle in a process at a time. The thread that steps it holds zm_cycle.lock; hooks,
 * in any thread, do not: they enter through zm_cycle.gate, touch only `bits` and `held_count` of
 * pinned slabs and the list of full ones, and are waited for where a cycle ends or the process
 * forks.
 */
#ifndef ZM_DEFRAG_CYCLE_H
#define ZM_DEFRAG_CYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/slab.h"
#include "base/assert.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "defrag/table.h"

enum zm_slab_state {
	ZM_SLAB_SEEN,   /* counted */
	ZM_SLAB_DOUBT,  /* two addresses named it differently: leave it alone */
	ZM_SLAB_CHOSEN, /* pinned: nothing new shall live there */
	ZM_SLAB_GONE
};

/* A word of the bits that a slab has, one for each of its regions. */
typedef ZM_ATOMIC(size_t) zm_region_word;
#define ZM_REGION_BITS (8 * sizeof(size_t))

struct zm_slab_record {
	char *base;
	/*
	 * Of a chosen slab: this region is held. Before that hints keep here which regions the program
	 * has asked about; a driver's slab has none yet, and NULL here.
	 */
	zm_region_word *bits;
	/* Blocks shown by the walk; once chosen, regions that were used then and are not held yet. */
	ZM_ATOMIC(uint32_t) live;
	ZM_ATOMIC(uint32_t) held_count;
	/* Number + 1 of the next in its list: of candidates, of full ones. */
	ZM_ATOMIC(uint32_t) next;
	uint16_t arena;
	uint8_t bin;
	ZM_ATOMIC(uint8_t) state;
	ZM_ATOMIC(uint8_t) listed; /* among those to be released */
	uint8_t vain;              /* how often it was chosen and could not be emptied */
	bool waits;                /* counted in zm_cycle.waiting */
	uint32_t asked;            /* the number of the last hint about a block in it; 0: none */
};

/* One bin of one arena: moves stay within it. */
struct zm_pool {
	size_t free_outside; /* regions free in slabs not chosen */
	size_t evacuated;    /* regions used in chosen slabs: they will need as many of those */
	uint32_t *by_used;   /* lists of candidates, one for each number of regions used */
	bool listed;         /* it has candidates: its lists are in use */
	void *spare;         /* a region outside, for a move that is refused too often */
	uint32_t cheapest;   /* number used of the first list that is not done */
	uint64_t cost;       /* of a byte released from that list, 2^-16 ns */
};

struct zm_gate_figures {
	size_t frag_bytes, live_bytes, attainable_bytes;
	size_t blocks; /* small ones */
};

/*
 * Which slabs a plan may choose, besides being known, partly used and shown: those of the first kind
 * to begin with, and the others (zm_plan_begin_late()) where those are not enough.
 */
struct zm_plan_rule {
	/*
	 * Hints: the number of the first hint that came too late to be answered. A slab that was asked
	 * about since then will not be asked about again before a whole scan is over. A driver: 1.
	 */
	uint32_t late_asked;
	bool late;             /* choose among those now, and not among the others */
	unsigned unshown_x256; /* so many of 256 used regions may not have been shown */
	/* Not NULL: of a bin that has 0 here no region need have been shown. blindly: choose no other. */
	const uint8_t *doubt;
	bool blindly;
	/*
	 * Full slabs too, the last of all: where holes are in slabs that cannot be emptied, they may
	 * take in what lies in a full one.
	 */
	bool full;
	/* The program goes on freeing: holes that it will have made by then, to 256 that there are. */
	unsigned ahead_x256;
};

#define ZM_GATE_OPEN 0x80000000u

typedef void (*zm_cycle_tick)(void);

struct zm_cycle {
	struct zm_lock lock;
	/* The driver whose cycle it is, or one for all hints; NULL: none runs. */
	ZM_ATOMIC(const void *) owner;
	/*
	 * Called by hooks with each of the program's calls, without the lock; NULL: the owner has nothing to
	 * do there. After the cycle it may be called for a last time.
	 */
	ZM_ATOMIC(zm_cycle_tick) tick;
	const struct zm_slab_layout *layout;

	/* Open while slabs are pinned, but for forks; the number of hooks inside in the lower bits. */
	ZM_ATOMIC(uint32_t) gate;
	bool open;                /* the gate is to be: slabs are pinned */
	ZM_ATOMIC(uint32_t) full; /* list of chosen slabs in which nothing is left to move */

	struct zm_slab_record *slabs;
	uint32_t slabs_count, slabs_capacity;
	size_t *words; /* room for `held`, and by_used */
	size_t words_count, words_capacity;
	struct zm_pool *pools;
	unsigned arenas;

	/* Hints: how many bits say that their region's block was shown. */
	size_t shown;

	uint32_t cursor; /* slabs looked at, or released */
	/* Planning. */
	struct zm_plan_rule rule;
	uint32_t *heap; /* pools with candidates, cheapest byte first */
	uint32_t heap_count;
	bool heap_built;
	size_t want_bytes, planned_bytes;
	size_t evacuated; /* regions used in chosen slabs when they were pinned */
	uint32_t chosen, emptied;
	/* Chosen slabs with nothing left to move that are not empty: regions are in stocks and caches. */
	uint32_t waiting;
	uint32_t bin_chosen[ZM_SLAB_BINS_MAX], bin_left[ZM_SLAB_BINS_MAX]; /* left: not emptied */

	/* Ending. */
	bool blameless; /* a slab that is not empty yet may be chosen again as if it never had been */
	unsigned drained;     /* stocks of the allocator's, given back */
	size_t cleared_bytes; /* of the tables, given back */

	/* Moving. */
	uint32_t opened; /* pools, in the order of `heap` */
	bool spare_used; /* the next slice has to find others first */
	uint64_t moved, moved_bytes, missed, released_bytes;
	/* Counted by hooks too. */
	ZM_ATOMIC(size_t) refused, held_frees, steered;
};
extern struct zm_cycle zm_cycle;

/* ---- gate.c ---- */

/* Fresh figures, held regions counted as free. */
void zm_gate_look(struct zm_gate_figures *figures);

/* ---- cycle.c ---- */

/*
 * Whoever steps or ends the cycle holds the lock; fork() waits for it, except in the thread that has
 * it. That thread gets it again by zm_cycle_lock(), and not by zm_cycle_trylock(): whoever tries has
 * something else to do if a step is under way.
 */
void zm_cycle_lock(void);
bool zm_cycle_trylock(void);
void zm_cycle_unlock(void);

/* All below: under the lock. */

/* Take the cycle for `owner` and have room for counting. 0, EBUSY or ENOMEM. tick: as in struct zm_cycle. */
int zm_cycle_begin(const void *owner, zm_cycle_tick tick);

/* Room of the cycle's, zeroed, to its end; NULL: there is none left. */
void *zm_cycle_take_words(size_t bytes);

/* For a fork and for the end: wait for the hooks that are inside, and let no other in. */
void zm_cycle_shut_gate(void);

/* ---- check.c ---- */

/* With the gate shut: no hook is about to change what is looked at. Only a debug build looks. */
#ifdef ZM_DEBUG
void zm_cycle_check(void);
#else
ZM_INLINE void zm_cycle_check(void)
{
}
#endif

/* ---- end.c; under the lock ---- */

/*
 * Wait for the hooks that are inside, and let no other in: afterwards nothing is pinned for them.
 * They are still called for each of the program's calls until zm_hook_remove().
 */
void zm_cycle_shut(void);

/* The same, and remove them. */
void zm_cycle_close(void);

/*
 * After zm_cycle_shut(): release what is held, slab after slab, and keep what is known of the slabs
 * for another plan. `work` is how much to do: a record looked at is 1, and so is a region given back,
 * which takes 45 ns; the last slab may go over it. True when nothing is held any more.
 */
bool zm_cycle_unpin_some(uint32_t work);

/*
 * The same, but forget the slabs, and afterwards give the tables back, a part of them at a time.
 * True when all is released and the cycle is over.
 */
bool zm_cycle_release_some(uint32_t work);

/* Close, and release everything. */
void zm_cycle_end(void);

/* ---- count.c ---- */

/*
 * The record of the slab that ptr is a region of, made if need be;
 * NULL if it is no region's start, or no room is left.
 */
struct zm_slab_record *zm_cycle_record(const void *ptr);

/* A slab that zm_slab_walk() has found: make its record, unless there is one. */
void zm_cycle_meet(const struct zm_slab *found);

void zm_count_visit(const void *ptr, uint32_t *work_ns);

/* ---- plan.c ---- */

/* Begin to plan for releasing at least want_bytes of slabs. Nothing is pinned or held. */
void zm_plan_begin(size_t want_bytes, const struct zm_plan_rule *rule);

/*
 * While blocks move: plan for releasing so much more. What is pinned stays pinned, and zm_plan_look()
 * and zm_plan_choose() go on as for a new plan.
 */
void zm_plan_extend(size_t more_bytes, const struct zm_plan_rule *rule);

/* The plan is complete, and it is not enough: look again, at slabs of the second kind. */
void zm_plan_begin_late(void);

/* Look at the next slabs, at most that many. True when all have been looked at. */
bool zm_plan_look(uint32_t slabs);

/* Choose and pin, at most that many slabs. True when the plan is complete. */
bool zm_plan_choose(uint32_t slabs);

ZM_INLINE struct zm_pool *zm_plan_pool(unsigned arena, unsigned bin)
{
	zm_assert(arena < zm_cycle.arenas && bin < zm_cycle.layout->bins);
	return &zm_cycle.pools[(size_t)arena * zm_cycle.layout->bins + bin];
}

/* The plan is complete: list the pools to move in, for zm_move_prime(). */
void zm_plan_close(void);

/* ---- average.c ---- */

/* For layouts that are not exact; on statistics of the last zm_slab_refresh(). */
bool zm_average_hint(const void *ptr, struct zm_slab_usage *usage);
void *zm_average_visit(void *ptr);

/* ---- hint_tick.c ---- */

/*
 * A driver would like to begin: end the hints' cycle, up to so much work, if the program has said
 * that it asks for no more, or has not asked for a while. Under the lock.
 */
void zm_hint_make_way(uint32_t work);

/* ---- move.c ---- */

/*
 * What one move may be refused before it takes the pool's spare region: 512 at 47 ns, or up to 400 in
 * a heap that no cache holds, are 0.02 to 0.2 ms.
 */
#define ZM_MOVE_REFUSALS 512

/*
 * Move the block if it is in a pinned slab. Returns where it is.
 * work_ns: an estimate of the time taken is added.
 */
void *zm_move_visit(void *ptr, uint32_t *work_ns);

/*
 * A region outside all pinned slabs, not charged to anyone yet; NULL if none was found.
 * *tries, here and below: how many refusals it may take, less those that it took.
 */
void *zm_move_take(unsigned arena, unsigned bin, unsigned *tries);

/*
 * Before anything else in a plan's pools, one at a time: ask the next for a first region. True when
 * all have been asked. An allocator may sort a bin's slabs only then, in one go: 0.7 ms for 100,000.
 */
bool zm_move_open_next(void);

/*
 * See that every pool has a spare region. False: not yet. A long run of slabs to empty at the front
 * of a pool is thus met between two slices of a walk, not inside one.
 */
bool zm_move_prime(unsigned *tries);

/* The same for the pool of one slab. */
bool zm_move_find_spare(const struct zm_slab_record *slab, unsigned *tries);

/*
 * Hold a region of a pinned slab; figures are the caller's affair. left: the program's block was
 * there when the slab was pinned, as far as one can tell. False if it is held already.
 */
bool zm_move_hold(struct zm_slab_record *slab, uint32_t region, bool left);

/* The same by the thread that steps, for an old block whose copy the program has made. */
bool zm_move_hold_freed(struct zm_slab_record *slab, uint32_t region);

/*
 * Give back the slabs in which nothing but held regions is used, at most so many: 8 take 40 to 80
 * us. True when none are left.
 */
#define ZM_MOVE_RELEASES 8
bool zm_move_release_full(uint32_t *work_ns);

/* The gate is shut: give back what is held of a slab. Returns the work, as zm_cycle_unpin_some(). */
uint32_t zm_move_unpin(struct zm_slab_record *slab);

/* No address leads to the record any more. */
void zm_move_forget(struct zm_slab_record *slab);

/* Spare regions too. */
void zm_move_release_spares(void);

/*
 * The record and region number of an address in a pinned slab;
 * NULL if it is not a region's start in one.
 */
struct zm_slab_record *zm_move_pinned(const void *ptr, uint32_t *region);

#endif
