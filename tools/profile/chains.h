/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/chains.h - stacks as places, and who of a stack it is that holds the memory.
 */
#ifndef ZM_TOOL_CHAINS_H
#define ZM_TOOL_CHAINS_H

#include "tools/profile/symbols.h"
#include "tools/profile/take.h"

/*
 * A stack, innermost place first. The holder is the first that is no allocation function itself: not this library,
 * not a function that is named as one of malloc()'s kin, not the C++ library's containers. A stack of nothing
 * else is held by its innermost place.
 */
struct chain {
	const struct stack *stack;
	const struct where *const *where; /* of each frame of the stack */
	const struct place **place;
	size_t count, holder;
};

struct chains {
	struct chain *chain;
	size_t count;
};

/* In the order of the stacks. 0, or ENOMEM. chains_free() ends it either way. */
int chains_make(const struct taken *taken, struct symbols *symbols, struct chains *chains);
void chains_free(struct chains *chains);

/* A part of the chains that agree from the holder on, in so many places. */
struct group {
	const struct chain *chain; /* the first; the others follow it */
	size_t count;
	uint64_t bytes, blocks, before_bytes, before_blocks;
};

/* The chains by holder, then by its callers: those of one group stand side by side afterwards. */
void chains_sort(struct chains *chains);

/*
 * The largest first, in what they hold, or by growth. *groups is malloc()ed, one for each holder. 0, or ENOMEM.
 */
int chains_group(const struct chains *chains, bool by_growth, struct group **groups, size_t *count);

/*
 * Of a group the part with the caller that most of it is from, so many places from the holder: false if all its
 * chains end there.
 */
bool group_largest_part(const struct group *group, size_t depth, bool by_growth,
			struct group *part);

int64_t group_growth(const struct group *group);

#endif
