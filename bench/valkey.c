/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/valkey.c - Valkey's way of counting, written anew from its description: a plain counter for
 * each of the first threads, a shared one for those after them, a block's size looked up after
 * malloc and before free, and the free by size where the allocator has one.
 *
 * A peer's column (column.h); Debian 12 has no package of Valkey to build its own file from.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(BENCH_JEMALLOC)
#include <jemalloc/jemalloc.h>
#else
#include <malloc.h>
#endif

void *zmalloc(size_t size);
void *zcalloc(size_t size);
void *zrealloc(void *ptr, size_t size);
void zfree(void *ptr);
size_t zmalloc_used_memory(void);

#define OWN 128

static struct {
	_Alignas(64) atomic_long bytes;
} used[OWN + 1]; /* the last one is shared */

static atomic_int threads;
static _Thread_local int mine = -1;

static void charge(long bytes)
{
	atomic_long *counter;

	if (mine < 0) {
		mine = atomic_fetch_add(&threads, 1);
		mine = mine < OWN ? mine : OWN;
	}
	counter = &used[mine].bytes;
	if (mine == OWN)
		atomic_fetch_add_explicit(counter, bytes, memory_order_relaxed);
	else
		atomic_store_explicit(counter,
				      atomic_load_explicit(counter, memory_order_relaxed) + bytes,
				      memory_order_relaxed);
}

static void *charged(void *ptr, size_t size)
{
	if (ptr == NULL) {
		fprintf(stderr, "out of memory: %zu bytes\n", size);
		abort();
	}
	charge((long)malloc_usable_size(ptr));
	return ptr;
}

void *zmalloc(size_t size)
{
	return charged(malloc(size), size);
}

void *zcalloc(size_t size)
{
	return charged(calloc(1, size), size);
}

void *zrealloc(void *ptr, size_t size)
{
	if (ptr != NULL)
		charge(-(long)malloc_usable_size(ptr));
	return charged(realloc(ptr, size), size);
}

void zfree(void *ptr)
{
	size_t bytes;

	if (ptr == NULL)
		return;
	bytes = malloc_usable_size(ptr);
	charge(-(long)bytes);
#if defined(BENCH_JEMALLOC)
	sdallocx(ptr, bytes, 0);
#else
	free(ptr);
#endif
}

size_t zmalloc_used_memory(void)
{
	long sum = 0;

	for (int i = 0; i <= OWN; i++)
		sum += atomic_load_explicit(&used[i].bytes, memory_order_relaxed);
	return sum > 0 ? (size_t)sum : 0;
}
