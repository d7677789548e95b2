/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/pressure/pending.c - what is still to be read.
 */
#include "config.h"

#include "pressure/pending.h"

/* Sources of the system's have the numbers that programs know, in their order. */
#define FIRST_OF_SYSTEM ZMALLOC_PRESSURE_SERVICE
#define IS(public, os)                                                                             \
	_Static_assert((int)(public) == (int)(os) + (int)FIRST_OF_SYSTEM,                          \
		       "a source of another number")
IS(ZMALLOC_PRESSURE_SERVICE, ZM_OS_PRESSURE_SERVICE);
IS(ZMALLOC_PRESSURE_GROUP_STALLS, ZM_OS_PRESSURE_GROUP_STALLS);
IS(ZMALLOC_PRESSURE_MACHINE_STALLS, ZM_OS_PRESSURE_MACHINE_STALLS);
IS(ZMALLOC_PRESSURE_GROUP_EVENTS, ZM_OS_PRESSURE_GROUP_EVENTS);
IS(ZMALLOC_PRESSURE_GROUP_LEVEL, ZM_OS_PRESSURE_GROUP_LEVEL);
IS(ZMALLOC_PRESSURE_SYSTEM, ZM_OS_PRESSURE_SYSTEM);
IS(ZMALLOC_PRESSURE_FIGURES, ZM_OS_PRESSURE_TIMER);
_Static_assert((int)ZMALLOC_PRESSURE_LOW == (int)ZM_OS_PRESSURE_LOW, "a level of another number");
_Static_assert((int)ZMALLOC_PRESSURE_CRITICAL == (int)ZM_OS_PRESSURE_CRITICAL,
	       "a level of another number");

uint32_t zm_pressure_source_of(enum zm_os_pressure_source source)
{
	return (uint32_t)source + FIRST_OF_SYSTEM;
}

void zm_pending_add(struct zm_pressure_pending *pending, uint32_t source, uint32_t level,
		    uint64_t count)
{
	pending->of[source].count += count;
	if (pending->of[source].level < level)
		pending->of[source].level = level;
}

static void look_at_figures(struct zm_pressure_pending *pending)
{
	struct zm_pressure_figures figures;
	uint32_t level;

	zm_pressure_figures_take(&figures);
	level = zm_pressure_figures_level(&figures);
	if (zm_pressure_tick(&pending->ticks, level))
		zm_pending_add(pending, ZMALLOC_PRESSURE_FIGURES, level, 1);
}

void zm_pending_add_pressed(struct zm_pressure_pending *pending,
			    const struct zm_os_pressed *pressed)
{
	for (int source = 0; source < ZM_OS_PRESSURE_SOURCES; source++) {
		uint32_t number = zm_pressure_source_of(source);

		pending->of[number].gone |= pressed->gone[source];
		if (source != ZM_OS_PRESSURE_TIMER)
			zm_pending_add(pending, number, pressed->level[source],
				       pressed->count[source]);
	}
	if (pressed->level[ZM_OS_PRESSURE_TIMER] != 0)
		look_at_figures(pending);
}

static bool is_pending(const struct zm_pressure_pending *pending, uint32_t source)
{
	return pending->of[source].level != 0 || pending->of[source].gone;
}

bool zm_pending_take(struct zm_pressure_pending *pending, struct zmalloc_pressure_event *event)
{
	uint32_t first = 0;

	for (uint32_t source = 1; source < ZM_PRESSURE_SOURCES; source++)
		if (is_pending(pending, source) &&
		    (first == 0 || pending->of[source].level > pending->of[first].level))
			first = source;
	if (first == 0)
		return false;
	event->source = first;
	event->level = pending->of[first].level;
	event->count = pending->of[first].count != 0 ? pending->of[first].count : 1;
	if (event->level == ZMALLOC_PRESSURE_GONE)
		pending->of[first].gone = false;
	pending->of[first].level = 0;
	pending->of[first].count = 0;
	return true;
}

bool zm_pending_is_empty(const struct zm_pressure_pending *pending)
{
	for (uint32_t source = 1; source < ZM_PRESSURE_SOURCES; source++)
		if (is_pending(pending, source))
			return false;
	return true;
}
