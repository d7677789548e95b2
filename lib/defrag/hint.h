/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/hint.h - a cycle behind "should this block move?", for programs that cannot walk twice.
 *
 *                       worse meanwhile
 *                 +------------------------------------------+
 *                 v                                          |
 *   IDLE --> WALKING --> LOOKING --> CHOOSING --> PRIMING --> MOVING
 *    ^                     ^   nothing  |                      |  all emptied but for a little,
 *    |                     |  to choose |                      |  come round, or not asked
 *    |                  COUNTING <------+                      v
 *    |                     ^                               SETTLING
 *    |                     +-----------------------------------+ more to gain
 *   ENDING <---------------------------------------------------+ done, or not worth it
 *
 * The program asks about its blocks in whatever order, about some of them or all, as fast as it
 * likes, and pauses as it likes. So no stage has a time: each goes by what has been asked about.
 *
 *   WALKING   the first hints look at all pages for slabs. Nothing is known of the blocks in them:
 *             this round is planned blindly.
 *   COUNTING  every block asked about sets a bit of its slab's. When nearly all bits that hints would
 *             set are set already, the program has come round: it has shown what it is going to show.
 *             Nothing is pinned, and the program's other calls cost what they always cost. That is
 *             where a second round begins, with the bits from the first.
 *   LOOKING   the allocator is asked how full the slabs are. Blindly, a slab of any bin may be chosen,
 *             but for those in doubt: where slabs that were chosen could not be emptied, there are
 *             blocks that the program never asks about. Of such a bin, and of a slab that was once
 *             chosen in vain, all used regions have to be shown first.
 *   CHOOSING  as a driver does. The blocks that were asked about since the program came round, or since
 *             the blind round began, will not be asked about again before a whole scan is over: their
 *             slabs are chosen last, only if the others are not enough.
 *   PRIMING   runs of chosen slabs that the allocator would serve from first are held, until each
 *             pool has found a region elsewhere.
 *   MOVING    a block in a chosen slab is answered 1, every other 0, and sets its bit. It is over when
 *             the slabs left over are too few to matter; or when a scan and a bit has been asked about
 *             and next to nothing moves any more. When fragmentation grows beyond what the plan knew,
 *             more slabs are chosen: nothing that is under way is given up, and a program that goes on
 *             freeing is followed at once.
 *   SETTLING  what is held in slabs that could not be emptied is given back, a few regions with each
 *             hint. All blocks of such a slab have to be shown anew before it can be chosen again.
 *             A program that has not asked for some time gets back what is held as well, and when it
 *             asks again a plan is made of what is there then.
 *   ENDING    the same for everything.
 *
 *   hint.c         what the program calls, and the answers
 *   hint_cycle.c   from stage to stage
 *   hint_shown.c   what has been shown, and has the program come round?
 *   hint_tick.c    what if it asks no more?
 *   hint_copy.c    the copy and the old block of a block that moves
 *
 * Everything here is under the cycle's lock unless it says otherwise.
 */
#ifndef ZM_DEFRAG_HINT_H
#define ZM_DEFRAG_HINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmalloc/defrag.h>

#include "base/atomic.h"
#include "defrag/cycle.h"

enum zm_hint_stage {
	ZM_HINT_IDLE,
	ZM_HINT_WALKING,
	ZM_HINT_COUNTING,
	ZM_HINT_LOOKING,
	ZM_HINT_CHOOSING,
	ZM_HINT_PRIMING,
	ZM_HINT_MOVING,
	ZM_HINT_SETTLING,
	ZM_HINT_ENDING
};

/* Members of hint_cycle.c's, unless another file is named. */
struct zm_hints {
	int stage;

	/*
	 * hint.c. asked: hints of this cycle, the present one included: it also is that one's number.
	 * refusals: destinations that the present hint may yet be refused.
	 */
	uint64_t asked;
	unsigned refusals;

	/* Small blocks that there were at the last look: what a whole scan would show. */
	uint64_t blocks;
	uint64_t began_ns;
	uint64_t
		afresh_asked; /* hints before it could be taken that all blocks are still to be shown */
	uint64_t pass_asked; /* how many hints it takes the program to show all its blocks */
	bool blindly;        /* this round was planned without knowing what is shown */
	struct zm_slab_walk walk;
	uint64_t walk_asked;       /* hints before it began */
	unsigned futile;           /* rounds in a row that were not worth it */
	unsigned churn_x256;       /* of 256 blocks shown in the last round, so many were new */
	size_t want_bytes;         /* of the last plan, in what was not released yet */
	size_t want_planned_bytes; /* the same, with all that was planned before in this round */
	size_t planned_frag_bytes; /* what it would leave, as the heap was when it was planned */
	/* The heap then, with what the plan had released before. */
	size_t had_frag_bytes, had_live_bytes, had_released_bytes;
	uint64_t planned_ns;
	unsigned ahead_x256;   /* of the next plan, unless it is made blindly */
	uint64_t moving_asked; /* hints before MOVING began, or before a block was missed last */
	uint64_t moving_began; /* hints before it began */
	/* The present window: hints before it, and what had moved before it. */
	uint64_t window_asked, window_moved;
	bool dry;               /* the last one was */
	uint64_t parched_asked; /* hints of the windows up to now in which next to nothing moved */

	/*
	 * Between cycles. doubt: for so many cycles yet, blocks of that bin are not taken to be shown
	 * until they have been: the program has some that it never asks about.
	 */
	uint8_t doubt[ZM_SLAB_BINS_MAX];
	uint64_t next_look_ns; /* when to look at the gate */
	uint64_t
		resume_ns; /* after cycles that gained too little: until then only if it gets worse */
	unsigned backoff;        /* how many of those there were, one after another */
	int end_reason;          /* of the last cycle */
	uint64_t end_frag_bytes; /* what it left */

	/* hint_shown.c */
	/* The present run of hints nearly all of which named blocks shown before. */
	uint64_t run_asked;  /* hints before it */
	uint64_t run_weight; /* one for each of those, less some for each of the others */
	uint64_t run_fresh, run_repeated;
	uint64_t enough;                   /* weight that is wanted next; 0: to be worked out */
	uint64_t grown_asked, grown_shown; /* when and at what `shown` last grew by a good deal */

	/* hint_tick.c */
	uint64_t clock_ns;                  /* when hints last looked at the clock */
	uint64_t patience_ns;               /* with a program that does not ask */
	uint64_t pin_patience_ns;           /* the same while slabs are pinned */
	uint64_t noticed_asked, noticed_ns; /* the last tick that saw new hints */
	ZM_ATOMIC(bool) ending;             /* ticks have work to do; read without the lock */

	/* For zdefrag_hint_get_stats(): past rounds, and all hints. */
	struct zdefrag_stats total;
};
extern struct zm_hints zm_hints;

/* The owner of a cycle of hints is this address. */
extern const char zm_hints_owner;

/* ---- hint_cycle.c ---- */

/* No cycle runs: begin one if it is time to look and there is something to gain. */
bool zm_hint_begin(void);

/* What the stage has to do apart from answering. shares: of the work of one hint. */
void zm_hint_work(unsigned shares);

/* End the cycle for this enum zdefrag_reason: nothing is pinned from now on. */
void zm_hint_begin_ending(int reason);

/* The program does not ask at the moment: nothing is to be pinned until it does. */
void zm_hint_suspend(void);

/* Go on with giving back what a round has left. */
void zm_hint_settle_some(uint32_t work);

/* Go on with that. True when there is no cycle any more. */
bool zm_hint_end_some(uint32_t work);

/* ---- hint_shown.c ---- */

/* The program has asked about a block outside the chosen slabs. */
void zm_hint_show(const void *ptr);

/* A block that moves is shown in its new place. */
void zm_hint_show_copy(const void *ptr);

/* Forget all, or only how the present run goes. */
void zm_shown_begin(void);
void zm_shown_begin_run(void);

/* Has the program come round? */
bool zm_shown_is_complete(void);

/* It seemed so, but what was shown is not worth a round: see more before asking again. */
void zm_shown_want_more(void);

/* Has a good part of the heap been shown for the first time since the program may have come round? */
bool zm_shown_still_grows(void);

/* Of 256 blocks shown in this run, so many were new. */
unsigned zm_shown_fresh_x256(void);

/* ---- hint_tick.c ---- */

/* The clock of hints. Any thread. Tests have one of their own, if not 0; nothing else does. */
uint64_t zm_hint_now_ns(void);
extern ZM_ATOMIC(size_t) zm_hint_clock_ms;

/*
 * From every call of the program's that a hook sees, without the lock: ends a cycle of hints that no one
 * asks for any more, a little at a time.
 */
void zm_hint_tick(void);

/* Looks at the clock: after a pause that was longer than our patience the cycle has to end. */
void zm_hint_check_pause(void);

#endif
