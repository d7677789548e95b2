/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/profile.h - what `zmalloc profile` has found out about a process, for its writers.
 */
#ifndef ZM_TOOL_PROFILE_H
#define ZM_TOOL_PROFILE_H

#include "tools/command.h"
#include "tools/profile/chains.h"

struct profile {
	struct zmalloc_process process;
	struct taken taken, before;
	uint64_t taken_ms; /* when the earlier one was, by steady_ms() */
	uint64_t since_ms; /* between the two; 0: there is one only */
	struct symbols *symbols;
	struct chains chains; /* in the order of the stacks until somebody sorts them */
};

/* For people. 0, or ENOMEM. */
int profile_print_table(struct profile *profile, const struct options *options);

/* One object. */
void profile_build_json(struct zm_builder *out, const struct profile *profile);

/* A line for each stack, with names. 0, or ENOMEM. */
int profile_build_collapsed(struct zm_builder *out, const struct profile *profile);

/* pprof's profile.proto. 0, or an errno value. */
int profile_build_pprof(struct zm_builder *out, const struct profile *profile);

/* An interactive picture. 0, or an errno value. */
int profile_build_flame(struct zm_builder *out, const struct profile *profile);

/* "function", or "module+0x1234". */
enum {
	PLACE_TEXT = 320
};
const char *place_name(const struct place *place, char text[PLACE_TEXT]);

#endif
