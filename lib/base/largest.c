/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/largest.c - which of many have the most.
 */
#include "config.h"

#include "base/largest.h"

void zm_largest_see(struct zm_largest *largest, uint64_t bytes)
{
	uint32_t number = largest->seen++;
	unsigned at = largest->count;

	if (bytes == 0)
		return;
	if (at < ZM_LARGEST)
		largest->count++;
	else if (largest->of[--at].bytes >= bytes)
		return;
	for (; at > 0 && largest->of[at - 1].bytes < bytes; at--)
		largest->of[at] = largest->of[at - 1];
	largest->of[at].bytes = bytes;
	largest->of[at].number = number;
}
