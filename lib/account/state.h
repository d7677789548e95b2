/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/state.h - what the files of this room share: the records, and the figures that the
 * lock guards. Nobody else includes this.
 */
#ifndef ZM_ACCOUNT_STATE_H
#define ZM_ACCOUNT_STATE_H

#include "account/account.h"

#include <pthread.h>

#include "account/client.h"
#include "base/assert.h"
#include "base/lock.h"

/* The contract of zmalloc_peak_memory(): what a thread may allocate between two looks. */
#define ZM_STEP_BYTES ((ptrdiff_t)64 * 1024)

/* Records in one piece: one page. */
#define ZM_CHUNK_COUNTERS 63

/* No figure of a thread. */
#define ZM_STATES_NOTHING PTRDIFF_MIN

struct zm_chunk {
	ZM_ATOMIC(struct zm_chunk *) next;
	ZM_ATOMIC(size_t) used; /* records ever taken from it; readers need look no further */
	struct zm_counter counters[ZM_CHUNK_COUNTERS];
} ZM_CACHELINE_ALIGNED;

struct zm_account {
	struct zm_lock lock;
	struct zm_once once;
	pthread_key_t key; /* its value: the thread's record; its destructor ends membership */
	bool usable;       /* the key exists */

	struct zm_counter *idle;
	struct zm_chunk *last;
	size_t threads;
	ptrdiff_t committed_bytes; /* granted_bytes of all records */
	ptrdiff_t reserved_bytes;  /* what resizes were granted on top, and do not have yet */
	/* The lowest limit that used memory has not passed; 0: there is none. See roof.c. */
	ptrdiff_t roof_bytes;
	/* Used memory is over the roof, so ceilings are below their owners' figures by so much; else 0. */
	ZM_ATOMIC(ptrdiff_t) below_bytes; /* written under the lock */
	ptrdiff_t scopes_below_bytes;     /* the same for limits of scopes, all together */

	ZM_ATOMIC(bool) routed;           /* written under the lock */
	ZM_ATOMIC(ptrdiff_t) peak_bytes;  /* only ever rises */
	ZM_ATOMIC(ptrdiff_t) ended_bytes; /* moved by threads past their end */
	ZM_ATOMIC(ptrdiff_t) held_bytes;  /* see zm_account_hold() */

	/* Static, so that small programs never map another. */
	struct zm_chunk first;
};

extern struct zm_account zm_account;

/* Some figures are over their ceilings, so what is promised says nothing. */
ZM_INLINE bool zm_roof_is_passed(void)
{
	return zm_load(&zm_account.below_bytes) != 0;
}

/* Take off what the calling thread frees, which is live. */
static inline void zm_thread_shrink(ptrdiff_t bytes)
{
#if ZM_COUNT_SIZES
	zm_account_sub((size_t)bytes);
#else
	struct zm_counter *counter = zm_thread.counter;

	zm_store(&counter->net_bytes, zm_load(&counter->net_bytes) - bytes);
#endif
}

#if ZM_COUNT_BORROWED
/*
 * The owner's counters are the allocator's plain words, which it moves with plain stores. C11 calls
 * that a data race whatever is done here; what can be had is what the processor and the compiler
 * promise beyond it. An aligned word is stored in one piece, which ZM_RAW_COUNTS asks of a machine.
 * Here the words are read as atomic ones: in one piece, once for each time it is written, and with
 * an order.
 *
 * freed is read first. An acquire keeps the load of allocated behind it (C11 7.17.3: nothing that
 * follows an acquire in the program happens before it), so all that the owner does between the two
 * loads can only make the figure too high, which a ceiling may be. A reader that the
 * scheduler stopped between them may have missed many frees: then it reads again.
 *
 * On the owner's side no order can be had. A processor that lets its stores pass one another may
 * show a free before the allocation, and the figure is too low by that block for a moment. So no
 * figure of another thread's is the last word: zm_account_settle() makes good for a ceiling that
 * came out too low, and zm_account_used() calls it before it would answer more than the peak.
 */
static inline ptrdiff_t zm_counter_borrowed_bytes(const struct zm_counter *counter)
{
	const ZM_ATOMIC(uint64_t) *freed_at = (const ZM_ATOMIC(uint64_t) *)counter->freed;
	const ZM_ATOMIC(uint64_t) *allocated_at = (const ZM_ATOMIC(uint64_t) *)counter->allocated;
	uint64_t freed, allocated;
	int tries = 8;

	do {
		freed = zm_load_acquire(freed_at);
		allocated = zm_load_acquire(allocated_at);
	} while (zm_unlikely(zm_load(freed_at) - freed > (uint64_t)ZM_STEP_BYTES) && --tries > 0);
	return (ptrdiff_t)(allocated - freed);
}
#endif

#if ZM_COUNT_SIZES
/* In the order, and with the second look, that zm_counter_borrowed_bytes() argues for. */
static inline ptrdiff_t zm_counter_own_bytes(const struct zm_counter *counter)
{
	ptrdiff_t shrunk, net;
	int tries = 8;

	do {
		shrunk = zm_load_acquire(&counter->shrunk_bytes);
		net = zm_load_acquire(&counter->net_bytes);
	} while (zm_unlikely(shrunk - zm_load(&counter->shrunk_bytes) > ZM_STEP_BYTES) &&
		 --tries > 0);
	return net + shrunk;
}
#endif

static inline ptrdiff_t zm_counter_bytes(const struct zm_counter *counter)
{
#if ZM_COUNT_BORROWED
	return zm_load(&counter->net_bytes) + zm_counter_borrowed_bytes(counter);
#else
	return zm_counter_own_bytes(counter);
#endif
}

static inline bool zm_counter_states(const struct zm_counter *counter, ptrdiff_t *bytes)
{
	*bytes = zm_load_acquire(&counter->stated_bytes);
	return *bytes != ZM_STATES_NOTHING;
}

/*
 * The same without a block that its owner is asking a client about, and may not have for long, and with one that it
 * has been granted and does not have yet. The owner states this figure: others could not tell by a block's size alone
 * whether the counters have the block by now, or still. It asks under the lock, so under the lock one that
 * has begun during the look has not been answered.
 */
static inline ptrdiff_t zm_counter_kept_bytes(const struct zm_counter *counter)
{
	ptrdiff_t stated, figure;

	if (zm_counter_states(counter, &stated))
		return stated;
	figure = zm_counter_bytes(counter);
	return zm_counter_states(counter, &stated) ? stated : figure;
}

/* The figure of a thread that is LIVE; the thread itself asks. */
static inline ptrdiff_t zm_thread_net(const struct zm_thread *self)
{
	ptrdiff_t net = zm_load(&self->counter->net_bytes);

#if ZM_COUNT_BORROWED
	if (self->borrows)
		net += (ptrdiff_t)(*self->counter->allocated - *self->counter->freed);
#else
	net += zm_load(&self->counter->shrunk_bytes);
#endif
	return net;
}

/* What is granted to the owner, or less in a scope that has a limit. */
static inline ptrdiff_t zm_counter_ceiling(const struct zm_counter *counter)
{
	ptrdiff_t granted = zm_load(&counter->granted_bytes), cap = zm_load(&counter->cap_bytes);

	return granted < cap ? granted : cap;
}

/*
 * A thread that came by for the sake of a clock, and not because of its figure, needs no lock: others
 * come by as often.
 */
static inline bool zm_counter_is_under_ceiling(const struct zm_counter *counter, ptrdiff_t figure)
{
	return !(zm_clients_need() & ZM_CLIENT_EVERY_CALL) && figure <= zm_counter_ceiling(counter);
}

/* Is the calling thread, which is live, under all its ceilings with bytes more in its figure? */
static inline bool zm_account_is_under_ceiling(size_t bytes)
{
	const struct zm_thread *self = &zm_thread;

	return zm_counter_is_under_ceiling(self->counter, zm_thread_net(self) + (ptrdiff_t)bytes);
}

/* ---- check.c ---- */

/*
 * Before the lock is let go of, where something was changed. It looks at every record, so only a debug
 * build has it.
 */
#ifdef ZM_DEBUG
void zm_account_check(void);
#else
ZM_INLINE void zm_account_check(void)
{
}
#endif

/* ---- sum.c; under the lock ---- */

/* The sum without the blocks that clients are being asked about. */
ptrdiff_t zm_account_kept(void);

/* ---- account.c ---- */

/*
 * Once, before anything else here is used. False: the calling thread is at it, further up its stack,
 * and what it allocates there for the program's malloc() belongs to no record.
 */
bool zm_account_begin(void);

/* Join, with a block that nobody has been asked about; the allocator may have counted it already. */
void zm_account_join_with(size_t new_bytes);

/* ---- ceiling.c, roof.c, threshold.c; under the lock ---- */

/*
 * Tell the owner its ceiling, in the terms it compares: a borrowing thread knows its borrowed part
 * alone. Where a client wants every call, the ceiling told is below every figure.
 */
void zm_account_tell_ceiling(struct zm_counter *counter);

/* The same by the owner itself, which has no lock: for a ceiling that is still granted. */
void zm_account_renew_ceiling(struct zm_counter *counter);

/*
 * The same, or more of one where little is left: while a thread compares growth alone it comes by each time
 * that it has allocated what is left, however much it frees.
 */
void zm_account_get_ceiling(struct zm_counter *counter);

/* The most that the owner can have, of what it was not refused and is not reserved. */
ptrdiff_t zm_account_most_of(const struct zm_counter *counter);

/* Let the thread go on from `figure`. */
void zm_account_raise(struct zm_counter *counter, ptrdiff_t figure);

/* Make the invariant true again where other figures than owners' have grown. The peak rises by no more. */
void zm_account_make_room(void);

/*
 * The same where an owner's figure may have got past its ceiling unseen: that of a thread that was lost,
 * or lowered its own between a compare with the old one and the store.
 */
void zm_account_settle(void);

/* From now on no thread gets past that figure of used memory unseen; 0: any may. */
void zm_account_set_roof(ptrdiff_t bytes);

/*
 * Is used memory within the limit with so many bytes more? Decided on a sum that nobody can outgrow
 * meanwhile, for each thread's ceiling is its figure by then.
 */
bool zm_account_fits(size_t bytes, ptrdiff_t limit_bytes);

/* ---- settle.c; under the lock ---- */

/* The calling thread ends; in the middle of a resize, where it was cancelled. */
void zm_account_reserve_nothing(void);

/* What other threads had reserved goes with them. */
void zm_account_reserve_in_child(void);

/* ---- free.c ---- */

/*
 * The calling thread has just freed so many bytes. Where a client wants to know, it is told once the thread
 * has fallen by as much as it said that the thread may. This is a tick, too.
 */
void zm_account_see_fall(ptrdiff_t freed_bytes);

/* From now on the first free of each thread is told. */
void zm_account_watch_falls_anew(void);

/* How a thread frees and resizes from now on. Under the lock. */
void zm_account_tell_functions(struct zm_thread *thread);

/* Tell every thread its ceiling and its functions. Under the lock. */
void zm_account_tell_all(void);

#if ZM_RAW_COUNTS
/* zm_free_unsettled() in the shape of a sized free. */
void zm_free_sized_unsettled(void *ptr, size_t size, int flags);
#endif

#endif
