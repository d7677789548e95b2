/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/count_pairs.c N - does N pairs of zmalloc() and zfree(), for check_instructions.sh to
 * count. Without an argument: names the allocator.
 */
#include <stdio.h>
#include <stdlib.h>

#include <zmalloc.h>

int main(int argc, char **argv)
{
	long pairs = argc > 1 ? atol(argv[1]) : 0;

	if (argc < 2) {
		puts(zmalloc_allocator());
		return EXIT_SUCCESS;
	}
	for (long i = 0; i < pairs; i++) {
		char *volatile block = zmalloc(64);

		zfree(block);
	}
	return EXIT_SUCCESS;
}
