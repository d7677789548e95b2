/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/defrag_program.h - a program that asks about its blocks, in its own way.
 *
 * Its clock is the library's, put ahead instead of waiting, so these tests look inside.
 */
#ifndef ZM_TESTS_DEFRAG_PROGRAM_H
#define ZM_TESTS_DEFRAG_PROGRAM_H

#include "tests/defrag_blocks.h"
#include "tests/support.h"

enum order {
	FORWARDS,
	BACKWARDS,
	TO_AND_FRO, /* every other scan backwards */
	SHUFFLED,   /* another order in each scan */
	AT_RANDOM,  /* some blocks twice in a scan, some not at all */
	HALF,       /* in each scan another half of the blocks */
	TWICE,      /* each block two times in a row */
	ORDERS
};

struct program {
	enum order order;
	size_t parts;    /* of its data, one after another; 0: one */
	size_t times;    /* that it scans each before it turns to the next; 0: once */
	size_t pause_ms; /* after each part */
	size_t hint_ms;  /* it takes between two hints */

	struct blocks blocks;
	struct chance chance;
	size_t scans, asked, moved;
	size_t most_released; /* bytes held before one call of the program's and not after it */
};

/* All that it has is in doubt: it has to show its blocks before any moves. */
void program_counts_first(void);

/* Fill its data with blocks and free all but so many percent of them. */
void program_begin(struct program *program, size_t count, unsigned keep_percent);

/* Checks that all blocks hold what they held, frees them, and leaves hints as if none had been. */
void program_end(struct program *program);

void program_ask(struct program *program, size_t block);
void program_scan(struct program *program);

/* It does something else for so long: it allocates and frees. */
void program_pause(struct program *program, size_t pause_ms);

/* Scans until no cycle runs, at most so many times. Returns how many it took; 0: not in so many. */
size_t program_scan_to_end(struct program *program, size_t scans_max);

struct zdefrag_stats hint_stats(void);

#endif
