/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/chains.c - stacks as places, and who of a stack it is that holds the memory.
 */
#include "tools/profile/chains.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/profile/wrapper.h"

/* ---- From addresses ---- */

static int find_frames(const struct stack *stack, struct symbols *symbols,
		       const struct where **where, size_t *places)
{
	*places = 0;
	for (unsigned i = 0; i < stack->now.depth; i++) {
		where[i] = symbols_find(symbols, stack->now.frames[i]);
		if (where[i] == NULL)
			return ENOMEM;
		*places += where[i]->count;
	}
	return 0;
}

static size_t holder_of(const struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		if (!is_wrapper(chain->place[i]))
			return i;
	return 0;
}

static int make_chain(const struct stack *stack, struct symbols *symbols, struct chain *chain)
{
	const struct where **where = malloc((stack->now.depth + 1) * sizeof(*where));
	size_t places;

	chain->stack = stack;
	chain->where = where;
	if (where == NULL || find_frames(stack, symbols, where, &places) != 0)
		return ENOMEM;
	chain->place = malloc((places + 1) * sizeof(*chain->place));
	if (chain->place == NULL)
		return ENOMEM;
	for (unsigned i = 0; i < stack->now.depth; i++)
		for (size_t j = 0; j < where[i]->count; j++)
			chain->place[chain->count++] = where[i]->place[j];
	chain->holder = holder_of(chain);
	return 0;
}

int chains_make(const struct taken *taken, struct symbols *symbols, struct chains *chains)
{
	int error = 0;

	*chains = (struct chains){.chain = calloc(taken->count + 1, sizeof(*chains->chain))};
	if (chains->chain == NULL)
		return ENOMEM;
	for (size_t i = 0; error == 0 && i < taken->count; i++)
		error = make_chain(&taken->stack[i], symbols, &chains->chain[chains->count++]);
	return error;
}

void chains_free(struct chains *chains)
{
	for (size_t i = 0; i < chains->count; i++) {
		free((void *)(uintptr_t)chains->chain[i].where);
		free((void *)chains->chain[i].place);
	}
	free(chains->chain);
	*chains = (struct chains){0};
}

/* ---- Groups ---- */

/* NULL: the stack has no more. */
static const struct place *place_at(const struct chain *chain, size_t depth)
{
	size_t at = chain->holder + depth;

	return at < chain->count ? chain->place[at] : NULL;
}

static int by_places(const void *a, const void *b)
{
	const struct chain *left = a, *right = b;

	for (size_t depth = 0;; depth++) {
		const struct place *l = place_at(left, depth), *r = place_at(right, depth);

		if (l == NULL || r == NULL)
			return (l != NULL) - (r != NULL);
		if (l != r)
			return l->id < r->id ? -1 : 1;
	}
}

void chains_sort(struct chains *chains)
{
	if (chains->count != 0)
		qsort(chains->chain, chains->count, sizeof(*chains->chain), by_places);
}

/* Those from `chain` on that agree at that depth. */
static struct group group_at(const struct chain *chain, size_t most, size_t depth)
{
	struct group group = {.chain = chain};

	while (group.count < most &&
	       place_at(&chain[group.count], depth) == place_at(chain, depth)) {
		const struct stack *stack = chain[group.count++].stack;

		group.bytes += stack->now.live_bytes;
		group.blocks += stack->now.live_blocks;
		group.before_bytes += stack->before_bytes;
		group.before_blocks += stack->before_blocks;
	}
	return group;
}

int64_t group_growth(const struct group *group)
{
	return (int64_t)(group->bytes - group->before_bytes);
}

static int by_size(const void *a, const void *b)
{
	const struct group *left = a, *right = b;

	if (left->bytes != right->bytes)
		return left->bytes < right->bytes ? 1 : -1;
	return left->chain < right->chain ? -1 : left->chain > right->chain;
}

static int by_growth_first(const void *a, const void *b)
{
	int64_t left = group_growth(a), right = group_growth(b);

	return left != right ? (left < right ? 1 : -1) : by_size(a, b);
}

int chains_group(const struct chains *chains, bool by_growth, struct group **groups, size_t *count)
{
	size_t at = 0;

	*count = 0;
	*groups = malloc((chains->count + 1) * sizeof(**groups));
	if (*groups == NULL)
		return ENOMEM;
	while (at < chains->count) {
		(*groups)[*count] = group_at(&chains->chain[at], chains->count - at, 0);
		at += (*groups)[(*count)++].count;
	}
	if (*count != 0)
		qsort(*groups, *count, sizeof(**groups), by_growth ? by_growth_first : by_size);
	return 0;
}

bool group_largest_part(const struct group *group, size_t depth, bool by_growth, struct group *part)
{
	bool is_any = false;

	for (size_t at = 0; at < group->count;) {
		struct group one = group_at(&group->chain[at], group->count - at, depth);

		at += one.count;
		if (place_at(one.chain, depth) == NULL)
			continue;
		if (!is_any ||
		    (by_growth ? group_growth(&one) > group_growth(part) : one.bytes > part->bytes))
			*part = one;
		is_any = true;
	}
	return is_any;
}
