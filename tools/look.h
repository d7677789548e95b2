/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/look.h - one look at one process: its figures, and what an operator knows it by.
 */
#ifndef ZM_LOOK_H
#define ZM_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmalloc/process.h>

/*
 * What stat, purge and export wait for a process that should answer at once: on a machine that is
 * so loaded that somebody looks, its thread gets the processor late.
 */
#define PATIENCE_MS 2000

struct look {
	struct zmalloc_process process;
	struct zmalloc_process_info about; /* numbers may be ZMALLOC_STATS_UNKNOWN, texts empty */
	bool silent;       /* it was asked and gave no answer: the figures are its last ones */
	uint64_t taken_ms; /* when the look was, milliseconds since 1970 */
};

/* 0, or an errno value as of <zmalloc/process.h>; a silent process is a look too. */
int look_at(int64_t pid, unsigned timeout_ms, struct look *look);

/* How old the figures were when they were looked at. */
uint64_t look_age_ms(const struct look *look);

/* How much of the limit the resident set is: that is what the kernel counts. Not a number: unknown. */
double look_of_limit(const struct look *look);

/* The user's name, or the number of one that has none which can be printed. */
enum {
	LOOK_USER = 64,
	LOOK_UNIT = 256
};
void look_user(const struct look *look, char user[LOOK_USER]);

/*
 * What of a control group's path names the unit or container: the last part with an identifier of 64
 * hexadecimal digits, as containers have; else the last service or scope; else the last part. "" for the
 * root of them all.
 */
void unit_of_group(const char *group, char unit[LOOK_UNIT]);

#endif
