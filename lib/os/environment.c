/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/environment.c - the environment, where it may be listened to.
 */
#include "config.h"

#include "os/os.h"

#include <stdlib.h>

#if defined(HAVE_SECURE_GETENV)

const char *zm_os_getenv(const char *name)
{
	return secure_getenv(name);
}

#else

#include <unistd.h>

static int runs_with_rights_of_its_own(void)
{
#if defined(HAVE_ISSETUGID)
	return issetugid();
#else
	return getuid() != geteuid() || getgid() != getegid();
#endif
}

const char *zm_os_getenv(const char *name)
{
	return runs_with_rights_of_its_own() ? NULL : getenv(name);
}

#endif
