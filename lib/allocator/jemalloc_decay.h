/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_decay.h - whether jemalloc can give unused pages back in steps.
 */
#ifndef ZM_ALLOCATOR_JEMALLOC_DECAY_H
#define ZM_ALLOCATOR_JEMALLOC_DECAY_H

#include <stdbool.h>

/* True: zm_slab_decay_begin() and the functions beside it work. To be called once. */
bool zm_je_decay_open(void);

#endif
