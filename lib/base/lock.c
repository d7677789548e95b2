/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/lock.c - locks with a holder, and the one under which all that is made once is made.
 */
#include "config.h"

#include "base/lock.h"

#include "base/assert.h"
#include "base/fork.h"

ZM_TLS char zm_lock_thread;

/* How many locks the calling thread holds. */
static ZM_TLS unsigned held;

/* Another thread's number, or none, is never taken for the caller's own, however old it is. */
bool zm_lock_is_mine(const struct zm_lock *lock)
{
	return zm_load(&lock->holder) == zm_lock_self();
}

bool zm_lock_is_any_mine(void)
{
	return held != 0;
}

void zm_lock(struct zm_lock *lock)
{
	if (zm_lock_is_mine(lock)) {
		lock->again++;
		return;
	}
	pthread_mutex_lock(&lock->mutex);
	zm_store(&lock->holder, zm_lock_self());
	held++;
}

bool zm_trylock(struct zm_lock *lock)
{
	if (zm_lock_is_mine(lock)) {
		lock->again++;
		return true;
	}
	if (pthread_mutex_trylock(&lock->mutex) != 0)
		return false;
	zm_store(&lock->holder, zm_lock_self());
	held++;
	return true;
}

void zm_unlock(struct zm_lock *lock)
{
	zm_assert(zm_lock_is_mine(lock));
	if (lock->again != 0) {
		lock->again--;
		return;
	}
	held--;
	zm_store(&lock->holder, 0);
	pthread_mutex_unlock(&lock->mutex);
}

/* ---- Once ---- */

/*
 * One lock for all: what is made once is made at the beginning of the process or of a feature, and
 * some of it makes other such things.
 */
static struct zm_lock once_lock = ZM_LOCK_INITIALIZER;

bool zm_once_slowly(struct zm_once *once, void (*make)(void))
{
	bool done;

	zm_lock(&once_lock);
	if (zm_load(&once->state) == ZM_ONCE_NEW) {
		zm_store(&once->state, ZM_ONCE_BEGUN);
		make();
		zm_store_release(&once->state, ZM_ONCE_DONE);
	}
	done = zm_load(&once->state) == ZM_ONCE_DONE;
	zm_unlock(&once_lock);
	return done;
}

bool zm_once_is_making(void)
{
	return zm_lock_is_mine(&once_lock);
}

void zm_once_hold(void)
{
	zm_lock(&once_lock);
}

void zm_once_let_go(void)
{
	zm_unlock(&once_lock);
}
