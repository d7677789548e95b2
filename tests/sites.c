/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/sites.c - a process that holds memory at known places: what `zmalloc profile` is asked about.
 *
 * sites [start]
 *
 * With `start` it takes a profile of its own, with a sample of every block. It holds 8 MiB that hold_large() took,
 * through a wrapper; 4 MiB that hold_small() took, in blocks of 1,000 bytes, for two callers, three quarters for
 * one of them; 1 MiB of a function that is always inlined; and what freed_again() took is freed. Says "ready", and
 * for each line that comes in lets grower() take 2 MiB more, and says "more"; for "stop" it stops itself. Ends
 * with its standard input.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/profile.h>
#include <zmalloc/stats.h>

/* Optimizers keep them as they are: what they get they cannot know. */
#define FAR static __attribute__((__noinline__))

enum {
	SMALL = 1000
};
static volatile size_t mib = 1024 * 1024;

static char **kept; /* for those who look for leaks */

static void keep(char **block)
{
	block[0] = (char *)kept;
	kept = block;
}

FAR void *xmalloc(size_t bytes)
{
	char *block = zmalloc(bytes);

	block[sizeof(char *)] = 1;
	return block;
}

FAR void hold_large(size_t bytes)
{
	keep(xmalloc(bytes)); /* the line of hold_large */
	__asm__ volatile("");
}

FAR void hold_small(size_t bytes)
{
	for (size_t held = 0; held < bytes; held += SMALL)
		keep(zmalloc(SMALL)); /* the line of hold_small */
}

FAR void reader_of_much(void)
{
	hold_small(3 * mib);
	__asm__ volatile("");
}

FAR void reader_of_little(void)
{
	hold_small(mib);
	__asm__ volatile("");
}

static inline __attribute__((always_inline)) void hold_inlined(void)
{
	keep(zmalloc(mib)); /* the line of hold_inlined */
}

FAR void around_inlined(void)
{
	hold_inlined(); /* the line of around_inlined */
	__asm__ volatile("");
}

FAR void freed_again(void)
{
	void *volatile block = zmalloc(16 * mib);

	zfree(block);
}

FAR void grower(void)
{
	keep(zmalloc(2 * mib)); /* the line of grower */
	__asm__ volatile("");
}

static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

/* Returns false at the end of the input. */
static int serve(void)
{
	char line[32];

	if (fgets(line, sizeof(line), stdin) == NULL)
		return 0;
	if (strcmp(line, "stop\n") == 0) {
		raise(SIGSTOP);
		return 1;
	}
	grower();
	say("more");
	return 1;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "start") == 0 && zmalloc_profile_start(1) != 0) {
		perror("zmalloc_profile_start");
		return 1;
	}
	hold_large(8 * mib);
	reader_of_much();
	reader_of_little();
	around_inlined();
	freed_again();
	grower();
	if (zmalloc_stats_publish() != 0) {
		perror("zmalloc_stats_publish");
		return 1;
	}
	say("ready");
	while (serve())
		;
	return 0;
}
