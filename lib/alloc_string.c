/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/alloc_string.c - copies of strings and of bytes.
 */
#include "config.h"

#include <string.h>

#include <zmalloc.h>

#include "compiler.h"

/* A terminated copy of the first `length` bytes of a string. */
static char *copy(const char *string, size_t length, size_t *usable)
{
	char *made = zmalloc_usable(length + 1, usable);

	if (zm_likely(made != NULL)) {
		memcpy(made, string, length);
		made[length] = '\0';
	}
	return made;
}

char *zstrdup(const char *string)
{
	return copy(string, strlen(string), NULL);
}

char *zstrndup(const char *string, size_t max)
{
	return copy(string, strnlen(string, max), NULL);
}

char *zstrdup_usable(const char *string, size_t *usable)
{
	return copy(string, strlen(string), usable);
}

void *zmemdup(const void *bytes, size_t size)
{
	void *made = zmalloc(size);

	if (zm_likely(made != NULL) && size != 0)
		memcpy(made, bytes, size);
	return made;
}
