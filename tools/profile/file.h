/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/file.h - a new file, which is there whole or not at all, and never in the place of another.
 */
#ifndef ZM_TOOL_FILE_H
#define ZM_TOOL_FILE_H

#include <stdbool.h>

#include "base/builder.h"

/* False after a complaint: there is something of that name already, or no folder for it. */
bool file_may_be_made(const char *path);

/*
 * Have a text built into a new file, or where path is NULL to standard output. DONE, or FAILED after a complaint,
 * and then there is no file.
 */
int file_make(const char *path, int (*build)(struct zm_builder *out, const void *of),
	      const void *of);

#endif
