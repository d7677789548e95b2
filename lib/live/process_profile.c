/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/process_profile.c - <zmalloc/process.h>: the heap profile of another process.
 *
 * What the other process answers is whatever it likes: no depth and no number of stacks is believed.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <zmalloc/process.h>

#include "base/result.h"
#include "base/sized.h"
#include "live/records.h"

/* More than any table of this library holds: an answer that never ends is none. */
enum {
	STACKS_MAX = 1000000,
	ANSWERS_MAX = 1024
};

static int command(int64_t pid, uint32_t number, uint64_t argument, unsigned timeout_ms)
{
	const uint64_t arguments[2] = {argument, 0};
	struct zm_records *records = zm_records_ask(pid, number, arguments, timeout_ms);

	free(records);
	return records != NULL ? 0 : -1;
}

int zmalloc_process_profile_start(int64_t pid, uint64_t mean_bytes, unsigned timeout_ms)
{
	return command(pid, ZM_COMMAND_PROFILE_START, mean_bytes, timeout_ms);
}

int zmalloc_process_profile_stop(int64_t pid, unsigned timeout_ms)
{
	return command(pid, ZM_COMMAND_PROFILE_STOP, 0, timeout_ms);
}

int zmalloc_process_get_profile_info(int64_t pid, unsigned timeout_ms,
				     struct zmalloc_profile_info *info)
{
	static const uint64_t nothing[2];
	struct zmalloc_profile_info found = {.size = sizeof(found)};
	struct zm_profile_info_record record;
	struct zm_records *records;

	if (!zm_sized_is_set(info))
		return -1;
	records = zm_records_ask(pid, ZM_COMMAND_PROFILE_INFO, nothing, timeout_ms);
	if (records == NULL)
		return -1;
	if (records->answer.records == 0) {
		free(records);
		return zm_result(EBADMSG);
	}
	zm_records_copy(records, 0, &record, sizeof(record));
	free(records);
	found.mean_bytes = record.mean_bytes;
	found.is_on = record.is_on;
	found.started_ns = record.started_ns;
	found.duration_ns = record.duration_ns;
	found.samples = record.samples;
	found.lost_samples = record.lost_samples;
	found.stacks = record.stacks;
	found.memory_bytes = record.memory_bytes;
	return zm_sized_hand_over(info, &found, sizeof(found));
}

/* ---- Stacks ---- */

typedef int (*stack_visit)(const struct zmalloc_profile_stack *stack, void *context);

/*
 * How many frames are there: not more than the record has, in this version and in the other's, and none from
 * one on that is no address here, as in a program of 32 bits that looks at one of 64.
 */
static unsigned take_frames(const struct zm_profile_record *record, size_t record_bytes,
			    uintptr_t frames[ZMALLOC_PROFILE_DEPTH_MAX])
{
	const size_t before = offsetof(struct zm_profile_record, frame);
	size_t most = record_bytes > before ? (record_bytes - before) / sizeof(uint64_t) : 0;
	unsigned depth = 0;

	if (most > ZMALLOC_PROFILE_DEPTH_MAX)
		most = ZMALLOC_PROFILE_DEPTH_MAX;
	while (depth < record->depth && depth < most && record->frame[depth] <= UINTPTR_MAX) {
		frames[depth] = (uintptr_t)record->frame[depth];
		depth++;
	}
	return depth;
}

static int show_stacks(const struct zm_records *records, stack_visit visit, void *context)
{
	int told = 0;

	for (uint32_t i = 0; i < records->answer.records && told == 0; i++) {
		uintptr_t frames[ZMALLOC_PROFILE_DEPTH_MAX];
		struct zmalloc_profile_stack stack = {.frames = frames};
		struct zm_profile_record record;

		zm_records_copy(records, i, &record, sizeof(record));
		stack.live_blocks = record.live_blocks;
		stack.live_bytes = record.live_bytes;
		stack.total_blocks = record.total_blocks;
		stack.total_bytes = record.total_bytes;
		stack.live_samples = record.live_samples;
		stack.live_sample_bytes = record.live_sample_bytes;
		stack.total_samples = record.total_samples;
		stack.total_sample_bytes = record.total_sample_bytes;
		stack.depth = take_frames(&record, records->answer.record_bytes, frames);
		told = visit(&stack, context);
	}
	return told;
}

int zmalloc_process_visit_profile(int64_t pid, unsigned timeout_ms, stack_visit visit,
				  void *context)
{
	uint64_t argument[2] = {0, 0};
	bool is_more = true;
	int told = 0;

	for (int i = 0; is_more && told == 0; i++) {
		struct zm_records *records =
			zm_records_ask(pid, ZM_COMMAND_PROFILE, argument, timeout_ms);

		if (records == NULL)
			return -1;
		told = show_stacks(records, visit, context);
		argument[0] += records->answer.records;
		argument[1] = records->answer.value;
		is_more = records->answer.left_off != 0 && records->answer.records != 0;
		free(records);
		if (is_more && (argument[0] >= STACKS_MAX || i >= ANSWERS_MAX))
			return zm_result(EBADMSG);
	}
	return told;
}
