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
 * move. It is thus over the true one by at most ZM_STEP_BYTES for each thread. Limits are a roof over that
 * sum, which nothing here raises (roof.c).
 */
#include "config.h"

#include "account/ceiling.h"

#include "base/probe.h"

static ptrdiff_t room_under_peak(void)
{
	return zm_load(&zm_account.peak_bytes) - zm_ceilings_committed();
}

/* What a thread may have on top: under the peak, and under the roof. */
static ptrdiff_t room_to_spare(void)
{
	ptrdiff_t room = room_under_peak(), under_roof = zm_roof_room();

	return room < under_roof ? room : under_roof;
}

/* Half of any room that turns up is taken along, so that visits grow rare. */
static void raise_ceiling(struct zm_counter *counter, ptrdiff_t figure)
{
	ptrdiff_t room;

	if (zm_roof_is_passed()) {
		/* It has this and was not refused: see zm_account_most_of(). */
		zm_ceiling_grant(counter, figure - zm_load(&zm_account.below_bytes));
	} else {
		zm_ceiling_set(counter, figure + ZM_STEP_BYTES);
		if (room_under_peak() >= 0 && zm_roof_is_kept())
			return;
		zm_roof_take_back();
	}
	if (!zm_roof_get_under())
		return;
	room = room_to_spare();
	if (room > 0)
		zm_ceiling_set(counter, zm_load(&counter->granted_bytes) + room / 2);
	else if ((room = room_under_peak()) < 0)
		zm_peak_raise(zm_load(&zm_account.peak_bytes) - room);
}

void zm_account_raise(struct zm_counter *counter, ptrdiff_t figure)
{
	raise_ceiling(counter, figure);
	zm_probe_threshold(figure, zm_load(&counter->granted_bytes));
}

void zm_account_make_room(void)
{
	ptrdiff_t room;

	if (!zm_roof_is_passed() && room_under_peak() >= 0 && zm_roof_is_kept())
		return;
	zm_roof_take_back();
	if (!zm_roof_get_under())
		return;
	room = room_under_peak();
	if (room < 0)
		zm_peak_raise(zm_load(&zm_account.peak_bytes) - room);
}

/* The owner comes by at its next call, and gets more. */
static void catch_up(struct zm_counter *counter)
{
	ptrdiff_t figure = zm_counter_kept_bytes(counter);

	if (figure > zm_load(&counter->granted_bytes))
		zm_ceiling_grant(counter, figure);
}

void zm_account_settle(void)
{
	zm_ceilings_each(catch_up);
	zm_account_make_room();
	zm_ceilings_each(zm_account_tell_ceiling);
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
