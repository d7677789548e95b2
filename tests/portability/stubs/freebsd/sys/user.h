/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/portability/stubs/freebsd/sys/user.h - as much of struct kinfo_proc on FreeBSD as lib/os
 * uses.
 */
#ifndef STUB_FREEBSD_USER_H
#define STUB_FREEBSD_USER_H

#include <sys/types.h>

typedef long segsz_t;

struct kinfo_proc {
	int ki_structsize;
	pid_t ki_pid;
	segsz_t ki_rssize; /* pages */
	char ki_rest[1000];
};

#endif
