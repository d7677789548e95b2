/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/pressure/level.c - what the process has, and how near that is to what it may have.
 */
#include "config.h"

#include "pressure/level.h"

#include <stddef.h>

#include "account/account.h"
#include "os/os.h"

enum {
	LOW_PERCENT = 80,
	MEDIUM_PERCENT = 90,
	CRITICAL_PERCENT = 95,
	AGAIN_AFTER = 10 /* looks */
};

void zm_pressure_figures_take(struct zm_pressure_figures *figures)
{
	size_t bytes;

	figures->used_bytes = zm_account_used();
	figures->rss_bytes = zm_os_rss(&bytes) == 0 ? bytes : figures->used_bytes;
	figures->limit_bytes = zm_os_memory_limit(&bytes, NULL, 0) == 0 ? bytes : 0;
}

uint32_t zm_pressure_figures_level(const struct zm_pressure_figures *figures)
{
	/* A hundredth first: a limit may have all 64 bits. */
	uint64_t percent = figures->limit_bytes / 100;

	if (percent == 0)
		return 0;
	if (figures->rss_bytes / percent >= CRITICAL_PERCENT)
		return ZMALLOC_PRESSURE_CRITICAL;
	if (figures->rss_bytes / percent >= MEDIUM_PERCENT)
		return ZMALLOC_PRESSURE_MEDIUM;
	return figures->rss_bytes / percent >= LOW_PERCENT ? ZMALLOC_PRESSURE_LOW : 0;
}

bool zm_pressure_tick(struct zm_pressure_ticks *ticks, uint32_t level)
{
	bool rises = level > ticks->level;

	ticks->level = level;
	ticks->since++;
	if (level == 0 || (!rises && ticks->since < AGAIN_AFTER))
		return false;
	ticks->since = 0;
	return true;
}
