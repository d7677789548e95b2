/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/profile_sheet.h - sheets of a profile that a test made up.
 */
#ifndef ZM_TESTS_PROFILE_SHEET_H
#define ZM_TESTS_PROFILE_SHEET_H

#include "profile/sheet.h"

struct made_sheet {
	const struct zmalloc_profile_stack *stack;
	size_t stacks;
	const struct zm_profile_mapping *mapping;
	size_t mappings;
};

/* Mean 512 KiB, five seconds. `made` stays. */
struct zm_profile_sheet sheet_of(const struct made_sheet *made);

#endif
