/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/find.h - which processes an operand means, and what to say of one that cannot be looked at.
 */
#ifndef ZM_FIND_H
#define ZM_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"

/* Numbers of processes; `pid` is malloc()ed. */
struct pid_list {
	int64_t *pid;
	size_t count, room;
};

/* Every process that shows itself and may be looked at, in order. False after a complaint. */
bool list_pids(struct pid_list *list);

/*
 * The processes that the operands mean, each once: a number is a process's own; a name is that of every
 * process whose name it is or, if there is none, whose command line it is or has as a word, with or
 * without the folders before it. DONE, or FAILED after a complaint about each operand that means none.
 */
int find_processes(const struct options *options, struct pid_list *found);

/* Say why a process cannot be looked at, and what to do. error: as of look_at(). Returns FAILED. */
int explain(int64_t pid, int error, const char *command);

#endif
