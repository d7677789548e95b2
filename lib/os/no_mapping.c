/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/no_mapping.c - mapping.h where nothing tells what a process has mapped.
 */
#include "config.h"

#include "os/mapping.h"

#include <errno.h>

int zm_os_mappings_visit(int (*visit)(const struct zm_os_mapping *mapping, void *context),
			 void *context, char *buffer)
{
	(void)visit;
	(void)context;
	(void)buffer;
	return ENOTSUP;
}
