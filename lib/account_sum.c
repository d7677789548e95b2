/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account_sum.c - reading: the sum over all records, whoever owns them.
 */
#include "config.h"

#include "account_state.h"

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
	pthread_mutex_lock(&zm_account.lock);
	sum = sum_unlocked();
	pthread_mutex_unlock(&zm_account.lock);
	return sum;
}

/*
 * Threads stay under their ceilings and these under the peak: a sum over it adds figures of
 * different moments, of which one block may be in two.
 */
size_t zm_account_used(void)
{
	ptrdiff_t sum = zm_account_sum(), peak = zm_load(&zm_account.peak_bytes);

	if (sum > peak)
		sum = peak;
	return sum > 0 ? (size_t)sum : 0;
}

size_t zm_account_peak(void)
{
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

	pthread_mutex_lock(&zm_account.lock);
	threads = zm_account.threads;
	pthread_mutex_unlock(&zm_account.lock);
	return threads;
}
