/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_arena.h - what the rest of the adaptor has to know of private arenas, which end
 * at any moment, in any thread.
 *
 * jemalloc looks an arena up under a lock, lets go of that and then works on the arena where it gives
 * back pages: arena.<i>.purge, arena.<i>.decay, also of all of them, and arena.<i>.dirty_decay_ms. So
 * nobody may do any of that to an arena that another thread destroys meanwhile.
 */
#ifndef ZM_ALLOCATOR_JEMALLOC_ARENA_H
#define ZM_ALLOCATOR_JEMALLOC_ARENA_H

#include <stdbool.h>

/* All unused pages of all arenas go back. 0, or an errno value. */
int zm_je_purge(void);

/* The arena of this number is a private one. One that is not may be worked on, unless it ends itself. */
bool zm_je_is_private(unsigned number);

#endif
