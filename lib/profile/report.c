/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/report.c - who has the most, in the report of a process that has no memory left.
 */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "base/builder.h"
#include "os/os.h"
#include "profile/moment.h"
#include "profile/profile.h"

enum {
	LARGEST = 5,
	FRAMES = 8 /* of each, the innermost */
};

struct largest {
	struct {
		uint64_t live_bytes;
		uint32_t number;
	} stack[LARGEST];
	unsigned count;
	uint32_t seen;
};

static int look(const struct zmalloc_profile_stack *stack, void *context)
{
	struct largest *largest = context;
	uint32_t number = largest->seen++;
	unsigned at = largest->count;

	if (stack->live_bytes == 0)
		return 0;
	if (at < LARGEST)
		largest->count++;
	else if (largest->stack[--at].live_bytes >= stack->live_bytes)
		return 0;
	for (; at > 0 && largest->stack[at - 1].live_bytes < stack->live_bytes; at--)
		largest->stack[at] = largest->stack[at - 1];
	largest->stack[at].live_bytes = stack->live_bytes;
	largest->stack[at].number = number;
	return 0;
}

static ZM_COLD void write_line(int fd, const struct zmalloc_profile_stack *stack)
{
	struct zm_builder line;

	zm_builder_start(&line);
	zm_build_text(&line, "zmalloc: about ");
	zm_build_bytes(&line, (size_t)stack->live_bytes);
	zm_build_text(&line, " in ");
	zm_build_number(&line, stack->live_blocks);
	zm_build_text(&line, stack->live_blocks == 1 ? " block, allocated by\n"
						     : " blocks, allocated by\n");
	zm_os_write(fd, line.text, line.length);
}

/* One byte before that which a call returns to is of the line that calls. */
static int write_stack(const struct zmalloc_profile_stack *stack, void *fd)
{
	uintptr_t frames[FRAMES];
	unsigned count = stack->depth < FRAMES ? stack->depth : FRAMES;

	for (unsigned i = 0; i < count; i++)
		frames[i] = stack->frames[i] - 1;
	write_line(*(const int *)fd, stack);
	zm_os_write_symbols(*(const int *)fd, frames, count);
	return 1;
}

bool zm_profile_report(int fd)
{
	struct largest largest;

	memset(&largest, 0, sizeof(largest));
	zm_profile_each_stack(look, &largest);
	for (unsigned i = 0; i < largest.count; i++)
		zm_profile_each_stack_from(largest.stack[i].number, write_stack, &fd);
	return largest.count != 0;
}
