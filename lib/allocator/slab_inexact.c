/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/slab_inexact.c - for allocators whose layout is not exact, or that have none: the functions
 * of slab.h that name slabs find none.
 */
#include "config.h"

#include "allocator/slab.h"

bool zm_slab_find(const void *ptr, struct zm_slab *slab)
{
	(void)ptr, (void)slab;
	return false;
}

void zm_slab_used(char *const *bases, const uint32_t *bins, uint32_t *used, size_t count)
{
	(void)bases, (void)bins;
	for (size_t i = 0; i < count; i++)
		used[i] = UINT32_MAX;
}

bool zm_slab_walk(struct zm_slab_walk *walk, size_t pages,
		  void (*found)(const struct zm_slab *slab))
{
	(void)walk, (void)pages, (void)found;
	return true;
}
