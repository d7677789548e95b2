/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/largest.h - which of many have the most, without a copy of them: by the numbers that they come in.
 */
#ifndef ZM_LARGEST_H
#define ZM_LARGEST_H

#include <stdint.h>

enum {
	ZM_LARGEST = 5
};

/* All zero to begin with. The largest comes first; of those that have the same, who came first. */
struct zm_largest {
	struct {
		uint64_t bytes;
		uint32_t number;
	} of[ZM_LARGEST];
	unsigned count;
	uint32_t seen;
};

/* The next, whose number is how many came before. Who has nothing is none of the largest. */
void zm_largest_see(struct zm_largest *largest, uint64_t bytes);

#endif
