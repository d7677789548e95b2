/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/clock.h - clocks, in nanoseconds; they never fail for the clocks that we ask.
 */
#ifndef ZM_CLOCK_H
#define ZM_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "base/compiler.h"

ZM_INLINE uint64_t zm_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

ZM_INLINE uint64_t zm_now_ns(void)
{
	return zm_clock_ns(CLOCK_MONOTONIC);
}

#endif
