/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/empty.h - the empty wrapper: what any library between a program and its allocator costs.
 */
#ifndef BENCH_EMPTY_H
#define BENCH_EMPTY_H

#include <stddef.h>

void *empty_malloc(size_t size);
void *empty_calloc(size_t size);
void *empty_realloc(void *ptr, size_t size);
void empty_free(void *ptr);

#endif
