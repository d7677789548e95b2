/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/lines.c - text line by line.
 */
#include "config.h"

#include "os/lines.h"

#include "os/file.h"

#include <errno.h>
#include <string.h>

void zm_lines_of_fd(struct zm_lines *lines, int fd, char *buffer, size_t size)
{
	*lines = (struct zm_lines){.fd = fd, .buffer = buffer, .size = size};
}

void zm_lines_of_text(struct zm_lines *lines, struct zm_span text, size_t step, char *buffer,
		      size_t size)
{
	*lines = (struct zm_lines){
		.fd = -1, .memory = text, .step = step, .buffer = buffer, .size = size};
}

static int read_more(struct zm_lines *lines, size_t *got)
{
	char *to = lines->buffer + lines->end;
	size_t room = lines->size - lines->end;

	if (lines->fd >= 0)
		return zm_file_read(lines->fd, to, room, got);
	*got = zm_span_size(lines->memory);
	if (*got > lines->step)
		*got = lines->step;
	if (*got > room)
		*got = room;
	memcpy(to, lines->memory.at, *got);
	lines->memory.at += *got;
	return 0;
}

static struct zm_span consume(struct zm_lines *lines, size_t size, size_t and_drop)
{
	struct zm_span piece = zm_span(lines->buffer + lines->begin, size);

	lines->begin += size + and_drop;
	return piece;
}

/* The next piece that ends with a newline, with the buffer or with the text. */
static int next_piece(struct zm_lines *lines, struct zm_span *piece, bool *whole)
{
	size_t searched = 0;

	*piece = zm_span(NULL, 0);
	for (;;) {
		size_t have = lines->end - lines->begin, got = 0;
		char *from = lines->buffer + lines->begin;
		char *newline = memchr(from + searched, '\n', have - searched);
		int error;

		*whole = newline != NULL;
		if (newline) {
			*piece = consume(lines, (size_t)(newline - from), 1);
			return 0;
		}
		if (have == lines->size) {
			*piece = consume(lines, have, 0);
			return 0;
		}
		searched = have;
		memmove(lines->buffer, from, have);
		lines->begin = 0;
		lines->end = have;
		error = read_more(lines, &got);
		if (error)
			return error;
		lines->end += got;
		if (got == 0) {
			*whole = true;
			*piece = consume(lines, have, 0);
			return have ? 0 : ENOENT;
		}
	}
}

int zm_lines_next(struct zm_lines *lines, struct zm_span *line)
{
	for (;;) {
		bool was_skipping = lines->skipping, whole = false;
		int error = next_piece(lines, line, &whole);

		if (error)
			return error;
		lines->skipping = !whole;
		if (!was_skipping) {
			lines->cut = !whole;
			return 0;
		}
	}
}
