/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/zmalloc.c - the tool `zmalloc`: commands, options and help.
 */
#include "command.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"

/* `zmalloc --help` lists them; completion and manual page have them too, as tests/check_tool.sh checks. */
struct command {
	const char *name;
	const char *operand; /* what it is called in the list */
	const char *summary; /* a line of the list */
	int (*run)(const struct options *options);
	const char *letters; /* of the options it takes, as in `known`; "+": see runs_another() */
	int operands;        /* at least so many; -1: none allowed */
	const char *help;
};

static const struct command commands[] = {
	{"info", "", "the library, its allocator, and the memory there is", command_info, "jh", -1,
	 "usage: zmalloc info [--json]\n"
	 "\n"
	 "Show what programs get here: the library's version, the allocator behind it and what it\n"
	 "can do, the machine's memory, and what limits it.\n"
	 "\n"
	 "  -j, --json          one JSON object\n"
	 "  -h, --help          this text\n"},
	{"stat", "PID|NAME", "all there is to know of a process", command_stat, "basjodnh", 1,
	 "usage: zmalloc stat [-bas] [-d SECONDS] [-n ROUNDS] [--json | --openmetrics] "
	 "PID|NAME...\n"
	 "\n"
	 "Show processes that show themselves, by number or by name: what they are, the limit on\n"
	 "their memory, and all figures, which are of the moment of asking. A name is that of the\n"
	 "process or, if none has it, the command line or a word of it.\n"
	 "\n"
	 "  -b, --bins          the allocator's size classes too\n"
	 "  -a, --arenas        its arenas too\n"
	 "  -s, --scopes        its scopes too: which part of it holds the memory\n"
	 "  -d, --delay=SECONDS look again after so long, and show what grew in between\n"
	 "  -n, --rounds=ROUNDS show so many looks, each with what grew since the last; 0 for no "
	 "end\n"
	 "  -j, --json          a JSON array for each look\n"
	 "  -o, --openmetrics   OpenMetrics text, as Prometheus reads it\n"
	 "  -h, --help          this text\n"},
	{"profile", "PID|NAME", "which code holds the memory of a process", command_profile,
	 "SEgfPcDljh", 1,
	 "usage: zmalloc profile --start[=BYTES] | --stop PID|NAME...\n"
	 "       zmalloc profile [-g TIME] [-D FRAMES] [-l LINES] PID|NAME...\n"
	 "       zmalloc profile [-g TIME] [-f FILE] [-P[FILE]] [-c[FILE]] [-j] PID|NAME...\n"
	 "\n"
	 "Show which code of a process holds the memory: the functions that allocated the most of\n"
	 "what is live, with file and line and the callers that most of it comes from. The "
	 "process\n"
	 "has to take a heap profile, from --start on or from its beginning with "
	 "ZMALLOC_PROFILE=1\n"
	 "in its environment. Figures are estimates from samples. Names are those of `zmalloc "
	 "stat`.\n"
	 "\n"
	 "  -S, --start[=BYTES] have it take a profile, with a sample for so many bytes each (as "
	 "in\n"
	 "                      64K; default 512K): the fewer, the more exact and the slower\n"
	 "  -E, --stop          have it end that; what was found can still be shown\n"
	 "  -g, --since=TIME    wait so long (as in 60s, 5m, 1h), and show what grew meanwhile\n"
	 "  -D, --depth=FRAMES  so many callers of each function (default 4)\n"
	 "  -l, --lines=LINES   so many functions (default 20); 0 for all\n"
	 "  -f, --flame=FILE    write a flame graph, an SVG for a browser; with --since one of "
	 "the\n"
	 "                      difference: red has grown, blue has shrunk\n"
	 "  -P, --pprof[=FILE]  write pprof's format: `go tool pprof PROGRAM FILE`\n"
	 "  -c, --collapsed[=FILE]\n"
	 "                      write a line for each stack, outermost first\n"
	 "  -j, --json          a JSON array with every stack\n"
	 "  -h, --help          this text\n"
	 "\n"
	 "Files are new ones that only you may read; what is there already is never "
	 "overwritten.\n"},
	{"run", "PROGRAM", "a program that was never changed, on this library", command_run,
	 "+mLurURh", 1,
	 "usage: zmalloc run [-m NAME] [-L SIZE|PERCENT] [-u] [--profile[=BYTES]] [-U] [-R]\n"
	 "                   [--] PROGRAM [ARGUMENT]...\n"
	 "\n"
	 "Run a dynamically linked program with this library in the place of malloc(), by "
	 "preloading\n"
	 "it: its memory has accounts, limits, profiles and live figures, as if it had been "
	 "written\n"
	 "for them. Programs that it starts inherit that, each with an account of its own. One "
	 "that\n"
	 "runs with rights of another user runs without it; a static one is refused.\n"
	 "\n"
	 "  -m, --malloc=NAME   on this allocator, of those that are installed\n"
	 "  -L, --limit=SIZE    allocations fail with ENOMEM once so much is in use, as in 512M; "
	 "or "
	 "a\n"
	 "                      part of what the machine or its control group has, as in 80%\n"
	 "  -u, --publish       it shows itself to `zmalloc stat`, `top` and the others\n"
	 "  -r, --profile[=BYTES]\n"
	 "                      it takes a heap profile, with a sample for so many bytes each (as "
	 "in\n"
	 "                      64K; default 512K)\n"
	 "  -U, --purge-on-pressure\n"
	 "                      it gives unused memory back when the system runs short\n"
	 "  -R, --report        at its end it tells its peak and what it never freed, by count "
	 "and\n"
	 "                      bytes, and with a profile who allocated the most of that\n"
	 "  -h, --help          this text\n"
	 "\n"
	 "It exits as the program does; with 125 if nothing was started for a fault of these\n"
	 "options, 126 if the program cannot be run, 127 if there is none of that name.\n"},
	{"purge", "PID|NAME", "have a process give unused memory back", command_purge, "jh", 1,
	 "usage: zmalloc purge [--json] PID|NAME...\n"
	 "\n"
	 "Have processes give the memory that their allocator keeps and does not use back to the\n"
	 "kernel, and say by how much their resident set shrank. They go on with their work\n"
	 "meanwhile, but may wait for their allocator. Names are those of `zmalloc stat`.\n"
	 "\n"
	 "  -j, --json          a JSON array\n"
	 "  -h, --help          this text\n"},
	{"export", "[FILE]", "figures of every process, for Prometheus", command_export, "pwh", 0,
	 "usage: zmalloc export [--pid] [--within=SECONDS] [FILE]\n"
	 "\n"
	 "Write the figures of every process that shows itself and that you may look at as\n"
	 "OpenMetrics text, into a file for the node exporter's textfile collector, which is "
	 "replaced\n"
	 "as a whole, or to standard output. The labels are name, unit (or container) and user;\n"
	 "processes that have them in common are one series, their sum. zmalloc_metrics(7) tells\n"
	 "what each metric means.\n"
	 "\n"
	 "  -p, --pid           the process's number as a label too: a series for each process\n"
	 "  -w, --within=SECONDS\n"
	 "                      wait no longer for processes that do not answer, all together\n"
	 "                      (default 20): their figures are the last ones\n"
	 "  -h, --help          this text\n"},
	{"top", "", "a live view of every process", command_top, "jodnh", -1,
	 "usage: zmalloc top [-d SECONDS] [-n ROUNDS] [--json | --openmetrics]\n"
	 "\n"
	 "Show every process that shows itself and that you may look at, the largest first: live\n"
	 "on a terminal, where ? tells the keys; once and in plain lines elsewhere. NAME!, and an\n"
	 "AGE with that mark, is a process that does not answer: its figures are the last ones.\n"
	 "+/MIN is the growth of USED in a minute, %LIM the resident set in percent of the limit.\n"
	 "\n"
	 "  -d, --delay=SECONDS between two looks (default 1)\n"
	 "  -n, --rounds=ROUNDS looks; 0 for no end (default: 0 on a terminal, else 1)\n"
	 "  -j, --json          a JSON array for each look\n"
	 "  -o, --openmetrics   OpenMetrics text, as Prometheus reads it\n"
	 "  -h, --help          this text\n"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct option known[] = {
	{"json", no_argument, NULL, 'j'},
	{"openmetrics", no_argument, NULL, 'o'},
	{"delay", required_argument, NULL, 'd'},
	{"rounds", required_argument, NULL, 'n'},
	{"bins", no_argument, NULL, 'b'},
	{"arenas", no_argument, NULL, 'a'},
	{"scopes", no_argument, NULL, 's'},
	{"pid", no_argument, NULL, 'p'},
	{"within", required_argument, NULL, 'w'},
	{"start", optional_argument, NULL, 'S'},
	{"stop", no_argument, NULL, 'E'},
	{"since", required_argument, NULL, 'g'},
	{"flame", required_argument, NULL, 'f'},
	{"pprof", optional_argument, NULL, 'P'},
	{"collapsed", optional_argument, NULL, 'c'},
	{"depth", required_argument, NULL, 'D'},
	{"lines", required_argument, NULL, 'l'},
	{"malloc", required_argument, NULL, 'm'},
	{"limit", required_argument, NULL, 'L'},
	{"publish", no_argument, NULL, 'u'},
	{"profile", optional_argument, NULL, 'r'},
	{"purge-on-pressure", no_argument, NULL, 'U'},
	{"report", no_argument, NULL, 'R'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const char help_begin[] = "usage: zmalloc COMMAND [OPTION]...\n\n";
static const char help_end[] =
	"\n"
	"`zmalloc COMMAND --help` tells a command's options; `zmalloc --version` the version.\n"
	"\n"
	"All but info and run see processes that show themselves: those started with "
	"ZMALLOC_PUBLISH=1 in\n"
	"the environment, or that call zmalloc_stats_publish(). The kernel decides who may look:\n"
	"the same user and root.\n";

static bool print_help(FILE *to)
{
	fputs(help_begin, to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %s %-*s %s\n", commands[i].name,
			(int)(15 - strlen(commands[i].name)), commands[i].operand,
			commands[i].summary);
	fputs(help_end, to);
	return fflush(to) == 0;
}

static int misused(const struct command *command)
{
	fprintf(stderr, "Try 'zmalloc%s%s --help'.\n", command != NULL ? " " : "",
		command != NULL ? command->name : "");
	return MISUSED;
}

static bool number(const char *text, double least, double most, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && *end == '\0' && *value >= least && *value <= most;
}

struct scale {
	const char *unit;
	double factor;
};

static const struct scale times[] = {{"", 1},     {"s", 1},    {"ms", 0.001}, {"m", 60},
				     {"min", 60}, {"h", 3600}, {NULL, 0}};
static const struct scale sizes[] = {{"", 1},       {"B", 1},       {"K", 0x1p10},  {"KB", 0x1p10},
				     {"k", 0x1p10}, {"M", 0x1p20},  {"MB", 0x1p20}, {"m", 0x1p20},
				     {"G", 0x1p30}, {"GB", 0x1p30}, {"g", 0x1p30},  {"T", 0x1p40},
				     {"t", 0x1p40}, {"TB", 0x1p40}, {NULL, 0}};

/* A number with a letter or word behind it that says what it counts. */
static bool scaled(const char *text, const struct scale *scale, double most, double *value)
{
	char *end;

	*value = strtod(text, &end);
	if (end == text || !(*value >= 0))
		return false;
	for (; scale->unit != NULL; scale++)
		if (strcmp(end, scale->unit) == 0) {
			*value *= scale->factor;
			return *value <= most;
		}
	return false;
}

static bool whole(const char *text, const char *what, double most, long *value)
{
	double given;

	if (!number(text, 0, most, &given) || given != (double)(long)given) {
		complain("'%s' is no number of %s", text, what);
		return false;
	}
	*value = (long)given;
	return true;
}

/* Those of profile that have a value. Returns false after a complaint. */
static bool take_profile_option(int letter, struct options *options)
{
	double value = 0;

	if (letter == 'D')
		return whole(optarg, "callers", 1000, &options->depth);
	if (letter == 'l')
		return whole(optarg, "lines", 1e9, &options->lines);
	if (letter == 'g') {
		if (!scaled(optarg, times, 86400, &options->since_s) || options->since_s < 0.05) {
			complain("'%s' is no time from 50ms to 24h", optarg);
			return false;
		}
	} else if (letter == 'S' && optarg != NULL) {
		if (!scaled(optarg, sizes, 0x1p40, &value) || value < 1) {
			complain("'%s' is no size from 1 to 1024G", optarg);
			return false;
		}
		options->mean_bytes = (uint64_t)value;
	} else if (letter == 'f') {
		options->flame = optarg;
	} else if (letter == 'P') {
		options->pprof_file = optarg;
	} else if (letter == 'c') {
		options->collapsed_file = optarg;
	}
	options->starts = options->starts || letter == 'S';
	options->stops = options->stops || letter == 'E';
	options->pprof = options->pprof || letter == 'P';
	options->collapsed = options->collapsed || letter == 'c';
	return true;
}

/* Into what the library's environment takes: whole bytes, or a whole percentage. */
static bool take_limit(struct options *options)
{
	size_t length = strlen(optarg);
	double value;

	if (length > 1 && optarg[length - 1] == '%' && length < sizeof(options->limit)) {
		char digits[sizeof(options->limit)];

		memcpy(digits, optarg, length);
		digits[length - 1] = '\0';
		if (number(digits, 1, 100, &value) && value == (double)(int)value) {
			snprintf(options->limit, sizeof(options->limit), "%d%%", (int)value);
			return true;
		}
	} else if (scaled(optarg, sizes, 0x1p62, &value) && value >= 1) {
		snprintf(options->limit, sizeof(options->limit), "%" PRIu64, (uint64_t)value);
		return true;
	}
	complain("'%s' is no size such as 536870912, 512M or 80%%", optarg);
	return false;
}

/* Those of run. Returns false after a complaint. */
static bool take_run_option(int letter, struct options *options)
{
	double value;

	if (letter == 'L')
		return take_limit(options);
	if (letter == 'm')
		options->allocator = optarg;
	options->publishes = options->publishes || letter == 'u';
	options->purges = options->purges || letter == 'U';
	options->reports = options->reports || letter == 'R';
	if (letter != 'r')
		return true;
	options->starts = true;
	if (optarg == NULL)
		return true;
	if (!scaled(optarg, sizes, 0x1p40, &value) || value < 2) {
		complain("'%s' is no size from 2 to 1024G", optarg);
		return false;
	}
	options->mean_bytes = (uint64_t)value;
	return true;
}

/* Returns false after a complaint. */
static bool take_option(const struct command *command, int letter, struct options *options)
{
	double value;

	if (letter == '?')
		return false;
	if (strchr(command->letters, letter) == NULL) {
		complain("%s does not take -%c", command->name, letter);
		return false;
	}
	if (letter == 'j' || letter == 'o') {
		options->format = letter == 'j' ? ZMALLOC_STATS_JSON : ZMALLOC_STATS_OPENMETRICS;
	} else if (letter == 'd') {
		if (!number(optarg, 0.05, 86400, &options->delay_s)) {
			complain("'%s' is no time from 0.05 to 86400 seconds", optarg);
			return false;
		}
		options->delay_given = true;
	} else if (letter == 'w') {
		if (!number(optarg, 0, 86400, &options->within_s)) {
			complain("'%s' is no time from 0 to 86400 seconds", optarg);
			return false;
		}
	} else if (letter == 'n') {
		if (!number(optarg, 0, 1e9, &value) || value != (double)(long)value) {
			complain("'%s' is no number of rounds", optarg);
			return false;
		}
		options->rounds = (long)value;
	}
	if (strchr("mLurUR", letter) != NULL)
		return take_run_option(letter, options);
	if (strchr("SEgfPcDl", letter) != NULL)
		return take_profile_option(letter, options);
	options->bins = options->bins || letter == 'b';
	options->arenas = options->arenas || letter == 'a';
	options->scopes = options->scopes || letter == 's';
	options->pids = options->pids || letter == 'p';
	return true;
}

/* The first operand is a program, and all behind it is for that one. */
static bool runs_another(const struct command *command)
{
	return command->letters[0] == '+';
}

/* A fault of a command that runs another program is to be told from that program's. */
static int misused_as(const struct command *command)
{
	return runs_another(command) ? RUN_FAILED : misused(command);
}

static int run(const struct command *command, int argc, char **argv)
{
	/* "+": options end where the first operand is. */
	static const char letters[] = "+jod:n:baspw:S::Eg:f:P::c::D:l:m:L:ur::URh";
	struct options options = {.format = ZMALLOC_STATS_TABLE,
				  .delay_s = 1,
				  .rounds = -1,
				  .within_s = 20,
				  .depth = 4,
				  .lines = 20};
	int letter;

	while ((letter = getopt_long(argc, argv, letters + !runs_another(command), known, NULL)) !=
	       -1) {
		if (!take_option(command, letter, &options))
			return misused_as(command);
		if (letter == 'h')
			return fputs(command->help, stdout) < 0 ? FAILED : DONE;
	}
	options.operands = argv + optind;
	options.operand_count = argc - optind;
	if (options.operand_count < command->operands) {
		complain("%s needs %s", command->name,
			 runs_another(command) ? "a program"
					       : "the number or the name of a process");
		return misused_as(command);
	}
	if (options.operand_count > 0 && command->operands < 0) {
		complain("%s takes no '%s'", command->name, options.operands[0]);
		return misused(command);
	}
	return command->run(&options);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (name == NULL) {
		print_help(stderr);
		return MISUSED;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
		return print_help(stdout) ? DONE : FAILED;
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		printf("zmalloc %s (%s)\n", zmalloc_version(), zmalloc_allocator());
		return DONE;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return run(&commands[i], argc - 1, argv + 1);
	complain("there is no command '%s'", name);
	return misused(NULL);
}
