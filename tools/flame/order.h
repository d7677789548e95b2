/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/flame/order.h - where each frame of a flame graph is drawn.
 */
#ifndef ZM_FLAME_ORDER_H
#define ZM_FLAME_ORDER_H

#include "tools/flame/tree.h"

/* A frame with all that it calls. */
struct flame_frame {
	uint32_t node, parent;
	const struct flame_name *name;
	struct flame_figures figures;
	uint64_t weight; /* its width, in bytes */
	double left;     /* in bytes, from the left edge */
	unsigned depth;  /* 0: everything */
	bool is_drawn;
};

struct flame_order {
	/* Everything first, then callees by caller; among those of one caller the widest come first. */
	struct flame_frame *frame;
	size_t frames;
	size_t *first;  /* by node: the place of its widest callee, 0 without any */
	size_t *place;  /* by node */
	unsigned depth; /* the largest that is drawn */
	size_t left_out;
	double left_out_weight;
};

/* False: no memory. narrowest: what a frame's share of the whole has to be, for it to be drawn. */
bool flame_order_make(struct flame_order *order, const struct flame *flame, double narrowest);
void flame_order_free(struct flame_order *order);

/* The place of the next frame that is drawn, callees after their caller; 0 after the last. */
size_t flame_order_next(const struct flame_order *order, size_t place);

#endif
