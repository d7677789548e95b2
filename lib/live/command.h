/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/command.h - what may be asked of a process that shows itself, besides its figures.
 *
 * A command is a number and two numbers, never a path or code. Its answer is an errno value, a number,
 * and records of one kind. Numbers stay what they are: new commands come at the end.
 */
#ifndef ZM_COMMAND_H
#define ZM_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "live/page.h"

enum zm_command_number {
	/* argument[0]: an arena, or all of them; records: struct zm_bin_record */
	ZM_COMMAND_BINS = 1,
	/* records: struct zm_arena_record */
	ZM_COMMAND_ARENAS = 2,
	/* value: bytes given back to the system */
	ZM_COMMAND_PURGE = 3,
	/* value: the tightest limit; one record: struct zm_limit_record */
	ZM_COMMAND_LIMIT = 4,
	/*
	 * argument[0]: how many scopes to pass over, in the order of making; records: struct
	 * zm_scope_record, the last of all being everything else
	 */
	ZM_COMMAND_SCOPES = 5,
	/* argument[0]: the mean of bytes between two samples, 0 for the default */
	ZM_COMMAND_PROFILE_START = 6,
	ZM_COMMAND_PROFILE_STOP = 7,
	/* one record: struct zm_profile_info_record */
	ZM_COMMAND_PROFILE_INFO = 8,
	/*
	 * argument[0]: how many stacks to pass over, in the order in which they were first seen; argument[1]: which
	 * profile they are of, 0 for the one that there is; value: which it is; records: struct zm_profile_record.
	 * EAGAIN: there is another profile by now.
	 */
	ZM_COMMAND_PROFILE = 9,
	ZM_COMMANDS = 9
};

struct zm_bin_record {
	uint64_t region_bytes, slabs, regions, used_regions, free_bytes;
};

struct zm_arena_record {
	uint64_t arena;
	uint64_t figure[ZM_PUBLISHED_FIGURES];
};

/* What sets the limit, as zmalloc_get_memory_limit_source(); ended by a zero. */
struct zm_limit_record {
	char source[128];
};

/* A scope; without a name: everything else. */
struct zm_scope_record {
	char name[64];
	int64_t used_bytes;
	uint64_t peak_bytes, limit_bytes, refusals, threads;
};

/* As struct zmalloc_profile_info, without its size. */
struct zm_profile_info_record {
	uint64_t mean_bytes, is_on, started_ns, duration_ns, samples, lost_samples, stacks,
		memory_bytes;
};

/* As struct zmalloc_profile_stack; a page holds 441 of them. */
struct zm_profile_record {
	uint64_t live_blocks, live_bytes, total_blocks, total_bytes;
	uint64_t live_samples, live_sample_bytes, total_samples, total_sample_bytes;
	uint32_t depth, reserved;
	uint64_t frame[64];
};

/* What a command is to fill. It may be of any thread; the room is nobody else's meanwhile. */
struct zm_command_answer {
	int error;
	uint64_t value;
	uint32_t records, record_bytes, left_off;
	char *room;
	size_t room_bytes;
};

/* Do it, on the calling thread. A number that is no command is answered with ENOTSUP. */
void zm_command_run(uint32_t command, const uint64_t argument[2], struct zm_command_answer *answer);

/* For those that fill it: the records have the size of answer->record_bytes. */
void zm_command_add(struct zm_command_answer *answer, const void *record);

/* In command_profile.c. */
void zm_command_profile_start(const uint64_t argument[2], struct zm_command_answer *answer);
void zm_command_profile_stop(const uint64_t argument[2], struct zm_command_answer *answer);
void zm_command_profile_info(const uint64_t argument[2], struct zm_command_answer *answer);
void zm_command_profile(const uint64_t argument[2], struct zm_command_answer *answer);

#endif
