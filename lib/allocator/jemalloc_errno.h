/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_errno.h - which arenas' frees keep errno.
 */
#ifndef ZM_ALLOCATOR_JEMALLOC_ERRNO_H
#define ZM_ALLOCATOR_JEMALLOC_ERRNO_H

#include <stdbool.h>

/* Have frees into this arena keep errno. True if they do. */
bool zm_je_keep_errno(unsigned arena);

/* The same for all arenas: call it after something that may have made or changed any. */
void zm_je_keep_errno_everywhere(void);

#endif
