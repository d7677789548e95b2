/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/command.h - the tool's commands, and what they share.
 */
#ifndef ZM_COMMAND_H
#define ZM_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include <zmalloc/scope.h>
#include <zmalloc/stats.h>

#include "base/builder.h"

/* Exit codes. */
enum {
	DONE = 0,
	FAILED = 1, /* nothing found, refused, an error */
	MISUSED = 2
};

/* What the options of a command said. */
struct options {
	int format;     /* enum zmalloc_stats_format */
	double delay_s; /* top, stat: between two looks */
	bool delay_given;
	long rounds;         /* top, stat: looks; 0: until told to stop; -1: not given */
	bool bins;           /* stat: size classes as well */
	bool arenas;         /* stat: arenas as well */
	bool scopes;         /* stat: scopes as well */
	bool pids;           /* export: a label with the process's number */
	double within_s;     /* export: for those that do not answer, all together */
	bool starts, stops;  /* profile: have it begin or end; run: take one */
	uint64_t mean_bytes; /* profile: between two samples; 0: the default */
	double since_s; /* profile: between two profiles that are compared; 0: there is one only */
	const char *flame; /* profile: files to be made; NULL: standard output, or none */
	bool pprof, collapsed;
	const char *pprof_file, *collapsed_file;
	long depth;                      /* profile: callers of each holder */
	long lines;                      /* profile: holders; 0: all */
	const char *allocator;           /* run: NULL: that of this machine */
	char limit[24];                  /* run: as ZMALLOC_LIMIT takes it; "": not given */
	bool publishes, purges, reports; /* run */
	char **operands;
	int operand_count;
};

int command_export(const struct options *options);
int command_info(const struct options *options);
int command_profile(const struct options *options);
int command_purge(const struct options *options);
int command_run(const struct options *options);
int command_stat(const struct options *options);
int command_top(const struct options *options);

/* "zmalloc: " and a line on stderr, as printf(3). Returns FAILED. */
int complain(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* A list of processes that grows; `process` is malloc()ed. */
struct process_list {
	struct zmalloc_process *process;
	size_t count, room;
};

bool list_add(struct process_list *list, const struct zmalloc_process *process);

/* Into a struct of this tool's size, whatever that of the library is. */
void copy_process(struct zmalloc_process *to, const struct zmalloc_process *from);

/* Write a document about them on stdout. */
int write_processes(const struct process_list *list, int format);

/* The time, milliseconds since 1970; and on a clock that nobody puts back. */
uint64_t wall_ms(void);
uint64_t steady_ms(void);
/* A signal may end it early: whoever waits between two looks looks then. */
void pause_for(double seconds);

/* A writer of text for the library and for a builder. */
int write_to_stdout(void *unused, const char *text, size_t size);

/* As zm_human_bytes(), with a sign where it is below nought. */
#define SIGNED_BYTES (ZM_HUMAN_BYTES + 1)
const char *human_signed(int64_t bytes, char text[SIGNED_BYTES]);

/* A scope's name for people: printable ASCII, whatever the process calls it. */
const char *scope_name(const struct zmalloc_scope_stats *scope,
		       char text[ZMALLOC_SCOPE_NAME_BYTES]);

/* As zm_human_bytes(); "-" for an unknown figure. */
const char *human(uint64_t bytes, char text[ZM_HUMAN_BYTES]);

#endif
