/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/page.h - the memory by which a process shows itself: its figures (published.h), and the words by
 * which others ask for figures of now and for more.
 *
 * The memory is sealed, and readers find it in /proc (os/shared.h). Writer and reader may be of different
 * versions and widths, so every part has its place, and new commands are only ever added at the end.
 * Readers take copies, and trust nothing in it; the writer trusts nothing in it either, for whoever may
 * read it may write it.
 *
 * Whoever wants figures of now adds one to `request` and wakes its waiters: the thread that sleeps there
 * (answer.c) writes the figures anew and stores in `reply` the request that it had seen. Any number
 * of readers may do so at once, and one answer serves all that asked before it.
 *
 * A command is put into `question` by one reader at a time, who holds flock(2) on the memory: the
 * kernel lets go of it for a reader that dies. The answer's `done` is then the question's sequence.
 */
#ifndef ZM_PAGE_H
#define ZM_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include <zmalloc/process.h>

#include "base/atomic.h"
#include "live/published.h"
#include "live/sequence.h"

/* What /proc/PID/fd shows of the memory is made of this. */
#define ZM_PAGE_NAME "zmalloc"

/* Where the parts lie, in bytes, and how large the whole is. */
enum {
	ZM_PAGE_WORDS_AT = 2048,
	ZM_PAGE_RECORDS_AT = 4096,
	ZM_PAGE_BYTES = 256 * 1024,
	ZM_PAGE_RECORDS_BYTES = ZM_PAGE_BYTES - ZM_PAGE_RECORDS_AT
};

struct zm_page_question {
	zm_sequence sequence;
	uint32_t command; /* enum zm_command_number */
	uint64_t argument[2];
};

struct zm_page_answer {
	ZM_ATOMIC(uint32_t) done; /* the sequence of the question that all this answers */
	int32_t error;            /* an errno value, or 0 */
	uint64_t value;
	uint32_t records, record_bytes; /* that lie behind the words */
	uint32_t left_off;              /* records that had no room there */
};

struct zm_page {
	union {
		struct zm_published published;
		char room[ZM_PAGE_WORDS_AT];
	} front;
	uint32_t way;      /* enum zmalloc_process_way */
	uint32_t commands; /* how many of them the writer knows, from 1 on */
	ZM_ATOMIC(uint32_t) request;
	ZM_ATOMIC(uint32_t) reply;
	struct zm_page_question question;
	struct zm_page_answer answer;
};
_Static_assert(sizeof(struct zm_published) <= ZM_PAGE_WORDS_AT, "the figures have no room");
_Static_assert(offsetof(struct zm_page, way) == ZM_PAGE_WORDS_AT, "the words have moved");
_Static_assert(sizeof(struct zm_page) <= ZM_PAGE_RECORDS_AT, "the words have no room");

#endif
