/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/no_control.c - for allocators that have no controls, and no thread that gives memory back.
 */
#include "config.h"

#include "allocator/allocator.h"

#include <errno.h>

int zm_allocator_ctl(const char *name, void *old, size_t *old_size, void *new_value,
		     size_t new_size)
{
	(void)name, (void)old, (void)old_size, (void)new_value, (void)new_size;
	return ENOTSUP;
}

int zm_allocator_background_purge(bool enable)
{
	(void)enable;
	return ENOTSUP;
}
