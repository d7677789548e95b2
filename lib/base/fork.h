/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/fork.h - every lock of the library: the order in which they are taken, and what fork() does
 * with them.
 *
 * A thread that holds one lock takes another only if that stands further down:
 *
 *   place      lock, and who has it                              what a child finds
 *   ALLOCATOR  none: what an allocator needs on the thread that  -
 *              forks while no lock of ours is held, any number
 *              of times
 *   DEFRAG     zm_cycle.lock; then its gate, closed              a cycle between two steps
 *   PUBLISH    the page's: who makes, renews or removes it       a whole page, or none
 *   PRESSURE   the watches: who opens, reads or ends one         no watch
 *   PROFILE    who starts or ends the heap profile               it is on, or off
 *   ARENAS     life.lock: who makes or ends an arena; then       whole arenas, in the account with
 *              each arena's own, or the list of their blocks     what is in them
 *   FIGURES    what the adaptor keeps of the last figures        the last figures
 *   ONCE       whoever makes what is made once (lock.h)          each made, or not begun
 *   ACCOUNT    zm_account.lock                                   whole records, all limits
 *   SAMPLES    the tables of the heap profile                    whole tables
 *
 * The allocator's and the C library's own locks come after ours.
 *
 * There is one set of handlers for pthread_atfork(), installed with the account at the beginning of
 * the process. It takes all of these before the fork, in this order, and each room lets go of its
 * own afterwards, on both sides, the last first. A room joins before its lock is used for the first
 * time, in any thread, at any moment: a store, under the lock ONCE, which the fork holds. Nothing
 * is registered with the system later: up to glibc 2.35 that would wait for a fork that is under
 * way, for ever if it is the handlers' thread.
 *
 * Handlers that the program installed before ours run while ours hold everything. They are on the
 * thread that holds it, which may take each once more (lib/base/lock.h).
 *
 * What holds no lock at a fork, and why that does: gates and words that one store settles (the arena
 * caches' holder, `kept` of jemalloc_errno.c) are waited for by their room, or right at any value.
 */
#ifndef ZM_FORK_H
#define ZM_FORK_H

enum zm_fork_place {
	ZM_FORK_ALLOCATOR,
	ZM_FORK_DEFRAG,
	ZM_FORK_PUBLISH,
	ZM_FORK_PRESSURE,
	ZM_FORK_PROFILE,
	ZM_FORK_ARENAS,
	ZM_FORK_FIGURES,
	ZM_FORK_ONCE,
	ZM_FORK_ACCOUNT,
	ZM_FORK_SAMPLES,
	ZM_FORK_PLACES
};

struct zm_fork_room {
	void (*before)(void);
	void (*in_parent)(void);
	void (*in_child)(void);
};

/*
 * Have a room's handlers called from the next fork on. To be called out of zm_once(). `room` stays.
 * 0, or an errno value: there is no memory to install the handlers; of the first call only.
 */
int zm_fork_join(enum zm_fork_place place, const struct zm_fork_room *room);

/* ---- Of lib/base/lock.c, for lib/base/fork.c ---- */

void zm_once_hold(void);
void zm_once_let_go(void);

#endif
