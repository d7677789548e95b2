/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/portability/stubs/freebsd/sys/sysctl.h - as much of sysctl(3) on FreeBSD as lib/os uses.
 */
#ifndef STUB_FREEBSD_SYSCTL_H
#define STUB_FREEBSD_SYSCTL_H

#include <stddef.h>

#define CTL_KERN 1
#define CTL_HW 6
#define KERN_PROC 14
#define KERN_PROC_PID 1
#define HW_PHYSMEM 5

int sysctl(const int *name, unsigned int name_length, void *old, size_t *old_length,
	   const void *new_value, size_t new_length);

#endif
