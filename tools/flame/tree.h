/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/flame/tree.h - the stacks of a flame graph, as a tree of frames.
 */
#ifndef ZM_FLAME_TREE_H
#define ZM_FLAME_TREE_H

#include "tools/flame.h"

#include <stddef.h>

/* Where things are in an array, by a hash of what they are. */
struct flame_index {
	struct flame_slot {
		uint32_t hash;
		uint32_t after; /* the place in the array, and 1; 0: free */
	} * slot;
	size_t room; /* a power of two, or 0 */
};

struct flame_name {
	char *text;
	uint32_t hash;
};

struct flame_figures {
	uint64_t bytes, before, blocks; /* ceilings rather than overflows */
};

/* A frame; the first is that of everything. A parent comes before its children. */
struct flame_node {
	uint32_t parent, name;
	struct flame_figures own; /* of the stacks that end here */
};

struct flame {
	char *title, *subtitle;
	bool is_difference;
	struct flame_name *name;
	size_t names, name_room;
	struct flame_index by_name;
	struct flame_node *node;
	size_t nodes, node_room;
	struct flame_index by_place; /* nodes by parent and name */
};

uint64_t flame_sum(uint64_t a, uint64_t b);
void flame_figures_add(struct flame_figures *to, const struct flame_figures *more);

#endif
