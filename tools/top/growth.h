/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/growth.h - by how much a figure grows in a minute, from what it was when.
 */
#ifndef ZM_TOP_GROWTH_H
#define ZM_TOP_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

/* A sample each five seconds of the last minute, one before that, and the last one. */
enum {
	GROWTH_STEP_MS = 5000,
	GROWTH_SPAN_MS = 60000,
	GROWTH_SAMPLES = GROWTH_SPAN_MS / GROWTH_STEP_MS + 3
};

/* Begins as zeros. */
struct growth {
	unsigned count;
	struct {
		uint64_t ms, bytes;
	} sample[GROWTH_SAMPLES]; /* the oldest first */
};

/*
 * Figures that are as old as the last ones are the same ones. Those of a time before are of a clock that was
 * put back: they begin anew.
 */
void growth_add(struct growth *growth, uint64_t ms, uint64_t bytes);

/* Over the last minute, or what is known of it; false while that is less than a second. */
bool growth_per_minute(const struct growth *growth, int64_t *bytes);

#endif
