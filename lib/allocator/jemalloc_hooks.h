/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_hooks.h - extent hooks, by which an arena gets memory and gives it back.
 */
#ifndef ZM_ALLOCATOR_JEMALLOC_HOOKS_H
#define ZM_ALLOCATOR_JEMALLOC_HOOKS_H

#include <stdbool.h>

#include "allocator/jemalloc_names.h"

/*
 * jemalloc's own: those that arena 0 has when this is asked first. NULL: they cannot be read. Called
 * by two threads at once, both get the same.
 */
extent_hooks_t *zm_je_own_hooks(void);

/*
 * jemalloc's own, with those four wrapped so that they keep errno that make system calls in a free.
 * Only for who has seen that zm_je_own_hooks() is not NULL.
 */
extent_hooks_t zm_je_hooks_that_keep_errno(void);

/* False if there is no such arena. */
bool zm_je_read_hooks(unsigned arena, extent_hooks_t **hooks);
bool zm_je_write_hooks(unsigned arena, extent_hooks_t *hooks);

#endif
