/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zmalloc/version.h - the version of these headers.
 *
 * The one place where the version is written: configure reads it from here. zmalloc_version()
 * answers for the library that is running, which may be newer than the headers a program was
 * compiled with.
 */
#ifndef ZMALLOC_VERSION_H
#define ZMALLOC_VERSION_H

#define ZMALLOC_VERSION_MAJOR 1
#define ZMALLOC_VERSION_MINOR 0
#define ZMALLOC_VERSION_PATCH 0

/* One number that compares: 1.2.3 is 1002003. */
#define ZMALLOC_VERSION_NUMBER                                                                     \
	(ZMALLOC_VERSION_MAJOR * 1000000 + ZMALLOC_VERSION_MINOR * 1000 + ZMALLOC_VERSION_PATCH)

#endif
