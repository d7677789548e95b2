/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/own_time.h - a clock that stands still while the machine runs others.
 *
 * What works by the clock in steps does less in a time when its steps come late, and on a loaded
 * machine they do. A test of it begins a time of its own: CLOCK_MONOTONIC then shows what the calling
 * thread has had of the processor, plus what it has slept, and sleeping only moves that clock on. The
 * library and the allocator see it too, as the program's clock_gettime() and nanosleep() come before
 * the C library's.
 */
#ifndef ZM_TESTS_OWN_TIME_H
#define ZM_TESTS_OWN_TIME_H

#include <stdint.h>

/* The calling thread must outlive it. Nothing happens where those names cannot be taken. */
void own_time_begin(void);

/*
 * The same on a machine that is loaded always alike: after each `run_ns` of processor time the thread
 * is away for `away_ns`.
 */
void own_time_begin_loaded(uint64_t run_ns, uint64_t away_ns);

/* The machine's time again, which may have stayed behind: for the test's end only. */
void own_time_end(void);

#endif
