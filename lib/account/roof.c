/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/roof.c - no thread passes a limit unseen.
 *
 * Limits are a roof over the sum of all ceilings, which nobody may raise from here:
 *
 *       committed + reserved  <=  roof - ended
 *
 * So used memory cannot pass it without some thread passing its ceiling. Near the roof ceilings shrink: half of what
 * is left under it is shared out, over figures at which all threads were stopped first. Over the roof each ceiling is
 * below its owner's figure by all that is too much, so every growth comes by until somebody has freed that
 * much.
 *
 * A decision is made for one thread while others may be anywhere, for as long as the system puts them aside. What
 * they have then:
 *
 *   - A thread that has been asked about, and waits for the lock or gives its block back, states its figure
 *     without the block; one whose resize was granted, with it (zm_counter_kept_bytes()).
 *   - What is over a ceiling and not stated is about to be asked about, where the allocator counts a block
 *     first. It counts for nothing, and no owner is told of a higher ceiling before the room is shared out anew:
 *     it would take the block for one that it had been granted.
 *   - What may get past is a block that its owner had compared with the ceiling before, and whose figure is still
 *     on its way from that processor: one a thread.
 */
#include "config.h"

#include "account/ceiling.h"

#include "account/client.h"

/* Bytes may be under nought for a moment, as a sum of figures of different moments. */
static ptrdiff_t room_under(ptrdiff_t limit_bytes, ptrdiff_t bytes)
{
	return bytes > 0 ? limit_bytes - bytes : limit_bytes;
}

ptrdiff_t zm_roof_room(void)
{
	return zm_account.roof_bytes != 0
		       ? room_under(zm_account.roof_bytes, zm_ceilings_promised())
		       : PTRDIFF_MAX;
}

bool zm_roof_is_kept(void)
{
	return zm_roof_room() >= 0;
}

/* ---- Stopping --------------------------------------------------------------------------------- */

ptrdiff_t zm_account_most_of(const struct zm_counter *counter)
{
	ptrdiff_t most = zm_load(&counter->granted_bytes) + zm_load(&zm_account.below_bytes);
	ptrdiff_t cap = zm_load(&counter->cap_bytes);

	if (!zm_clients_may_refuse())
		return PTRDIFF_MAX;
	/* Its scope may be one of those that are over their limits. */
	if (cap != PTRDIFF_MAX && cap + zm_account.scopes_below_bytes < most)
		most = cap + zm_account.scopes_below_bytes;
	return most;
}

/*
 * What is over that is not the owner's yet: counters that are borrowed have a block before it is asked
 * about, and a resize that was granted is reserved besides.
 */
static ptrdiff_t kept_under(const struct zm_counter *counter, ptrdiff_t most)
{
	ptrdiff_t figure = zm_counter_kept_bytes(counter);

	return figure < most ? figure : most;
}

/* A thread that counts for itself beside others that borrow has no place for it; what it has was never refused. */
static void note_stopped_at(struct zm_counter *counter, ptrdiff_t bytes)
{
#if ZM_COUNT_BORROWED
	if (!counter->owner->borrows)
		return;
#endif
	counter->stopped_at_bytes = bytes;
}

static ptrdiff_t stopped_at(const struct zm_counter *counter)
{
#if ZM_COUNT_BORROWED
	if (!counter->owner->borrows)
		return zm_counter_kept_bytes(counter);
#endif
	return counter->stopped_at_bytes;
}

/* Until the room is shared out no ceiling rises: the owner may be about to compare a block that is in the figure. */
static void lower_ceiling(struct zm_counter *counter, ptrdiff_t bytes)
{
	if (bytes < zm_load(&counter->granted_bytes))
		zm_ceiling_set(counter, bytes);
}

static void stop(struct zm_counter *counter)
{
	note_stopped_at(counter, zm_account_most_of(counter));
	lower_ceiling(counter, zm_counter_kept_bytes(counter));
}

/* What passed between the look at the figure and the store of the ceiling is under the one before. */
static void look_again(struct zm_counter *counter)
{
	ptrdiff_t bytes = kept_under(counter, stopped_at(counter));

	note_stopped_at(counter, bytes);
	lower_ceiling(counter, bytes);
}

/* Every ceiling becomes its owner's figure, if it was higher. Returns what is used. */
static ptrdiff_t stop_threads(void)
{
	zm_ceilings_each(stop);
	zm_fence();
	zm_ceilings_each(look_again);
	return zm_ceilings_sum(stopped_at) + zm_account.reserved_bytes;
}

static void take_back(struct zm_counter *counter)
{
	ptrdiff_t most = zm_account_most_of(counter);

	note_stopped_at(counter, most);
	lower_ceiling(counter, kept_under(counter, most) + ZM_STEP_BYTES);
}

static void give_back(struct zm_counter *counter)
{
	ptrdiff_t bytes = kept_under(counter, stopped_at(counter));

	if (bytes > zm_load(&counter->granted_bytes))
		zm_ceiling_set(counter, bytes);
}

void zm_roof_take_back(void)
{
	zm_ceilings_each(take_back);
	if (zm_account.roof_bytes == 0)
		return;
	zm_fence();
	zm_ceilings_each(give_back);
}

/* ---- Sharing ---------------------------------------------------------------------------------- */

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
	ptrdiff_t step = step_at(used_bytes);
	ptrdiff_t stopped_bytes = zm_ceilings_sum(stopped_at);

	for (struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load(&chunk->next))
		for (size_t i = 0; i < zm_load(&chunk->used); i++) {
			struct zm_counter *counter = &chunk->counters[i];

			if (counter->owner != NULL)
				zm_ceiling_set(counter, stopped_at(counter) + step);
		}
	zm_store(&zm_account.below_bytes, step < 0 ? -step : 0);
	zm_peak_raise(step < 0 ? stopped_bytes : zm_ceilings_committed());
}

bool zm_roof_get_under(void)
{
	if (zm_roof_is_passed() || !zm_roof_is_kept())
		share_room(stop_threads());
	return !zm_roof_is_passed();
}

/* ---- Asking ----------------------------------------------------------------------------------- */

static bool has_room_for(size_t bytes, ptrdiff_t limit_bytes, ptrdiff_t used_bytes)
{
	ptrdiff_t room = room_under(limit_bytes, used_bytes);

	return room >= 0 && bytes <= (size_t)room;
}

static ptrdiff_t kept(const struct zm_counter *counter)
{
	return kept_under(counter, zm_account_most_of(counter));
}

bool zm_account_fits(size_t bytes, ptrdiff_t limit_bytes)
{
	ptrdiff_t used;
	bool fits;

	zm_assert(zm_lock_is_mine(&zm_account.lock));
	if (!zm_roof_is_passed() && has_room_for(bytes, limit_bytes, zm_ceilings_promised()))
		return true;
	/* Who asks for what there is not is to stop nobody. */
	used = zm_ceilings_sum(kept) + zm_account.reserved_bytes;
	if (!has_room_for(bytes, limit_bytes, used))
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
	zm_account_settle();
}
