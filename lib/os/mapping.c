/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/mapping.c - the code of this process, from /proc/self/maps.
 *
 * The dynamic linker could tell too, under a lock that a thread may have which waits for us. The build-id is read
 * from memory, since the file of that name may be another by now. What is mapped at one moment may be gone at
 * the next, or be of a file that was cut short, so the kernel copies it: it answers where a load would
 * end the process.
 */
#include "config.h"

#include "os/mapping.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os/file.h"
#include "os/lines.h"

enum {
	HEADERS_MAX = 64, /* of a file's program headers, the first ones */
	NOTES_BYTES = 512 /* of each of its notes; they are on the stack */
};

static bool copy(uintptr_t from, void *to, size_t size)
{
#ifdef SYS_process_vm_readv
	const struct iovec here = {.iov_base = to, .iov_len = size};
	const struct iovec there = {.iov_base = (void *)from, .iov_len = size};

	return syscall(SYS_process_vm_readv, getpid(), &here, 1, &there, 1, 0) == (long)size;
#else
	(void)from;
	(void)to;
	(void)size;
	return false;
#endif
}

/* ---- Build-ids -------------------------------------------------------------------------------- */

static void read_notes(const ElfW(Phdr) * header, uintptr_t bias, struct zm_os_mapping *mapping)
{
	unsigned char notes[NOTES_BYTES];
	size_t size = header->p_memsz < NOTES_BYTES ? (size_t)header->p_memsz : NOTES_BYTES;

	if (copy(bias + (uintptr_t)header->p_vaddr, notes, size))
		mapping->build_id_bytes = zm_build_id_of_notes(notes, size, mapping->build_id);
}

struct headers {
	uintptr_t at; /* in memory */
	unsigned count;
};

/* The next header of a kind from number `next` on. */
static bool find_header(const struct headers *headers, ElfW(Word) type, unsigned *next,
			ElfW(Phdr) * header)
{
	while (*next < headers->count) {
		uintptr_t at = headers->at + *next * sizeof(*header);

		if (!copy(at, header, sizeof(*header)))
			return false;
		++*next;
		if (header->p_type == type)
			return true;
	}
	return false;
}

/* Addresses in the headers are off by as much as that of the beginning of the file is. */
static bool find_bias(const struct headers *headers, uintptr_t first, uintptr_t *bias)
{
	ElfW(Phdr) header;
	unsigned next = 0;

	while (find_header(headers, PT_LOAD, &next, &header))
		if (header.p_offset == 0) {
			*bias = first - (uintptr_t)header.p_vaddr;
			return true;
		}
	return false;
}

static bool find_headers(uintptr_t first, struct headers *headers)
{
	ElfW(Ehdr) head;

	if (first == 0 || !copy(first, &head, sizeof(head)) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof(ElfW(Phdr)))
		return false;
	headers->at = first + (uintptr_t)head.e_phoff;
	headers->count = head.e_phnum < HEADERS_MAX ? head.e_phnum : HEADERS_MAX;
	return true;
}

/* first: where the file's beginning is in memory; 0: it is not. */
static void find_build_id(uintptr_t first, struct zm_os_mapping *mapping)
{
	struct headers headers;
	ElfW(Phdr) header;
	uintptr_t bias;
	unsigned next = 0;

	mapping->build_id_bytes = 0;
	if (!find_headers(first, &headers) || !find_bias(&headers, first, &bias))
		return;
	while (mapping->build_id_bytes == 0 && find_header(&headers, PT_NOTE, &next, &header))
		read_notes(&header, bias, mapping);
}

/* ---- Lines ------------------------------------------------------------------------------------ */

struct walk {
	int (*visit)(const struct zm_os_mapping *mapping, void *context);
	void *context;
	/* Where the last file that was mapped from its beginning is, and which it is. */
	uintptr_t first;
	char file[48];
	size_t file_size;
};

static bool is_last_file(const struct walk *walk, struct zm_span file)
{
	return zm_span_size(file) == walk->file_size &&
	       memcmp(walk->file, file.at, walk->file_size) == 0;
}

static void note_first(struct walk *walk, const struct zm_maps_line *line)
{
	walk->first = 0;
	walk->file_size = zm_span_size(line->file);
	if (walk->file_size > sizeof(walk->file)) {
		walk->file_size = 0;
		return;
	}
	memcpy(walk->file, line->file.at, walk->file_size);
	walk->first = (uintptr_t)line->start;
}

/*
 * Code that no file has, as a compiler at run time makes it, is nowhere to be looked up. The byte after a path is
 * the newline, or the end of the buffer's line: ours to write.
 */
static int see_line(struct walk *walk, struct zm_span text, char *buffer)
{
	struct zm_maps_line line;
	struct zm_os_mapping mapping;

	if (zm_maps_line(text, &line) != 0 || zm_span_size(line.path) == 0)
		return 0;
	if (line.offset == 0)
		note_first(walk, &line);
	if (!line.is_code)
		return 0;
	buffer[line.path.end - buffer] = '\0';
	mapping.start = (uintptr_t)line.start;
	mapping.limit = (uintptr_t)line.limit;
	mapping.offset = line.offset;
	mapping.path = line.path.at;
	find_build_id(is_last_file(walk, line.file) ? walk->first : 0, &mapping);
	return walk->visit(&mapping, walk->context);
}

int zm_os_mappings_visit(int (*visit)(const struct zm_os_mapping *mapping, void *context),
			 void *context, char *buffer)
{
	struct walk walk = {.visit = visit, .context = context};
	struct zm_lines lines;
	struct zm_span line;
	int fd, error = zm_file_open("/proc/self/maps", &fd), answer = 0;

	if (error != 0)
		return error;
	zm_lines_of_fd(&lines, fd, buffer, ZM_OS_MAPPINGS_BUFFER_BYTES);
	while (answer == 0 && (error = zm_lines_next(&lines, &line)) == 0)
		if (!lines.cut)
			answer = see_line(&walk, line, buffer);
	zm_file_close(fd);
	return error != 0 && error != ENOENT ? error : answer;
}
