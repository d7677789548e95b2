/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/kept_info.h - the last figures, for adaptors whose allocator walks its whole heap to
 * tell them.
 */
#ifndef ZM_ALLOCATOR_KEPT_INFO_H
#define ZM_ALLOCATOR_KEPT_INFO_H

#include "allocator/allocator.h"

/* What zm_allocator_info() is, by a function that takes the figures anew. */
bool zm_kept_info(bool refresh, void (*read)(struct zm_allocator_info *info),
		  struct zm_allocator_info *info);

#endif
