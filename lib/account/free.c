/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/free.c - how each thread frees: at once, past a watch or into an arena.
 *
 * zfree() of a thread whose allocator counts for us is a jump through a pointer of the thread's
 * own. All that is out of the ordinary is a function put there.
 */
#include "config.h"

#include "account/state.h"

#include <errno.h>

#include "allocator/arena.h"

const struct zm_watch *zm_account_watched(void)
{
	return zm_load_acquire(&zm_account.watch);
}

/*
 * Free a block of an arena; let the watch have any other that the program freed, else give it to the
 * allocator. True: the watch has it. An arena frees what it lists when it is reset, so what it lists
 * must not be the watch's to free as well.
 */
static bool free_or_hold(void *ptr)
{
	const struct zm_watch *watch;

	if (zm_load(&zm_account.routed) && zm_arena_free(ptr))
		return false;
	watch = zm_account_watched();
	if (watch != NULL && watch->died(ptr))
		return true;
	zm_raw_free(ptr);
	return false;
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
	if (zm_thread.state == ZM_THREAD_NEW)
		zm_account_join();
	bytes = zm_raw_charged(ptr);
	if (free_or_hold(ptr) || !zm_thread.borrows)
		zm_account_gone(bytes);
	if (zm_unlikely(zm_load(&zm_account.child_due)))
		zm_account_go_on_in_child();
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

/* ---- While there is a watch ----------------------------------------------------------------- */

/* What is held has not moved the allocator's counters, but the program has freed it. */
static void free_sized_watched(void *ptr, size_t size, int flags)
{
	int saved_errno = errno;
	size_t bytes = zm_raw_charged(ptr);

	(void)size, (void)flags;
	if (free_or_hold(ptr))
		zm_account_correct(-(ptrdiff_t)bytes);
	errno = saved_errno;
}

static void free_watched(void *ptr)
{
	if (ptr != NULL)
		free_sized_watched(ptr, 0, 0);
}

/* ---- Which of them -------------------------------------------------------------------------- */

void zm_account_tell_functions(struct zm_thread *thread)
{
	bool watched = zm_load(&zm_account.watch) != NULL, due = zm_load(&zm_account.child_due);

	zm_store(&thread->watched, watched || due || zm_load(&zm_account.routed));
	if (!thread->borrows)
		return;
	if (due) {
		zm_store(&thread->free, zm_free_unsettled);
		zm_store(&thread->free_sized, zm_free_sized_unsettled);
	} else if (watched) {
		zm_store(&thread->free, free_watched);
		zm_store(&thread->free_sized, free_sized_watched);
	} else if (zm_load(&zm_account.routed)) {
		zm_store(&thread->free, free_routed);
		zm_store(&thread->free_sized, free_sized_routed);
	} else if (thread->keeps_errno) {
		zm_store(&thread->free, zm_raw_free_address());
		zm_store(&thread->free_sized, zm_raw_free_sized_address());
	} else {
		zm_store(&thread->free, free_keeping_errno);
		zm_store(&thread->free_sized, free_sized_keeping_errno);
	}
}

#else

void zm_account_tell_functions(struct zm_thread *thread)
{
	zm_store(&thread->watched, zm_load(&zm_account.watch) != NULL ||
					   zm_load(&zm_account.child_due) ||
					   zm_load(&zm_account.routed));
}

#endif

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

void zm_account_watch(const struct zm_watch *watch)
{
	zm_account_begin();
	zm_lock(&zm_account.lock);
	zm_store_release(&zm_account.watch, watch);
	zm_account_tell_all();
	zm_unlock(&zm_account.lock);
}
