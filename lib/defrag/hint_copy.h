/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/hint_copy.h - the copy of a block that was answered 1.
 */
#ifndef ZM_DEFRAG_HINT_COPY_H
#define ZM_DEFRAG_HINT_COPY_H

#include <stdint.h>

/* The calling thread's next zmalloc_no_tcache() is for the copy of a block of this arena. */
void zm_hint_copy_goes_to(uint32_t arena);

#endif
