/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/ask.h - the page of another process, and asking it for figures of now and for more.
 */
#ifndef ZM_ASK_H
#define ZM_ASK_H

#include <stdint.h>

#include "live/command.h"
#include "live/page.h"

/* One look at one process. Made by zm_ask_open(), ended by zm_ask_close(). */
struct zm_ask {
	int64_t pid;
	struct zm_os_process of; /* what the system says of it */
	int fd;                  /* -1: its page was a file, of which there is `copy` */
	/* Shared with the process; NULL with a file. Nothing in it is true. */
	struct zm_page *page;
	struct zm_published copy; /* of the last figures */
	uint32_t way, commands;   /* copies of the page's words */
};

/*
 * 0 or an errno value: ENOENT: it shows nothing; ESRCH: there is no such process; EACCES: the kernel
 * does not let us look; EPERM: a file in its place is not this user's alone; EBADMSG: what is there is
 * no page; ENOTSUP: the system does not tell of processes.
 */
int zm_ask_open(int64_t pid, struct zm_ask *ask);
void zm_ask_close(struct zm_ask *ask);

/*
 * Have the figures taken anew, and copy them. ETIMEDOUT: there was no answer in time, and the copy is of the
 * last ones. A process that does not answer by its own will is not waited for: 0.
 */
int zm_ask_figures(struct zm_ask *ask, unsigned timeout_ms);

/*
 * Give a command, and have what is in `answer` filled; `room` gets the records. ENOTSUP: the process does
 * not answer, or does not know the command; ETIMEDOUT: not in time, but it may still do it; EBADMSG: what
 * it answered is no answer.
 */
int zm_ask_command(struct zm_ask *ask, uint32_t command, const uint64_t argument[2],
		   unsigned timeout_ms, struct zm_command_answer *answer);

#endif
