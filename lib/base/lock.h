/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/lock.h - locks that live through fork(), and what is made once.
 *
 * The thread that holds a lock may take it again. That is for fork() and for beginnings only, where
 * all that the lock guards is at rest: handlers of the program's may allocate while ours hold every
 * lock, and what is made once may call the program's own malloc(), which may be built on this
 * library. Nothing else of ours takes a lock twice.
 *
 * The order of all locks, and what a fork does with them, is in lib/base/fork.h.
 */
#ifndef ZM_LOCK_H
#define ZM_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/compiler.h"

struct zm_lock {
	pthread_mutex_t mutex;
	/* zm_lock_self() of the holder, or 0. Only a thread's own value tells it anything. */
	ZM_ATOMIC(uintptr_t) holder;
	unsigned again; /* times that the holder has taken it on top of the first */
};
#define ZM_LOCK_INITIALIZER                                                                        \
	{                                                                                          \
		.mutex = PTHREAD_MUTEX_INITIALIZER                                                 \
	}

extern ZM_TLS char zm_lock_thread;

/*
 * A number of the calling thread's among all that live, not 0. The child of a fork keeps that of the
 * thread that forked, which the kernel's and POSIX's numbers of a thread do not promise.
 */
ZM_INLINE uintptr_t zm_lock_self(void)
{
	return (uintptr_t)&zm_lock_thread;
}

void zm_lock(struct zm_lock *lock);
/* False: another thread has it. */
bool zm_trylock(struct zm_lock *lock);
void zm_unlock(struct zm_lock *lock);

/* Does the calling thread have it? */
bool zm_lock_is_mine(const struct zm_lock *lock);

/* Does the calling thread have any lock of the library's? Then it must not call the program. */
bool zm_lock_is_any_mine(void);

/* ---- Once ----------------------------------------------------------------------------------- */

/*
 * What pthread_once() does, but for two things. A child never finds it half done, for fork() waits
 * for whoever is at it: of pthread_once() POSIX says nothing, glibc begins again in the child, musl
 * waits for a thread that is not there. And a call out of `make` itself comes back, and is told so.
 */
struct zm_once {
	ZM_ATOMIC(int) state; /* enum zm_once_state */
};

enum zm_once_state {
	ZM_ONCE_NEW,
	ZM_ONCE_BEGUN,
	ZM_ONCE_DONE
};

/* The rest of zm_once(). */
bool zm_once_slowly(struct zm_once *once, void (*make)(void));

/* True: it is made. False: the calling thread is about to make it, further up its stack. */
ZM_INLINE bool zm_once(struct zm_once *once, void (*make)(void))
{
	return zm_likely(zm_load_acquire(&once->state) == ZM_ONCE_DONE) ||
	       zm_once_slowly(once, make);
}

/* Is the calling thread inside a `make` of somebody's? */
bool zm_once_is_making(void);

#endif
