/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/threshold.c - the ceilings that start the cold path, and the peak.
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

#include "account/client.h"
#include "account/state.h"

static void raise_peak(ptrdiff_t bytes)
{
	ptrdiff_t peak = zm_load(&zm_account.peak_bytes);

	while (bytes > peak && !zm_compare_exchange(&zm_account.peak_bytes, &peak, bytes))
		;
}

void zm_account_tell_ceiling(struct zm_counter *counter)
{
	bool comes_by = zm_clients_need() & ZM_CLIENT_EVERY_CALL;
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

void zm_account_make_room(void)
{
	ptrdiff_t room;

	if (room_under_peak() >= 0)
		return;
	take_back_room(NULL);
	room = room_under_peak();
	if (room < 0)
		raise_peak(zm_load(&zm_account.peak_bytes) - room);
}

/* To a ceiling that is the figure: the owner comes by at its next call, and gets more. */
static void catch_up(void)
{
	for (struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load(&chunk->next))
		for (size_t i = 0; i < ZM_CHUNK_COUNTERS; i++) {
			struct zm_counter *counter = &chunk->counters[i];

			if (counter->owner != NULL &&
			    zm_counter_kept_bytes(counter) > counter->granted_bytes)
				set_ceiling(counter, zm_counter_kept_bytes(counter));
		}
}

void zm_account_settle(void)
{
	catch_up();
	zm_account_make_room();
}
