/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/directory.c - the names in a directory, by getdents64(2).
 */
#include "config.h"

#include "os/directory.h"

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/failure.h"
#include "os/file.h"

/* The kernel's struct linux_dirent64, which no header of the C library's has under that name. */
struct entry {
	uint64_t inode;
	int64_t next;
	unsigned short bytes;
	unsigned char type;
	char name[];
};

static int visit_names(int directory, int (*visit)(int directory, const char *name, void *context),
		       void *context)
{
	_Alignas(struct entry) char entries[1024]; /* two may be open at once, on a small stack */
	long got;
	int answer;

	while ((got = syscall(SYS_getdents64, directory, entries, sizeof(entries))) > 0)
		for (long at = 0; at < got;) {
			const struct entry *entry = (const struct entry *)(entries + at);

			answer = visit(directory, entry->name, context);
			if (answer != 0)
				return answer;
			at += entry->bytes;
		}
	return got < 0 ? zm_os_failure() : 0;
}

int zm_directory_visit(const char *path,
		       int (*visit)(int directory, const char *name, void *context), void *context)
{
	int answer, fd, error = zm_file_open(path, &fd);

	if (error != 0)
		return error;
	answer = visit_names(fd, visit, context);
	zm_file_close(fd);
	return answer;
}
