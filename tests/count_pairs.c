/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/count_pairs.c N [plain] - does N pairs of zmalloc() and zfree(), or of malloc() and free(), for
 * check_instructions.sh to count. Without an argument: names the allocator.
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
	if (argc > 2) {
		for (long i = 0; i < pairs; i++) {
			char *volatile block = malloc(64);

			free(block);
		}
		return EXIT_SUCCESS;
	}
	for (long i = 0; i < pairs; i++) {
		char *volatile block = zmalloc(64);

		zfree(block);
	}
	return EXIT_SUCCESS;
}
