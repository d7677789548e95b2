/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/bench.c - the driver: starts a runner for each column and lets them take turns.
 *
 *   bench [OPTION...] COLUMN=PROGRAM...
 *
 * The first column is the one that the others are compared with.
 *
 * A round is one turn of every column, some hundred microseconds each, in an order that rotates.
 * The runners are started anew several times, because where the kernel puts a program's pages makes
 * a difference of some percent that no repetition within one process shows.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "results.h"
#include "work.h"

static const struct {
	const char *name, *what;
	size_t ops;
} workloads[] = {
#define ROW(name, function, subject, ops, what) {name, what, ops},
	BENCH_WORKLOADS(ROW)
#undef ROW
};

#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

static struct {
	size_t rounds, lives;
	const char *only, *csv, *json, *plot;
	bool quiet;
} options = {.rounds = 60, .lives = 5};

static const char usage[] =
	"usage: bench [OPTION...] COLUMN=PROGRAM...\n"
	"  --rounds=N        turns of each column and workload in each life of the runners (60)\n"
	"  --lives=N         how often the runners are started (5)\n"
	"  --only=A,B        these workloads; a name that ends in '*' stands for all that begin "
	"so\n"
	"  --csv=FILE        also write comma-separated values ('-': standard output)\n"
	"  --json=FILE       also write JSON\n"
	"  --plot=FOLDER     also draw FOLDER/speed.svg and FOLDER/ns.svg, by gnuplot\n"
	"  --quiet           no progress line\n"
	"  --list            name the workloads and end\n";

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* ---- Runners ---- */

struct runner {
	const char *program;
	pid_t pid;
	FILE *to, *from;
};

static void start(struct runner *runner)
{
	int to[2], from[2];

	if (pipe(to) != 0 || pipe(from) != 0)
		die("pipe");
	runner->pid = fork();
	if (runner->pid < 0)
		die("fork");
	if (runner->pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		for (int fd = 3; fd < 100; fd++)
			close(fd);
		execl(runner->program, runner->program, (char *)NULL);
		die(runner->program);
	}
	close(to[0]);
	close(from[1]);
	runner->to = fdopen(to[1], "w");
	runner->from = fdopen(from[0], "r");
}

static void stop(struct runner *runner)
{
	fclose(runner->to);
	fclose(runner->from);
	waitpid(runner->pid, NULL, 0);
}

/* Nanoseconds of all `ops`; negative if the column cannot do it. */
static double ask(struct runner *runner, const char *workload, size_t ops)
{
	double ns;

	fprintf(runner->to, "%s %zu\n", workload, ops);
	fflush(runner->to);
	if (fscanf(runner->from, "%lf", &ns) != 1) {
		fprintf(stderr, "bench: %s ended in the middle of '%s'\n", runner->program,
			workload);
		exit(EXIT_FAILURE);
	}
	return ns;
}

/* ---- Rounds ---- */

static void show_progress(const struct results *results, size_t life, size_t workload)
{
	static time_t started;
	size_t done = life * results->workloads + workload;
	size_t all = options.lives * results->workloads;
	double passed;

	if (started == 0)
		started = time(NULL);
	passed = difftime(time(NULL), started);
	if (options.quiet)
		return;
	fprintf(stderr, "\r%3zu %%  start %zu of %zu  %-16s", done * 100 / all, life + 1,
		options.lives, results->workload[workload]);
	if (done > 0)
		fprintf(stderr, "  %3.0f s left ", passed / (double)done * (double)(all - done));
	fflush(stderr);
}

static void run_workload(struct results *results, struct runner *runners, size_t workload,
			 size_t ops, size_t first_round)
{
	for (size_t c = 0; c < results->columns; c++)
		ask(&runners[c], results->workload[workload], ops);
	for (size_t round = first_round; round < first_round + options.rounds; round++)
		for (size_t i = 0; i < results->columns; i++) {
			size_t c = (i + round) % results->columns;
			double ns = ask(&runners[c], results->workload[workload], ops);

			results->of[workload][c].ns[round] = ns < 0 ? ns : ns / (double)ops;
		}
	for (size_t c = 0; c < results->columns; c++)
		ask(&runners[c], results->workload[workload], 0);
}

static void run_all(struct results *results, struct runner *runners, const size_t *ops)
{
	for (size_t life = 0; life < options.lives; life++) {
		for (size_t c = 0; c < results->columns; c++)
			start(&runners[c]);
		for (size_t w = 0; w < results->workloads; w++) {
			show_progress(results, life, w);
			run_workload(results, runners, w, ops[w], life * options.rounds);
		}
		for (size_t c = 0; c < results->columns; c++)
			stop(&runners[c]);
	}
	if (!options.quiet)
		fprintf(stderr, "\r%60s\r", "");
}

/* ---- What to run ---- */

/* In a list such as "pair,window*"? */
static bool wanted(const char *name, const char *list)
{
	for (const char *at = list; at != NULL && *at != '\0';) {
		size_t length = strcspn(at, ",");
		bool prefix = length > 0 && at[length - 1] == '*';

		if (prefix ? strncmp(name, at, length - 1) == 0
			   : strlen(name) == length && strncmp(name, at, length) == 0)
			return true;
		at += length + (at[length] == ',');
	}
	return list == NULL;
}

static size_t number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end != '\0' || value == 0) {
		fprintf(stderr, "bench: '%s' is not a number of 1 and over\n", text);
		exit(2);
	}
	return value;
}

static void list_workloads(void)
{
	for (size_t i = 0; i < WORKLOADS; i++)
		printf("%-16s %s\n", workloads[i].name, workloads[i].what);
	exit(EXIT_SUCCESS);
}

static void parse_options(int argc, char **argv)
{
	static const struct option known[] = {
		{"rounds", required_argument, NULL, 'r'}, {"lives", required_argument, NULL, 'n'},
		{"only", required_argument, NULL, 'o'},   {"csv", required_argument, NULL, 'c'},
		{"json", required_argument, NULL, 'j'},   {"plot", required_argument, NULL, 'p'},
		{"quiet", no_argument, NULL, 'q'},        {"list", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
		switch (option) {
		case 'r':
			options.rounds = number(optarg);
			break;
		case 'n':
			options.lives = number(optarg);
			break;
		case 'o':
			options.only = optarg;
			break;
		case 'c':
			options.csv = optarg;
			break;
		case 'j':
			options.json = optarg;
			break;
		case 'p':
			options.plot = optarg;
			break;
		case 'q':
			options.quiet = true;
			break;
		case 'l':
			list_workloads();
			break;
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		default:
			fputs(usage, stderr);
			exit(2);
		}
}

static void take_columns(struct results *results, struct runner *runners, int argc, char **argv)
{
	for (int i = optind; i < argc; i++) {
		char *equals = strchr(argv[i], '=');

		if (equals == NULL || results->columns == COLUMNS_MAX) {
			fputs(usage, stderr);
			exit(2);
		}
		*equals = '\0';
		results->column[results->columns] = argv[i];
		runners[results->columns++].program = equals + 1;
	}
	if (results->columns == 0) {
		fputs(usage, stderr);
		exit(2);
	}
}

static void take_workloads(struct results *results, size_t *ops)
{
	results->rounds = options.rounds * options.lives;
	for (size_t i = 0; i < WORKLOADS; i++) {
		size_t w = results->workloads;

		if (!wanted(workloads[i].name, options.only))
			continue;
		results->workload[w] = workloads[i].name;
		results->what[w] = workloads[i].what;
		ops[w] = workloads[i].ops;
		for (size_t c = 0; c < results->columns; c++)
			results->of[w][c].ns = calloc(results->rounds, sizeof(double));
		results->workloads++;
	}
}

/* "AMD EPYC, 2 processors, Linux 6.1 x86_64": the processor's name where the system tells it. */
static void name_machine(struct results *results)
{
	char line[256], model[64] = "processor not named";
	struct utsname system;
	FILE *cpuinfo = fopen("/proc/cpuinfo", "r");

	while (cpuinfo != NULL && fgets(line, sizeof(line), cpuinfo) != NULL)
		if (sscanf(line, "model name : %63[^\n]", model) == 1)
			break;
	if (cpuinfo != NULL)
		fclose(cpuinfo);
	uname(&system);
	snprintf(results->machine, sizeof(results->machine),
		 "%.40s, %ld processors, %.20s %.20s %.20s", model, sysconf(_SC_NPROCESSORS_ONLN),
		 system.sysname, system.release, system.machine);
}

static void write_file(const struct results *results, const char *name,
		       void (*write)(const struct results *, FILE *))
{
	FILE *to;

	if (name == NULL)
		return;
	to = strcmp(name, "-") == 0 ? stdout : fopen(name, "w");
	if (to == NULL)
		die(name);
	write(results, to);
	if (to != stdout && fclose(to) != 0)
		die(name);
}

int main(int argc, char **argv)
{
	static struct results results;
	static struct runner runners[COLUMNS_MAX];
	static size_t ops[WORKLOADS_MAX];

	signal(SIGPIPE, SIG_IGN);
	parse_options(argc, argv);
	take_columns(&results, runners, argc, argv);
	take_workloads(&results, ops);
	name_machine(&results);
	run_all(&results, runners, ops);
	write_table(&results, stdout);
	write_file(&results, options.csv, write_csv);
	write_file(&results, options.json, write_json);
	if (options.plot != NULL && !write_plots(&results, options.plot))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
