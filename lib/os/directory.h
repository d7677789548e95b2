/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/directory.h - the names in a directory of /proc, without what readdir(3) allocates.
 */
#ifndef ZM_OS_DIRECTORY_H
#define ZM_OS_DIRECTORY_H

/*
 * Have every name seen, with the directory's descriptor. visit returns 0 to go on. Returns what it
 * returned, 0 when there is no more, or an errno value.
 */
int zm_directory_visit(const char *path,
		       int (*visit)(int directory, const char *name, void *context), void *context);

#endif
