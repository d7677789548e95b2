/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/flame.h - a flame graph of stacks, as one SVG file that a browser opens.
 *
 * Each frame is as wide as what it and those that it calls hold; the outermost frames are at the top. The
 * file has its own style and script and fetches nothing: a click zooms, a search by regular expression
 * tells the share of what it finds. Without a script (a picture in a page) it is drawn all the same.
 *
 * The same stacks give the same text, in whatever order they were added.
 *
 * In the graph of a difference a stack is as wide as the larger of its two figures, so that what is gone
 * is seen too; a frame is the redder the more of it is growth, and the bluer the more of it is gone.
 */
#ifndef ZM_FLAME_H
#define ZM_FLAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/builder.h"

struct flame;

/* The texts are copied; they may have any bytes, as names may. NULL: no memory. */
struct flame *flame_new(const char *title, const char *subtitle, bool is_difference);

/*
 * One stack; those of the same names are added up. names: outermost first, copied. bytes, blocks: what it
 * holds; before: bytes of the earlier profile, 0 where that has no such stack. Returns 0 or ENOMEM.
 */
int flame_add(struct flame *flame, const char *const *names, unsigned count, uint64_t bytes,
	      uint64_t before, uint64_t blocks);

/*
 * The whole file, which zm_builder_finish() ends. Returns 0, ENOMEM, or what the builder's writer said. It
 * may be called again, with more stacks or without.
 */
int flame_write(const struct flame *flame, struct zm_builder *out);

void flame_free(struct flame *flame);

#endif
