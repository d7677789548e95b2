/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/preload/slow.c - the same calls, where there is something unusual: at the start, with a report, with
 * blocks of the store about.
 */
#include "config.h"

#include "preload/preload.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

ZM_ATOMIC(unsigned) zm_preload_slow = ZM_PRELOAD_STARTS;

void zm_preload_add_reason(unsigned reason)
{
	zm_store(&zm_preload_slow, zm_load(&zm_preload_slow) | reason);
}

void zm_preload_end_reason(unsigned reason)
{
	zm_store(&zm_preload_slow, zm_load(&zm_preload_slow) & ~reason);
}

static bool is(unsigned reason)
{
	return (zm_load(&zm_preload_slow) & reason) != 0;
}

/* ---- The start ------------------------------------------------------------------------------ */

/*
 * NULL until the loader has linked this library: a pointer to another's function, so that it is no
 * sum with an address in any form of relocation. The libraries that this one needs are linked before it.
 */
static void *(*volatile const linked)(size_t) = ztrymalloc;

/* Of one thread: before there is a second one malloc() has been called for it. */
static enum {
	OUTSIDE,
	ENTERING,
	INSIDE
} library;

void zm_preload_enter(void)
{
	if (library != OUTSIDE)
		return;
	library = ENTERING;
	zm_find_calls();
	zm_calls.zfree(zm_calls.ztrymalloc(1));
	if (zm_calls.zmalloc_alignment(alignof(max_align_t) + alignof(max_align_t) / 2) <
	    alignof(max_align_t))
		zm_preload_add_reason(ZM_PRELOAD_ALIGNS);
	library = INSIDE;
}

/* The library is not linked, or this call comes from inside its first. */
static bool cannot_call(void)
{
	if (!is(ZM_PRELOAD_STARTS))
		return false;
	if (linked == NULL || library == ENTERING)
		return true;
	zm_preload_enter();
	return false;
}

static void *take_stored(size_t alignment, size_t size)
{
	zm_preload_add_reason(ZM_PRELOAD_STORED);
	return zm_store_take(alignment, size);
}

static bool is_stored(const void *ptr)
{
	return is(ZM_PRELOAD_STORED) && zm_store_has(ptr);
}

/* ---- What is unusual with a new block ------------------------------------------------------- */

/* A multiple of the alignment is one of blocks that lie side by side, too. */
static size_t fit(size_t size)
{
	size_t over = size % alignof(max_align_t);

	if (!is(ZM_PRELOAD_ALIGNS) || over == 0 || size < alignof(max_align_t) ||
	    size > PTRDIFF_MAX)
		return size;
	return size + alignof(max_align_t) - over;
}

static void *counted(void *ptr)
{
	if (ptr != NULL && is(ZM_PRELOAD_STARTS | ZM_PRELOAD_COUNTS))
		zm_count_block(1);
	if (is(ZM_PRELOAD_RESUMES))
		zm_pressure_resume();
	return ptr;
}

/* ---- The family ----------------------------------------------------------------------------- */

ZM_NOINLINE void *zm_slow_malloc(size_t size)
{
	if (cannot_call())
		return take_stored(0, size);
	return counted(zm_calls.ztrymalloc(fit(size)));
}

ZM_NOINLINE void *zm_slow_calloc(size_t num, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(num, size, &bytes))
		bytes = SIZE_MAX;
	if (cannot_call())
		return take_stored(0, bytes);
	return counted(zm_calls.ztrycalloc(fit(bytes)));
}

ZM_NOINLINE void *zm_slow_aligned(size_t alignment, size_t size)
{
	if (cannot_call())
		return take_stored(alignment, size);
	return counted(zm_calls.ztrymalloc_aligned(alignment, size));
}

static void *move_from_store(void *ptr, size_t size)
{
	void *to = zm_slow_malloc(size);

	if (to != NULL)
		zm_store_copy(to, ptr, size);
	return to;
}

ZM_NOINLINE void *zm_slow_realloc(void *ptr, size_t size)
{
	if (ptr == NULL)
		return zm_slow_malloc(size);
	if (size == 0) {
		zm_slow_free(ptr);
		return NULL;
	}
	if (is_stored(ptr))
		return move_from_store(ptr, size);
	return zm_calls.ztryrealloc(ptr, fit(size));
}

ZM_NOINLINE void zm_slow_free(void *ptr)
{
	if (ptr == NULL || is_stored(ptr))
		return;
	if (is(ZM_PRELOAD_STARTS | ZM_PRELOAD_COUNTS))
		zm_count_block(-1);
	zm_calls.zfree(ptr);
}

ZM_NOINLINE size_t zm_slow_usable_size(void *ptr)
{
	if (ptr == NULL)
		return 0;
	return is_stored(ptr) ? zm_store_size(ptr) : zm_calls.zmalloc_usable_size(ptr);
}
