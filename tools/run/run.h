/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/run/run.h - `zmalloc run`: a program that was never changed, on this library.
 */
#ifndef ZM_TOOL_RUN_H
#define ZM_TOOL_RUN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Exit codes of env(1), nohup(1) and shells: the program's own are all others. */
enum {
	RUN_FAILED = 125, /* of ours: nothing was started */
	RUN_REFUSED = 126,
	RUN_NOT_FOUND = 127
};

struct run_libraries {
	char preload[PATH_MAX]; /* libzmalloc_preload.so */
	char library[PATH_MAX]; /* libzmalloc.so.1 of the allocator that was asked for */
};

/* allocator: NULL for that of this machine. False after a complaint. */
bool run_find_libraries(const char *allocator, struct run_libraries *libraries);

/*
 * Find the program as a shell does, and look at what it is. Returns 0, or after a complaint the code to
 * exit with. `path` has PATH_MAX bytes.
 */
int run_find_program(const char *name, char *path);

/* An allocator of packaging/allocators, and what zmalloc_allocator() begins with there. */
struct run_allocator {
	const char *name, *says;
};
extern const struct run_allocator run_allocators[];

#endif
