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
	char text[ZM_HUMAN_BYTES];

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

static void build_json(struct zm_builder *out, const struct memory *memory)
{
	zm_build_text(out, "{\"version\":");
	zm_build_quoted(out, zmalloc_version());
	zm_build_text(out, ",\"allocator\":");
	zm_build_quoted(out, zmalloc_allocator());
	zm_build_text(out, ",\"can\":{");
	for (size_t i = 0; i < CAPABILITIES; i++) {
		zm_build_text(out, i != 0 ? "," : "");
		zm_build_quoted(out, capabilities[i].name);
		zm_build_text(out, zmalloc_has(capabilities[i].capability) ? ":true" : ":false");
	}
	zm_build_text(out, "},\"memory_bytes\":");
	zm_build_number(out, memory->total);
	zm_build_text(out, ",\"limit_bytes\":");
	zm_build_number(out, memory->limit);
	zm_build_text(out, ",\"limit_source\":");
	zm_build_quoted(out, memory->source);
	zm_build_text(out, ",\"rss_bytes\":");
	zm_build_number(out, memory->rss);
	zm_build_text(out, "}\n");
}

static bool print_json(const struct memory *memory)
{
	struct zm_builder out;

	zm_builder_start_writer(&out, write_to_stdout, NULL);
	build_json(&out, memory);
	return zm_builder_finish(&out) == 0;
}

int command_info(const struct options *options)
{
	struct memory memory;
	bool written = true;

	look(&memory);
	if (options->format == ZMALLOC_STATS_JSON)
		written = print_json(&memory);
	else
		print_table(&memory);
	return written && fflush(stdout) == 0 ? DONE : complain("cannot write to standard output");
}
