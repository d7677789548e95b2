/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/own_time.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "tests/support.h"

#if defined(HAVE_DLADDR)
#include <dlfcn.h>
#endif

#define SECOND UINT64_C(1000000000)

static struct {
	bool on;
	clockid_t cpu;                   /* of the thread that began it */
	uint64_t began_ns, began_cpu_ns; /* on the machine's clocks */
	uint64_t slept_ns;
	uint64_t run_ns, away_ns; /* 0: never away */
} own;

/* A sanitizer has put its own names before the C library's. */
#if defined(HAVE_DLADDR) && defined(RTLD_NEXT) && !SANITIZED
#if defined(_POSIX_THREAD_CPUTIME) && _POSIX_THREAD_CPUTIME >= 0
#define TAKES_NAMES
#endif
#endif

#if defined(TAKES_NAMES)

typedef int clock_function(clockid_t clock, struct timespec *now);
typedef int sleep_function(const struct timespec *wanted, struct timespec *left);

static int machines_clock(clockid_t clock, struct timespec *now)
{
	static clock_function *function;

	if (function == NULL)
		*(void **)&function = dlsym(RTLD_NEXT, "clock_gettime");
	return function(clock, now);
}

static int machines_sleep(const struct timespec *wanted, struct timespec *left)
{
	static sleep_function *function;

	if (function == NULL)
		*(void **)&function = dlsym(RTLD_NEXT, "nanosleep");
	return function(wanted, left);
}

static uint64_t machines_ns(clockid_t clock)
{
	struct timespec now;

	machines_clock(clock, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static uint64_t own_ns(void)
{
	uint64_t cpu_ns = machines_ns(own.cpu) - own.began_cpu_ns, away_ns = 0;

	if (own.run_ns != 0)
		away_ns = cpu_ns / own.run_ns * own.away_ns;
	return own.began_ns + cpu_ns + away_ns + own.slept_ns;
}

static bool is_monotonic(clockid_t clock)
{
#if defined(CLOCK_MONOTONIC_COARSE)
	if (clock == CLOCK_MONOTONIC_COARSE)
		return true;
#endif
	return clock == CLOCK_MONOTONIC;
}

ZM_SEEN int clock_gettime(clockid_t clock, struct timespec *now)
{
	uint64_t ns;

	if (!own.on || !is_monotonic(clock))
		return machines_clock(clock, now);
	ns = own_ns();
	now->tv_sec = (time_t)(ns / SECOND);
	now->tv_nsec = (long)(ns % SECOND);
	return 0;
}

ZM_SEEN int nanosleep(const struct timespec *wanted, struct timespec *left)
{
	if (!own.on)
		return machines_sleep(wanted, left);
	own.slept_ns += (uint64_t)wanted->tv_sec * SECOND + (uint64_t)wanted->tv_nsec;
	return 0;
}

void own_time_begin_loaded(uint64_t run_ns, uint64_t away_ns)
{
	REQUIRE_EQ(pthread_getcpuclockid(pthread_self(), &own.cpu), 0);
	own.began_ns = machines_ns(CLOCK_MONOTONIC);
	own.began_cpu_ns = machines_ns(own.cpu);
	own.slept_ns = 0;
	own.run_ns = run_ns;
	own.away_ns = away_ns;
	own.on = true;
}

#else

void own_time_begin_loaded(uint64_t run_ns, uint64_t away_ns)
{
	(void)run_ns, (void)away_ns;
}

#endif

void own_time_begin(void)
{
	own_time_begin_loaded(0, 0);
}

void own_time_end(void)
{
	own.on = false;
}
