/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_gone.h - may jemalloc be asked about a slab that is gone?
 */
#ifndef ZM_ALLOCATOR_JEMALLOC_GONE_H
#define ZM_ALLOCATOR_JEMALLOC_GONE_H

#include <stdbool.h>

#include "allocator/slab.h"

/* True: from now on batch_query does not fault on any address of a granule. To be called once. */
bool zm_je_answers_for_gone(const struct zm_slab_layout *layout);

#endif
