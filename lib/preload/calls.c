/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/preload/calls.c - where the library's functions are, whatever else has their names.
 */
#include "config.h"

#include "preload/preload.h"

#include <dlfcn.h>

struct zm_calls zm_calls;

/* Behind this library comes libzmalloc.so, and the program before. Where it is the other way round, by name. */
#define FIND(name)                                                                                 \
	*(void **)&zm_calls.name = dlvsym(RTLD_NEXT, #name, "ZMALLOC_1.0");                        \
	if (zm_calls.name == NULL)                                                                 \
		zm_calls.name = name;

void zm_find_calls(void)
{
	ZM_EACH_CALL(FIND)
}
