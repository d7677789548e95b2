/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account_state.h - what the files lib/account*.c share: the records, and the figures that the
 * lock guards. Nobody else includes this.
 */
#ifndef ZM_ACCOUNT_STATE_H
#define ZM_ACCOUNT_STATE_H

#include "account.h"

#include <pthread.h>

/* The contract of zmalloc_peak_memory(): what a thread may allocate between two looks. */
#define ZM_STEP_BYTES ((ptrdiff_t)64 * 1024)

/* Records in one piece: one page. */
#define ZM_CHUNK_COUNTERS 63

struct zm_chunk {
	ZM_ATOMIC(struct zm_chunk *) next;
	ZM_ATOMIC(size_t) used; /* records ever taken from it; readers need look no further */
	struct zm_counter counters[ZM_CHUNK_COUNTERS];
} ZM_CACHELINE_ALIGNED;

struct zm_account {
	pthread_mutex_t lock;
	pthread_once_t once;
	pthread_key_t key; /* its value: the thread's record; its destructor ends membership */
	bool usable;       /* the key exists */

	struct zm_counter *idle;
	struct zm_chunk *last;
	size_t threads;
	ptrdiff_t committed_bytes; /* the ceilings of owned records and the nets of idle ones */

	ZM_ATOMIC(const struct zm_watch *) watch; /* written under the lock */
	ZM_ATOMIC(bool) routed;                   /* written under the lock */
	ZM_ATOMIC(ptrdiff_t) peak_bytes;          /* only ever rises */
	ZM_ATOMIC(ptrdiff_t) ended_bytes;         /* moved by threads past their end */

	/* Static, so that small programs never map another. */
	struct zm_chunk first;
};

extern struct zm_account zm_account;

/*
 * The owner writes the two with plain stores of one word; freed is read first, so that a block
 * between the two reads counts. All that the owner frees between them counts too: much, where the
 * reader was put off the processor there, so then it reads again.
 */
static inline ptrdiff_t zm_counter_borrowed_bytes(const struct zm_counter *counter)
{
	const volatile uint64_t *freed_at = counter->freed, *allocated_at = counter->allocated;
	uint64_t freed, allocated;
	int tries = 8;

	do {
		freed = *freed_at;
		allocated = *allocated_at;
	} while (zm_unlikely(*freed_at - freed > (uint64_t)ZM_STEP_BYTES) && --tries > 0);
	return (ptrdiff_t)(allocated - freed);
}

static inline ptrdiff_t zm_counter_bytes(const struct zm_counter *counter)
{
	ptrdiff_t net = zm_load(&counter->net_bytes);

	return ZM_COUNT_BORROWED ? net + zm_counter_borrowed_bytes(counter) : net;
}

/* The figure of a thread that is LIVE; the thread itself asks. */
static inline ptrdiff_t zm_thread_net(const struct zm_thread *self)
{
	ptrdiff_t net = zm_load(&self->counter->net_bytes);

#if ZM_RAW_COUNTS
	if (self->borrows)
		net += (ptrdiff_t)(*self->allocated - *self->freed);
#endif
	return net;
}

/* ---- account.c ---- */

/* Once, before anything else here is used. */
void zm_account_set_up(void);

/* ---- account_threshold.c; under the lock ---- */

/*
 * Tell the owner its ceiling, in the terms it compares: a borrowing thread knows its borrowed part
 * alone. While the allocator's blocks are watched every call is to come by, so the ceiling told is
 * below every figure.
 */
void zm_account_tell_ceiling(struct zm_counter *counter);

/* Let the thread go on from `figure`. */
void zm_account_raise(struct zm_counter *counter, ptrdiff_t figure);

/* ---- account_free.c ---- */

/*
 * How a thread frees and resizes from now on. Under the lock, or by the thread itself before it is
 * known.
 */
void zm_account_tell_functions(struct zm_thread *thread);

#if ZM_RAW_COUNTS
/* zm_free_unsettled() in the shape of a sized free. */
void zm_free_sized_unsettled(void *ptr, size_t size, int flags);
#endif

#endif
