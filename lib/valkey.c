/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/valkey.c - the names that parts of Valkey link to, for <zmalloc/redis.h>.
 *
 * A file of its own, so that a static link takes it only where something asks for these names: Redis
 * has a getAllocatorFragmentation() of its own, which the header renames as well.
 */
#include "config.h"

#include <zmalloc/redis.h>

void *valkey_malloc(size_t size)
{
	return zmalloc(size);
}

void *valkey_calloc(size_t size)
{
	return zcalloc(size);
}

void *valkey_realloc(void *ptr, size_t size)
{
	return zrealloc(ptr, size);
}

void valkey_free(void *ptr)
{
	zfree(ptr);
}

float zmalloc_redis_fragmentation(size_t *bytes)
{
	size_t allocated = 0, free_in_slabs = 0;

	(zmalloc_get_allocator_info)(1, &allocated, NULL, NULL, NULL, NULL, &free_in_slabs);
	if (bytes != NULL)
		*bytes = free_in_slabs;
	return allocated != 0 ? (float)free_in_slabs / (float)allocated * 100 : 0;
}
