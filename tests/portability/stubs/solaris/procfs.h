/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/portability/stubs/solaris/procfs.h - as much of proc(4) on Solaris as lib/os uses.
 */
#ifndef STUB_SOLARIS_PROCFS_H
#define STUB_SOLARIS_PROCFS_H

#include <sys/types.h>

/* As there: the structures of 32-bit programs have off_t of 32 bits. */
#if !defined(_LP64) && defined(_FILE_OFFSET_BITS) && _FILE_OFFSET_BITS == 64
#error "Cannot use procfs in the large file compilation environment"
#endif

typedef struct psinfo {
	int pr_flag;
	pid_t pr_pid;
	size_t pr_size;   /* KiB */
	size_t pr_rssize; /* KiB */
	char pr_rest[300];
} psinfo_t;

#endif
