/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/flame/order.c - where each frame of a flame graph is drawn.
 *
 * A parent stands before its children in the tree, and so do the callees of one before those of the
 * other here. All that follows from the parent, or goes up to it, is one pass through an array
 * then, at any depth, and nothing recurses.
 */
#include "config.h"

#include "tools/flame/order.h"

#include <stdlib.h>
#include <string.h>

#define NOBODY UINT32_MAX

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Frames by node, each with the sums of all that it calls. */
static void sum_up(struct flame_frame *frame, const struct flame *flame)
{
	for (size_t i = 0; i < flame->nodes; i++) {
		const struct flame_node *node = &flame->node[i];

		frame[i] = (struct flame_frame){
			.node = (uint32_t)i,
			.parent = i == 0 ? NOBODY : node->parent,
			.name = &flame->name[node->name],
			.figures = node->own,
			.weight = flame->is_difference ? larger(node->own.bytes, node->own.before)
						       : node->own.bytes,
		};
	}
	for (size_t i = flame->nodes - 1; i > 0; i--) {
		struct flame_frame *parent = &frame[frame[i].parent];

		flame_figures_add(&parent->figures, &frame[i].figures);
		parent->weight = flame_sum(parent->weight, frame[i].weight);
	}
}

static int compare(const void *one, const void *other)
{
	const struct flame_frame *a = one, *b = other;

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return strcmp(a->name->text, b->name->text);
}

static void find_places(struct flame_order *order)
{
	for (size_t i = order->frames; i-- > 0;) {
		order->place[order->frame[i].node] = i;
		if (i != 0)
			order->first[order->frame[i].parent] = i;
	}
}

static void put_in_place(struct flame_order *order, size_t at, double least)
{
	struct flame_frame *frame = &order->frame[at], *before = frame - 1;
	const struct flame_frame *parent = &order->frame[order->place[frame->parent]];

	frame->depth = parent->depth + 1;
	frame->left = before->parent == frame->parent ? before->left + (double)before->weight
						      : parent->left;
	frame->is_drawn = parent->is_drawn && frame->weight != 0 && (double)frame->weight >= least;
	if (frame->is_drawn && frame->depth > order->depth)
		order->depth = frame->depth;
	if (frame->is_drawn || frame->weight == 0)
		return;
	order->left_out++;
	if (parent->is_drawn)
		order->left_out_weight += (double)frame->weight;
}

bool flame_order_make(struct flame_order *order, const struct flame *flame, double narrowest)
{
	*order = (struct flame_order){
		.frame = malloc(flame->nodes * sizeof(*order->frame)),
		.frames = flame->nodes,
		.first = calloc(flame->nodes, sizeof(*order->first)),
		.place = calloc(flame->nodes, sizeof(*order->place)),
	};
	if (order->frame == NULL || order->first == NULL || order->place == NULL) {
		flame_order_free(order);
		return false;
	}
	sum_up(order->frame, flame);
	qsort(order->frame + 1, order->frames - 1, sizeof(*order->frame), compare);
	find_places(order);
	order->frame[0].is_drawn = true;
	for (size_t i = 1; i < order->frames; i++)
		put_in_place(order, i, narrowest * (double)order->frame[0].weight);
	return true;
}

void flame_order_free(struct flame_order *order)
{
	free(order->frame);
	free(order->first);
	free(order->place);
}

/* What is not drawn comes after what is, and neither is anything that it calls. */
size_t flame_order_next(const struct flame_order *order, size_t place)
{
	const struct flame_frame *frame = order->frame;
	size_t into = order->first[frame[place].node];

	if (into != 0 && frame[into].is_drawn)
		return into;
	while (place != 0) {
		size_t next = place + 1;

		if (next < order->frames && frame[next].parent == frame[place].parent &&
		    frame[next].is_drawn)
			return next;
		place = order->place[frame[place].parent];
	}
	return 0;
}
