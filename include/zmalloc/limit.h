/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zmalloc/limit.h - limits on used memory: a hard one, at which allocations fail, and soft ones, which
 * call the program.
 *
 * A limit is on zmalloc_used_memory(), which what the allocator and the program need besides is not
 * part of: leave room for it under the limit of the machine or of the container. Nothing is slower
 * while memory is far from every limit, but for resizes under a hard limit and frees over a soft one;
 * near a limit threads settle up more often, at it with each allocation.
 *
 * All functions are thread-safe and not async-signal-safe; none of them allocates. The child of a
 * fork() has the limits of its parent, for an account of its own.
 */
#ifndef ZMALLOC_LIMIT_H
#define ZMALLOC_LIMIT_H

#include "../zmalloc.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The hard limit of this process, in bytes. An allocation that would pass it fails as if the allocator
 * had no memory left: zmalloc() and those like it call the handler for that, ztrymalloc() and those like
 * it return NULL with ENOMEM. A resize that would pass it leaves the block as it was. Memory that is
 * freed below the limit can be had at once. Threads that grow at the same time may be over by the blocks
 * that they are just getting, one for each thread.
 *
 * bytes    0, and more than PTRDIFF_MAX, which nobody can reach: there is no limit. More than the
 *          machine has: the system's refusals come first. Less than what is used: nothing is freed, and
 *          whatever grows is refused until enough has been freed.
 * Returns  0; 1: the limit is set and less than what is used
 *
 * ZMALLOC_LIMIT in the environment does this when the library is loaded: a number of bytes; one with K,
 * M, G or T behind it, as in 512M (units of 1,024); or a part of zmalloc_get_memory_limit(), as in 80%,
 * from 1 to 100. Anything else is told on stderr, and there is no limit. A later call sets another limit,
 * or none. A program whose file gives it rights that its user has not ignores the environment.
 */
ZMALLOC_API int zmalloc_limit_set(size_t bytes);

/* The hard limit; 0: there is none. */
ZMALLOC_API size_t zmalloc_limit_get(void);

/* How many soft limits there may be at a time. Whoever passes a threshold looks at each of them. */
#define ZMALLOC_SOFT_LIMITS_MAX 64

/*
 * Have `callback` called when used memory passes `bytes`, by the thread that did, before its allocation
 * returns, in the thread's last destructors too. The block is in use by then. It is called again once
 * memory has fallen by the hysteresis, to bytes - hysteresis or less, and passes the limit anew. The fall
 * is noticed with the frees of all threads, at most 64 KiB a thread late, and near it at most an eighth of
 * the hysteresis or 1 KiB, whichever is more. If so much is used already, it is called before this
 * returns.
 *
 * The callback may do whatever the thread may do where it allocates: allocate, free, set, add and remove
 * limits, also its own, and fork. It must return. No lock of the library is held. It is not called again, by
 * any thread, before it has returned; that of another limit may be called from inside. Of several that
 * are passed at once the lowest comes first. Where a thread allocates inside the library's own work (in a
 * step of a defragmentation, in a handler of fork()), the thread that grows next calls it.
 *
 * The library is whole where it calls; the program may not be. What the thread has locked and what it is
 * about to link where it allocates, the callback cannot see, so one that is to drop what the program keeps
 * best leaves word, and the program drops it where nothing is half done: examples/cache.c does, with room for
 * that between the soft limit and the hard one.
 *
 * bytes        from 1 to PTRDIFF_MAX. One that is over the hard limit, or more than the machine has, is
 *              not reached.
 * hysteresis   in bytes, from 0 to `bytes`
 * limit_bytes  of the callback: `bytes`
 * used_bytes   of the callback: what is used when it is called
 * argument     passed through
 * Returns      a number for zmalloc_soft_limit_remove(), over 0; -1 with errno
 * Errors       EINVAL: one of the above; ENOSPC: there are ZMALLOC_SOFT_LIMITS_MAX
 */
ZMALLOC_API int zmalloc_soft_limit_add(size_t bytes, size_t hysteresis,
				       void (*callback)(size_t limit_bytes, size_t used_bytes,
							void *argument),
				       void *argument);

/*
 * Remove a soft limit. Its callback is not called any more; one that runs in another thread is waited
 * for, so hold no lock that it takes.
 * Returns  0; -1 with errno
 * Errors   ENOENT: there is none of that number (any more)
 */
ZMALLOC_API int zmalloc_soft_limit_remove(int number);

/*
 * Have the heap profile written each time that used memory passes a soft limit, before its callback is called:
 * where ZMALLOC_PROFILE_DIR says, at most once a minute (zmalloc_profile(7)). Nothing happens while no profile
 * is taken, or without such a folder.
 * on       0: no more
 * Returns  0; -1 with errno
 * Errors   ENOENT: there is none of that number (any more)
 */
ZMALLOC_API int zmalloc_soft_limit_set_profile(int number, int on);

#ifdef __cplusplus
}
#endif

#endif
