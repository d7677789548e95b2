/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/slab_none.c - for allocators that cannot be defragmented.
 *
 * Nothing but zm_slab_layout() and zm_slab_note() is called where the layout is NULL; the rest is
 * here so that the code above needs no condition.
 *
 * tcmalloc (gperftools 2.10) and the C libraries tell nothing of single blocks.
 */
#include "config.h"

#include "allocator/slab.h"

const struct zm_slab_layout *zm_slab_layout(void)
{
	return NULL;
}

void zm_slab_note(const void *ptr)
{
	(void)ptr;
}

bool zm_slab_usage(const void *ptr, struct zm_slab_usage *usage)
{
	(void)ptr, (void)usage;
	return false;
}

int zm_slab_advice(const void *ptr)
{
	(void)ptr;
	return -1;
}

void zm_slab_refresh(void)
{
}

unsigned zm_slab_arenas(void)
{
	return 0;
}

bool zm_slab_bin_stats(unsigned arena, unsigned bin, size_t *slabs, size_t *used_regions)
{
	(void)arena, (void)bin, (void)slabs, (void)used_regions;
	return false;
}

size_t zm_slab_live_bytes(void)
{
	return 0;
}

void *zm_slab_take(unsigned arena, unsigned bin)
{
	(void)arena, (void)bin;
	return NULL;
}

bool zm_slab_bin_of(size_t size, unsigned *bin)
{
	(void)size, (void)bin;
	return false;
}

void *zm_slab_take_alone(unsigned arena, unsigned bin)
{
	(void)arena, (void)bin;
	return NULL;
}

void zm_slab_give(void *const *regions, size_t count, unsigned bin)
{
	(void)regions, (void)count, (void)bin;
}

void zm_slab_drain(void)
{
}

bool zm_slab_drain_next(unsigned *next)
{
	(void)next;
	return false;
}

void zm_slab_flush_thread(void)
{
}

void zm_slab_decay_hold(void)
{
}

void zm_slab_decay_begin(unsigned ms)
{
	(void)ms;
}

uint64_t zm_slab_decay_step(void)
{
	return 0;
}

size_t zm_slab_decay_left_bytes(void)
{
	return 0;
}

void zm_slab_decay_end(void)
{
}
