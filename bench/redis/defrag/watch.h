/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/redis/defrag/watch.h - what a server does, seen from outside: its processor time, its memory,
 * and how long a client waits.
 */
#ifndef BENCH_REDIS_DEFRAG_WATCH_H
#define BENCH_REDIS_DEFRAG_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#include "client.h"

double seconds_now(void);

/* Of all threads of a process. */
clockid_t cpu_clock_of(pid_t pid);
double seconds_of(clockid_t clock);

/* MB */
double resident_of(pid_t pid);

/*
 * A client that sends a PING every few milliseconds, on a thread of its own. For each it notes the
 * time until the reply and the processor's time that the server's first thread, which replies, took
 * meanwhile: the second is the server's own doing, the first depends on what else the machine does.
 */
struct pinger {
	struct client client;
	FILE *server; /* its first thread's schedstat */
	pthread_t thread;
	atomic_bool stop;
	double *wait_ms, *cpu_ms; /* written by the thread alone until it has been joined */
	size_t count, room;
};

void pinger_start(struct pinger *pinger, int port, pid_t server);

/* Ends the thread and sorts both lists. */
void pinger_stop(struct pinger *pinger);

/* The value that a part (0 to 1) of a sorted list does not exceed; 0 of an empty one. */
double percentile(const double *sorted, size_t count, double part);

#endif
