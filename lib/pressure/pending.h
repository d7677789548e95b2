/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/pressure/pending.h - what the sources of a watch have said and nobody has read yet.
 */
#ifndef ZM_PRESSURE_PENDING_H
#define ZM_PRESSURE_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include <zmalloc/pressure.h>

#include "os/pressure.h"
#include "pressure/level.h"

enum {
	ZM_PRESSURE_SOURCES = ZMALLOC_PRESSURE_FIGURES + 1 /* their numbers begin with 1 */
};

struct zm_pressure_pending {
	struct {
		uint64_t count;
		uint32_t level; /* 0: nothing */
		bool gone;
	} of[ZM_PRESSURE_SOURCES];
	struct zm_pressure_ticks ticks;
};

/* The number by which programs know a source of the system's. */
uint32_t zm_pressure_source_of(enum zm_os_pressure_source source);

void zm_pending_add(struct zm_pressure_pending *pending, uint32_t source, uint32_t level,
		    uint64_t count);

/* What the system's sources have said. Where it is time for that, the figures are looked at. */
void zm_pending_add_pressed(struct zm_pressure_pending *pending,
			    const struct zm_os_pressed *pressed);

/*
 * Take out what is to be read first: the highest level, of several the lowest number; what is gone comes last.
 * False: there is nothing. Stores level, source and count.
 */
bool zm_pending_take(struct zm_pressure_pending *pending, struct zmalloc_pressure_event *event);

bool zm_pending_is_empty(const struct zm_pressure_pending *pending);

#endif
