/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/preload/pressure.c - unused memory given back under pressure, for a program that knows nothing of it.
 *
 * The child of a fork() has none of its parent's watches. Most children run another program at once; a
 * daemon is one that stays. So it begins again with the thousandth block that it asks for.
 */
#include "config.h"

#include "preload/preload.h"

#include <errno.h>
#include <pthread.h>

enum {
	RESUMES_AT = 1000
};

static ZM_ATOMIC(unsigned) blocks;

static void begin(void)
{
	int saved_errno = errno;

	zm_calls.zmalloc_on_pressure(ZMALLOC_PURGE);
	errno = saved_errno;
}

static void after_fork_in_child(void)
{
	zm_store(&blocks, 0);
	zm_preload_add_reason(ZM_PRELOAD_RESUMES);
}

void zm_pressure_resume(void)
{
	if (zm_fetch_add(&blocks, 1) + 1 != RESUMES_AT)
		return;
	zm_preload_end_reason(ZM_PRELOAD_RESUMES);
	begin();
}

void zm_pressure_begin(void)
{
	begin();
	pthread_atfork(NULL, NULL, after_fork_in_child);
}
