/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/publisher.c - a process to look at: takes so many MiB, frees every other block or all of them,
 * takes a name, and stays until its standard input ends. Says "ready" when it has. For each line that
 * comes in it takes a MiB more, and says "more".
 *
 * publisher [MIB [none | every-other | all [NAME [SCOPES]]]]
 *
 * SCOPES: it makes so many scopes, "scope 0" and so on, and takes 10,000 bytes in each; 5 MiB in
 * "parser", which has a limit of 8 MiB that refuses once; and a block that is freed in one whose
 * name is made to break things.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc/scope.h>
#include <zmalloc/stats.h>

enum {
	BLOCK = 1000,
	BLOCKS_A_MIB = 1024
};

/* Every step-th of them is freed again; none if it is 0. */
static void take(size_t blocks, size_t step)
{
	static char **kept; /* for those who look for leaks */
	char **block = malloc((blocks + 1) * sizeof(*block));

	block[blocks] = (char *)kept;
	kept = block;
	for (size_t i = 0; i < blocks; i++)
		block[i] = memset(zmalloc(BLOCK), 1, BLOCK);
	for (size_t i = 0; step != 0 && i < blocks; i += step)
		zfree(block[i]);
}

/* What others see of it; where the system cannot do that it keeps the name it has. */
static void take_name(const char *name)
{
	FILE *file = fopen("/proc/self/comm", "w");

	if (file == NULL)
		return;
	fputs(name, file);
	fclose(file);
}

static void in_scope(const char *name, size_t bytes)
{
	static char **kept; /* for those who look for leaks */
	zmalloc_scope *scope = zmalloc_scope_new(name);
	char **block;

	zmalloc_scope_enter(scope);
	block = zmalloc(bytes);
	block[0] = (char *)kept;
	kept = block;
	zmalloc_scope_leave(scope);
}

static void take_in_scopes(size_t count)
{
	zmalloc_scope *parser = zmalloc_scope_new("parser"),
		      *odd = zmalloc_scope_new("o\"d\\d\033[2J\303\266\302\233");
	void *volatile block = zmalloc(100000);
	char name[40];

	zmalloc_scope_set_limit(parser, 8 * 1024 * 1024);
	in_scope("parser", 5 * 1024 * 1024);
	zmalloc_scope_enter(parser);
	zfree(ztrymalloc(4 * 1024 * 1024));
	zmalloc_scope_leave(parser);
	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "scope %zu", i);
		in_scope(name, 10000);
	}
	zmalloc_scope_enter(odd);
	zfree(block);
}

static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 8;
	const char *freed = argc > 2 ? argv[2] : "none";
	char byte;

	take(mib * BLOCKS_A_MIB, strcmp(freed, "all") == 0           ? 1
				 : strcmp(freed, "every-other") == 0 ? 2
								     : 0);
	if (argc > 3)
		take_name(argv[3]);
	if (argc > 4)
		take_in_scopes(strtoul(argv[4], NULL, 10));
	if (zmalloc_stats_publish() != 0) {
		perror("zmalloc_stats_publish");
		return 1;
	}
	say("ready");
	while (read(STDIN_FILENO, &byte, 1) > 0) {
		if (byte != '\n')
			continue;
		take(BLOCKS_A_MIB, 0);
		say("more");
	}
	return 0;
}
