/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/redis/defrag/watch.c - clocks of another process, its memory, and the client that waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "watch.h"

#define PING_EVERY_NS 5000000

double seconds_of(clockid_t clock)
{
	struct timespec time;

	if (clock_gettime(clock, &time) != 0)
		die("clock_gettime");
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

double seconds_now(void)
{
	return seconds_of(CLOCK_MONOTONIC);
}

clockid_t cpu_clock_of(pid_t pid)
{
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0)
		die("clock_getcpuclockid");
	return clock;
}

double resident_of(pid_t pid)
{
	char name[64];
	unsigned long pages;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/statm", (int)pid);
	file = fopen(name, "r");
	if (file == NULL || fscanf(file, "%*u %lu", &pages) != 1)
		die(name);
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

/* ---- The client that waits ---- */

/*
 * Another process's thread has no clock for us, but the kernel tells what it ran, in ns: exactly when it
 * sleeps, and up to its last tick of the clock when it runs.
 */
static FILE *open_first_thread(pid_t pid)
{
	char name[64];
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/schedstat", (int)pid, (int)pid);
	file = fopen(name, "r");
	if (file == NULL)
		die(name);
	setvbuf(file, NULL, _IONBF, 0);
	return file;
}

static double seconds_ran(FILE *schedstat)
{
	char text[96];
	size_t length;

	rewind(schedstat);
	length = fread(text, 1, sizeof(text) - 1, schedstat);
	text[length] = '\0';
	return strtod(text, NULL) / 1e9;
}

static void note(struct pinger *pinger, double wait_ms, double cpu_ms)
{
	if (pinger->count == pinger->room) {
		pinger->room = pinger->room * 2 + 1000;
		pinger->wait_ms = realloc(pinger->wait_ms, pinger->room * sizeof(double));
		pinger->cpu_ms = realloc(pinger->cpu_ms, pinger->room * sizeof(double));
		if (pinger->wait_ms == NULL || pinger->cpu_ms == NULL)
			die("realloc");
	}
	pinger->wait_ms[pinger->count] = wait_ms;
	pinger->cpu_ms[pinger->count++] = cpu_ms;
}

static void *ping(void *opaque)
{
	struct pinger *pinger = opaque;

	while (!atomic_load(&pinger->stop)) {
		double cpu = seconds_ran(pinger->server), now = seconds_now();

		free(client_ask(&pinger->client, "PING"));
		note(pinger, (seconds_now() - now) * 1e3,
		     (seconds_ran(pinger->server) - cpu) * 1e3);
		nanosleep(&(struct timespec){.tv_nsec = PING_EVERY_NS}, NULL);
	}
	return NULL;
}

void pinger_start(struct pinger *pinger, int port, pid_t server)
{
	*pinger = (struct pinger){.server = open_first_thread(server)};
	client_open(&pinger->client, port);
	if (pthread_create(&pinger->thread, NULL, ping, pinger) != 0)
		die("pthread_create");
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

void pinger_stop(struct pinger *pinger)
{
	atomic_store(&pinger->stop, true);
	pthread_join(pinger->thread, NULL);
	client_close(&pinger->client);
	fclose(pinger->server);
	qsort(pinger->wait_ms, pinger->count, sizeof(double), compare);
	qsort(pinger->cpu_ms, pinger->count, sizeof(double), compare);
}

double percentile(const double *sorted, size_t count, double part)
{
	size_t at = (size_t)((double)count * part);

	if (count == 0)
		return 0;
	return sorted[at < count ? at : count - 1];
}
