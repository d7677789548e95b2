/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/pressure/level.h - what the process has, and how near that is to what it may have.
 */
#ifndef ZM_PRESSURE_LEVEL_H
#define ZM_PRESSURE_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

#include <zmalloc/pressure.h>

struct zm_pressure_figures {
	uint64_t used_bytes, rss_bytes;
	uint64_t limit_bytes; /* 0: not known */
};

void zm_pressure_figures_take(struct zm_pressure_figures *figures);

/* enum zmalloc_pressure_level; 0: none. */
uint32_t zm_pressure_figures_level(const struct zm_pressure_figures *figures);

/* What was said last, of a watch that looks once a second. */
struct zm_pressure_ticks {
	uint32_t level;
	unsigned since; /* looks since it was said */
};

/* Is the level of a look to be said? */
bool zm_pressure_tick(struct zm_pressure_ticks *ticks, uint32_t level);

#endif
