/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_native.c - jemalloc's own interface, passed on.
 */
#include "config.h"

#include "allocator/native.h"

#include "allocator/allocator.h"
#include "allocator/jemalloc_errno.h"
#include "allocator/jemalloc_names.h"
#include "base/large_stack.h"

bool zm_native_arenas(void)
{
	return true;
}

/* MALLOCX_ARENA() may make an arena: its number plus one stands from bit 20 on. */
static void keep_errno(int flags)
{
#if ZM_RAW_COUNTS
	unsigned arena = (unsigned)flags >> 20;

	if (arena != 0)
		zm_je_keep_errno(arena - 1);
#else
	(void)flags;
#endif
}

/* mallocx() is undefined for size 0. */
void *zm_native_malloc(size_t size, int flags)
{
	void *ptr = ZM_JE_OWN(mallocx)(size + (size == 0), flags);

	keep_errno(flags);
	return ptr;
}

void *zm_native_realloc(void *ptr, size_t size, int flags)
{
	void *moved = ZM_JE(rallocx)(ptr, size, flags);

	keep_errno(flags);
	return moved;
}

void zm_native_free(void *ptr, int flags)
{
	ZM_JE(dallocx)(ptr, flags);
}

struct report {
	void (*write)(void *opaque, const char *text);
	void *opaque;
	const char *options;
};

/* On a large stack: malloc_stats_print() takes 17 KiB (tests/test_small_stack tells it). */
static void *print(void *argument)
{
	const struct report *report = argument;

	ZM_JE(malloc_stats_print)(report->write, report->opaque, report->options);
	return NULL;
}

bool zm_native_print(void (*write)(void *opaque, const char *text), void *opaque,
		     const char *options)
{
	struct report report = {write, opaque, options};

	zm_on_large_stack(print, &report);
	return true;
}
