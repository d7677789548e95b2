/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/profile_program.c - a program that knows nothing of profiles, for the environment to take one of it. Holds
 * 20 MiB of keep_large() and 5 MiB of keep_small(), has freed all of drop_all(), and runs into its limit.
 */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/limit.h>

#include "support.h"

ZM_SEEN void keep_large(void);
ZM_SEEN void keep_small(void);
ZM_SEEN void drop_all(void);

static void *volatile kept;

__attribute__((__noinline__)) void keep_large(void)
{
	for (int i = 0; i < 20; i++)
		kept = zmalloc(MIB);
	kept = NULL;
}

__attribute__((__noinline__)) void keep_small(void)
{
	for (int i = 0; i < 5 * 1024; i++)
		kept = zmalloc(KIB);
	kept = NULL;
}

__attribute__((__noinline__)) void drop_all(void)
{
	for (int i = 0; i < 100; i++) {
		kept = zmalloc(100 * KIB);
		zfree(kept);
	}
	kept = NULL;
}

int main(void)
{
	keep_large();
	keep_small();
	drop_all();
	if (zmalloc_limit_get() != 0)
		kept = zmalloc(zmalloc_limit_get());
	return 0;
}
