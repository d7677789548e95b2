/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/show_published.c - says whether the environment has made this process publish its figures,
 * whether it has limited it, and whether MEMORY_PRESSURE_WATCH=/dev/null was listened to; then
 * publishes them and stays until its standard input ends.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc/limit.h>
#include <zmalloc/pressure.h>
#include <zmalloc/stats.h>

static int is_turned_off(const struct zmalloc_pressure_about *about, void *unused)
{
	(void)unused;
	return about->source == ZMALLOC_PRESSURE_SERVICE && about->error == ECANCELED;
}

static int listens(void)
{
	int fd = zmalloc_pressure_open(),
	    turned_off = zmalloc_pressure_visit(fd, is_turned_off, NULL);

	zmalloc_pressure_close(fd);
	return turned_off == 1;
}

int main(void)
{
	struct zmalloc_process self = {.size = sizeof(self)};
	char byte;

	/* A process that is not dumpable may not look at all of itself; that it looks is enough. */
	fputs(zmalloc_process_read(getpid(), &self) == 0 ? "published" : "not published", stdout);
	puts(zmalloc_limit_get() != 0 ? ", limited" : ", not limited");
	puts(listens() ? "pressed by it" : "not pressed by it");
	puts(zmalloc_stats_publish() == 0 ? "done" : "failed");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
