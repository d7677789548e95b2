/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/gather.h - a round of asking every process for its figures.
 *
 * A process that is stopped answers nobody, and one of thousands must not hold up the others. A round has a
 * budget of time for waiting: whoever does not answer at once gets a second chance after all were asked, once,
 * and from then on a millisecond a round, until it answers. Where the budget is spent, the last figures are
 * taken without asking, and the next round begins with those.
 */
#ifndef ZM_TOP_GATHER_H
#define ZM_TOP_GATHER_H

#include "tools/top/row.h"

/* Who is asked: <zmalloc/process.h>, or what a test puts in its place. Answers are as there. */
struct gather_source {
	int (*list)(int64_t *pids, size_t room, size_t *count);
	int (*ask)(int64_t pid, unsigned timeout_ms, struct zmalloc_process *process);
	int (*about)(int64_t pid, unsigned timeout_ms, struct zmalloc_process_info *about);
	uint64_t (*now_ms)(void); /* of a clock that nobody puts back */
};

struct gather {
	struct gather_source source;
	unsigned first_ms;  /* what a process is waited for, to begin with */
	unsigned second_ms; /* and when all were asked */
	unsigned wait_ms;   /* a round waits for so long for those that do not answer */
	unsigned round_ms;  /* after so long nobody is asked any more */
	unsigned about_ms;  /* what a round may take to find out users and limits */
	size_t ask_from;    /* which row the next round begins with */
	size_t about_from;
};

/* On a terminal, and where nobody waits for a key. */
struct gather gather_live(void);
struct gather gather_plain(void);

/* Returns 0, or an errno value: the rows are as they were. */
int gather_round(struct gather *gather, struct rows *rows);

#endif
