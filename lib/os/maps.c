/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/maps.c - the text of Linux's /proc/PID/maps, and the notes of ELF files.
 */
#include "config.h"

#include "os/mapping.h"

#include <errno.h>
#include <string.h>

/* ---- A line ----------------------------------------------------------------------------------- */

static int digit_of(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	if (character >= 'a' && character <= 'f')
		return character - 'a' + 10;
	return -1;
}

/* A whole piece of hexadecimal digits. */
static int hex(struct zm_span text, uint64_t *number)
{
	size_t size = zm_span_size(text);

	*number = 0;
	if (size == 0 || size > 16)
		return EINVAL;
	for (; text.at < text.end; text.at++) {
		int digit = digit_of(*text.at);

		if (digit < 0)
			return EINVAL;
		*number = *number << 4 | (uint64_t)digit;
	}
	return 0;
}

/* The rest of a line after its words: the path, which may have blanks in it. */
static struct zm_span path_of(struct zm_span rest)
{
	static const char gone[] = " (deleted)";
	size_t size;

	while (rest.at < rest.end && *rest.at == ' ')
		rest.at++;
	size = zm_span_size(rest);
	if (size > sizeof(gone) - 1 &&
	    memcmp(rest.end - (sizeof(gone) - 1), gone, sizeof(gone) - 1) == 0)
		rest.end -= sizeof(gone) - 1;
	return rest;
}

int zm_maps_line(struct zm_span text, struct zm_maps_line *line)
{
	struct zm_span range, access, offset, device, inode, start;

	if (!zm_span_word(&text, &range) || !zm_span_word(&text, &access) ||
	    !zm_span_word(&text, &offset) || !zm_span_word(&text, &device) ||
	    !zm_span_word(&text, &inode))
		return EINVAL;
	if (!zm_span_cut(&range, '-', &start) || hex(start, &line->start) != 0 ||
	    hex(range, &line->limit) != 0 || hex(offset, &line->offset) != 0 ||
	    zm_span_size(access) < 3)
		return EINVAL;
	line->is_code = access.at[2] == 'x';
	line->file = device;
	line->file.end = inode.end;
	line->path = path_of(text);
	return 0;
}

/* ---- Notes ------------------------------------------------------------------------------------ */

#define BUILD_ID_TYPE 3 /* NT_GNU_BUILD_ID; there are systems without <elf.h> */

struct note {
	uint32_t name_bytes, id_bytes, type;
};

static size_t to_words(uint32_t size)
{
	return ((size_t)size + 3) & ~(size_t)3;
}

/* Sizes are the file's: none of them is believed. */
unsigned zm_build_id_of_notes(const unsigned char *notes, size_t size,
			      unsigned char build_id[ZM_OS_BUILD_ID_BYTES])
{
	struct note note;

	while (size >= sizeof(note)) {
		size_t name, id;

		memcpy(&note, notes, sizeof(note));
		notes += sizeof(note);
		size -= sizeof(note);
		name = to_words(note.name_bytes);
		id = to_words(note.id_bytes);
		if (name > size || id > size - name)
			return 0;
		if (note.type == BUILD_ID_TYPE && note.name_bytes == 4 &&
		    memcmp(notes, "GNU", 4) == 0) {
			if (note.id_bytes > ZM_OS_BUILD_ID_BYTES)
				return 0;
			memcpy(build_id, notes + name, note.id_bytes);
			return note.id_bytes;
		}
		notes += name + id;
		size -= name + id;
	}
	return 0;
}
