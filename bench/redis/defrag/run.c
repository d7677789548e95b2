/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/redis/defrag/run.c - one workload on one server: fills it, deletes, turns active
 * defragmentation on and writes down what came of it.
 *
 * run PORT PID WORKLOAD COUNT SECONDS SEED
 *
 * Prints one line of figures, in the order of `struct outcome`; run.sh says what they are. SECONDS is
 * how long the server is given; where it has not ended by then, the second figure is -1. The workload
 * that churns goes on for all of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "loads.h"
#include "watch.h"

/* The server has ended when it has not worked for so long: it looks once a second whether to begin. */
#define QUIET_SECONDS 3.0

/* And then its memory is looked at once more: what the allocator keeps for 10 s has gone back. */
#define REST_SECONDS 9

/* Replacements in a tenth of a second. */
#define CHURN 500

struct outcome {
	double held_mb;                /* allocated for the live data before anything was deleted */
	double seconds;                /* until it last worked; -1: never ended */
	double cpu;                    /* seconds of the processor until then */
	double hits, misses;           /* blocks moved and blocks looked at in vain, millions */
	double before, after;          /* fragmentation: 1 + free in slabs / allocated */
	double resident_mb, rested_mb; /* then, and after a rest */
	double stall_ms; /* the longest: processor time of its first thread while a client waited */
	double ping_p99_ms, ping_max_ms;
};

struct server {
	struct client client;
	clockid_t cpu;
	pid_t pid;
};

/* What one look at the server told. */
struct look {
	double allocated, fragmentation, hits, misses;
	int running;
};

static struct look look_at(struct server *server)
{
	char *memory = client_ask(&server->client, "INFO memory");
	char *stats = client_ask(&server->client, "INFO stats");
	struct look look = {.allocated = info_number(memory, "allocator_allocated"),
			    .hits = info_number(stats, "active_defrag_hits"),
			    .misses = info_number(stats, "active_defrag_misses"),
			    .running = (int)info_number(memory, "active_defrag_running")};

	look.fragmentation = 1 + info_number(memory, "allocator_frag_bytes") / look.allocated;
	free(memory);
	free(stats);
	return look;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Follow the server until it is quiet or the time is over. */
static void follow(struct server *server, const struct workload *workload, struct load *load,
		   double limit, struct outcome *outcome)
{
	double begin = seconds_now(), begin_cpu = seconds_of(server->cpu), worked = begin;
	struct look look;

	outcome->cpu = 0;
	do {
		if (workload->churns)
			churn(load, CHURN);
		pause_ms(100);
		look = look_at(server);
		if (look.running || workload->churns) {
			worked = seconds_now();
			outcome->cpu = seconds_of(server->cpu) - begin_cpu;
		}
	} while (seconds_now() - begin < limit && seconds_now() - worked < QUIET_SECONDS);
	outcome->seconds = look.running ? -1 : worked - begin;
	outcome->hits = look.hits / 1e6;
	outcome->misses = look.misses / 1e6;
	outcome->after = look.fragmentation;
	outcome->resident_mb = resident_of(server->pid);
}

static struct outcome measure(struct server *server, const struct workload *workload,
			      struct load *load, int port, double limit)
{
	struct outcome outcome;
	struct pinger pinger;
	struct look look;

	workload->fill(load);
	pause_ms(300); /* INFO tells what the server's cron noted, ten times a second */
	outcome.held_mb = look_at(server).allocated / 1e6;
	workload->thin(load);
	pause_ms(300);
	look = look_at(server);
	outcome.before = look.fragmentation;
	pinger_start(&pinger, port, server->pid);
	free(client_ask(&server->client, "CONFIG SET activedefrag yes"));
	follow(server, workload, load, limit, &outcome);
	if (outcome.seconds >= 0 && !workload->churns)
		pause_ms(REST_SECONDS * 1000);
	outcome.rested_mb = resident_of(server->pid);
	pinger_stop(&pinger);
	outcome.stall_ms = percentile(pinger.cpu_ms, pinger.count, 1);
	outcome.ping_p99_ms = percentile(pinger.wait_ms, pinger.count, 0.99);
	outcome.ping_max_ms = percentile(pinger.wait_ms, pinger.count, 1);
	return outcome;
}

int main(int argc, char **argv)
{
	struct server server;
	struct load load = {.client = &server.client};
	struct outcome is;

	if (argc != 7) {
		fputs("usage: run PORT PID WORKLOAD COUNT SECONDS SEED\n", stderr);
		return 2;
	}
	server.pid = (pid_t)atoi(argv[2]);
	server.cpu = cpu_clock_of(server.pid);
	client_open(&server.client, atoi(argv[1]));
	load.count = strtoul(argv[4], NULL, 10);
	load.state = strtoul(argv[6], NULL, 10);
	is = measure(&server, workload_named(argv[3]), &load, atoi(argv[1]), strtod(argv[5], NULL));
	printf("%.1f %.1f %.2f %.2f %.2f %.3f %.3f %.0f %.0f %.2f %.2f %.1f\n", is.held_mb,
	       is.seconds, is.cpu, is.hits, is.misses, is.before, is.after, is.resident_mb,
	       is.rested_mb, is.stall_ms, is.ping_p99_ms, is.ping_max_ms);
	client_close(&server.client);
	return 0;
}
