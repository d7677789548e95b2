/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/write_file.h - a profile in a new file, whole or not at all.
 */
#ifndef ZM_PROFILE_WRITE_FILE_H
#define ZM_PROFILE_WRITE_FILE_H

#include "profile/sheet.h"

/*
 * Only the owner of the file may read it. What has the name stays as it is, and a link is not followed.
 * sheet: with scratch memory
 * Returns 0, or an errno value as of zmalloc_profile_dump(), and no file is left.
 */
int zm_profile_write_file(const struct zm_profile_sheet *sheet, enum zmalloc_profile_format format,
			  const char *path);

#endif
