/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/alloc/flags.c - the allocation family with jemalloc's flags.
 *
 * For callers who pick arenas or bypass caches, which are slow anyway: every call takes the cold
 * path.
 */
#include "config.h"

#include <errno.h>

#include <zmalloc/redis.h>

#include "account/account.h"
#include "account/client.h"
#include "account/growth.h"
#include "alloc/alloc.h"
#include "alloc/oom.h"
#include "allocator/arena.h"
#include "allocator/native.h"

/* NULL: there is none. */
static void *take(size_t size, int flags)
{
	return size <= PTRDIFF_MAX ? zm_native_malloc(size, flags) : NULL;
}

void *zmalloc_with_flags(size_t size, int flags)
{
	void *ptr = take(size, flags);

	ZM_GROWTH_NOTE_CALLER();
	if (ptr != NULL && !zm_settled(ptr, ZM_LOOK_UP))
		ptr = zm_new_settle(ptr, ZM_LOOK_UP);
	return ptr != NULL ? ptr : zm_oom(size);
}

static void *resize_granted(void *ptr, size_t size, int flags)
{
	struct zm_growth_resize resize;
	void *moved;

	/* A client sees a resize as a new block and the end of the old one. */
	if (zm_resizes_slowly() && (zm_arena_may_own(ptr) || zm_clients_have_blocks_move()))
		return zm_move_granted(ptr, take(size, flags), size);
	zm_growth_resize_begin(&resize, ptr);
	moved = size <= PTRDIFF_MAX ? zm_native_realloc(ptr, size, flags) : NULL;
	zm_growth_resize_end(&resize, moved);
	return moved;
}

/* NULL: nothing was done. */
static void *resize(void *ptr, size_t size, int flags)
{
	void *moved;

	ZM_GROWTH_NOTE_CALLER();
	if (zm_thread.state == ZM_THREAD_NEW)
		zm_account_join();
	if (!zm_resizes_slowly())
		return resize_granted(ptr, size, flags);
	if (!zm_resize_may_grow(ptr, size))
		return NULL;
	moved = resize_granted(ptr, size, flags);
	zm_account_has_grown();
	return moved;
}

void *zrealloc_with_flags(void *ptr, size_t size, int flags)
{
	void *moved;

	if (ptr == NULL)
		return zmalloc_with_flags(size, flags);
	if (size == 0) {
		zfree_with_flags(ptr, flags);
		return NULL;
	}
	moved = resize(ptr, size, flags);
	return moved != NULL ? moved : zm_oom(size);
}

void zfree_with_flags(void *ptr, int flags)
{
	int saved_errno = errno;
	size_t bytes;

	if (ptr == NULL)
		return;
	if (zm_thread.state == ZM_THREAD_NEW)
		zm_account_join();
	/* Flags of a free are a hint: which cache takes the block. Clients and arenas come first. */
	if (zm_frees_slowly()) {
		zfree(ptr);
		return;
	}
	/* Nobody has stopped this free at the page of a marked block. */
	zm_growth_see_end(ptr);
	bytes = zm_raw_charged(ptr);
	zm_native_free(ptr, flags);
	if (!zm_thread.borrows)
		zm_account_gone(bytes);
	errno = saved_errno;
}
