/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/growth.c - when a thread has allocated as much as a client waits for.
 */
#include "config.h"

#include "account/growth.h"

#include <errno.h>

#include "account/client.h"
#include "account/state.h"

ZM_ATOMIC(unsigned char) zm_marks[1 << ZM_MARK_BITS];
ZM_ATOMIC(uint32_t) zm_growth_round;
ZM_TLS const void *zm_growth_caller, *zm_growth_record;

/* The last one; it comes round after 4 billion starts. Under the account's lock. */
static uint32_t last_round;

#if ZM_COUNT_BORROWED
static const uint64_t nothing_freed;
#endif

/* A thread that no fast path knows, or whose counters are too short, counts down here. */
static ZM_TLS struct {
	uint32_t round;
	ptrdiff_t left_bytes;
} slow;

/* ---- The client ------------------------------------------------------------------------------- */

static const struct zm_client *client(void)
{
	return zm_client_of(ZM_CLIENT_PROFILE);
}

/* NULL: nothing is sampled. Returns how far to the next. */
static ptrdiff_t ask(void *ptr, size_t bytes, const void *arena)
{
	const struct zm_client *by = client();
	int saved_errno = errno;
	size_t distance = PTRDIFF_MAX / 2;

	if (by != NULL && by->sampled != NULL)
		distance = by->sampled(ptr, bytes, arena);
	errno = saved_errno;
	return distance < PTRDIFF_MAX / 2 ? (ptrdiff_t)distance : PTRDIFF_MAX / 2;
}

ZM_COLD void zm_growth_see_moved(void *from, void *to)
{
	const struct zm_client *by = client();
	int saved_errno = errno;

	if (by != NULL && by->moved != NULL)
		by->moved(from, to);
	errno = saved_errno;
}

ZM_COLD void zm_growth_see_gone(void *ptr)
{
	zm_growth_see_moved(ptr, NULL);
}

void zm_growth_see_arena_end(const void *arena)
{
	const struct zm_client *by = client();

	if (by != NULL && by->arena_ended != NULL)
		by->arena_ended(arena);
}

/* ---- Marks ------------------------------------------------------------------------------------ */

#if ZM_RAW_WATCHES

#define WATCHED_MARKS ((uint32_t)ZM_WATCH_BYTES >> ZM_MARK_SHIFT)
#define MARKED_SPAN_BYTES ((uintptr_t)1 << (ZM_MARK_BITS + ZM_MARK_SHIFT))

_Static_assert(ZM_WATCH_SPAN_BYTES % MARKED_SPAN_BYTES == 0,
	       "what is watched at once must have its marks together");

static bool has_marks_about(const void *ptr)
{
	uint32_t first = zm_mark_of(ptr) / WATCHED_MARKS * WATCHED_MARKS;

	for (uint32_t mark = first; mark < first + WATCHED_MARKS; mark++)
		if (zm_load(&zm_marks[mark]) != 0)
			return true;
	return false;
}

/* All that share these marks: another's was left watched while there was one of them. */
static void watch_no_longer(const void *ptr)
{
	for (uintptr_t apart = 0; apart < ZM_WATCH_SPAN_BYTES; apart += MARKED_SPAN_BYTES)
		zm_raw_watch((const void *)((uintptr_t)ptr + apart), false);
}

#endif

/* In this order: whoever comes by as the block is watched finds the mark. */
void zm_mark(const void *ptr)
{
	zm_store(&zm_marks[zm_mark_of(ptr)], 1);
#if ZM_RAW_WATCHES
	zm_raw_watch(ptr, true);
#endif
}

void zm_unmark(const void *ptr)
{
	zm_store(&zm_marks[zm_mark_of(ptr)], 0);
#if ZM_RAW_WATCHES
	if (!has_marks_about(ptr))
		watch_no_longer(ptr);
#endif
}

/* ---- How a thread compares -------------------------------------------------------------------- */

void zm_growth_set(bool is_wanted)
{
	zm_assert(zm_lock_is_mine(&zm_account.lock));
	if (is_wanted == zm_growth_is_on())
		return;
	last_round += is_wanted;
	if (is_wanted && last_round == 0)
		last_round = 1;
	zm_store_release(&zm_growth_round, is_wanted ? last_round : 0);
}

/* What the calling thread has allocated, from some beginning on. */
static ptrdiff_t grown(const struct zm_thread *self)
{
#if ZM_COUNT_BORROWED
	return (ptrdiff_t)*self->allocated;
#else
	return zm_load(&self->counter->net_bytes);
#endif
}

static bool is_fast(const struct zm_thread *self)
{
	return self->state == ZM_THREAD_LIVE && zm_growth_is_kept(self);
}

/* bytes: of the block that brought it here, the first that it is asked about. */
static ZM_COLD void follow(struct zm_thread *self, size_t bytes)
{
	uint32_t round = zm_load(&zm_growth_round);
	ptrdiff_t distance = round != 0 ? ask(NULL, 0, NULL) : 0;

	zm_lock(&zm_account.lock);
#if ZM_COUNT_BORROWED
	self->freed = round != 0 ? &nothing_freed : self->counter->freed;
#else
	self->shrinks_at = round != 0 ? &self->counter->shrunk_bytes : &self->counter->net_bytes;
#endif
	zm_store(&self->growth_round, round);
	zm_store(&self->sample_at_bytes, grown(self) - (ptrdiff_t)bytes + distance);
	zm_account_tell_ceiling(self->counter);
	zm_unlock(&zm_account.lock);
}

/* ---- New blocks ------------------------------------------------------------------------------- */

static inline bool is_due(size_t bytes)
{
	const struct zm_thread *self = &zm_thread;
	uint32_t round = zm_load(&zm_growth_round);
	ptrdiff_t more = ZM_COUNT_BORROWED ? 0 : (ptrdiff_t)bytes;

	if (!is_fast(self))
		return round != 0;
	return round != zm_load(&self->growth_round) ||
	       (round != 0 && grown(self) + more >= zm_load(&self->sample_at_bytes));
}

bool zm_growth_is_due(size_t bytes)
{
	return is_due(bytes);
}

/* Threads come by often, and nearly always for this. */
ZM_NOINLINE bool zm_growth_only(size_t bytes)
{
	struct zm_thread *self = &zm_thread;

	if (!zm_growth_is_on() || is_due(bytes) ||
	    !zm_account_is_under_ceiling(ZM_COUNT_BORROWED ? 0 : bytes))
		return false;
#if ZM_COUNT_SIZES
	zm_store(&self->counter->net_bytes, grown(self) + (ptrdiff_t)bytes);
#endif
	zm_account_get_ceiling(self->counter);
	return true;
}

static void see_new_slowly(void *ptr, size_t bytes, const void *arena)
{
	uint32_t round = zm_load(&zm_growth_round);

	if (slow.round != round) {
		slow.round = round;
		slow.left_bytes = round != 0 ? ask(NULL, 0, NULL) : 0;
	}
	if (round == 0)
		return;
	slow.left_bytes -= (ptrdiff_t)bytes;
	if (slow.left_bytes <= 0)
		slow.left_bytes = ask(ptr, bytes, arena);
}

ZM_COLD void zm_growth_see_new(void *ptr, size_t bytes, const void *arena)
{
	struct zm_thread *self = &zm_thread;

	if (!zm_growth_is_on() && zm_load(&self->growth_round) == 0)
		return;
	if (!is_fast(self)) {
		see_new_slowly(ptr, bytes, arena);
		return;
	}
	if (zm_load(&self->growth_round) != zm_load(&zm_growth_round))
		follow(self, bytes);
	if (zm_load(&self->growth_round) == 0)
		return;
	if (grown(self) >= zm_load(&self->sample_at_bytes))
		zm_store(&self->sample_at_bytes, grown(self) + ask(ptr, bytes, arena));
	zm_account_renew_ceiling(self->counter);
}

void zm_growth_skip(size_t bytes)
{
	struct zm_thread *self = &zm_thread;

	if (zm_load(&self->growth_round) == 0 || !is_fast(self))
		return;
	zm_store(&self->sample_at_bytes, zm_load(&self->sample_at_bytes) + (ptrdiff_t)bytes);
	zm_account_renew_ceiling(self->counter);
}

/* ---- Resizes ---------------------------------------------------------------------------------- */

void zm_growth_resize_begin(struct zm_growth_resize *resize, void *ptr)
{
	resize->ptr = ptr;
	resize->old_bytes = zm_raw_charged(ptr);
	resize->grown_bytes = is_fast(&zm_thread) ? grown(&zm_thread) : 0;
	resize->is_sampled = zm_is_marked(ptr);
	/* No block is here. */
	if (resize->is_sampled)
		zm_growth_see_moved(ptr, resize);
}

void zm_growth_resize_end(struct zm_growth_resize *resize, void *moved)
{
	size_t bytes = moved != NULL ? zm_raw_charged(moved) : 0;
	bool stays = moved == NULL || (moved == resize->ptr && bytes == resize->old_bytes);

	if (resize->is_sampled)
		zm_growth_see_moved(resize, stays ? resize->ptr : NULL);
	if (moved == NULL)
		return;
	if (stays && ZM_COUNT_BORROWED && is_fast(&zm_thread))
		zm_growth_skip((size_t)(grown(&zm_thread) - resize->grown_bytes));
	if (stays) {
		zm_account_resized(0, 0);
	} else {
		zm_account_resized(resize->old_bytes, bytes);
		zm_growth_see_new(moved, bytes, NULL);
	}
}
