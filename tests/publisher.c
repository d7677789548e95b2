/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/publisher.c - a process to look at: takes so many MiB, frees every other block, and stays
 * until its standard input ends. Says "ready" when it has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc/stats.h>

int main(int argc, char **argv)
{
	size_t blocks = (argc > 1 ? strtoul(argv[1], NULL, 10) : 8) * 1024;
	char **block = malloc(blocks * sizeof(*block)), byte;

	for (size_t i = 0; i < blocks; i++)
		block[i] = memset(zmalloc(1000), 1, 1000);
	for (size_t i = 0; argc > 2 && i < blocks; i += 2)
		zfree(block[i]);
	if (zmalloc_stats_publish() != 0) {
		perror("zmalloc_stats_publish");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
