/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/mappings.h - which files the code of a process is from, as /proc says. Where there is no /proc,
 * or it does not tell, there are none.
 */
#ifndef ZM_TOOL_MAPPINGS_H
#define ZM_TOOL_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mapping {
	uint64_t start, limit, offset; /* addresses; where the start is in the file */
	char *path;                    /* as the process sees it; "[vdso]" and the like too */
	bool is_deleted;               /* something else may be at the path by now */
};

struct mappings {
	int64_t pid;
	int error;               /* an errno value: why none could be read */
	struct mapping *mapping; /* of code, by address */
	size_t count, room;
};

void mappings_read(int64_t pid, struct mappings *mappings);
void mappings_free(struct mappings *mappings);

/* NULL: of no code that is known. */
const struct mapping *mapping_of(const struct mappings *mappings, uint64_t address);

/*
 * Open the very file that is mapped, also from outside the container that the process is in, and after somebody
 * deleted it if the kernel lets us. -1: it cannot be, or is no regular file.
 */
int mapping_open(const struct mappings *mappings, const struct mapping *mapping);

/* The identity that the linker gave the file. Returns its length, 0 if it has none. */
unsigned mapping_build_id(const struct mappings *mappings, const struct mapping *mapping,
			  unsigned char *build_id, unsigned room);

#endif
