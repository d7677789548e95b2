/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/records.h - one command given to another process, and the records of its answer.
 */
#ifndef ZM_RECORDS_H
#define ZM_RECORDS_H

#include "live/ask.h"

struct zm_records {
	struct zm_command_answer answer;
	char room[ZM_PAGE_RECORDS_BYTES];
};

/*
 * Too large for a thread's stack, so it is of malloc(3), and the caller's to free. NULL: errno is set, as of
 * zm_ask_open() and zm_ask_command().
 */
struct zm_records *zm_records_ask(int64_t pid, uint32_t command, const uint64_t argument[2],
				  unsigned timeout_ms);

/* The record as this library knows it: all bits of what the other's version does not have are set. */
void zm_records_copy(const struct zm_records *records, uint32_t number, void *record, size_t bytes);

#endif
