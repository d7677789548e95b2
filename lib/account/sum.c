/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/sum.c - reading: the sum over all records, whoever owns them.
 */
#include "config.h"

#include "account/state.h"

static ptrdiff_t sum_unlocked(void)
{
	ptrdiff_t sum = zm_load(&zm_account.ended_bytes);

	for (const struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load_acquire(&chunk->next)) {
		size_t used = zm_load_acquire(&chunk->used);

		for (size_t i = 0; i < used; i++)
			sum += zm_counter_bytes(&chunk->counters[i]);
	}
	return sum;
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
 * A sum over the peak is of one block seen twice, as the figures are of different moments, or of a
 * thread that got past its ceiling unseen: a ceiling is lowered for the sake of others, and its owner
 * may by then have compared with the one before. At rest only the latter is left, and the peak is
 * raised.
 */
static ZM_COLD ptrdiff_t sum_over_peak(void)
{
	ptrdiff_t sum, peak;

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
	return zm_likely(self->state == ZM_THREAD_LIVE) ? zm_thread_net(self) : self->ended_bytes;
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
