/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/start.c - the beginning of the process, for what the environment asks for.
 */
#include "config.h"

#include "start.h"

#include "account/account.h"
#include "account/limits.h"
#include "live/publish.h"
#include "os/os.h"
#include "profile/profile.h"

const char zm_start_is_linked = 1;

#if defined(__GNUC__)
__attribute__((__constructor__)) static void start(void)
{
	/*
	 * The end of every thread that has used the library runs code of ours, and so does a fork;
	 * blocks outlive whoever allocated them. A plugin that we are part of cannot go before that.
	 */
	zm_os_stay_loaded(&zm_no_counter);
	zm_limit_at_start();
	zm_profile_at_start();
	zm_publish_at_start();
}
#endif
