/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/preload/report.c - what a program leaves at its end: its peak, the blocks that were never freed, and,
 * where a profile was taken, who allocated the most of them.
 */
#include "config.h"

#include "preload/preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/builder.h"
#include "base/largest.h"

/* ---- Live blocks ---------------------------------------------------------------------------- */

enum {
	SHARDS = 64,
	FRAMES = 8 /* of each, the innermost */
};

/* A block may be freed elsewhere than it was counted: the sum is what is live. */
static struct {
	ZM_ATOMIC(intptr_t) live;
} ZM_CACHELINE_ALIGNED shard[SHARDS];

/* Threads' stacks are apart, by a page at the least. */
void zm_count_block(int by)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	zm_fetch_add(&shard[(here >> 12 ^ here >> 18 ^ here >> 23) % SHARDS].live, by);
}

static size_t live_blocks(void)
{
	intptr_t sum = 0;

	for (size_t i = 0; i < SHARDS; i++)
		sum += zm_load(&shard[i].live);
	return sum > 0 ? (size_t)sum : 0;
}

/* ---- Who has the most ----------------------------------------------------------------------- */

static int look(const struct zmalloc_profile_stack *stack, void *largest)
{
	zm_largest_see(largest, stack->live_bytes);
	return 0;
}

static int write_out(void *unused, const char *text, size_t size)
{
	(void)unused;
	return write(STDERR_FILENO, text, size) == (ssize_t)size ? 0 : EIO;
}

/* One byte before that which a call returns to is of the line that calls. */
static void build_frame(struct zm_builder *text, uintptr_t frame)
{
	Dl_info place;

	zm_build_text(text, "zmalloc:     ");
	if (dladdr((void *)(frame - 1), &place) == 0 || place.dli_fname == NULL) {
		zm_build_text(text, "0x");
		zm_build_hex(text, frame, 0);
	} else {
		if (place.dli_sname != NULL) {
			zm_build_text(text, place.dli_sname);
			zm_build_text(text, " in ");
		}
		zm_build_text(text, place.dli_fname);
		zm_build_text(text, "+0x");
		zm_build_hex(text, frame - (uintptr_t)place.dli_fbase, 0);
	}
	zm_build_text(text, "\n");
}

static void build_stack(struct zm_builder *text, const struct zmalloc_profile_stack *stack)
{
	unsigned count = stack->depth < FRAMES ? stack->depth : FRAMES;
	char bytes[ZM_HUMAN_BYTES];

	zm_build_text(text, "zmalloc:   about ");
	zm_build_text(text, zm_human_bytes(stack->live_bytes, bytes));
	zm_build_text(text, " in ");
	zm_build_number(text, stack->live_blocks);
	zm_build_text(text, stack->live_blocks == 1 ? " block, allocated by\n"
						    : " blocks, allocated by\n");
	for (unsigned i = 0; i < count; i++)
		build_frame(text, stack->frames[i]);
}

struct wanted {
	struct zm_builder *text;
	uint32_t number, seen;
};

static int build_wanted(const struct zmalloc_profile_stack *stack, void *context)
{
	struct wanted *wanted = context;

	if (wanted->seen++ != wanted->number)
		return 0;
	build_stack(wanted->text, stack);
	return 1;
}

static void build_largest(struct zm_builder *text)
{
	struct zm_largest largest;

	memset(&largest, 0, sizeof(largest));
	if (zm_calls.zmalloc_profile_visit(look, &largest) != 0)
		return;
	for (unsigned i = 0; i < largest.count; i++) {
		struct wanted wanted = {text, largest.of[i].number, 0};

		zm_calls.zmalloc_profile_visit(build_wanted, &wanted);
	}
}

/* ---- The report ----------------------------------------------------------------------------- */

void zm_report_at_exit(void)
{
	size_t blocks = live_blocks(), used = zm_calls.zmalloc_used_memory(),
	       peak = zm_calls.zmalloc_peak_memory();
	int saved_errno = errno;
	struct zm_builder text;

	zm_builder_start_writer(&text, write_out, NULL);
	zm_build_text(&text, "zmalloc: ");
	zm_build_text(&text, program_invocation_short_name);
	zm_build_text(&text, " (");
	zm_build_number(&text, (uint64_t)getpid());
	zm_build_text(&text, "): peak ");
	zm_build_bytes(&text, peak);
	zm_build_text(&text, "; never freed: ");
	zm_build_number(&text, blocks);
	zm_build_text(&text, blocks == 1 ? " block, " : " blocks, ");
	zm_build_bytes(&text, used);
	zm_build_text(&text, "\n");
	build_largest(&text);
	zm_builder_finish(&text);
	errno = saved_errno;
}
