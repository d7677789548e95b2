/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/objects.c - the object that an address is in, by the C library's list that needs no lock.
 */
#include "config.h"

#include "os/os.h"

#include <dlfcn.h>
#include <errno.h>

int zm_os_find_object(const void *inside, struct zm_os_object *object)
{
	struct dl_find_object found;

	if (_dl_find_object((void *)(uintptr_t)inside, &found) != 0)
		return ENOENT;
	object->start = (uintptr_t)found.dlfo_map_start;
	object->end = (uintptr_t)found.dlfo_map_end;
	object->unwind_header = (uintptr_t)found.dlfo_eh_frame;
	return 0;
}
