/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/alloc/string.c - copies of strings and of bytes.
 */
#include "config.h"

#include <string.h>

#include <zmalloc.h>

#include "base/compiler.h"

/*
 * Puts a terminated copy of the first `length` bytes of a string into a block got for it. NULL, for
 * which the block's own function has set errno, passes through.
 */
static char *copy(char *made, const char *string, size_t length)
{
	if (zm_likely(made != NULL)) {
		memcpy(made, string, length);
		made[length] = '\0';
	}
	return made;
}

char *zstrdup(const char *string)
{
	size_t length = strlen(string);

	return copy(zmalloc(length + 1), string, length);
}

char *ztrystrdup(const char *string)
{
	size_t length = strlen(string);

	return copy(ztrymalloc(length + 1), string, length);
}

char *zstrndup(const char *string, size_t max)
{
	size_t length = strnlen(string, max);

	return copy(zmalloc(length + 1), string, length);
}

char *ztrystrndup(const char *string, size_t max)
{
	size_t length = strnlen(string, max);

	return copy(ztrymalloc(length + 1), string, length);
}

char *zstrdup_usable(const char *string, size_t *usable)
{
	size_t length = strlen(string);

	return copy(zmalloc_usable(length + 1, usable), string, length);
}

static void *copy_bytes(void *made, const void *bytes, size_t size)
{
	if (zm_likely(made != NULL) && size != 0)
		memcpy(made, bytes, size);
	return made;
}

void *zmemdup(const void *bytes, size_t size)
{
	return copy_bytes(zmalloc(size), bytes, size);
}

void *ztrymemdup(const void *bytes, size_t size)
{
	return copy_bytes(ztrymalloc(size), bytes, size);
}
