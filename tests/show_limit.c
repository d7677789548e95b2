/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/show_limit.c - says what limits this process: the bytes, and on the next line by what.
 */
#include <stdio.h>

#include <zmalloc.h>

int main(void)
{
	char source[4096];
	size_t limit = zmalloc_get_memory_limit_source(source, sizeof(source));

	return printf("%zu\n%s\n", limit, source) < 0;
}
