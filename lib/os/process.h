/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/process.h - other processes, and how to tell a process from a later one that has its number. The rules
 * of os.h hold: 0 or an errno value, nothing allocated.
 */
#ifndef ZM_OS_PROCESS_H
#define ZM_OS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zm_os_process {
	uint64_t start; /* when it began, in the system's own unit, counted from boot */
	uint64_t image; /* changes when it runs another program; 0 where that is not told */
	uint32_t user;
	size_t rss_bytes;
	char name[64]; /* terminated */
};

/* ESRCH: no such process; ENOTSUP: this system does not tell. */
int zm_os_process(int64_t pid, struct zm_os_process *process);

#endif
