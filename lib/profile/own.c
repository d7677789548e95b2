/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/own.c - the sheet of this process.
 */
#include "config.h"

#include "profile/own.h"

#include <string.h>

#include "profile/profile.h"

static int each_stack(const struct zm_profile_sheet *sheet, zm_profile_stack_visit visit,
		      void *context)
{
	(void)sheet;
	int answer = zm_profile_each_stack(visit, context);

	/* Whoever started another profile meanwhile has this one end where it is. */
	return answer > 0 ? answer : 0;
}

struct passing {
	zm_profile_mapping_visit visit;
	void *context;
	int answer; /* of `visit` */
};

_Static_assert((int)ZM_BUILD_ID_BYTES == (int)ZM_OS_BUILD_ID_BYTES, "a build-id of another size");

static int pass_mapping(const struct zm_os_mapping *from, void *context)
{
	struct passing *passing = context;
	struct zm_profile_mapping mapping = {.start = from->start,
					     .limit = from->limit,
					     .offset = from->offset,
					     .path = from->path,
					     .build_id_bytes = from->build_id_bytes};

	memcpy(mapping.build_id, from->build_id, from->build_id_bytes);
	passing->answer = passing->visit(&mapping, passing->context);
	return passing->answer;
}

/* Whatever the system's reason, a profile without mappings is better than none. */
static int each_mapping(const struct zm_profile_sheet *sheet, zm_profile_mapping_visit visit,
			void *context)
{
	struct zm_profile_own *own = sheet->owner;
	struct passing passing = {.visit = visit, .context = context};

	zm_os_mappings_visit(pass_mapping, &passing, own->buffer);
	return passing.answer;
}

int zm_profile_own_sheet(struct zm_profile_sheet *sheet, struct zm_profile_own *own)
{
	struct zmalloc_profile_info info = {.size = sizeof(info)};
	int error = zm_profile_fill_info(&info);

	if (error != 0)
		return error;
	*sheet = (struct zm_profile_sheet){.mean_bytes = info.mean_bytes,
					   .started_ns = info.started_ns,
					   .duration_ns = info.duration_ns,
					   .lost_samples = info.lost_samples,
					   .each_stack = each_stack,
					   .each_mapping = each_mapping,
					   .owner = own,
					   .scratch = &own->scratch};
	return 0;
}
