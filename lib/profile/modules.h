/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/modules.h - which code an address is of. In scratch memory.
 */
#ifndef ZM_PROFILE_MODULES_H
#define ZM_PROFILE_MODULES_H

#include <stdbool.h>

#include "profile/scratch.h"
#include "profile/sheet.h"

struct zm_profile_modules {
	struct zm_profile_scratch *scratch;
	uint32_t seen;  /* mappings of the sheet */
	size_t count;   /* of them in scratch->module, by address */
	size_t paths;   /* bytes of scratch->paths that are used */
	bool has_paths; /* they are wanted */
};

/* Take in the sheet's mappings. 0, or what the sheet says. */
int zm_profile_modules_take(struct zm_profile_modules *modules,
			    const struct zm_profile_sheet *sheet,
			    struct zm_profile_scratch *scratch, bool with_paths);

/* NULL: none that is known. */
const struct zm_profile_module *zm_profile_module_of(const struct zm_profile_modules *modules,
						     uintptr_t address);

#endif
