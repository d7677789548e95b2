/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/no_objects.c - for systems whose objects cannot be found without a lock.
 */
#include "config.h"

#include "os/os.h"

#include <errno.h>

int zm_os_find_object(const void *inside, struct zm_os_object *object)
{
	(void)inside, (void)object;
	return ENOTSUP;
}
