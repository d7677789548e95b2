/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/info.c - `zmalloc info`: the library that programs get here, and the memory they may use.
 */
#include "command.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int capability;
} capabilities[] = {
	{"defrag", ZMALLOC_CAN_DEFRAG},
	{"purge", ZMALLOC_CAN_PURGE},
	{"background_purge", ZMALLOC_CAN_BACKGROUND_PURGE},
	{"ctl", ZMALLOC_CAN_CTL},
	{"allocator_info", ZMALLOC_CAN_ALLOCATOR_INFO},
	{"usable_size", ZMALLOC_CAN_USABLE_SIZE},
	{"arena", ZMALLOC_CAN_ARENA},
};
#define CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

struct memory {
	size_t total, limit, rss;
	char source[256];
};

static void look(struct memory *memory)
{
	memory->total = zmalloc_get_memory_size();
	memory->limit = zmalloc_get_memory_limit_source(memory->source, sizeof(memory->source));
	memory->rss = zmalloc_get_rss();
	if (memory->limit == 0)
		strcpy(memory->source, "unknown");
}

static void print_table(const struct memory *memory)
{
	char text[HUMAN_SIZE];

	printf("version       %s\n", zmalloc_version());
	printf("allocator     %s\n", zmalloc_allocator());
	fputs("can          ", stdout);
	for (size_t i = 0; i < CAPABILITIES; i++)
		if (zmalloc_has(capabilities[i].capability))
			printf(" %s", capabilities[i].name);
	fputs("\ncannot       ", stdout);
	for (size_t i = 0; i < CAPABILITIES; i++)
		if (!zmalloc_has(capabilities[i].capability))
			printf(" %s", capabilities[i].name);
	printf("\nmemory        %s\n", human(memory->total, text));
	printf("limit         %s, by %s\n", human(memory->limit, text), memory->source);
	printf("rss           %s (this tool)\n", human(memory->rss, text));
}

static void print_quoted(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if ((unsigned char)*text < ' ')
			printf("\\u%04x", (unsigned)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

static void print_json(const struct memory *memory)
{
	fputs("{\"version\":", stdout);
	print_quoted(zmalloc_version());
	fputs(",\"allocator\":", stdout);
	print_quoted(zmalloc_allocator());
	fputs(",\"can\":{", stdout);
	for (size_t i = 0; i < CAPABILITIES; i++)
		printf("%s\"%s\":%s", i != 0 ? "," : "", capabilities[i].name,
		       zmalloc_has(capabilities[i].capability) ? "true" : "false");
	printf("},\"memory_bytes\":%zu,\"limit_bytes\":%zu,\"limit_source\":", memory->total,
	       memory->limit);
	print_quoted(memory->source);
	printf(",\"rss_bytes\":%zu}\n", memory->rss);
}

int command_info(const struct options *options)
{
	struct memory memory;

	look(&memory);
	if (options->format == ZMALLOC_STATS_JSON)
		print_json(&memory);
	else
		print_table(&memory);
	return fflush(stdout) == 0 ? DONE : complain("cannot write to standard output");
}
