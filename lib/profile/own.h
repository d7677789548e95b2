/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/own.h - the sheet of this process, and what writing it needs.
 */
#ifndef ZM_PROFILE_OWN_H
#define ZM_PROFILE_OWN_H

#include "os/mapping.h"
#include "profile/scratch.h"
#include "profile/sheet.h"

/* Memory of the system's: neither the heap nor a stack, which may be small, has so much. */
struct zm_profile_own {
	struct zm_profile_scratch scratch;
	char buffer[ZM_OS_MAPPINGS_BUFFER_BYTES];
	char path[4096];
};

/* ENODATA: there was never a profile. The sheet is good as long as `own` is there, for one thread. */
int zm_profile_own_sheet(struct zm_profile_sheet *sheet, struct zm_profile_own *own);

#endif
