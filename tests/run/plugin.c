/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/run/plugin.c - what is opened later: it frees what the program allocated, and the other way.
 */
#include <stdlib.h>

void *plugin_exchange(void *block);

static void *kept;

__attribute__((__constructor__)) static void start(void)
{
	kept = malloc(5000);
}

__attribute__((__destructor__)) static void end(void)
{
	free(kept);
}

void *plugin_exchange(void *block)
{
	free(block);
	return calloc(10, 30);
}
