/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/figures_program.c - a program that uses figures. check_figures.sh has it compiled with the header of
 * today and with one that has a figure more, on the library of today and on one that has that figure.
 *
 *   list       the list of figures: name, unit and help, with a tab between
 *   get        zmalloc_stats_get(), then zmalloc_stats_write() of what it gave
 *   publish    publish, say "ready", and stay until standard input ends;
 *              77 where this system does not tell processes apart
 *   read PID   zmalloc_process_read(), then zmalloc_process_write() of what it gave
 *   visit PID...  zmalloc_process_write() of copies of what zmalloc_process_visit() showed of these
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc/stats.h>

#include "stats/figure_list.h"

/* What lies behind a struct of ours: nobody else may read it or write to it. */
#define BEHIND UINT64_C(4242424242424242)

static int write_out(void *unused, const char *text, size_t size)
{
	(void)unused;
	return fwrite(text, 1, size, stdout) == size ? 0 : 5;
}

#define INTEGER_LINE(member, unit, kind, group, known, source, column, help)                       \
	puts(#member "\t" #unit "\t" help);
#define RATIO_LINE(member, of, to, column, help) puts(#member "\tRATIO\t" help);

static int list(void)
{
	ZM_FIGURES(INTEGER_LINE, RATIO_LINE)
	return 0;
}

static int get(void)
{
	struct {
		struct zmalloc_stats stats;
		uint64_t behind;
	} has;

	memset(&has, 0xff, sizeof(has));
	has.behind = BEHIND;
	has.stats.size = sizeof(has.stats);
	if (zmalloc_stats_get(&has.stats, 1) != 0 || has.behind != BEHIND)
		return 3;
	printf("%zu of %zu bytes filled\n", has.stats.size, sizeof(has.stats));
	return zmalloc_stats_write(&has.stats, ZMALLOC_STATS_JSON, write_out, NULL) != 0;
}

static int publish(void)
{
	void *block = zmalloc(3000000);
	char byte;

	/* The peak is not what is used. */
	zfree(zmalloc(1000000));
	if (zmalloc_stats_publish() != 0)
		return errno == ENOTSUP ? 77 : 3;
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	zfree(block);
	return 0;
}

static int write_all(const struct zmalloc_process *processes, size_t count)
{
	for (int format = ZMALLOC_STATS_TABLE; format <= ZMALLOC_STATS_OPENMETRICS; format++)
		if (zmalloc_process_write(processes, count, format, write_out, NULL) != 0)
			return 1;
	return 0;
}

static int read_one(const char *pid)
{
	struct {
		struct zmalloc_process process;
		uint64_t behind;
	} has;

	memset(&has, 0xff, sizeof(has));
	has.behind = BEHIND;
	has.process.size = sizeof(has.process);
	if (zmalloc_process_read(strtoll(pid, NULL, 10), &has.process) != 0 || has.behind != BEHIND)
		return 3;
	printf("%zu of %zu bytes filled\n", has.process.stats.size, sizeof(has.process.stats));
	/* As it is in a list of several, each as large as this program's struct. */
	has.process.size = sizeof(has.process);
	return write_all(&has.process, 1);
}

static struct {
	struct zmalloc_process process[8];
	uint64_t behind[8];
	size_t count;
} seen;

/* The machine may have others that show themselves. */
static char **wanted;

static bool is_wanted(int64_t pid)
{
	for (char **text = wanted; *text != NULL; text++)
		if (strtoll(*text, NULL, 10) == pid)
			return true;
	return false;
}

/* As zmalloc_stats(3) says that copies are made. */
static int copy(const struct zmalloc_process *process, void *unused)
{
	struct zmalloc_process *to = &seen.process[seen.count];

	(void)unused;
	if (!is_wanted(process->pid))
		return 0;
	seen.count++;
	memcpy(to, process, process->size < sizeof(*to) ? process->size : sizeof(*to));
	to->size = sizeof(*to);
	return seen.count == 8;
}

static int visit(void)
{
	for (size_t i = 0; i < 8; i++)
		seen.behind[i] = BEHIND;
	if (zmalloc_process_visit(copy, NULL) != 0)
		return 3;
	return write_all(seen.process, seen.count);
}

int main(int argc, char **argv)
{
	const char *task = argc > 1 ? argv[1] : "";

	if (strcmp(task, "list") == 0)
		return list();
	if (strcmp(task, "get") == 0)
		return get();
	if (strcmp(task, "publish") == 0)
		return publish();
	if (strcmp(task, "read") == 0 && argc > 2)
		return read_one(argv[2]);
	wanted = argv + 2;
	return strcmp(task, "visit") == 0 && argc > 2 ? visit() : 2;
}
