/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/account.h - who holds how much: the counters, and the few loads that the fast path makes.
 *
 * A thread's figure (allocated less freed, in bytes charged) is found in one of two ways, chosen
 * when compiled:
 *
 *   ZM_COUNT_SIZES     our counter, sizes asked of the adaptor.
 *   ZM_COUNT_BORROWED  the allocator's own counters of the thread are the figure; nothing is added
 *                      up here. For an allocator that only our blocks come from: the jemalloc that
 *                      the shared library keeps to itself.
 */
#ifndef ZM_ACCOUNT_H
#define ZM_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/allocator.h"
#include "base/atomic.h"
#include "base/compiler.h"

#if !ZM_RAW_COUNTS
#define ZM_COUNT_SIZES 1
#define ZM_COUNT_BORROWED 0
#else
#define ZM_COUNT_SIZES 0
#define ZM_COUNT_BORROWED 1
#endif

struct zm_thread;

typedef void (*zm_free_function)(void *ptr);
/* flags: always 0. The shape of sdallocx(), so that no shim stands between. */
typedef void (*zm_free_sized_function)(void *ptr, size_t size, int flags);

/*
 * A thread's place in the account, on a cache line of its own. Records are never freed or moved: a
 * reader may walk them at any time, and a thread that exits leaves its figure behind for the next
 * one to go on from.
 */
struct zm_counter {
	/* Our count. Written by the owner alone; where counters are borrowed, what past owners
	 * left, and corrections. */
	ZM_ATOMIC(ptrdiff_t) net_bytes;
	union {
		/* The threshold of an owner who counts here. Written under the lock, read by the owner. */
		ZM_ATOMIC(ptrdiff_t) ceiling_bytes;
#if ZM_COUNT_BORROWED
		ptrdiff_t stopped_at_bytes; /* as below, of one whose counters are borrowed */
#endif
	};
	/*
	 * What counts for the owner's figure, whatever its counters are at; else ZM_STATES_NOTHING. While a client is
	 * asked about a block that the allocator has counted: the figure without it, until it is granted or given
	 * back. From when a resize is granted until it is done: the figure with it. Written by the owner.
	 */
	ZM_ATOMIC(ptrdiff_t) stated_bytes;
	/*
	 * The ceiling that counts, whatever the owner was told; the figure of a record without owner.
	 * Written under the lock, read by the owner.
	 */
	ZM_ATOMIC(ptrdiff_t) granted_bytes;
	/* All below: under the lock, but for the cap, which the owner reads. */
	struct zm_thread *owner;
#if ZM_COUNT_BORROWED
	const uint64_t *allocated,
		*freed; /* the owner's borrowed counters, else both a constant zero */
#else
	/*
	 * To be added to net_bytes, and never above 0: what the owner freed while a client wanted to see
	 * growth alone (growth.h), so that net_bytes only grew. Written by the owner.
	 */
	ZM_ATOMIC(ptrdiff_t) shrunk_bytes;
	ptrdiff_t stopped_at_bytes; /* see roof.c */
#endif
	union {
		struct zm_counter *next_idle; /* of a record without owner */
		/* Of one with: the figure over which it has to ask a scope's limit. */
		ZM_ATOMIC(ptrdiff_t) cap_bytes;
	};
} ZM_CACHELINE_ALIGNED;

/*
 * What the fast path of the calling thread needs, one cache line of TLS. The static image is that
 * of a thread not yet known: every member leads to the cold path.
 */
struct zm_thread {
	struct zm_counter *counter;
#if !ZM_RAW_COUNTS
	int *errno_at; /* &errno: a call saved */
	/* What it takes off what it frees: net_bytes of its record, or shrunk_bytes. */
	ZM_ATOMIC(ptrdiff_t) * shrinks_at;
#else
	/* Of a borrowing thread; `freed` leads to a constant zero while growth alone is to be seen. */
	const uint64_t *allocated, *freed;
	ZM_ATOMIC(ptrdiff_t)
	ceiling_bytes; /* of a borrowing thread; written under the account's lock */
	/*
	 * How this thread frees: functions that keep errno. zfree() has no compare and nothing to
	 * do afterwards, so it is a jump: an unknown thread, one past its end, an arena
	 * or a client that wants every call put another function here.
	 */
	ZM_ATOMIC(zm_free_function) free;
	ZM_ATOMIC(zm_free_sized_function) free_sized;
#endif
	/* Of growth.c: the thread is to come by when it has grown as far. Written by the owner. */
	ZM_ATOMIC(ptrdiff_t) sample_at_bytes;
	/* The round of growth that it is of; 0: none. Written by the owner, under the account's lock. */
	ZM_ATOMIC(uint32_t) growth_round;
	/* The owner's alone. Compilers read neighbours at once: no other thread writes between these. */
	unsigned char state; /* enum zm_thread_state */
	bool borrows;        /* allocated and freed are the allocator's own and are the figure */
#if ZM_RAW_COUNTS
	bool keeps_errno; /* the allocator's own frees do */
#endif
	/*
	 * Why this thread goes the slow way, of enum zm_slow: with a resize for any of these reasons, with
	 * a free of our own counter's for most. Written under the account's lock.
	 */
	ZM_ATOMIC(unsigned char) slow;
} ZM_CACHELINE_ALIGNED;

enum zm_thread_state {
	ZM_THREAD_NEW,
	ZM_THREAD_LIVE,
	ZM_THREAD_ENDED
};

enum zm_slow {
	/*
	 * No fast path keeps its figure: it is not known yet, past its end, or does not borrow
	 * where others do.
	 */
	ZM_SLOW_UNKNOWN = 1,
	ZM_SLOW_CALLS = 2,   /* a client wants every call */
	ZM_SLOW_RESIZES = 4, /* a client wants every resize */
	ZM_SLOW_ARENAS = 8,  /* a block may be one of an arena */
	ZM_SLOW_FREES = 16,  /* a client wants to know how far a thread's figure falls */
	ZM_SLOW_TICKS = 32,  /* a client goes by time */
	ZM_SLOW_GROWTH =
		64 /* a client sees growth alone, and the end of the blocks that it marked */
};

extern ZM_TLS struct zm_thread zm_thread;

/* The thread's figure while it has no record: past its end, or for want of one. */
extern ZM_TLS ptrdiff_t zm_thread_ended_bytes;

/* The record of threads that have none: its ceiling is below every figure, so nothing is ever added
 * to it. */
extern struct zm_counter zm_no_counter;

/* ---- Hot ------------------------------------------------------------------------------------ */

/* Add a new block of `bytes`. False: nothing was added, go to zm_account_new(). */
ZM_INLINE bool zm_account_add(size_t bytes)
{
	struct zm_counter *counter = zm_thread.counter;
	ptrdiff_t net = zm_load(&counter->net_bytes) + (ptrdiff_t)bytes;

	if (zm_unlikely(net > zm_load(&counter->ceiling_bytes)))
		return false;
	zm_store(&counter->net_bytes, net);
	return true;
}

#if ZM_COUNT_SIZES
/* Take a freed block off. The caller has seen that the thread has a counter. */
ZM_INLINE void zm_account_sub(size_t bytes)
{
	ZM_ATOMIC(ptrdiff_t) *at = zm_thread.shrinks_at;

	zm_store(at, zm_load(at) - (ptrdiff_t)bytes);
}
#endif

#if ZM_RAW_COUNTS
/* Has a borrowing thread's figure, which the allocator has moved already, passed its ceiling? */
ZM_INLINE bool zm_account_over(void)
{
	const struct zm_thread *self = &zm_thread;

	return (ptrdiff_t)(*self->allocated - *self->freed) > zm_load(&self->ceiling_bytes);
}
#endif

/* ---- Cold ----------------------------------------------------------------------------------- */

/* Make the calling thread known. Afterwards its state is LIVE, or ENDED where there was no room for
 * a record. */
void zm_account_join(void);

/*
 * A new block that the fast path did not settle: ask the clients, charge it if it is not yet (a
 * borrowing thread's is), set the next threshold, move the peak. False: a client refuses. Nothing was
 * charged; the caller gives the block back to the allocator, as if the account had never heard of it,
 * and then says so.
 */
bool zm_account_new(size_t bytes);
void zm_account_gave_back(void);

/*
 * To be asked before that: most threads that come by do so for the sake of a clock alone. True: that is so,
 * the block is charged, and all is done. Where the allocator has counted it, its size is not looked at.
 */
bool zm_account_only_ticks(size_t bytes);

/*
 * May the account grow by so many bytes? For a resize, before anything is touched. It is not asked
 * again about a block that zm_account_granted() charges. True: the bytes count against limits from now on, and
 * the caller says when it has them, or cannot have them.
 */
bool zm_account_may_grow(size_t bytes);
void zm_account_granted(size_t bytes);
void zm_account_has_grown(void);

/* Would it be let grow by more than it was just granted? Nobody is refused, nothing is kept for the caller. */
bool zm_account_has_room(size_t granted_bytes, size_t bytes);

/* A block freed by a thread without a counter of its own to take it off, after the free. */
void zm_account_gone(size_t bytes);

/*
 * Free a block of a thread whose figure no fast path keeps, or where there is a client or an arena to
 * ask. NULL: nothing.
 */
void zm_free_unsettled(void *ptr);

/*
 * A block has changed from old_bytes to new_bytes. Where the allocator has counted that already, it is
 * only seen to whether the thread passed its threshold.
 */
void zm_account_resized(size_t old_bytes, size_t new_bytes);

/* The exact sum, over threads at rest; may pass below zero while blocks change hands. */
ptrdiff_t zm_account_sum(void);

size_t zm_account_used(void);
size_t zm_account_peak(void);
ptrdiff_t zm_account_thread_net(void);

/*
 * Add to the account what no call of the allocator shows: a whole arena that is gone (bytes < 0),
 * for instance. Charged to the calling thread.
 */
void zm_account_correct(ptrdiff_t bytes);

/*
 * The library itself took `bytes` straight from the allocator (or gave back, bytes < 0), on the
 * calling thread and for its own use: keep them out of the account. To be called after each such
 * call of zm_raw_ functions or of the allocator.
 */
void zm_account_raw(ptrdiff_t bytes);

/*
 * From now on a block may be one of an arena (allocator/arena.h): every free and every resize asks.
 * To be called before there is the first such block.
 */
void zm_account_route(void);

/*
 * Bytes that the program has given up and a client keeps from the allocator, which counts them as
 * allocated: more of them, or less. They are in nobody's figure. Any thread, at any time.
 */
void zm_account_hold(ptrdiff_t bytes);
size_t zm_account_held(void);

/* Live threads that have used the library. */
size_t zm_account_threads(void);

#endif
