/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/settle.c - what a call does on the cold path: ask, count, get the next threshold.
 *
 * A client that may refuse is asked before the program has the block. Our own counter moves after the
 * question. A borrowing thread's figure has moved by then, with the allocator's counters: until it is
 * back others may see one block a thread in used memory, but the thread's ceiling is where it was. From the
 * question until the block is granted, or given back, the thread states in its record what it has without it
 * (zm_counter_kept_bytes()): for the peak (sum.c), and for others' questions (roof.c).
 */
#include "config.h"

#include "account/client.h"
#include "account/growth.h"
#include "account/state.h"

/* What a change asks for of those who may refuse; 0: nothing grows, or they have been asked. */
static bool is_let(size_t asked_bytes)
{
	zm_assert(zm_lock_is_mine(&zm_account.lock));
	return asked_bytes == 0 || zm_clients_let_grow(asked_bytes);
}

/*
 * Without a record there is neither a threshold nor a figure that falls: a change is all that clients may want
 * to know of.
 */
static void show_ended(ptrdiff_t bytes)
{
	if (bytes > 0 && zm_roof_is_passed())
		zm_clients_see_passed();
	if (bytes < 0 && (zm_clients_need() & ZM_CLIENT_EVERY_FREE))
		zm_clients_see_fell();
}

/* A change by a thread that has no record. */
static bool settle_ended(ptrdiff_t bytes, size_t asked_bytes)
{
	bool is_granted;

	zm_lock(&zm_account.lock);
	is_granted = is_let(asked_bytes);
	if (is_granted) {
		zm_thread_ended_bytes += bytes;
		zm_fetch_add(&zm_account.ended_bytes, bytes);
		zm_account_make_room();
	}
	zm_account_check();
	zm_unlock(&zm_account.lock);
	if (is_granted)
		show_ended(bytes);
	return is_granted;
}

/* By the owner: see zm_counter_kept_bytes(). */
static void state(struct zm_counter *counter, ptrdiff_t bytes)
{
	zm_store_release(&counter->stated_bytes, bytes);
}

/* Of the calling thread's resize, in zm_account.reserved_bytes. */
static ZM_TLS ptrdiff_t reserved_bytes;

/* Under the lock. */
static void reserve(ptrdiff_t bytes)
{
	zm_account.reserved_bytes += bytes - reserved_bytes;
	reserved_bytes = bytes;
}

void zm_account_reserve_nothing(void)
{
	zm_assert(zm_lock_is_mine(&zm_account.lock));
	reserve(0);
}

/* Under the lock: there is no other thread. */
void zm_account_reserve_in_child(void)
{
	zm_account.reserved_bytes = reserved_bytes;
}

/* Under the lock: its figure counts again. */
static void end_statement(struct zm_counter *counter)
{
	state(counter, ZM_STATES_NOTHING);
	reserve(0);
}

/* Under the lock. True: it has passed its threshold. */
static bool raise_if_due(struct zm_counter *counter)
{
	ptrdiff_t figure = zm_counter_bytes(counter);

	zm_assert(zm_lock_is_mine(&zm_account.lock));
	if (figure <= counter->granted_bytes)
		return false;
	zm_account_raise(counter, figure);
	return true;
}

/*
 * A thread over the ceiling that it was told, which may be lower than the one granted: only the latter
 * is its threshold. bytes: what is to be added in its record.
 */
static bool settle_over(struct zm_counter *counter, ptrdiff_t bytes, size_t asked_bytes)
{
	bool is_granted, passed = false;

	if (asked_bytes != 0 && zm_thread.borrows && zm_clients_may_refuse())
		state(counter, zm_thread_net(&zm_thread) - (ptrdiff_t)asked_bytes);
	zm_lock(&zm_account.lock);
	is_granted = is_let(asked_bytes);
	if (is_granted) {
		zm_store(&counter->net_bytes, zm_load(&counter->net_bytes) + bytes);
		end_statement(counter);
		passed = raise_if_due(counter);
	}
	zm_account_check();
	zm_unlock(&zm_account.lock);
	if (passed)
		zm_clients_see_passed();
	return is_granted;
}

/* A change by a thread that counts in its record. */
static bool settle_record(struct zm_counter *counter, ptrdiff_t bytes, size_t asked_bytes)
{
	ptrdiff_t net = zm_load(&counter->net_bytes) + bytes;

	/* What falls passes nothing, though it may still be over a ceiling that was lowered. */
	if (bytes < 0) {
		zm_thread_shrink(-bytes);
		return true;
	}
	if (net > zm_load(&counter->ceiling_bytes) &&
	    !zm_counter_is_under_ceiling(counter, zm_thread_net(&zm_thread) + bytes))
		return settle_over(counter, bytes, asked_bytes);
	zm_store(&counter->net_bytes, net);
	return true;
}

static bool settle(ptrdiff_t bytes, size_t asked_bytes)
{
	struct zm_thread *self = &zm_thread;

	if (self->state == ZM_THREAD_LIVE)
		return settle_record(self->counter, bytes, asked_bytes);
	return settle_ended(bytes, asked_bytes);
}

static bool settle_new(size_t bytes, size_t asked_bytes)
{
	if (zm_thread.state == ZM_THREAD_NEW)
		zm_account_join_with(asked_bytes);
	if (!zm_thread.borrows)
		return settle((ptrdiff_t)bytes, asked_bytes);
#if ZM_RAW_COUNTS
	if (zm_account_over() &&
	    !zm_counter_is_under_ceiling(zm_thread.counter, zm_thread_net(&zm_thread)))
		return settle_over(zm_thread.counter, 0, asked_bytes);
#endif
	return true;
}

ZM_COLD bool zm_account_only_ticks(size_t bytes)
{
	const struct zm_thread *self = &zm_thread;
	ptrdiff_t more = self->borrows ? 0 : (ptrdiff_t)bytes;

	if (self->state != ZM_THREAD_LIVE || self->borrows != ZM_COUNT_BORROWED ||
	    zm_growth_is_due(bytes) || !zm_account_is_under_ceiling((size_t)more))
		return false;
	zm_store(&self->counter->net_bytes, zm_load(&self->counter->net_bytes) + more);
	zm_clients_see_tick();
	return true;
}

ZM_COLD bool zm_account_new(size_t bytes)
{
	bool is_granted = settle_new(bytes, bytes);

	if (is_granted)
		zm_clients_see_tick();
	return is_granted;
}

void zm_account_gave_back(void)
{
	if (zm_thread.borrows)
		state(zm_thread.counter, ZM_STATES_NOTHING);
}

ZM_COLD void zm_account_granted(size_t bytes)
{
	settle_new(bytes, 0);
	zm_clients_see_tick();
}

/* How far is the calling thread under its ceiling? Nothing, where a client is to be asked at each call. */
static ptrdiff_t room_left(const struct zm_thread *self)
{
	ptrdiff_t net = zm_thread_net(self);

	return zm_counter_is_under_ceiling(self->counter, net)
		       ? zm_counter_ceiling(self->counter) - net
		       : 0;
}

/* One who lowers the ceiling meanwhile looks at the figure after that (roof.c): one of the two sees the other. */
static bool takes_of_its_own(const struct zm_thread *self, size_t bytes)
{
	state(self->counter, zm_thread_net(self) + (ptrdiff_t)bytes);
	zm_fence();
	return bytes <= (size_t)room_left(self);
}

/* Under the lock. What is over the ceiling is reserved, so that nobody else is granted the same. */
static bool take_of_all(const struct zm_thread *self, size_t bytes)
{
	struct zm_counter *counter = self->counter;
	ptrdiff_t grown = zm_thread_net(self) + (ptrdiff_t)bytes, over;

	end_statement(counter);
	if (!is_let(bytes))
		return false;
	state(counter, grown);
	over = grown - zm_account_most_of(counter);
	reserve(over > 0 ? over : 0);
	return true;
}

ZM_COLD bool zm_account_may_grow(size_t bytes)
{
	const struct zm_thread *self = &zm_thread;
	/* What no allocator has need not be kept for anybody. */
	bool is_kept = self->state == ZM_THREAD_LIVE && bytes <= PTRDIFF_MAX / 4, is_granted;

	if (bytes == 0 || !zm_clients_may_refuse())
		return true;
	if (is_kept && takes_of_its_own(self, bytes))
		return true;
	zm_lock(&zm_account.lock);
	is_granted = is_kept ? take_of_all(self, bytes) : is_let(bytes);
	zm_unlock(&zm_account.lock);
	return is_granted;
}

bool zm_account_has_room(size_t granted_bytes, size_t bytes)
{
	const struct zm_thread *self = &zm_thread;
	bool has_room;

	if (!zm_clients_may_refuse() ||
	    (self->state == ZM_THREAD_LIVE && granted_bytes + bytes <= (size_t)room_left(self)))
		return true;
	zm_lock(&zm_account.lock);
	has_room = zm_clients_would_let_grow(bytes);
	zm_unlock(&zm_account.lock);
	return has_room;
}

void zm_account_has_grown(void)
{
	struct zm_thread *self = &zm_thread;

	if (self->state != ZM_THREAD_LIVE)
		return;
	if (reserved_bytes == 0) {
		state(self->counter, ZM_STATES_NOTHING);
		return;
	}
	zm_lock(&zm_account.lock);
	end_statement(self->counter);
	raise_if_due(self->counter);
	zm_account_check();
	zm_unlock(&zm_account.lock);
}

ZM_COLD void zm_account_gone(size_t bytes)
{
	if (zm_thread.borrows)
		zm_account_correct(-(ptrdiff_t)bytes);
	else
		settle(-(ptrdiff_t)bytes, 0);
	zm_account_see_fall((ptrdiff_t)bytes);
}

ZM_COLD void zm_account_resized(size_t old_bytes, size_t new_bytes)
{
	if (zm_thread.borrows) {
		settle_new(0, 0);
	} else if (zm_thread.state == ZM_THREAD_LIVE && zm_load(&zm_thread.growth_round) != 0) {
		zm_thread_shrink((ptrdiff_t)old_bytes);
		settle((ptrdiff_t)new_bytes, 0);
	} else {
		settle((ptrdiff_t)new_bytes - (ptrdiff_t)old_bytes, 0);
	}
	zm_account_see_fall((ptrdiff_t)old_bytes - (ptrdiff_t)new_bytes);
}

/* ---- Corrections ---------------------------------------------------------------------------- */

void zm_account_correct(ptrdiff_t bytes)
{
	struct zm_thread *self = &zm_thread;

	if (self->state == ZM_THREAD_NEW)
		zm_account_join();
	if (self->state != ZM_THREAD_LIVE) {
		settle_ended(bytes, 0);
		return;
	}
	zm_lock(&zm_account.lock);
	if (bytes < 0)
		zm_thread_shrink(-bytes);
	else
		zm_store(&self->counter->net_bytes, zm_load(&self->counter->net_bytes) + bytes);
	if (!raise_if_due(self->counter))
		zm_account_tell_ceiling(self->counter);
	zm_account_check();
	zm_unlock(&zm_account.lock);
	zm_account_see_fall(-bytes);
}

void zm_account_raw(ptrdiff_t bytes)
{
	if (zm_thread.state == ZM_THREAD_NEW)
		zm_account_join();
	if (zm_thread.borrows)
		zm_account_correct(-bytes);
	if (zm_thread.borrows && bytes > 0)
		zm_growth_skip((size_t)bytes);
}
