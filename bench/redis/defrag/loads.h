/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/redis/defrag/loads.h - what the server is filled with and which of it is deleted.
 */
#ifndef BENCH_REDIS_DEFRAG_LOADS_H
#define BENCH_REDIS_DEFRAG_LOADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"

struct load {
	struct client *client;
	size_t count;   /* of strings, or of members of collections */
	uint64_t state; /* of the random numbers */
};

/* A workload; `thin` leaves the server fragmented. */
struct workload {
	const char *name, *what;
	void (*fill)(struct load *load);
	void (*thin)(struct load *load);
	bool churns; /* goes on with churn() while the server defragments */
};

extern const struct workload workloads[];

const struct workload *workload_named(const char *name);

/* Replace so many strings by others of other sizes and drain. */
void churn(struct load *load, size_t replacements);

#endif
