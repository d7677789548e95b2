/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/native.h - jemalloc's own interface, for programs written to it: allocation with
 * flags and the printed report. jemalloc_native.c passes calls on to jemalloc; native_none.c does what
 * any allocator can.
 *
 * Flags, jemalloc(3): the low six bits hold the logarithm of an alignment, 0x40 asks for zeroes,
 * the bits above name a thread cache and an arena.
 */
#ifndef ZM_ALLOCATOR_NATIVE_H
#define ZM_ALLOCATOR_NATIVE_H

#include <stdbool.h>
#include <stddef.h>

/* Are caches and arenas in flags honoured? Where they are not, they are ignored. */
bool zm_native_arenas(void);

/*
 * size: 0 to PTRDIFF_MAX for a new block, 1 to PTRDIFF_MAX for a resize, whose `ptr` is not NULL.
 * NULL: nothing was done, the old block is untouched. errno may change.
 */
void *zm_native_malloc(size_t size, int flags);
void *zm_native_realloc(void *ptr, size_t size, int flags);

/* ptr: not NULL. errno may change. */
void zm_native_free(void *ptr, int flags);

/* As malloc_stats_print(). False, and nothing written: the allocator has no such report. */
bool zm_native_print(void (*write)(void *opaque, const char *text), void *opaque,
		     const char *options);

#endif
