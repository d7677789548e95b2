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

/*
 * The number that a process has in its own PID namespace, and so gets from getpid(2). What the system
 * does not tell is taken for the same.
 */
int zm_os_process_own_pid(int64_t pid, int64_t *own);

/*
 * Have every process seen. visit returns 0 to go on. Returns what it returned, 0 when there is no more;
 * ENOTSUP: the system does not tell, or not here.
 */
int zm_os_process_visit(int (*visit)(int64_t pid, void *context), void *context);

/* What an operator knows a process by. Each text is terminated, and empty where it is not told. */
struct zm_os_process_about {
	uint64_t uptime_ms;
	char command[512]; /* the command line, its words parted by blanks */
	char group[256];   /* the control group, which names its unit or container */
};

int zm_os_process_about(int64_t pid, struct zm_os_process_about *about);

#endif
