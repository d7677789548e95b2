/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/moment.h - moments at which the profile is worth keeping: it is written where ZMALLOC_PROFILE_DIR
 * says, and into the report of a process that has no memory left.
 */
#ifndef ZM_PROFILE_MOMENT_H
#define ZM_PROFILE_MOMENT_H

#include <stdbool.h>

#include "account/client.h"

enum zm_moment {
	ZM_MOMENT_LIMIT,      /* the hard limit refused */
	ZM_MOMENT_SOFT_LIMIT, /* one that was marked for it was passed */
	ZM_MOMENT_OOM,        /* there is no memory left */
	ZM_MOMENT_PRESSURE,   /* memory gets short */
	ZM_MOMENTS
};

/*
 * A profile begins: what a moment will need is got now. Only the first call does anything. Under the lock
 * of whoever starts one.
 */
void zm_profile_moments_begin(void);

/*
 * Write the profile, if there is a folder for it and the last of this kind is a minute old. Keeps errno. Takes the
 * lock of the samples and no other, allocates nothing, and says on stderr what went wrong.
 */
void zm_profile_moment(enum zm_moment why);

/* The same, by the name that the account has for it; and the report. */
void zm_profile_see_moment(enum zm_client_moment moment);

/* The stacks that have the most, for people. False: there is none. */
bool zm_profile_report(int fd);

#endif
