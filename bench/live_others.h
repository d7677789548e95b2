/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/live_others.h - processes to look at, which do what they are told and say what they hold.
 */
#ifndef BENCH_LIVE_OTHERS_H
#define BENCH_LIVE_OTHERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct other {
	pid_t pid;   /* as it is called here */
	pid_t child; /* ours, to wait for: itself, or who made it */
	int order, report;
};

/* Where the process is, and who. The last two can be made by root only. */
enum other_kind {
	OTHER_OF_THIS_USER,
	OTHER_THAT_DROPPED_ROOT, /* it shows itself as root, and becomes nobody */
	OTHER_IN_NAMESPACES      /* of PIDs and of mounts, its own, below /tmp without /proc */
};

/* It shows itself. False: it cannot be had here; nothing was started. */
bool other_start(enum other_kind kind, struct other *other);
void other_end(struct other *other);

/* What it may be told: take 1 GiB and write to all of it, free that, or nothing. */
enum other_order {
	OTHER_TAKE = 't',
	OTHER_FREE = 'f',
	OTHER_IDLE = 'i'
};

/* Tell it, and wait until it is done. Returns the bytes that it knows to hold. */
uint64_t other_tell(const struct other *other, enum other_order order);

/* As perror(3), and the end. */
void fail(const char *what) __attribute__((__noreturn__));

#endif
