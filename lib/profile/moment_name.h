/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/moment_name.h - what a profile that is written at a moment is called.
 */
#ifndef ZM_PROFILE_MOMENT_NAME_H
#define ZM_PROFILE_MOMENT_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmalloc/profile.h>

struct zm_moment_name {
	const char *folder, *why;
	enum zmalloc_profile_format format;
	uint64_t now_s; /* since 1970 */
	unsigned again; /* 0: the first try */
};

/*
 * "FOLDER/zmalloc-PROGRAM-PID-WHY-20261127T005823Z.pb.gz", with "-1" and so on behind the time in further tries.
 * The time is UTC. False: it is too long.
 */
bool zm_moment_name(const struct zm_moment_name *name, char *text, size_t size);

#endif
