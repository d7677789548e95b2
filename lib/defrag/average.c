/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/average.c - the rule for layouts whose slabs have no names: each block for itself.
 *
 * Where slabs are larger than the smallest multiple of their regions (jemalloc's opt.slab_sizes) an
 * address does not tell its slab, so nothing can be counted or pinned. What is left is the
 * allocator's answer for one block: move it if its slab is emptier than 9/8 of the average slab of
 * its bin. That takes several passes and moves more; and an inside address cannot be told from a
 * start. An allocator that gives such advice itself, from more than its statistics, is asked instead.
 */
#include "config.h"

#include <string.h>

#include "account/account.h"
#include "allocator/allocator.h"
#include "defrag/cycle.h"

bool zm_average_hint(const void *ptr, struct zm_slab_usage *usage)
{
	size_t slabs, used;
	int advice;

	if (!zm_slab_usage(ptr, usage) || usage->free == 0)
		return false;
	advice = zm_slab_advice(ptr);
	if (advice >= 0)
		return advice != 0;
	if (!zm_slab_bin_stats(usage->arena, usage->bin, &slabs, &used) || slabs < 2)
		return false;
	return (uint64_t)(usage->regions - usage->free) * slabs <= used + used / 8;
}

void *zm_average_visit(void *ptr)
{
	struct zm_slab_usage usage;
	size_t bytes;
	void *target;

	if (!zm_average_hint(ptr, &usage))
		return ptr;
	bytes = zm_slab_layout()->bin[usage.bin].region_bytes;
	target = zm_raw_usable(ptr) == bytes ? zm_slab_take_alone(usage.arena, usage.bin) : NULL;
	if (target == NULL)
		return ptr;
	memcpy(target, ptr, bytes);
	zm_slab_give(&ptr, 1, usage.bin);
	zm_cycle.moved++;
	zm_cycle.moved_bytes += bytes;
	return target;
}
