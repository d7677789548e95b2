/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/free.c - how each thread frees: at once, past the clients or into an arena.
 *
 * zfree() of a thread whose allocator counts for us is a jump through a pointer of the thread's
 * own. All that is out of the ordinary is a function put there.
 */
#include "config.h"

#include "account/client.h"
#include "account/state.h"

#include <errno.h>

#include "account/growth.h"
#include "allocator/arena.h"

/* ---- How far a figure falls ---------------------------------------------------------------------- */

/* Written under the lock. */
static ZM_ATOMIC(unsigned) round_of_falls;

static ZM_TLS struct {
	ptrdiff_t highest_bytes;  /* before any free since the last question */
	ptrdiff_t patience_bytes; /* how far it may fall from there until the next */
	unsigned round;           /* of round_of_falls, at the last question */
} fall;

void zm_account_watch_falls_anew(void)
{
	zm_assert(zm_lock_is_mine(&zm_account.lock));
	zm_fetch_add(&round_of_falls, 1);
}

void zm_account_see_fall(ptrdiff_t freed_bytes)
{
	ptrdiff_t figure;
	unsigned round;

	zm_clients_see_tick();
	if (!(zm_load(&zm_thread.slow) & ZM_SLOW_FREES))
		return;
	figure = zm_account_thread_net();
	round = zm_load(&round_of_falls);
	if (round == fall.round) {
		if (figure + freed_bytes > fall.highest_bytes)
			fall.highest_bytes = figure + freed_bytes;
		if (fall.highest_bytes - figure < fall.patience_bytes)
			return;
	}
	fall.round = round;
	fall.highest_bytes = figure;
	fall.patience_bytes = (ptrdiff_t)zm_clients_see_fell();
}

/* ---- A free past the fast path ------------------------------------------------------------------- */

/*
 * An arena frees what it lists when it is reset, so what it lists must not be a client's to free as well.
 * An allocator that knows its arenas' blocks by itself leaves the free to us.
 */
static bool free_of_any_arena(void *ptr)
{
	if (zm_arena_free(ptr))
		return true;
	if (!zm_arena_may_own(ptr))
		return false;
	zm_raw_free(ptr);
	return true;
}

/*
 * Free a block of an arena; show any other that the program freed to the clients, one of whom may keep it,
 * else give it to the allocator. True: it is kept.
 */
static bool free_or_hold(void *ptr)
{
	if (zm_load(&zm_account.routed) && free_of_any_arena(ptr))
		return false;
	if ((zm_clients_need() & ZM_CLIENT_EVERY_CALL) && zm_clients_see_died(ptr, false))
		return true;
	zm_raw_free(ptr);
	return false;
}

/* By a thread that does so for the sake of a clock, and counts for itself. */
static void free_and_tick(void *ptr)
{
	zm_thread_shrink((ptrdiff_t)zm_raw_charged(ptr));
	zm_raw_free(ptr);
	zm_clients_see_tick();
}

/* By a thread that compares growth alone, and counts for itself. */
static void free_and_shrink(void *ptr)
{
	size_t bytes;

	zm_growth_see_end(ptr);
	bytes = zm_raw_charged(ptr);
	zm_thread_shrink((ptrdiff_t)bytes);
	zm_raw_free(ptr);
}

/*
 * Slow path of zfree(): this thread has not joined, has already left, or has a client that must see frees.
 */
ZM_COLD void zm_free_unsettled(void *ptr)
{
	int saved_errno = errno;
	size_t bytes;

	if (ptr == NULL)
		return;
	if (ZM_COUNT_SIZES && zm_load(&zm_thread.slow) == ZM_SLOW_TICKS) {
		free_and_tick(ptr);
		errno = saved_errno;
		return;
	}
	if (ZM_COUNT_SIZES && zm_load(&zm_thread.slow) == ZM_SLOW_GROWTH) {
		free_and_shrink(ptr);
		errno = saved_errno;
		return;
	}
	if (zm_thread.state == ZM_THREAD_NEW)
		zm_account_join();
	if (zm_growth_is_on())
		zm_growth_see_end(ptr);
	bytes = zm_raw_charged(ptr);
	if (free_or_hold(ptr) || !zm_thread.borrows)
		zm_account_gone(bytes);
	else
		zm_account_see_fall((ptrdiff_t)bytes);
	errno = saved_errno;
}

#if ZM_RAW_COUNTS

void zm_free_sized_unsettled(void *ptr, size_t size, int flags)
{
	(void)size, (void)flags;
	zm_free_unsettled(ptr);
}

/* For allocators, or settings of theirs, whose frees do not keep it. */
static void free_keeping_errno(void *ptr)
{
	int saved_errno = errno;

	zm_raw_free(ptr);
	errno = saved_errno;
}

static void free_sized_keeping_errno(void *ptr, size_t size, int flags)
{
	int saved_errno = errno;

	zm_raw_free_sized_address()(ptr, size, flags);
	errno = saved_errno;
}

/* ---- While there are arenas ----------------------------------------------------------------- */

/* Their blocks go back past the threads' caches; for all others it is a jump, as without arenas. */
static ZM_COLD void free_of_arena(void *ptr)
{
	int saved_errno = errno;

	zm_arena_free(ptr);
	errno = saved_errno;
}

static void free_routed(void *ptr)
{
	if (zm_arena_may_own(ptr))
		free_of_arena(ptr);
	else if (zm_thread.keeps_errno)
		zm_raw_free(ptr);
	else
		free_keeping_errno(ptr);
}

static void free_sized_routed(void *ptr, size_t size, int flags)
{
	if (zm_arena_may_own(ptr))
		free_of_arena(ptr);
	else if (zm_thread.keeps_errno)
		zm_raw_free_sized_address()(ptr, size, flags);
	else
		free_sized_keeping_errno(ptr, size, flags);
}

/* ---- While a client wants every call ------------------------------------------------------ */

/* What is held has not moved the allocator's counters, but the program has freed it. */
static void free_sized_shown(void *ptr, size_t size, int flags)
{
	int saved_errno = errno;
	size_t bytes = zm_raw_charged(ptr);

	(void)size, (void)flags;
	if (zm_growth_is_on())
		zm_growth_see_end(ptr);
	if (free_or_hold(ptr))
		zm_account_correct(-(ptrdiff_t)bytes);
	else
		zm_account_see_fall((ptrdiff_t)bytes);
	errno = saved_errno;
}

static void free_shown(void *ptr)
{
	if (ptr != NULL)
		free_sized_shown(ptr, 0, 0);
}

/* ---- While a client goes by time ----------------------------------------------------------------- */

static void free_ticking(void *ptr)
{
	free_routed(ptr);
	zm_clients_see_tick();
}

static void free_sized_ticking(void *ptr, size_t size, int flags)
{
	free_sized_routed(ptr, size, flags);
	zm_clients_see_tick();
}

/* ---- While a client wants to know how far figures fall ----------------------------------------- */

static void free_watched(void *ptr)
{
	ptrdiff_t before = zm_account_thread_net();

	if (zm_load(&zm_account.routed))
		free_routed(ptr);
	else
		free_keeping_errno(ptr);
	zm_account_see_fall(before - zm_account_thread_net());
}

static void free_sized_watched(void *ptr, size_t size, int flags)
{
	(void)size, (void)flags;
	free_watched(ptr);
}

/* ---- Which of them -------------------------------------------------------------------------- */

struct ways {
	zm_free_function free;
	zm_free_sized_function free_sized;
};

static struct ways ways_of(const struct zm_thread *thread, unsigned char slow)
{
	if (slow & ZM_SLOW_CALLS)
		return (struct ways){free_shown, free_sized_shown};
	if (slow & ZM_SLOW_FREES)
		return (struct ways){free_watched, free_sized_watched};
	if (slow & ZM_SLOW_TICKS)
		return (struct ways){free_ticking, free_sized_ticking};
	if (slow & ZM_SLOW_ARENAS)
		return (struct ways){free_routed, free_sized_routed};
	if (thread->keeps_errno)
		return (struct ways){zm_raw_free_address(), zm_raw_free_sized_address()};
	return (struct ways){free_keeping_errno, free_sized_keeping_errno};
}

/* ---- While growth alone is seen ----------------------------------------------------------------- */

/* Of a thread with nothing else to see to, whose allocator keeps errno. */
static ZM_HOT void free_marked_quickly(void *ptr)
{
	zm_growth_see_end(ptr);
	zm_raw_free(ptr);
}

static void free_sized_marked_quickly(void *ptr, size_t size, int flags)
{
	zm_growth_see_end(ptr);
	zm_raw_free_sized_address()(ptr, size, flags);
}

static void free_marked(void *ptr)
{
	zm_growth_see_end(ptr);
	ways_of(&zm_thread, zm_load(&zm_thread.slow)).free(ptr);
}

static void free_sized_marked(void *ptr, size_t size, int flags)
{
	zm_growth_see_end(ptr);
	ways_of(&zm_thread, zm_load(&zm_thread.slow)).free_sized(ptr, size, flags);
}

static void tell_free(struct zm_thread *thread, unsigned char slow)
{
	struct ways ways = ways_of(thread, slow);

	if (slow == ZM_SLOW_GROWTH && thread->keeps_errno)
		ways = (struct ways){free_marked_quickly, free_sized_marked_quickly};
	else if ((slow & ZM_SLOW_GROWTH) && !(slow & ZM_SLOW_CALLS))
		ways = (struct ways){free_marked, free_sized_marked};
	zm_store(&thread->free, ways.free);
	zm_store(&thread->free_sized, ways.free_sized);
}

#else

static void tell_free(struct zm_thread *thread, unsigned char slow)
{
	(void)thread, (void)slow;
}

#endif

void zm_account_tell_functions(struct zm_thread *thread)
{
	unsigned char needs = zm_clients_need(), slow = 0;

	if (needs & ZM_CLIENT_EVERY_CALL)
		slow |= ZM_SLOW_CALLS;
	if (needs & ZM_CLIENT_EVERY_RESIZE)
		slow |= ZM_SLOW_RESIZES;
	if (needs & ZM_CLIENT_EVERY_FREE)
		slow |= ZM_SLOW_FREES;
	if (needs & ZM_CLIENT_TICKS)
		slow |= ZM_SLOW_TICKS;
	if (needs & ZM_CLIENT_GROWTH)
		slow |= ZM_SLOW_GROWTH;
	if (zm_load(&zm_account.routed))
		slow |= ZM_SLOW_ARENAS;
	if (ZM_RAW_COUNTS && !thread->borrows)
		slow |= ZM_SLOW_UNKNOWN;
	else
		tell_free(thread, slow);
	zm_store(&thread->slow, slow);
}

void zm_account_tell_all(void)
{
	for (struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load(&chunk->next))
		for (size_t i = 0; i < ZM_CHUNK_COUNTERS; i++)
			if (chunk->counters[i].owner != NULL) {
				zm_account_tell_ceiling(&chunk->counters[i]);
				zm_account_tell_functions(chunk->counters[i].owner);
			}
}

/*
 * The lock is taken whether there were arenas before or not: whoever comes second must not have its
 * arena until the first has told every thread.
 */
void zm_account_route(void)
{
	zm_account_begin();
	zm_lock(&zm_account.lock);
	if (!zm_load(&zm_account.routed)) {
		zm_store_release(&zm_account.routed, true);
		zm_account_tell_all();
	}
	zm_unlock(&zm_account.lock);
}
