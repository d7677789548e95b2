/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/flame/tree.c - the stacks of a flame graph, as a tree of frames.
 *
 * A frame may have thousands of callees: they are found by hashes of their names, not one after
 * the other.
 */
#include "config.h"

#include "tools/flame/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST_NODES (UINT32_MAX / 4)

uint64_t flame_sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void flame_figures_add(struct flame_figures *to, const struct flame_figures *more)
{
	to->bytes = flame_sum(to->bytes, more->bytes);
	to->before = flame_sum(to->before, more->before);
	to->blocks = flame_sum(to->blocks, more->blocks);
}

/* FNV-1a, the same on every machine: colours follow from it. */
static uint32_t hash_text(const char *text)
{
	uint32_t hash = 2166136261u;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

static uint32_t hash_place(uint32_t parent, uint32_t name)
{
	uint32_t hash = parent * 2654435761u ^ name * 2246822519u;

	return hash ^ hash >> 15;
}

/* ---- An array that grows, and an index of it ------------------------------------------------- */

/* Room for one more; the array, which may have moved, or NULL. */
static void *room_for_one(void *array, size_t count, size_t *room, size_t size)
{
	size_t wanted = *room ? *room * 2 : 64;

	if (count < *room)
		return array;
	if (count >= MOST_NODES)
		return NULL;
	array = realloc(array, wanted * size);
	if (array != NULL)
		*room = wanted;
	return array;
}

static void put(struct flame_index *index, uint32_t hash, size_t place)
{
	size_t i = hash & (index->room - 1);

	while (index->slot[i].after != 0)
		i = (i + 1) & (index->room - 1);
	index->slot[i] = (struct flame_slot){hash, (uint32_t)(place + 1)};
}

/* Half of the slots stay free, with one more than `count` in them. */
static bool index_reserve(struct flame_index *index, size_t count)
{
	struct flame_index larger = {NULL, index->room ? index->room * 2 : 128};

	if (2 * (count + 1) <= index->room)
		return true;
	larger.slot = calloc(larger.room, sizeof(*larger.slot));
	if (larger.slot == NULL)
		return false;
	for (size_t i = 0; i < index->room; i++)
		if (index->slot[i].after != 0)
			put(&larger, index->slot[i].hash, index->slot[i].after - 1);
	free(index->slot);
	*index = larger;
	return true;
}

/* The next place that may be meant by a hash; *at: where to look, hash & (room - 1) at first. */
static bool next_place(const struct flame_index *index, uint32_t hash, size_t *at, uint32_t *place)
{
	while (index->room != 0 && index->slot[*at].after != 0) {
		const struct flame_slot *slot = &index->slot[*at];

		*at = (*at + 1) & (index->room - 1);
		if (slot->hash == hash) {
			*place = slot->after - 1;
			return true;
		}
	}
	return false;
}

/* ---- Names and frames ------------------------------------------------------------------------ */

static bool add_name(struct flame *flame, const char *text, uint32_t hash)
{
	struct flame_name *array =
		room_for_one(flame->name, flame->names, &flame->name_room, sizeof(*array));
	char *copy;

	if (array == NULL)
		return false;
	flame->name = array;
	if (!index_reserve(&flame->by_name, flame->names))
		return false;
	copy = strdup(text);
	if (copy == NULL)
		return false;
	array[flame->names] = (struct flame_name){copy, hash};
	put(&flame->by_name, hash, flame->names++);
	return true;
}

static bool find_name(struct flame *flame, const char *text, uint32_t *name)
{
	uint32_t hash = hash_text(text);
	size_t at = hash & (flame->by_name.room - 1);

	while (next_place(&flame->by_name, hash, &at, name))
		if (strcmp(flame->name[*name].text, text) == 0)
			return true;
	*name = (uint32_t)flame->names;
	return add_name(flame, text, hash);
}

static bool add_node(struct flame *flame, uint32_t parent, uint32_t name, uint32_t hash)
{
	struct flame_node *array =
		room_for_one(flame->node, flame->nodes, &flame->node_room, sizeof(*array));

	if (array == NULL)
		return false;
	flame->node = array;
	if (!index_reserve(&flame->by_place, flame->nodes))
		return false;
	array[flame->nodes] = (struct flame_node){.parent = parent, .name = name};
	put(&flame->by_place, hash, flame->nodes++);
	return true;
}

/* The frame of a name that another one calls; *node: the caller, then the callee. */
static bool find_callee(struct flame *flame, uint32_t name, uint32_t *node)
{
	uint32_t parent = *node, hash = hash_place(parent, name);
	size_t at = hash & (flame->by_place.room - 1);

	/* The frame of everything is its own parent, and nobody's callee. */
	while (next_place(&flame->by_place, hash, &at, node))
		if (*node != 0 && flame->node[*node].parent == parent &&
		    flame->node[*node].name == name)
			return true;
	*node = (uint32_t)flame->nodes;
	return add_node(flame, parent, name, hash);
}

int flame_add(struct flame *flame, const char *const *names, unsigned count, uint64_t bytes,
	      uint64_t before, uint64_t blocks)
{
	struct flame_figures more = {bytes, before, blocks};
	uint32_t node = 0;

	for (unsigned i = 0; i < count; i++) {
		uint32_t name;

		if (!find_name(flame, names[i], &name) || !find_callee(flame, name, &node))
			return ENOMEM;
	}
	flame_figures_add(&flame->node[node].own, &more);
	return 0;
}

struct flame *flame_new(const char *title, const char *subtitle, bool is_difference)
{
	struct flame *flame = calloc(1, sizeof(*flame));
	uint32_t name;

	if (flame == NULL)
		return NULL;
	flame->is_difference = is_difference;
	flame->title = strdup(title);
	flame->subtitle = strdup(subtitle);
	if (flame->title == NULL || flame->subtitle == NULL || !find_name(flame, "all", &name) ||
	    !add_node(flame, 0, name, hash_place(0, name))) {
		flame_free(flame);
		return NULL;
	}
	return flame;
}

void flame_free(struct flame *flame)
{
	if (flame == NULL)
		return;
	for (size_t i = 0; i < flame->names; i++)
		free(flame->name[i].text);
	free(flame->name);
	free(flame->by_name.slot);
	free(flame->node);
	free(flame->by_place.slot);
	free(flame->title);
	free(flame->subtitle);
	free(flame);
}
