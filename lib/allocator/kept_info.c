/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/kept_info.c - the last figures.
 *
 * The lock is for the copy alone, not for the allocator's walk: two threads may take figures at once,
 * each its own, and the fork that waits for the lock never waits for a lock of the allocator's.
 */
#include "config.h"

#include "allocator/kept_info.h"

#include "base/fork.h"
#include "base/lock.h"

static struct {
	struct zm_lock lock;
	struct zm_once once;
	struct zm_allocator_info last;
	bool taken;
} kept = {.lock = ZM_LOCK_INITIALIZER};

static void lock(void)
{
	zm_lock(&kept.lock);
}

static void unlock(void)
{
	zm_unlock(&kept.lock);
}

/* Without handlers for fork(), for want of memory, the lock is as good as it can be. */
static void keep_over_fork(void)
{
	static const struct zm_fork_room room = {lock, unlock, unlock};

	zm_fork_join(ZM_FORK_FIGURES, &room);
}

static bool copy_kept(struct zm_allocator_info *info)
{
	bool taken;

	lock();
	taken = kept.taken;
	*info = kept.last;
	unlock();
	return taken;
}

static void keep_copy(const struct zm_allocator_info *info)
{
	lock();
	kept.last = *info;
	kept.taken = true;
	unlock();
}

bool zm_kept_info(bool refresh, void (*read)(struct zm_allocator_info *info),
		  struct zm_allocator_info *info)
{
	zm_once(&kept.once, keep_over_fork);
	if (refresh || !copy_kept(info)) {
		read(info);
		keep_copy(info);
	}
	return info->active != ZM_UNKNOWN;
}
