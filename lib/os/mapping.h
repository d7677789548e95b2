/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/mapping.h - the code of this process: which files it is of, and where it is. The rules of os.h hold.
 */
#ifndef ZM_OS_MAPPING_H
#define ZM_OS_MAPPING_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum {
	ZM_OS_BUILD_ID_BYTES = 32,
	ZM_OS_MAPPINGS_BUFFER_BYTES = 4096 + 256 /* a line with the longest path */
};

struct zm_os_mapping {
	uintptr_t start, limit;
	uint64_t offset;  /* in the file */
	const char *path; /* "[vdso]" for the kernel's own */
	unsigned char build_id[ZM_OS_BUILD_ID_BYTES];
	unsigned build_id_bytes; /* 0: there is none, or the memory it is in cannot be read */
};

/*
 * Have every mapping of code that is a file's seen, by address. visit returns 0 to go on. Other threads may
 * load and unload meanwhile: no lock is taken that they could have.
 * buffer: ZM_OS_MAPPINGS_BUFFER_BYTES
 * Returns what visit returned, 0 when there is no more; ENOTSUP: the system does not tell.
 */
int zm_os_mappings_visit(int (*visit)(const struct zm_os_mapping *mapping, void *context),
			 void *context, char *buffer);

/* ---- For tests: what the text is made of ---- */

/* A line of /proc/PID/maps. */
struct zm_maps_line {
	uint64_t start, limit, offset;
	bool is_code;
	struct zm_span file; /* device and inode */
	struct zm_span path; /* without " (deleted)"; empty: no file's */
};

/* EINVAL: it is no such line. */
int zm_maps_line(struct zm_span text, struct zm_maps_line *line);

/*
 * Find the build-id in notes as they are in memory. Returns its size, at most ZM_OS_BUILD_ID_BYTES; 0: there is
 * none, or it is longer.
 */
unsigned zm_build_id_of_notes(const unsigned char *notes, size_t size,
			      unsigned char build_id[ZM_OS_BUILD_ID_BYTES]);

#endif
