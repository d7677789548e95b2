/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/profile_sheet.c - sheets of a profile that a test made up.
 */
#include "profile_sheet.h"

static int each_stack(const struct zm_profile_sheet *sheet, zm_profile_stack_visit visit,
		      void *context)
{
	const struct made_sheet *made = sheet->owner;
	int answer = 0;

	for (size_t i = 0; answer == 0 && i < made->stacks; i++)
		answer = visit(&made->stack[i], context);
	return answer;
}

static int each_mapping(const struct zm_profile_sheet *sheet, zm_profile_mapping_visit visit,
			void *context)
{
	const struct made_sheet *made = sheet->owner;
	int answer = 0;

	for (size_t i = 0; answer == 0 && i < made->mappings; i++)
		answer = visit(&made->mapping[i], context);
	return answer;
}

struct zm_profile_sheet sheet_of(const struct made_sheet *made)
{
	struct zm_profile_sheet sheet = {.mean_bytes = 524288,
					 .started_ns = 1700000000000000000,
					 .duration_ns = 5000000000,
					 .each_stack = each_stack,
					 .each_mapping = each_mapping,
					 .owner = (void *)(uintptr_t)made};

	return sheet;
}
