/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/moment.h - moments at which a profile matters.
 */
#ifndef ZM_MOMENT_H
#define ZM_MOMENT_H

#include "account/client.h"

static inline void zm_profile_see_moment(enum zm_client_moment moment)
{
	(void)moment;
}

#endif
