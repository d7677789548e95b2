/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/run.c - a runner: one column's program, told by the driver through a pipe what to do.
 *
 * Reads "workload operations" and answers with nanoseconds, until its input ends. A quarter of the
 * operations more is done first: the processor has run other programs since the last round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(BENCH_ZMALLOC)
#include <zmalloc/profile.h>
#endif

#include "work.h"

static const struct {
	const char *name;
	double (*run)(size_t subject, size_t ops);
	size_t subject;
} workloads[] = {
#define ROW(name, function, subject, ops, what) {name, function, subject},
	BENCH_WORKLOADS(ROW)
#undef ROW
};

static double run(const char *name, size_t ops)
{
	for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
		if (strcmp(workloads[i].name, name) == 0) {
			if (ops != 0 && workloads[i].run(workloads[i].subject, ops / 4 + 1) < 0)
				return -1;
			return workloads[i].run(workloads[i].subject, ops);
		}
	return -1;
}

#if defined(BENCH_ZMALLOC)
/* By the name that the program was started by; see Makefile.inc. */
static int start_profile(const char *program)
{
	return strstr(program, "_profile") != NULL ? zmalloc_profile_start(0) : 0;
}
#else
static int start_profile(const char *program)
{
	(void)program;
	return 0;
}
#endif

int main(int argc, char **argv)
{
	char name[32];
	size_t ops;

	if (argc < 1 || start_profile(argv[0]) != 0)
		return EXIT_FAILURE;
	while (scanf("%31s %zu", name, &ops) == 2) {
		printf("%.0f\n", run(name, ops));
		fflush(stdout);
	}
	return EXIT_SUCCESS;
}
