/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/lines.h - text line by line, from a descriptor or from memory, in a buffer of the
 * caller's.
 */
#ifndef ZM_OS_LINES_H
#define ZM_OS_LINES_H

#include "base/text.h"

/*
 * A line longer than the buffer comes as its beginning only, marked; the rest of it is skipped and
 * never taken for a line of its own.
 */
struct zm_lines {
	int fd;                /* -1: from `memory` */
	struct zm_span memory; /* what has not been read yet */
	size_t step;           /* bytes that one read of memory gives, at least 1 */
	char *buffer;
	size_t size;       /* of the buffer, at least 1 */
	size_t begin, end; /* read, and not returned yet */
	bool skipping;     /* the rest of a cut line is still to come */
	bool cut;          /* the line just returned is a beginning only */
};

void zm_lines_of_fd(struct zm_lines *lines, int fd, char *buffer, size_t size);
void zm_lines_of_text(struct zm_lines *lines, struct zm_span text, size_t step, char *buffer,
		      size_t size);

/*
 * The next line, without its newline, valid until the next call.
 * ENOENT at the end; else what reading said.
 */
int zm_lines_next(struct zm_lines *lines, struct zm_span *line);

#endif
