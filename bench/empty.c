/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/empty.c - the empty wrapper. A shared library, so that nothing is inlined into the program.
 */
#include "empty.h"

#include <stdlib.h>

void *empty_malloc(size_t size)
{
	return malloc(size);
}

void *empty_calloc(size_t size)
{
	return calloc(1, size);
}

void *empty_realloc(void *ptr, size_t size)
{
	return realloc(ptr, size);
}

void empty_free(void *ptr)
{
	free(ptr);
}
