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

/*
 * Milliseconds of the same kind, read where that costs least. They may be behind by a tick of the kernel's,
 * 10 ms at most.
 */
ZM_INLINE uint64_t zm_about_now_ms(void)
{
	struct timespec now;

#if defined(CLOCK_MONOTONIC_COARSE)
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
#elif defined(CLOCK_MONOTONIC_FAST)
	clock_gettime(CLOCK_MONOTONIC_FAST, &now);
#else
	clock_gettime(CLOCK_MONOTONIC, &now);
#endif
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif
