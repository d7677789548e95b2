/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/portability/stubs/openbsd/sys/sysctl.h - as much of sysctl(2) on OpenBSD as lib/os uses.
 */
#ifndef STUB_OPENBSD_SYSCTL_H
#define STUB_OPENBSD_SYSCTL_H

#include <stddef.h>
#include <stdint.h>

#define CTL_KERN 1
#define CTL_HW 6
#define KERN_PROC 66
#define KERN_PROC_PID 1
#define HW_PHYSMEM64 19

struct kinfo_proc {
	uint64_t p_forw;
	int32_t p_pid;
	int32_t p_vm_rssize; /* pages */
	char p_rest[600];
};

int sysctl(const int *name, unsigned int name_length, void *old, size_t *old_length,
	   void *new_value, size_t new_length);

#endif
