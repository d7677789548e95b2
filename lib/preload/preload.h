/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/preload/preload.h - a library of its own that gives a program which was never changed the names of
 * malloc(), on the public API alone: whichever libzmalloc.so.1 the process has is behind them.
 *
 * A call asks one word, zm_preload_slow, and jumps to the library. What is unusual is a reason in that
 * word, and is done in slow.c.
 */
#ifndef ZM_PRELOAD_H
#define ZM_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmalloc.h>
#include <zmalloc/pressure.h>
#include <zmalloc/profile.h>

#include "base/atomic.h"
#include "base/compiler.h"

#define ZM_EXPORTED __attribute__((__visibility__("default")))

/* Why calls go the slow way. */
enum zm_preload_reason {
	/* The constructor has not run, which finds out what else is asked for. */
	ZM_PRELOAD_STARTS = 1,
	/* Blocks are counted, for the report. */
	ZM_PRELOAD_COUNTS = 2,
	/* The allocator aligns blocks of some sizes to less than any type may need. */
	ZM_PRELOAD_ALIGNS = 4,
	/*
	 * A block of the store is in somebody's hands, perhaps for ever: in each process where the allocator makes
	 * objects of its own by operator new while it begins. So it concerns only calls that are given a
	 * block, and of these only one of the store goes the slow way.
	 */
	ZM_PRELOAD_STORED = 8,
	/* The child of a fork() is to purge under pressure, once it seems to stay. */
	ZM_PRELOAD_RESUMES = 16
};

/* Reasons come before there are threads and in the child of a fork(), where there is one. */
extern ZM_HIDDEN ZM_ATOMIC(unsigned) zm_preload_slow;

/* Of a call that asks for a new block. */
ZM_INLINE bool zm_is_slow(void)
{
	return zm_unlikely((zm_load(&zm_preload_slow) & ~(unsigned)ZM_PRELOAD_STORED) != 0);
}

enum {
	ZM_STORE_BYTES = 32768
};
/* store.c's, which is the only one to write it. */
extern ZM_HIDDEN unsigned char zm_store_bytes[ZM_STORE_BYTES];

ZM_INLINE bool zm_store_has(const void *ptr)
{
	return (uintptr_t)ptr - (uintptr_t)zm_store_bytes < ZM_STORE_BYTES;
}

/* Of a call that is given a block. */
ZM_INLINE bool zm_is_slow_with(const void *ptr)
{
	unsigned reasons = zm_load(&zm_preload_slow);

	return zm_unlikely(reasons != 0) && (reasons != ZM_PRELOAD_STORED || zm_store_has(ptr));
}

void zm_preload_add_reason(unsigned reason);
void zm_preload_end_reason(unsigned reason);

/* ---- calls.c ---- */

/*
 * The library's functions that this one calls, each through a pointer, at the price of a call through the GOT.
 * A program may have functions of the same names, as Redis has, and the loader would find those first.
 */
#define ZM_EACH_CALL(X)                                                                            \
	X(ztrymalloc)                                                                              \
	X(ztrymalloc_aligned)                                                                      \
	X(ztrycalloc)                                                                              \
	X(ztrycalloc_num)                                                                          \
	X(ztryrealloc)                                                                             \
	X(zfree)                                                                                   \
	X(zmalloc_alignment)                                                                       \
	X(zmalloc_on_pressure)                                                                     \
	X(zmalloc_peak_memory)                                                                     \
	X(zmalloc_profile_visit)                                                                   \
	X(zmalloc_usable_size)                                                                     \
	X(zmalloc_used_memory)
#define ZM_CALL_MEMBER(name) __typeof__(name) *name;
struct zm_calls {
	ZM_EACH_CALL(ZM_CALL_MEMBER)
};
/* Written once, before the first call. */
extern ZM_HIDDEN struct zm_calls zm_calls;

void zm_find_calls(void);

/* ---- slow.c: as malloc() and the others of that name ---- */

void *zm_slow_malloc(size_t size);
void *zm_slow_calloc(size_t num, size_t size);
void *zm_slow_realloc(void *ptr, size_t size);
void *zm_slow_aligned(size_t alignment, size_t size); /* alignment: a power of two */
void zm_slow_free(void *ptr);
size_t zm_slow_usable_size(void *ptr);

/* Of any block that may be resized or asked for by the C library: aligned for any type. */
void *zm_aligned(size_t alignment, size_t size);

/*
 * Have the library set itself up, if it has not: the constructor calls this, and so does the first
 * malloc().
 */
void zm_preload_enter(void);

/* ---- store.c ---- */

/*
 * A block for whoever asks while the library cannot be called: the loader has not linked it yet, or it
 * is just being set up. Zeroed, aligned, never given back. NULL: there is no room.
 * Nothing in here calls a function of another file or library.
 */
void *zm_store_take(size_t alignment, size_t size);
size_t zm_store_size(const void *ptr);
/* What ptr holds goes to `to`, up to `size` bytes. */
void zm_store_copy(void *to, const void *ptr, size_t size);

/* ---- report.c ---- */

void zm_count_block(int by);
void zm_report_at_exit(void);

/* ---- pressure.c ---- */

/* Have unused memory given back under pressure, in children too. */
void zm_pressure_begin(void);
/* With each call of a child that is to go on with it. */
void zm_pressure_resume(void);

/* ---- new.c ---- */

/* Find the C++ library, if the program has one: there is memory for that now. */
void zm_find_cxx(void);

#endif
