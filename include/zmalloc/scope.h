/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zmalloc/scope.h - scopes: which part of a program holds the memory.
 *
 * A scope is a name. A thread enters it before a piece of code and leaves it behind that piece: what the
 * thread allocated in between, less what it freed, is the scope's. Scopes nest, and what is inside an inner
 * one is the inner one's alone. Each byte is credited once: all scopes and everything else add up to
 * zmalloc_used_memory().
 *
 *     static zmalloc_scope *parsing;
 *
 *     parsing = zmalloc_scope_new("parsing");    once
 *
 *     zmalloc_scope_enter(parsing);              any number of times, in any thread
 *     parse(input);
 *     zmalloc_scope_leave(parsing);
 *
 * What counts is where a thread is when it calls, not whose the block was: a block that is freed in another
 * scope, or outside of all, or by another thread, is taken off there, and stays with the scope that
 * allocated it. So a scope that frees what others allocated is below nought, and right: the sum is. A
 * resize is credited with what it adds or takes, a zarena_reset() with all that it ends. Defragmentation moves
 * nothing from one scope to another.
 *
 * What it takes: each scope 256 bytes, for ever; each thread that has ever entered one up to 8 KiB,
 * which the next thread takes over when it ends. A thread has places for 256 scopes: beyond that scopes
 * of numbers 256 apart share one, and their entering takes a lock. An allocation is no slower inside a
 * scope, unless that has a limit.
 *
 * All functions are thread-safe and not async-signal-safe, and none but zmalloc_scope_visit() allocates, which
 * does so past the account. In the child of a fork() the thread that forked is in the scopes that it was in;
 * those of its parent's other threads are left, each with what it had then. Whatever a thread allocates
 * after its end, in destructors of its keys that run after the library's, is everything else's. On
 * machines of 32 bits a scope's figure is right up to 1 GiB.
 */
#ifndef ZMALLOC_SCOPE_H
#define ZMALLOC_SCOPE_H

#include "stats.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zmalloc_scope zmalloc_scope;

/* How many there may be; how long a name may be, with its end; how deep a thread may be in scopes. */
#define ZMALLOC_SCOPES_MAX 65536
#define ZMALLOC_SCOPE_NAME_BYTES 64
#define ZMALLOC_SCOPE_DEPTH_MAX 64

/*
 * The scope of that name: the same for the same name, and made if it is the first time. It stays to the end
 * of the process. Looks through names; keep what it returns.
 * name     any bytes. Control characters, and what is no UTF-8, become '?': names that are the same
 *          then are the same scope.
 * Returns  the scope; NULL with errno: to enter NULL is to be outside of all
 * Errors   EINVAL: name is NULL or ""; ENAMETOOLONG: it has ZMALLOC_SCOPE_NAME_BYTES or more; ENOSPC: there
 *          are ZMALLOC_SCOPES_MAX; ENOMEM
 */
ZMALLOC_API zmalloc_scope *zmalloc_scope_new(const char *name);

/*
 * From here on what the calling thread allocates and frees is the scope's, until it leaves it or enters
 * another. A thread may enter a scope that it is in already, any number of times, and leaves it as often.
 * Further down than ZMALLOC_SCOPE_DEPTH_MAX scopes, one in the other, it stays in the last of them:
 * enterings and leavings are counted only.
 * scope    NULL: everything else, whatever scopes the thread is in
 * Returns  0; -1 with errno: the thread is where it was
 * Errors   ENOMEM: for the thread's figures, the first time that it enters a scope; ESRCH: the thread is past
 *          its end
 */
ZMALLOC_API int zmalloc_scope_enter(zmalloc_scope *scope);

/*
 * Back to the scope that the thread was in when it entered this one. Scopes that it entered since and did not
 * leave, as longjmp(3) would have it, are left with it.
 * Returns  0; how many those were; -1 with errno: nothing has changed
 * Errors   ENOENT: the thread is not in that scope
 */
ZMALLOC_API int zmalloc_scope_leave(zmalloc_scope *scope);

/*
 * A limit on what the scope has, in bytes. What would pass it fails as at the hard limit
 * (<zmalloc/limit.h>): the handler or ENOMEM, and a resize leaves the block alone. It is asked of the innermost
 * scope only: what is inside an inner one is not the outer one's. Threads that grow at the same
 * time may be over by the blocks that they are just getting, one for each thread. To enter or leave
 * a scope that has a limit takes a lock, and so do allocations near the limit. While any scope has
 * one, resizes are a little slower in all threads. A thread that enters while the limit is being
 * set may not know of it for a millisecond.
 *
 * bytes    0, and more than PTRDIFF_MAX: no limit. Less than what the scope has: nothing is freed, and
 *          whatever grows there is refused until enough has been freed there.
 * Returns  0; 1: the limit is set and less than what the scope has; -1 with errno
 * Errors   EINVAL: scope is NULL
 */
ZMALLOC_API int zmalloc_scope_set_limit(zmalloc_scope *scope, size_t bytes);

/* ---- Figures ---- */

struct zmalloc_scope_stats {
	size_t size; /* in: what the caller has; out: what the library filled */
	char name[ZMALLOC_SCOPE_NAME_BYTES]; /* "": everything else */
	int64_t used_bytes;
	uint64_t peak_bytes;  /* of everything else unknown: ZMALLOC_STATS_UNKNOWN */
	uint64_t limit_bytes; /* unknown: there is none */
	uint64_t refusals;    /* allocations and resizes that the limit refused */
	uint64_t threads;     /* that are in it, as their innermost one, right now */
};

/*
 * The figures of a scope.
 *
 * used_bytes has all that threads have left there, and of threads that are inside what they allocated and
 * freed until just now: to the byte where they are at rest. One that is at work meanwhile is seen at some
 * moment of the look, and by a block too much or too little where the processor shows its stores in another
 * order.
 *
 * peak_bytes is never below a used_bytes that was shown. It is taken whenever figures are, and when
 * a thread that has brought the scope 64 KiB or more since the last look leaves it, enters another,
 * or passes its threshold (the process's memory grows as never before). It may miss 64 KiB for each
 * thread, and what a thread allocated and freed again inside of one piece while the process was
 * below its own peak.
 *
 * scope    NULL: everything else
 * stats    out; stats->size says how much of it the caller has, as zmalloc_stats_get()
 * Errors   EINVAL: stats->size is under sizeof(size_t)
 */
ZMALLOC_API int zmalloc_scope_get_stats(const zmalloc_scope *scope,
					struct zmalloc_scope_stats *stats);

/*
 * Show every scope, in the order in which they were made, and everything else as the last. All figures are of
 * one look, and used_bytes of all add up to what was used in it.
 * visit    returns 0 to go on; anything else ends the visit. It may do anything. scope->size is what this
 *          library has.
 * Returns  0; what visit returned if that ended it; -1 with errno
 * Errors   ENOMEM
 */
ZMALLOC_API int zmalloc_scope_visit(int (*visit)(const struct zmalloc_scope_stats *scope,
						 void *context),
				    void *context);

/* ---- For a block of C ---- */

#if defined(__GNUC__)

static inline zmalloc_scope *zmalloc_scope_entered(zmalloc_scope *scope)
{
	zmalloc_scope_enter(scope);
	return scope;
}

static inline void zmalloc_scope_left(zmalloc_scope *const *scope)
{
	zmalloc_scope_leave(*scope);
}

#define ZMALLOC_SCOPE_PASTE(a, b) a##b
#define ZMALLOC_SCOPE_NAME(line) ZMALLOC_SCOPE_PASTE(zmalloc_scope_of_line_, line)

/*
 * Enter a scope, and leave it at the end of the enclosing block, however that is left: by its end, return,
 * break, goto. A declaration; with gcc and clang.
 *
 *     void parse(const char *input)
 *     {
 *             ZMALLOC_SCOPE(parsing);
 *             ...
 *     }
 */
#define ZMALLOC_SCOPE(scope)                                                                       \
	zmalloc_scope *const ZMALLOC_SCOPE_NAME(__LINE__)                                          \
		__attribute__((__cleanup__(zmalloc_scope_left), __unused__)) =                     \
			zmalloc_scope_entered(scope)

#endif

#ifdef __cplusplus
}
#endif

#endif
