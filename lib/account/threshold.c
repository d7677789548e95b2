/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/threshold.c - the ceilings that start the cold path, the peak, and what each call
 * does there.
 *
 * Each owned record has a ceiling, the figure that its thread may reach unseen. Invariant, under
 * the lock:
 *
 *       sum of ceilings of owned records + sum of net of idle ones  =  committed  <=  peak - ended
 *
 * So used memory cannot pass the peak without some thread passing its ceiling, and the peak that is
 * reported is never under the true one. A thread at its ceiling first takes what is left under the
 * peak; then what others' ceilings leave unused beyond ZM_STEP_BYTES each; only then does the peak
 * move. It is thus over the true one by at most ZM_STEP_BYTES for each thread.
 */
#include "config.h"

#include "account/state.h"

static ZM_ATOMIC(zm_account_hook) threshold_hook;

/* ---- Ceilings; all under the lock ----------------------------------------------------------- */

static void raise_peak(ptrdiff_t bytes)
{
	ptrdiff_t peak = zm_load(&zm_account.peak_bytes);

	while (bytes > peak && !zm_compare_exchange(&zm_account.peak_bytes, &peak, bytes))
		;
}

void zm_account_tell_ceiling(struct zm_counter *counter)
{
	bool comes_by = zm_load(&zm_account.watch) != NULL || zm_load(&zm_account.child_due);
	ptrdiff_t bytes = comes_by ? PTRDIFF_MIN : counter->granted_bytes;

#if ZM_COUNT_BORROWED
	if (counter->owner->borrows) {
		if (bytes != PTRDIFF_MIN)
			bytes -= zm_load(&counter->net_bytes);
		zm_store(&counter->owner->ceiling_bytes, bytes);
		return;
	}
#endif
	zm_store(&counter->ceiling_bytes, bytes);
}

static void set_ceiling(struct zm_counter *counter, ptrdiff_t bytes)
{
	zm_assert(zm_lock_is_mine(&zm_account.lock) && counter->owner != NULL);
	zm_account.committed_bytes += bytes - counter->granted_bytes;
	counter->granted_bytes = bytes;
	zm_account_tell_ceiling(counter);
}

static ptrdiff_t room_under_peak(void)
{
	return zm_load(&zm_account.peak_bytes) - zm_load(&zm_account.ended_bytes) -
	       zm_account.committed_bytes;
}

/*
 * Leave every other thread ZM_STEP_BYTES and no more:
 * what it freed since it last came here is free for others.
 */
static void take_back_room(const struct zm_counter *mine)
{
	for (struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load(&chunk->next))
		for (size_t i = 0; i < ZM_CHUNK_COUNTERS; i++) {
			struct zm_counter *counter = &chunk->counters[i];
			ptrdiff_t enough;

			if (counter->owner == NULL || counter == mine)
				continue;
			enough = zm_counter_bytes(counter) + ZM_STEP_BYTES;
			if (counter->granted_bytes > enough)
				set_ceiling(counter, enough);
		}
}

/* Half of any room that turns up is taken along, so that visits grow rare. */
void zm_account_raise(struct zm_counter *counter, ptrdiff_t figure)
{
	ptrdiff_t room;

	set_ceiling(counter, figure + ZM_STEP_BYTES);
	if (room_under_peak() >= 0)
		return;
	take_back_room(counter);
	room = room_under_peak();
	if (room > 0)
		set_ceiling(counter, figure + ZM_STEP_BYTES + room / 2);
	else
		raise_peak(zm_load(&zm_account.peak_bytes) - room);
}

/* To a ceiling that is the figure: the owner comes by at its next call, and gets more. */
void zm_account_settle(void)
{
	ptrdiff_t room;

	for (struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load(&chunk->next))
		for (size_t i = 0; i < ZM_CHUNK_COUNTERS; i++) {
			struct zm_counter *counter = &chunk->counters[i];

			if (counter->owner != NULL &&
			    zm_counter_bytes(counter) > counter->granted_bytes)
				set_ceiling(counter, zm_counter_bytes(counter));
		}
	if (room_under_peak() >= 0)
		return;
	take_back_room(NULL);
	room = room_under_peak();
	if (room < 0)
		raise_peak(zm_load(&zm_account.peak_bytes) - room);
}

/* ---- The cold path of each call ------------------------------------------------------------- */

/* A change by a thread that has no record. */
static void settle_ended(ptrdiff_t bytes)
{
	zm_thread.ended_bytes += bytes;
	zm_lock(&zm_account.lock);
	zm_fetch_add(&zm_account.ended_bytes, bytes);
	if (room_under_peak() < 0)
		zm_account_settle();
	zm_account_check();
	zm_unlock(&zm_account.lock);
}

/*
 * The ceiling told to the owner may be lower than the one granted:
 * only the latter is the account's business.
 */
static void raise_ceiling_if_due(struct zm_counter *counter)
{
	zm_account_hook hook;

	zm_lock(&zm_account.lock);
	if (zm_counter_bytes(counter) > counter->granted_bytes)
		zm_account_raise(counter, zm_counter_bytes(counter));
	zm_account_check();
	zm_unlock(&zm_account.lock);
	if (zm_unlikely(zm_load(&zm_account.child_due)))
		zm_account_go_on_in_child();
	hook = zm_load_acquire(&threshold_hook);
	if (hook != NULL)
		hook();
}

void zm_account_set_hook(zm_account_hook hook)
{
	zm_store_release(&threshold_hook, hook);
}

/* A change by a thread that counts in its record. */
static void settle_record(struct zm_counter *counter, ptrdiff_t bytes)
{
	ptrdiff_t net = zm_load(&counter->net_bytes) + bytes;

	zm_store(&counter->net_bytes, net);
	if (net > zm_load(&counter->ceiling_bytes))
		raise_ceiling_if_due(counter);
}

static void settle(ptrdiff_t bytes)
{
	struct zm_thread *self = &zm_thread;

	if (self->state == ZM_THREAD_LIVE)
		settle_record(self->counter, bytes);
	else
		settle_ended(bytes);
}

ZM_COLD void zm_account_new(size_t bytes)
{
	if (zm_thread.state == ZM_THREAD_NEW)
		zm_account_join();
	if (!zm_thread.borrows)
		settle((ptrdiff_t)bytes);
#if ZM_RAW_COUNTS
	else if (zm_account_over())
		raise_ceiling_if_due(zm_thread.counter);
#endif
}

ZM_COLD void zm_account_gone(size_t bytes)
{
	if (zm_thread.borrows)
		zm_account_correct(-(ptrdiff_t)bytes);
	else
		settle(-(ptrdiff_t)bytes);
}

ZM_COLD void zm_account_resized(size_t old_bytes, size_t new_bytes)
{
	if (zm_thread.borrows)
		zm_account_new(0);
	else
		settle((ptrdiff_t)new_bytes - (ptrdiff_t)old_bytes);
}

/* ---- Corrections ---------------------------------------------------------------------------- */

void zm_account_correct(ptrdiff_t bytes)
{
	struct zm_thread *self = &zm_thread;

	if (self->state == ZM_THREAD_NEW)
		zm_account_join();
	if (self->state != ZM_THREAD_LIVE) {
		settle_ended(bytes);
		return;
	}
	zm_lock(&zm_account.lock);
	zm_store(&self->counter->net_bytes, zm_load(&self->counter->net_bytes) + bytes);
	if (zm_counter_bytes(self->counter) > self->counter->granted_bytes)
		zm_account_raise(self->counter, zm_counter_bytes(self->counter));
	else
		zm_account_tell_ceiling(self->counter);
	zm_account_check();
	zm_unlock(&zm_account.lock);
}

void zm_account_raw(ptrdiff_t bytes)
{
	if (zm_thread.state == ZM_THREAD_NEW)
		zm_account_join();
	if (zm_thread.borrows)
		zm_account_correct(-bytes);
}
