/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/report.c - who has the most, in the report of a process that has no memory left.
 */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "base/builder.h"
#include "base/largest.h"
#include "os/os.h"
#include "profile/moment.h"
#include "profile/profile.h"

enum {
	FRAMES = 8 /* of each, the innermost */
};

static int look(const struct zmalloc_profile_stack *stack, void *largest)
{
	zm_largest_see(largest, stack->live_bytes);
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
	struct zm_largest largest;

	memset(&largest, 0, sizeof(largest));
	zm_profile_each_stack(look, &largest);
	for (unsigned i = 0; i < largest.count; i++)
		zm_profile_each_stack_from(largest.of[i].number, write_stack, &fd);
	return largest.count != 0;
}
