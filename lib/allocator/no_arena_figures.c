/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/no_arena_figures.c - for allocators that tell nothing of single arenas.
 */
#include "config.h"

#include "allocator/allocator.h"

unsigned zm_allocator_arenas(void)
{
	return 0;
}

bool zm_allocator_info_by_arena(unsigned arena, bool refresh, struct zm_allocator_info *info)
{
	(void)arena, (void)refresh;
	*info = ZM_ALLOCATOR_INFO_UNKNOWN;
	return false;
}
