/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/stack.c - what it costs to take a stack: a frame seen before, one whose row is read from its
 * unwind table, and one by the unwinder of the compiler.
 */
#include "config.h"

#include "tests/stack_chain.h"

#include <stdio.h>
#include <time.h>

#if defined(HAVE_BACKTRACE)
#include <execinfo.h>
#endif

#include "lib/profile/stack.h"
#include "lib/profile/stack_rows.h"

#define DEPTH 64
#define ROUNDS 200

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static uintptr_t frames[DEPTH];
static unsigned count;

static void take(void)
{
	count = zm_stack_take(frames, DEPTH, 0);
}

static void take_anew(void)
{
	zm_fetch_add(&zm_stack_age, 1);
	take();
}

static void take_by_compiler(void)
{
#if defined(HAVE_BACKTRACE)
	static void *theirs[DEPTH];

	backtrace(theirs, DEPTH);
#endif
}

/* Nanoseconds of one, in the best of many rounds: other programs only add to it. */
static double best_of(void (*what)(void), unsigned times)
{
	double best = 0;
	unsigned round, i;

	for (round = 0; round < ROUNDS; round++) {
		double begin = now_ns(), took;

		for (i = 0; i < times; i++)
			what();
		took = (now_ns() - begin) / times;
		if (round == 0 || took < best)
			best = took;
	}
	return best;
}

/* Frames of one instruction share a row; zm_stack_take() has one, too. */
static unsigned rows(void)
{
	unsigned i, j, found = 1;

	for (i = 0; i < count; i++) {
		for (j = 0; j < i && frames[j] != frames[i]; j++)
			;
		found += j == i;
	}
	return found;
}

static void measure(struct chain *chain)
{
	double seen = best_of(take, 200), anew = best_of(take_anew, 20);

	printf("%2u frames: %5.1f ns a frame, %5.0f ns a row read from its table, %5.0f ns a frame "
	       "by "
	       "backtrace()\n",
	       count, seen / count, (anew - seen) / rows(), best_of(take_by_compiler, 20) / count);
	(void)chain;
}

int main(void)
{
	static const unsigned levels[] = {8, 20, 60};
	struct chain chain = {.at_end = measure};
	unsigned i;

	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		printf("without frame pointers, ");
		chain_without_pointers(&chain, levels[i]);
		printf("with frame pointers,    ");
		chain_with_pointers(&chain, levels[i]);
	}
	return 0;
}
