/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/private/options.c - a program whose options are for a jemalloc of its own. Prints the number
 * of arenas that the library's jemalloc was told to have.
 */
#include <stddef.h>
#include <stdio.h>

#include <zmalloc.h>

extern const char *malloc_conf, *je_malloc_conf;
const char *malloc_conf = "narenas:5";
const char *je_malloc_conf = "narenas:7";

int main(void)
{
	unsigned arenas = 0;
	size_t bytes = sizeof(arenas);

	if (zmalloc_ctl("opt.narenas", &arenas, &bytes, NULL, 0) != 0)
		return 1;
	printf("%u\n", arenas);
	return 0;
}
