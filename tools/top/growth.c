/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/growth.c - by how much a figure grows in a minute.
 */
#include "tools/top/growth.h"

#include <string.h>

static void forget_first(struct growth *growth)
{
	growth->count--;
	memmove(&growth->sample[0], &growth->sample[1], growth->count * sizeof(growth->sample[0]));
}

/* The last sample is always the newest; it stays when the next one comes if it is a step away. */
static bool replaces_last(const struct growth *growth)
{
	unsigned count = growth->count;

	return count >= 2 &&
	       growth->sample[count - 1].ms - growth->sample[count - 2].ms < GROWTH_STEP_MS;
}

void growth_add(struct growth *growth, uint64_t ms, uint64_t bytes)
{
	uint64_t last = growth->count != 0 ? growth->sample[growth->count - 1].ms : 0;

	if (growth->count != 0 && ms == last)
		return;
	if (ms < last)
		growth->count = 0;
	if (replaces_last(growth))
		growth->count--;
	else if (growth->count == GROWTH_SAMPLES)
		forget_first(growth);
	growth->sample[growth->count].ms = ms;
	growth->sample[growth->count].bytes = bytes;
	growth->count++;
	while (growth->count > 2 && ms - growth->sample[1].ms >= GROWTH_SPAN_MS)
		forget_first(growth);
}

bool growth_per_minute(const struct growth *growth, int64_t *bytes)
{
	unsigned last = growth->count - 1;
	double passed_ms, more;

	if (growth->count < 2)
		return false;
	passed_ms = (double)(growth->sample[last].ms - growth->sample[0].ms);
	if (passed_ms < 1000)
		return false;
	more = (double)growth->sample[last].bytes - (double)growth->sample[0].bytes;
	more = more * 60000 / passed_ms;
	/* A page of another process's may say anything. */
	*bytes = more > 9e18 ? INT64_MAX : more < -9e18 ? -INT64_MAX : (int64_t)more;
	return true;
}
