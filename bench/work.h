/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/work.h - the workloads: their list, which the driver and the runners share.
 *
 * A workload does `ops` operations on its subject (a size, a number of blocks or of threads) and
 * returns the nanoseconds they took, by the processor's time of the threads that worked unless it
 * says otherwise: other programs on the machine then cost it little. A negative figure: this column
 * cannot do it. What it needs is built at its first run and kept, so that each round starts warm;
 * `ops` of 0 gives it back.
 */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include <stddef.h>

/* name, function, subject, operations in a round, what an operation is */
#define BENCH_WORKLOADS(W)                                                                         \
	W("pair", work_pair, 64, 8000, "malloc and free of 64 bytes")                              \
	W("pair-sized", work_pair_sized, 64, 8000, "the same, freed with its size")                \
	W("window-1k", work_window, 1024, 8000, "replace one of 1,024 blocks of 16..527 bytes")    \
	W("window-1k-sized", work_window_sized, 1024, 8000, "the same, freed with their sizes")    \
	W("window-64k", work_window, 65536, 8000, "replace one of 65,536 blocks")                  \
	W("window-1m", work_window, 1048576, 8000, "replace one of 1,048,576 blocks")              \
	W("redis", work_redis, 4096, 8000, "replace one of 4,096 blocks of Redis's sizes")         \
	W("size-8", work_size, 8, 8000, "8 blocks of 8 bytes got, then freed; for one of them")    \
	W("size-64", work_size, 64, 8000, "the same, 64 bytes")                                    \
	W("size-512", work_size, 512, 8000, "512 bytes")                                           \
	W("size-4k", work_size, 4096, 8000, "4 KiB")                                               \
	W("size-32k", work_size, 32768, 4000, "32 KiB")                                            \
	W("size-256k", work_size, 262144, 400, "256 KiB")                                          \
	W("size-4m", work_size, 4194304, 200, "4 MiB")                                             \
	W("calloc", work_calloc, 256, 8000, "calloc and free of 256 bytes")                        \
	W("string", work_string, 65536, 2000, "a string grown to 64 KiB in steps of its half")     \
	W("vector", work_vector, 1048576, 500, "a vector doubled from 16 bytes to 1 MiB")          \
	W("cross", work_cross, 0, 20000, "one thread allocates, the other frees; wall time")       \
	W("server", work_server, 2, 20000, "two threads replace blocks that others allocated")     \
	W("two-threads", work_two, 1024, 20000, "window-1k on two threads at once")                \
	W("births", work_births, 0, 40, "a thread is born, replaces 100 blocks and dies")          \
	W("beside-reader", work_reader, 1024, 8000, "window-1k while another reads used memory")   \
	W("used-64", work_used, 64, 2000, "used memory read, with 64 live threads")                \
	W("used-64-later", work_used_later, 64, 2000, "the same after 10,000 lives of threads")

#define BENCH_DECLARE(name, function, subject, ops, what)                                          \
	double function(size_t subject_number, size_t operations);
BENCH_WORKLOADS(BENCH_DECLARE)
#undef BENCH_DECLARE

/* ---- Of the workloads' own ---- */

#include <stdint.h>
#include <time.h>

static inline double bench_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* A multiplicative generator: fast, and the same sequence everywhere. */
static inline uint32_t bench_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Write to a block, as a program would, where the compiler cannot see that nobody reads it. */
static inline void *bench_touch(void *ptr)
{
	*(volatile char *)ptr = 1;
	return ptr;
}

#endif
