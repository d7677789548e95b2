/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/profile_writer.c - writes a profile that it made up, with this program's own code in it, so that readers
 * have names to find.
 *
 *     profile_writer FORMAT         1 to 3, as enum zmalloc_profile_format; to stdout
 *     profile_writer FORMAT COUNT   as many stacks of 20 frames of 15,000 addresses instead
 *     profile_writer FORMAT COUNT wide   no two frames of which are the same
 *
 * Three stacks: site_large below site_outer with 3,000,000 bytes live of 4,000,000 in 30 blocks of 40; site_small
 * below site_outer with 100,000 bytes in 100 blocks; site_freed with nothing live of 5,000 in 5.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/mapping.h"
#include "os/os.h"
#include "profile/write.h"
#include "profile_sheet.h"
#include "support.h"

/* Not called: frames say that they are. */
ZM_SEEN int site_outer(int number);
ZM_SEEN int site_large(int number);
ZM_SEEN int site_small(int number);
ZM_SEEN int site_freed(int number);

__attribute__((__noinline__)) int site_outer(int number)
{
	return printf("outer %d\n", number) + 1;
}

__attribute__((__noinline__)) int site_large(int number)
{
	return printf("large %d\n", number) + 2;
}

__attribute__((__noinline__)) int site_small(int number)
{
	return printf("small %d\n", number) + 3;
}

__attribute__((__noinline__)) int site_freed(int number)
{
	return printf("freed %d\n", number) + 4;
}

/* Where a call near the beginning of the function would return to. */
static uintptr_t inside(int (*function)(int number))
{
	return (uintptr_t)function + 2;
}

/* Samples of which readers of the text make the same estimates to a thousandth: blocks far above the mean. */
static struct zmalloc_profile_stack stack_of(const uintptr_t *frames, unsigned depth,
					     uint64_t live_blocks, uint64_t live_bytes,
					     uint64_t total_blocks, uint64_t total_bytes)
{
	struct zmalloc_profile_stack stack = {.live_blocks = live_blocks,
					      .live_bytes = live_bytes,
					      .total_blocks = total_blocks,
					      .total_bytes = total_bytes,
					      .live_samples = live_blocks,
					      .live_sample_bytes = live_bytes,
					      .total_samples = total_blocks,
					      .total_sample_bytes = total_bytes,
					      .frames = frames,
					      .depth = depth};

	return stack;
}

static int write_to_stdout(void *unused, const char *text, size_t size)
{
	(void)unused;
	return zm_os_write(STDOUT_FILENO, text, size);
}

struct own_mappings {
	struct zm_profile_mapping mapping[64];
	size_t count;
};

static int keep_mapping(const struct zm_os_mapping *from, void *context)
{
	struct own_mappings *own = context;
	struct zm_profile_mapping *to = &own->mapping[own->count];

	if (own->count == COUNT_OF(own->mapping))
		return 0;
	to->start = from->start;
	to->limit = from->limit;
	to->offset = from->offset;
	to->path = strdup(from->path);
	to->build_id_bytes = from->build_id_bytes;
	memcpy(to->build_id, from->build_id, from->build_id_bytes);
	own->count++;
	return 0;
}

static void fill_many(struct zmalloc_profile_stack *stack, uintptr_t *frames, size_t count,
		      unsigned depth, size_t addresses)
{
	for (size_t i = 0; i < count; i++) {
		for (unsigned j = 0; j < depth; j++)
			frames[i * depth + j] =
				inside(site_outer) + 64 * ((i * depth + j) * 7919 % addresses);
		stack[i] = stack_of(frames + i * depth, depth, i, i * 5000, 2 * i, i * 10000);
	}
}

static int write_profile(const struct made_sheet *made, int format)
{
	struct zm_profile_sheet sheet = sheet_of(made);
	struct zm_builder out;
	int error;

	sheet.mean_bytes = 64;
	sheet.lost_samples = 12;
	zm_builder_start_writer(&out, write_to_stdout, NULL);
	error = zm_profile_write(&sheet, format, &out);
	return error != 0 || zm_builder_finish(&out) != 0;
}

int main(int count, char **arguments)
{
	const uintptr_t large[] = {inside(site_large), inside(site_outer)};
	const uintptr_t small[] = {inside(site_small), inside(site_outer)};
	const uintptr_t freed[] = {inside(site_freed)};
	const struct zmalloc_profile_stack three[] = {stack_of(large, 2, 30, 3000000, 40, 4000000),
						      stack_of(small, 2, 100, 100000, 100, 100000),
						      stack_of(freed, 1, 0, 0, 5, 5000)};
	static char buffer[ZM_OS_MAPPINGS_BUFFER_BYTES];
	static struct own_mappings own;
	struct made_sheet made = {three, COUNT_OF(three), own.mapping, 0};
	size_t many = count > 2 ? strtoul(arguments[2], NULL, 10) : 0;
	struct zmalloc_profile_stack *stacks = calloc(many + 1, sizeof(*stacks));
	uintptr_t *frames = calloc(20 * many + 1, sizeof(*frames));
	int error;

	if (count < 2 || stacks == NULL || frames == NULL)
		return 2;
	zm_os_mappings_visit(keep_mapping, &own, buffer);
	made.mappings = own.count;
	if (many != 0) {
		fill_many(stacks, frames, many, 20, count > 3 ? 20 * many : 15000);
		made.stack = stacks;
		made.stacks = many;
	}
	error = write_profile(&made, atoi(arguments[1]));
	free(stacks);
	free(frames);
	return error;
}
