/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/write_profile.c - a profile in a format that others read, and what the writers share.
 */
#include "config.h"

#include "profile/write.h"

#include <errno.h>

#include "profile/gzip.h"

int zm_profile_each_mapping(const struct zm_profile_sheet *sheet, zm_profile_mapping_visit visit,
			    void *context)
{
	return sheet->each_mapping != NULL ? sheet->each_mapping(sheet, visit, context) : 0;
}

unsigned zm_profile_depth(const struct zmalloc_profile_stack *stack)
{
	return stack->depth < ZMALLOC_PROFILE_DEPTH_MAX ? stack->depth : ZMALLOC_PROFILE_DEPTH_MAX;
}

const char *zm_profile_suffix(enum zmalloc_profile_format format)
{
	if (format == ZMALLOC_PROFILE_PPROF)
		return zm_gzip_is_there() ? ".pb.gz" : ".pb";
	return format == ZMALLOC_PROFILE_HEAP_V2 ? ".heap" : ".collapsed";
}

static int write_with(const struct zm_profile_sheet *sheet, enum zmalloc_profile_format format,
		      struct zm_profile_scratch *scratch, struct zm_builder *out)
{
	if (format == ZMALLOC_PROFILE_PPROF)
		return zm_profile_write_pprof(sheet, scratch, out);
	if (format == ZMALLOC_PROFILE_HEAP_V2)
		return zm_profile_write_heap(sheet, out);
	return zm_profile_write_collapsed(sheet, scratch, out);
}

int zm_profile_write(const struct zm_profile_sheet *sheet, enum zmalloc_profile_format format,
		     struct zm_builder *out)
{
	struct zm_profile_scratch *scratch = sheet->scratch;
	int error;

	if (format < ZMALLOC_PROFILE_PPROF || format > ZMALLOC_PROFILE_COLLAPSED)
		return EINVAL;
	if (scratch == NULL) {
		error = zm_profile_scratch_take(&scratch);
		if (error != 0)
			return error;
	}
	error = write_with(sheet, format, scratch, out);
	if (sheet->scratch == NULL)
		zm_profile_scratch_give(scratch);
	return error != 0 ? error : out->error;
}
