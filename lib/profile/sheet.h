/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/sheet.h - a profile as its writers read it. The library fills one with its own, the tool with that
 * of another process.
 */
#ifndef ZM_PROFILE_SHEET_H
#define ZM_PROFILE_SHEET_H

#include <stddef.h>
#include <stdint.h>

#include <zmalloc/profile.h>

#define ZM_BUILD_ID_BYTES 32

/* Code of a file in memory. */
struct zm_profile_mapping {
	uintptr_t start, limit; /* its addresses; the limit is none of them */
	uint64_t offset;        /* of the start in the file */
	const char *path;       /* valid during the call */
	unsigned char build_id[ZM_BUILD_ID_BYTES];
	unsigned build_id_bytes; /* 0: it has none, or none is known */
};

typedef int (*zm_profile_stack_visit)(const struct zmalloc_profile_stack *stack, void *context);
typedef int (*zm_profile_mapping_visit)(const struct zm_profile_mapping *mapping, void *context);

struct zm_profile_sheet {
	uint64_t mean_bytes;
	uint64_t started_ns, duration_ns; /* as of struct zmalloc_profile_info */
	uint64_t lost_samples;
	/*
	 * Call `visit` for each, until it returns other than 0, and return that; 0 if it never does. The order is
	 * the same each time. A writer may go through them several times: what comes new meanwhile is at
	 * the end.
	 */
	int (*each_stack)(const struct zm_profile_sheet *sheet, zm_profile_stack_visit visit,
			  void *context);
	/* NULL: none is known. That of the program comes before those of its libraries. */
	int (*each_mapping)(const struct zm_profile_sheet *sheet, zm_profile_mapping_visit visit,
			    void *context);
	void *owner; /* of the sheet's, for its two functions */
	/*
	 * ZM_PROFILE_SCRATCH_BYTES of memory that a writer may fill as it likes (scratch.h); NULL: it gets them
	 * from the system, and gives them back.
	 */
	void *scratch;
};

#endif
