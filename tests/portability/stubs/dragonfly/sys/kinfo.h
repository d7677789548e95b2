/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/portability/stubs/dragonfly/sys/kinfo.h - as much of struct kinfo_proc on DragonFly BSD as
 * lib/os uses.
 */
#ifndef STUB_DRAGONFLY_KINFO_H
#define STUB_DRAGONFLY_KINFO_H

#include <sys/types.h>

typedef long segsz_t;

struct kinfo_proc {
	pid_t kp_pid;
	segsz_t kp_vm_rssize; /* pages */
	char kp_rest[1000];
};

#endif
