/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/pressure/pressure.h - what the files behind <zmalloc/pressure.h> share, and what the rest of the library
 * may say of pressure.
 *
 * A watch has a number of its own besides its descriptor: the descriptor of one that was closed may
 * be another's by the time that a thread which slept comes back to it.
 */
#ifndef ZM_PRESSURE_H
#define ZM_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>

#include <zmalloc/pressure.h>

#include "os/pressure.h"

/*
 * A soft limit of the library's was passed: every watch tells of it. From any thread that holds no lock of the
 * room's or one below it (base/fork.h); a limit's callback may call it.
 * level: of enum zmalloc_pressure_level, not GONE
 */
void zm_pressure_raise(uint32_t level);

/* ---- Watches; 0 or an errno value ---- */

/* hidden: it has no descriptor for the program, and `fd` is -1. */
int zm_pressure_open(const struct zm_os_pressure_wish *wish, bool hidden, int *fd,
		     uintptr_t *number);

/* What the environment wishes. */
struct zm_os_pressure_wish zm_pressure_wish(void);

/* As zmalloc_pressure_wait(); timeout_ms: 0 only takes what there is, and says EAGAIN. */
int zm_pressure_wait(uintptr_t number, int timeout_ms, struct zmalloc_pressure_event *event);

int zm_pressure_close(uintptr_t number);

/* The lock PRESSURE, without being cancelled meanwhile. It may be taken again by the thread that has it. */
struct zm_pressure_hold {
	int cancel;
};
struct zm_pressure_hold zm_pressure_begin(void);
void zm_pressure_end(struct zm_pressure_hold hold);

/* ---- on_pressure.c ---- */

/* In the child of a fork, under the lock: there is no thread. */
void zm_pressure_purge_in_child(void);

/* How often that thread has purged (tests). */
uint64_t zm_pressure_purges(void);

#endif
