/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/dump.c - the profile of this process in a file, when the program says so.
 */
#include "config.h"

#include <errno.h>

#include "base/result.h"
#include "os/os.h"
#include "profile/write_file.h"
#include "profile/own.h"

static int dump(struct zm_profile_own *own, const char *path, enum zmalloc_profile_format format)
{
	struct zm_profile_sheet sheet;
	int error = zm_profile_own_sheet(&sheet, own);

	return error != 0 ? error : zm_profile_write_file(&sheet, format, path);
}

int zmalloc_profile_dump(const char *path, enum zmalloc_profile_format format)
{
	void *own;
	int error;

	if (format < ZMALLOC_PROFILE_PPROF || format > ZMALLOC_PROFILE_COLLAPSED)
		return zm_result(EINVAL);
	error = zm_os_map(sizeof(struct zm_profile_own), &own);
	if (error != 0)
		return zm_result(error);
	error = dump(own, path, format);
	zm_os_unmap(own, sizeof(struct zm_profile_own));
	return zm_result(error);
}
