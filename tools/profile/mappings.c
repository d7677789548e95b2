/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/mappings.c - which files the code of a process is from, as /proc says.
 */
#include "tools/profile/mappings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DELETED " (deleted)"

/* The kernel's own limit of a path. */
#define PATH_BYTES 4096

/* A process can have 65,530 mappings, and some have more. */
#define MAPPINGS_MOST 1000000

static bool add(struct mappings *mappings, const struct mapping *mapping)
{
	struct mapping *grown;

	if (mappings->count == mappings->room) {
		grown = realloc(mappings->mapping, (mappings->room * 2 + 64) * sizeof(*grown));
		if (grown == NULL)
			return false;
		mappings->mapping = grown;
		mappings->room = mappings->room * 2 + 64;
	}
	mappings->mapping[mappings->count++] = *mapping;
	return true;
}

/* "7f00-7f10 r-xp 00001000 08:01 1234    /usr/lib/x.so (deleted)". Only what is executed is of interest. */
static bool take_line(struct mappings *mappings, char *line)
{
	struct mapping mapping = {0};
	char rights[5];
	int at = 0;
	size_t length;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &mapping.start,
		   &mapping.limit, rights, &mapping.offset, &at) < 4 ||
	    at == 0 || strchr(rights, 'x') == NULL || mapping.limit <= mapping.start)
		return true;
	length = strlen(line + at);
	if (length > strlen(DELETED) &&
	    strcmp(line + at + length - strlen(DELETED), DELETED) == 0) {
		mapping.is_deleted = true;
		line[(size_t)at + length - strlen(DELETED)] = '\0';
	}
	mapping.path = strdup(line + at);
	if (mapping.path != NULL && add(mappings, &mapping))
		return true;
	free(mapping.path);
	return false;
}

void mappings_read(int64_t pid, struct mappings *mappings)
{
	char name[64], *line = NULL;
	size_t size = 0;
	FILE *file;

	*mappings = (struct mappings){.pid = pid};
	snprintf(name, sizeof(name), "/proc/%" PRId64 "/maps", pid);
	file = fopen(name, "re");
	if (file == NULL) {
		mappings->error = errno;
		return;
	}
	while (mappings->error == 0 && mappings->count < MAPPINGS_MOST &&
	       getline(&line, &size, file) > 0)
		if (!take_line(mappings, line))
			mappings->error = ENOMEM;
	if (mappings->error == 0 && ferror(file))
		mappings->error = errno != 0 ? errno : EIO;
	free(line);
	fclose(file);
}

void mappings_free(struct mappings *mappings)
{
	for (size_t i = 0; i < mappings->count; i++)
		free(mappings->mapping[i].path);
	free(mappings->mapping);
	*mappings = (struct mappings){0};
}

const struct mapping *mapping_of(const struct mappings *mappings, uint64_t address)
{
	size_t low = 0, high = mappings->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct mapping *mapping = &mappings->mapping[middle];

		if (address < mapping->start)
			high = middle;
		else if (address >= mapping->limit)
			low = middle + 1;
		else
			return mapping;
	}
	return NULL;
}

/* ---- The file ---- */

/* By then it may be a queue or a device, which nobody waits for. */
static int open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat about;

	if (fd >= 0 && (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Is the program itself what is mapped? Then there is a way to it that survives its deletion. */
static bool is_program(int64_t pid, const struct mapping *mapping)
{
	char link[64], target[PATH_BYTES];
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/%" PRId64 "/exe", pid);
	size = readlink(link, target, sizeof(target));
	if (size <= 0 || (size_t)size >= sizeof(target))
		return false;
	target[size] = '\0';
	if (mapping->is_deleted && (size_t)size > strlen(DELETED) &&
	    strcmp(target + (size_t)size - strlen(DELETED), DELETED) == 0)
		target[(size_t)size - strlen(DELETED)] = '\0';
	return strcmp(target, mapping->path) == 0;
}

int mapping_open(const struct mappings *mappings, const struct mapping *mapping)
{
	char path[PATH_BYTES + 64];
	int fd;

	if (*mapping->path != '/')
		return -1;
	snprintf(path, sizeof(path), "/proc/%" PRId64 "/map_files/%" PRIx64 "-%" PRIx64,
		 mappings->pid, mapping->start, mapping->limit);
	fd = open_regular(path);
	if (fd < 0 && is_program(mappings->pid, mapping)) {
		snprintf(path, sizeof(path), "/proc/%" PRId64 "/exe", mappings->pid);
		fd = open_regular(path);
	}
	if (fd < 0 && !mapping->is_deleted) {
		snprintf(path, sizeof(path), "/proc/%" PRId64 "/root%s", mappings->pid,
			 mapping->path);
		fd = open_regular(path);
		if (fd < 0)
			fd = open_regular(mapping->path);
	}
	return fd;
}
