/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/write.h - a profile in a format that others read.
 *
 * No writer allocates: text and bytes flow through builders on the stack, and what has to be looked up is in
 * scratch memory of the system's.
 *
 * A stack's addresses are those that its calls return to. Such an address may be of the next line, and after the
 * last call of a function of the next function, so readers look for the byte before it. In which format
 * they subtract that one themselves is said in each writer.
 */
#ifndef ZM_PROFILE_WRITE_H
#define ZM_PROFILE_WRITE_H

#include "base/builder.h"
#include "profile/scratch.h"
#include "profile/sheet.h"

/*
 * What is written is not finished: zm_builder_finish() is the caller's.
 * 0, what the sheet's functions or the builder's writer say, EINVAL: no such format, ENOMEM: there is no memory
 * for scratch.
 */
int zm_profile_write(const struct zm_profile_sheet *sheet, enum zmalloc_profile_format format,
		     struct zm_builder *out);

/* ".pb.gz" and the like, by which tools know the format. */
const char *zm_profile_suffix(enum zmalloc_profile_format format);

/* ---- One for each format; the same answers ---- */

int zm_profile_write_pprof(const struct zm_profile_sheet *sheet, struct zm_profile_scratch *scratch,
			   struct zm_builder *out);
int zm_profile_write_heap(const struct zm_profile_sheet *sheet, struct zm_builder *out);
int zm_profile_write_collapsed(const struct zm_profile_sheet *sheet,
			       struct zm_profile_scratch *scratch, struct zm_builder *out);

/* ---- What they share ---- */

int zm_profile_each_mapping(const struct zm_profile_sheet *sheet, zm_profile_mapping_visit visit,
			    void *context);

/* A sheet may be wrong about another process: frames beyond what there can be are none. */
unsigned zm_profile_depth(const struct zmalloc_profile_stack *stack);

#endif
