/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/scope.c [KIND TURNS] - what scopes cost: nanoseconds of each kind of turn, the median of many rounds.
 * With arguments it does so many turns of one kind and says nothing, for scope.sh to count instructions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zmalloc.h>
#include <zmalloc/scope.h>

static zmalloc_scope *outer, *inner, *limited;

static void pair(void)
{
	char *volatile block = zmalloc(64);

	zfree(block);
}

static void scope(void)
{
	zmalloc_scope_enter(outer);
	zmalloc_scope_leave(outer);
}

static void nested(void)
{
	zmalloc_scope_enter(outer);
	zmalloc_scope_enter(inner);
	zmalloc_scope_leave(inner);
	zmalloc_scope_leave(outer);
}

static void with_limit(void)
{
	zmalloc_scope_enter(limited);
	zmalloc_scope_leave(limited);
}

static void pair_inside(void)
{
	zmalloc_scope_enter(outer);
	pair();
	zmalloc_scope_leave(outer);
}

static void pair_at_limit(void)
{
	zmalloc_scope_enter(limited);
	pair();
	zmalloc_scope_leave(limited);
}

static void look(void)
{
	struct zmalloc_scope_stats stats = {.size = sizeof(stats)};

	zmalloc_scope_get_stats(outer, &stats);
}

static const struct kind {
	const char *name, *what;
	void (*turn)(void);
} kinds[] = {
	{"pair", "zmalloc and zfree, outside", pair},
	{"scope", "enter and leave", scope},
	{"nested", "enter and leave two, one in the other", nested},
	{"pair-inside", "enter, zmalloc, zfree, leave", pair_inside},
	{"limited", "enter and leave one with a limit", with_limit},
	{"pair-limited", "the same with a pair inside", pair_at_limit},
	{"look", "figures of one of three", look},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void turns_of(const struct kind *kind, long turns)
{
	for (long i = 0; i < turns; i++)
		kind->turn();
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

enum {
	ROUNDS = 101,
	TURNS = 20000
};

static double median_ns(const struct kind *kind)
{
	static double round_ns[ROUNDS];

	turns_of(kind, TURNS);
	for (int i = 0; i < ROUNDS; i++) {
		double begin = now_ns();

		turns_of(kind, TURNS);
		round_ns[i] = (now_ns() - begin) / TURNS;
	}
	qsort(round_ns, ROUNDS, sizeof(*round_ns), by_size);
	return round_ns[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	outer = zmalloc_scope_new("outer");
	inner = zmalloc_scope_new("inner");
	limited = zmalloc_scope_new("limited");
	zmalloc_scope_set_limit(limited, 1 << 20);
	for (size_t i = 0; i < KINDS; i++) {
		if (argc == 1)
			printf("%-13s %8.1f ns  %s\n", kinds[i].name, median_ns(&kinds[i]),
			       kinds[i].what);
		else if (argc == 3 && strcmp(argv[1], kinds[i].name) == 0)
			turns_of(&kinds[i], atol(argv[2]));
	}
	return EXIT_SUCCESS;
}
