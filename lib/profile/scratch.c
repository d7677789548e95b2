/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/scratch.c - memory of the system's for the time of one writing.
 */
#include "config.h"

#include "profile/scratch.h"

#include "os/os.h"

int zm_profile_scratch_take(struct zm_profile_scratch **scratch)
{
	void *pages = NULL;
	int error = zm_os_map(ZM_PROFILE_SCRATCH_BYTES, &pages);

	*scratch = pages;
	return error;
}

void zm_profile_scratch_give(struct zm_profile_scratch *scratch)
{
	zm_os_unmap(scratch, ZM_PROFILE_SCRATCH_BYTES);
}
