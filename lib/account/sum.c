/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/sum.c - reading: the sum over all records, whoever owns them.
 */
#include "config.h"

#include <sched.h>
#include <time.h>

#include "account/client.h"
#include "account/state.h"

ZM_INLINE ptrdiff_t sum_of(ptrdiff_t (*bytes_of)(const struct zm_counter *counter))
{
	ptrdiff_t sum = zm_load(&zm_account.ended_bytes);

	for (const struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load_acquire(&chunk->next)) {
		size_t used = zm_load_acquire(&chunk->used);

		for (size_t i = 0; i < used; i++)
			sum += bytes_of(&chunk->counters[i]);
	}
	return sum;
}

static ptrdiff_t sum_unlocked(void)
{
	return sum_of(zm_counter_bytes);
}

ptrdiff_t zm_account_kept(void)
{
	zm_assert(zm_lock_is_mine(&zm_account.lock));
	return sum_of(zm_counter_kept_bytes);
}

ptrdiff_t zm_account_sum(void)
{
	ptrdiff_t sum;

	if (!ZM_COUNT_BORROWED)
		return sum_unlocked();
	zm_lock(&zm_account.lock);
	sum = sum_unlocked();
	zm_unlock(&zm_account.lock);
	return sum;
}

/*
 * A thread that is about to say that it asks needs a few nanoseconds for that, unless the system has put it
 * aside: looks in which others are let go first, and looks with a pause of 0.1 ms in between.
 */
#define QUICK_LOOKS 100
#define SLOW_LOOKS 500

static void let_others_go(int look)
{
	const struct timespec pause = {.tv_nsec = 50000};

	if (look < QUICK_LOOKS)
		sched_yield();
	else
		nanosleep(&pause, NULL);
}

/*
 * Where a client may refuse, a borrowing thread may be on its way to the question, with a block that its
 * allocator counts and that it will not keep: no reason to raise the peak. True: *sum is within it.
 */
static bool is_soon_within_peak(ptrdiff_t *sum)
{
	for (int look = 0; look < QUICK_LOOKS + SLOW_LOOKS; look++) {
		zm_lock(&zm_account.lock);
		*sum = zm_account_kept();
		zm_unlock(&zm_account.lock);
		if (*sum <= zm_load(&zm_account.peak_bytes))
			return true;
		let_others_go(look);
	}
	return false;
}

/*
 * A sum over the peak is of one block seen twice, as the figures are of different moments, or of a
 * thread that got past its ceiling unseen: a ceiling is lowered for the sake of others, and its owner
 * may by then have compared with the one before. At rest only the latter is left, and the peak is
 * raised.
 */
static ZM_COLD ptrdiff_t sum_over_peak(void)
{
	ptrdiff_t sum, peak;

	if (ZM_COUNT_BORROWED && zm_clients_may_refuse() && is_soon_within_peak(&sum))
		return sum;
	zm_lock(&zm_account.lock);
	zm_account_settle();
	sum = sum_unlocked();
	zm_unlock(&zm_account.lock);
	peak = zm_load(&zm_account.peak_bytes);
	return sum < peak ? sum : peak;
}

size_t zm_account_used(void)
{
	ptrdiff_t sum = zm_account_sum();

	if (zm_unlikely(sum > zm_load(&zm_account.peak_bytes)))
		sum = sum_over_peak();
	return sum > 0 ? (size_t)sum : 0;
}

/* With a look at the sum: see sum_over_peak(). */
size_t zm_account_peak(void)
{
	zm_account_used();
	return (size_t)zm_load(&zm_account.peak_bytes);
}

/*
 * A record brings the figure of those who had it before: so the thread joins before it first looks,
 * and its figure goes on where it was when the record is given back.
 */
ptrdiff_t zm_account_thread_net(void)
{
	const struct zm_thread *self = &zm_thread;

	if (zm_unlikely(self->state == ZM_THREAD_NEW))
		zm_account_join();
	return zm_likely(self->state == ZM_THREAD_LIVE) ? zm_thread_net(self)
							: zm_thread_ended_bytes;
}

size_t zm_account_threads(void)
{
	size_t threads;

	zm_lock(&zm_account.lock);
	threads = zm_account.threads;
	zm_unlock(&zm_account.lock);
	return threads;
}

void zm_account_hold(ptrdiff_t bytes)
{
	zm_fetch_add(&zm_account.held_bytes, bytes);
}

size_t zm_account_held(void)
{
	ptrdiff_t bytes = zm_load(&zm_account.held_bytes);

	return bytes > 0 ? (size_t)bytes : 0;
}
