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
 *
 * Limits are a roof over that sum, which nobody may raise from here:
 *
 *       committed  <=  roof - ended
 *
 * So used memory cannot pass it without some thread passing its ceiling either. Near the roof ceilings
 * shrink: half of what is left under it is shared out, over figures at which all threads were stopped
 * first. What may get past is a block that its owner had compared with the ceiling before, one a thread.
 * Over the roof each ceiling is below its owner's figure by all that is too much, so every growth comes by
 * until somebody has freed that much.
 */
#include "config.h"

#include "account/client.h"
#include "account/growth.h"
#include "account/state.h"
#include "base/probe.h"

static void raise_peak(ptrdiff_t bytes)
{
	ptrdiff_t peak = zm_load(&zm_account.peak_bytes);

	while (bytes > peak && !zm_compare_exchange(&zm_account.peak_bytes, &peak, bytes))
		;
}

/* In the terms that the owner compares. */
static ptrdiff_t ceiling_to_tell(const struct zm_counter *counter)
{
	ptrdiff_t bytes = zm_counter_ceiling(counter);

	if ((zm_clients_need() & (ZM_CLIENT_EVERY_CALL | ZM_CLIENT_TICKS)) ||
	    zm_growth_wants(counter->owner))
		return PTRDIFF_MIN;
	return bytes != PTRDIFF_MIN ? zm_growth_ceiling(counter, bytes) : bytes;
}

static ZM_ATOMIC(ptrdiff_t) * ceiling_of_owner(struct zm_counter *counter)
{
#if ZM_COUNT_BORROWED
	if (counter->owner->borrows)
		return &counter->owner->ceiling_bytes;
#endif
	return &counter->ceiling_bytes;
}

void zm_account_tell_ceiling(struct zm_counter *counter)
{
	zm_store_release(ceiling_of_owner(counter), ceiling_to_tell(counter));
}

/*
 * Another thread may lower what is granted meanwhile, and tell so: if this store comes after that, it has read
 * what that thread stored, and so sees in the second look what it was told by (C11 7.17.3).
 */
void zm_account_renew_ceiling(struct zm_counter *counter)
{
	ptrdiff_t bytes;

	do {
		bytes = ceiling_to_tell(counter);
		zm_exchange(ceiling_of_owner(counter), bytes);
	} while (zm_unlikely(ceiling_to_tell(counter) != bytes));
}

static void set_ceiling(struct zm_counter *counter, ptrdiff_t bytes)
{
	zm_assert(zm_lock_is_mine(&zm_account.lock) && counter->owner != NULL);
	zm_account.committed_bytes += bytes - zm_load(&counter->granted_bytes);
	zm_store(&counter->granted_bytes, bytes);
	zm_account_tell_ceiling(counter);
}

/* What used memory comes to if each thread goes to its ceiling. */
static ptrdiff_t promised_bytes(void)
{
	return zm_load(&zm_account.ended_bytes) + zm_account.committed_bytes;
}

static ptrdiff_t room_under_peak(void)
{
	return zm_load(&zm_account.peak_bytes) - promised_bytes();
}

/* Bytes may be under nought for a moment, as a sum of figures of different moments. */
static ptrdiff_t room_under(ptrdiff_t limit_bytes, ptrdiff_t bytes)
{
	return bytes > 0 ? limit_bytes - bytes : limit_bytes;
}

/* Some figures are over their ceilings, so what is promised says nothing. */
static bool is_over_roof(void)
{
	return zm_load(&zm_account.is_over_roof);
}

static bool is_under_roof(void)
{
	return zm_account.roof_bytes == 0 ||
	       room_under(zm_account.roof_bytes, promised_bytes()) >= 0;
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
			if (zm_load(&counter->granted_bytes) > enough)
				set_ceiling(counter, enough);
		}
}

/* ---- Near the roof ---------------------------------------------------------------------------- */

static void stop_at_figures(void)
{
	for (struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load(&chunk->next))
		for (size_t i = 0; i < ZM_CHUNK_COUNTERS; i++) {
			struct zm_counter *counter = &chunk->counters[i];

			if (counter->owner != NULL)
				set_ceiling(counter, zm_counter_kept_bytes(counter));
		}
}

/*
 * Every ceiling becomes its owner's figure. The second time finds what passed between a look at the
 * figure and the store of the first. Returns what is used.
 */
static ptrdiff_t stop_threads(void)
{
	stop_at_figures();
	zm_fence();
	stop_at_figures();
	return promised_bytes();
}

/* The thread that joins just now is not among zm_account.threads yet. */
static ptrdiff_t step_at(ptrdiff_t used_bytes)
{
	ptrdiff_t threads = (ptrdiff_t)zm_account.threads + 1;
	ptrdiff_t room = room_under(zm_account.roof_bytes, used_bytes);
	ptrdiff_t step = room / 2 / threads, least = PTRDIFF_MIN / 2 / threads;

	if (zm_account.roof_bytes == 0)
		return ZM_STEP_BYTES;
	/* In whole, but for what the sum of all ceilings can express. */
	if (room < 0)
		return room > least ? room : least;
	return step < ZM_STEP_BYTES ? step : ZM_STEP_BYTES;
}

/* To threads that were stopped. used_bytes: with what is about to be, which may not come about. */
static void share_room(ptrdiff_t used_bytes)
{
	ptrdiff_t step = step_at(used_bytes), stopped_at = promised_bytes();

	for (struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load(&chunk->next))
		for (size_t i = 0; i < ZM_CHUNK_COUNTERS; i++) {
			struct zm_counter *counter = &chunk->counters[i];

			if (counter->owner != NULL)
				set_ceiling(counter, zm_load(&counter->granted_bytes) + step);
		}
	zm_store(&zm_account.is_over_roof, step < 0);
	raise_peak(step < 0 ? stopped_at : promised_bytes());
}

/* True: the ceilings are below the roof and the figures below them; the peak may be lower than they. */
static bool get_under_roof(void)
{
	if (is_over_roof() || !is_under_roof())
		share_room(stop_threads());
	return !is_over_roof();
}

static bool has_room_for(size_t bytes, ptrdiff_t limit_bytes, ptrdiff_t used_bytes)
{
	ptrdiff_t room = room_under(limit_bytes, used_bytes);

	return room >= 0 && bytes <= (size_t)room;
}

bool zm_account_fits(size_t bytes, ptrdiff_t limit_bytes)
{
	ptrdiff_t used;
	bool fits;

	zm_assert(zm_lock_is_mine(&zm_account.lock));
	if (!is_over_roof() && has_room_for(bytes, limit_bytes, promised_bytes()))
		return true;
	/* Who asks for what there is not is to stop nobody. */
	if (!has_room_for(bytes, limit_bytes, zm_account_kept()))
		return false;
	used = stop_threads();
	fits = has_room_for(bytes, limit_bytes, used);
	share_room(fits ? used + (ptrdiff_t)bytes : used);
	return fits;
}

void zm_account_set_roof(ptrdiff_t bytes)
{
	zm_assert(zm_lock_is_mine(&zm_account.lock));
	zm_account.roof_bytes = bytes;
	get_under_roof();
}

/* ---- At a threshold --------------------------------------------------------------------------- */

/* What a thread may have on top: under the peak, and under the roof. */
static ptrdiff_t room_to_spare(void)
{
	ptrdiff_t room = room_under_peak(), under_roof;

	if (zm_account.roof_bytes == 0)
		return room;
	under_roof = room_under(zm_account.roof_bytes, promised_bytes());
	return room < under_roof ? room : under_roof;
}

/* Half of any room that turns up is taken along, so that visits grow rare. */
static void raise_ceiling(struct zm_counter *counter, ptrdiff_t figure)
{
	ptrdiff_t room;

	if (!is_over_roof()) {
		set_ceiling(counter, figure + ZM_STEP_BYTES);
		if (room_under_peak() >= 0 && is_under_roof())
			return;
		take_back_room(counter);
	}
	if (!get_under_roof())
		return;
	room = room_to_spare();
	if (room > 0)
		set_ceiling(counter, zm_load(&counter->granted_bytes) + room / 2);
	else if ((room = room_under_peak()) < 0)
		raise_peak(zm_load(&zm_account.peak_bytes) - room);
}

void zm_account_raise(struct zm_counter *counter, ptrdiff_t figure)
{
	raise_ceiling(counter, figure);
	zm_probe_threshold(figure, zm_load(&counter->granted_bytes));
}

void zm_account_make_room(void)
{
	ptrdiff_t room;

	if (!is_over_roof() && room_under_peak() >= 0 && is_under_roof())
		return;
	take_back_room(NULL);
	if (!get_under_roof())
		return;
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
			    zm_counter_kept_bytes(counter) > zm_load(&counter->granted_bytes))
				set_ceiling(counter, zm_counter_kept_bytes(counter));
		}
}

void zm_account_settle(void)
{
	catch_up();
	zm_account_make_room();
}

void zm_account_get_ceiling(struct zm_counter *counter)
{
	ptrdiff_t figure = zm_thread_net(&zm_thread);

	if (zm_load(&counter->granted_bytes) - figure >= ZM_STEP_BYTES / 2) {
		zm_account_renew_ceiling(counter);
		return;
	}
	zm_lock(&zm_account.lock);
	zm_account_raise(counter, figure);
	zm_account_check();
	zm_unlock(&zm_account.lock);
}
