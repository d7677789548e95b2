/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/show_published.c - says whether the environment has made this process publish its figures,
 * then publishes them and stays until its standard input ends.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc/stats.h>

int main(void)
{
	struct zmalloc_process self = {.size = sizeof(self)};
	char byte;

	/* A process that is not dumpable may not look at all of itself; that it looks is enough. */
	puts(zmalloc_process_read(getpid(), &self) == 0 ? "published" : "not published");
	puts(zmalloc_stats_publish() == 0 ? "done" : "failed");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
