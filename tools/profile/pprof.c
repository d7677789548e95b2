/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/pprof.c - the profile of another process as a sheet, which the library's own writer makes a file of.
 */
#include "tools/profile/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile/write.h"

static int each_stack(const struct zm_profile_sheet *sheet, zm_profile_stack_visit visit,
		      void *context)
{
	const struct profile *profile = sheet->owner;
	int told = 0;

	for (size_t i = 0; told == 0 && i < profile->taken.count; i++)
		told = visit(&profile->taken.stack[i].now, context);
	return told;
}

/* The program comes first, as readers look for its name there; which one it is only order tells. */
static int each_mapping(const struct zm_profile_sheet *sheet, zm_profile_mapping_visit visit,
			void *context)
{
	const struct profile *profile = sheet->owner;
	const struct mappings *mappings = symbols_mappings(profile->symbols);
	int told = 0;

	for (size_t i = 0; told == 0 && i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->mapping[i];
		struct zm_profile_mapping one = {.start = (uintptr_t)mapping->start,
						 .limit = (uintptr_t)mapping->limit,
						 .offset = mapping->offset,
						 .path = mapping->path};

		one.build_id_bytes =
			mapping_build_id(mappings, mapping, one.build_id, sizeof(one.build_id));
		told = visit(&one, context);
	}
	return told;
}

int profile_build_pprof(struct zm_builder *out, const struct profile *profile)
{
	struct zm_profile_sheet sheet = {.mean_bytes = profile->taken.info.mean_bytes,
					 .started_ns = profile->taken.info.started_ns,
					 .duration_ns = profile->taken.info.duration_ns,
					 .lost_samples = profile->taken.info.lost_samples,
					 .each_stack = each_stack,
					 .each_mapping = each_mapping,
					 .owner = (void *)(uintptr_t)profile,
					 .scratch = malloc(ZM_PROFILE_SCRATCH_BYTES)};
	int error = ENOMEM;

	if (sheet.scratch != NULL)
		error = zm_profile_write(&sheet, ZMALLOC_PROFILE_PPROF, out);
	free(sheet.scratch);
	return error;
}
