/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/build_id.c - the identity that the linker gave a file, which its debug information has too.
 *
 * Without a library for ELF, and without the system's header of it, so that it is there in every build; whatever
 * the file says is checked.
 */
#include "tools/profile/mappings.h"

#include <string.h>
#include <unistd.h>

/* ELF's own numbers. */
enum {
	CLASS_64 = 2,
	LITTLE_ENDIAN_DATA = 1,
	SEGMENT_NOTE = 4,
	NOTE_BUILD_ID = 3,
	SEGMENTS_MOST = 256,
	NOTES_BYTES = 64 * 1024
};

struct file {
	int fd;
	bool is_wide, is_little;
};

static uint64_t number(const struct file *file, const unsigned char *at, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | at[file->is_little ? bytes - 1 - i : i];
	return value;
}

static bool read_at(const struct file *file, void *to, size_t bytes, uint64_t at)
{
	return at <= (uint64_t)INT64_MAX - bytes &&
	       pread(file->fd, to, bytes, (off_t)at) == (ssize_t)bytes;
}

/* Notes are: the sizes of name and contents, a type, and the two, each filled up to four bytes. */
static unsigned find_note(const struct file *file, uint64_t at, uint64_t bytes,
			  unsigned char *build_id, unsigned room)
{
	uint64_t end = at + (bytes < NOTES_BYTES ? bytes : NOTES_BYTES);

	while (at + 12 <= end) {
		unsigned char head[12], name[4];
		uint64_t name_bytes, size;

		if (!read_at(file, head, sizeof(head), at))
			return 0;
		name_bytes = (number(file, head, 4) + 3) & ~(uint64_t)3;
		size = number(file, head + 4, 4);
		if (number(file, head + 8, 4) == NOTE_BUILD_ID && number(file, head, 4) == 4 &&
		    size <= room && read_at(file, name, 4, at + 12) && memcmp(name, "GNU", 4) == 0)
			return read_at(file, build_id, size, at + 16) ? (unsigned)size : 0;
		at += 12 + name_bytes + ((size + 3) & ~(uint64_t)3);
	}
	return 0;
}

static unsigned find_in_segments(const struct file *file, const unsigned char *head,
				 unsigned char *build_id, unsigned room)
{
	uint64_t table = file->is_wide ? number(file, head + 32, 8) : number(file, head + 28, 4);
	uint64_t each = number(file, head + (file->is_wide ? 54 : 42), 2);
	uint64_t count = number(file, head + (file->is_wide ? 56 : 44), 2);
	unsigned char segment[56];
	size_t size = file->is_wide ? 56 : 32;
	unsigned found = 0;

	for (uint64_t i = 0; found == 0 && i < count && i < SEGMENTS_MOST && each >= size; i++) {
		if (!read_at(file, segment, size, table + i * each))
			return 0;
		if (number(file, segment, 4) != SEGMENT_NOTE)
			continue;
		found = file->is_wide ? find_note(file, number(file, segment + 8, 8),
						  number(file, segment + 32, 8), build_id, room)
				      : find_note(file, number(file, segment + 4, 4),
						  number(file, segment + 16, 4), build_id, room);
	}
	return found;
}

unsigned mapping_build_id(const struct mappings *mappings, const struct mapping *mapping,
			  unsigned char *build_id, unsigned room)
{
	struct file file = {.fd = mapping_open(mappings, mapping)};
	unsigned char head[64] = {0};
	unsigned found = 0;

	if (file.fd < 0)
		return 0;
	if (read_at(&file, head, 52, 0) && memcmp(head, "\177ELF", 4) == 0) {
		file.is_wide = head[4] == CLASS_64;
		file.is_little = head[5] == LITTLE_ENDIAN_DATA;
		if (!file.is_wide || read_at(&file, head, 64, 0))
			found = find_in_segments(&file, head, build_id, room);
	}
	close(file.fd);
	return found;
}
