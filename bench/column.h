/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/column.h - the allocator that a runner measures, by the column it was compiled for.
 *
 * The same workloads are compiled once for each column and linked into a program of its own, so
 * that every call is a direct one, as a program's calls are, and no column shares a heap with
 * another.
 *
 *   BENCH_ZMALLOC  libzmalloc
 *   BENCH_EMPTY    a shared library that only calls the allocator: the floor of any wrapper
 *   BENCH_PEER     another zmalloc(), bench/peers.sh
 *   (none)         the allocator itself, as the program's own malloc()
 */
#ifndef BENCH_COLUMN_H
#define BENCH_COLUMN_H

#include <stddef.h>
#include <stdlib.h>

#if defined(BENCH_ZMALLOC)

#include <zmalloc.h>

#define b_malloc zmalloc
#define b_calloc zcalloc
#define b_realloc zrealloc
#define b_free zfree
#define b_free_sized zfree_with_size
#define b_used zmalloc_used_memory

#elif defined(BENCH_EMPTY)

#include "empty.h"

#define b_malloc empty_malloc
#define b_calloc empty_calloc
#define b_realloc empty_realloc
#define b_free empty_free
#define b_free_sized(ptr, size) empty_free(ptr)

#elif defined(BENCH_PEER)

void *zmalloc(size_t size);
void *zcalloc(size_t size);
void *zrealloc(void *ptr, size_t size);
void zfree(void *ptr);
size_t zmalloc_used_memory(void);

#define b_malloc zmalloc
#define b_calloc zcalloc
#define b_realloc zrealloc
#define b_free zfree
#define b_free_sized(ptr, size) zfree(ptr)
#define b_used zmalloc_used_memory

#else

#define b_malloc malloc
#define b_calloc(size) calloc(1, (size))
#define b_realloc realloc
#define b_free free
#define b_free_sized(ptr, size) free(ptr)

#endif

#endif
