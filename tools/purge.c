/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/purge.c - `zmalloc purge PID|NAME...`: have processes give unused memory back.
 */
#include "command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmalloc/process.h>

#include "figures.h"
#include "find.h"
#include "look.h"

/* The kernel takes a fifth of a second and more for a GiB. */
#define PURGE_MS 60000

static int explain_purge(const struct zmalloc_process *process, int error)
{
	struct zmalloc_process_info about = {
		.size = offsetof(struct zmalloc_process_info, swap_bytes)};

	if (error == ENOTSUP && zmalloc_process_about(process->pid, 0, &about) == 0 &&
	    about.way == ZMALLOC_PROCESS_PASSIVE)
		return complain("process %" PRId64 " (%s) shows itself passively, and takes no "
				"commands; start it with ZMALLOC_PUBLISH=1",
				process->pid, process->name);
	if (error == ENOTSUP)
		return complain("the allocator of process %" PRId64 " (%s), %s, cannot give memory "
				"back when told to",
				process->pid, process->name, process->allocator);
	if (error == ETIMEDOUT)
		return complain("process %" PRId64 " (%s) has not answered for %d seconds; it may "
				"still do it",
				process->pid, process->name, PURGE_MS / 1000);
	return explain(process->pid, error, "purge");
}

/* One that is stopped is not told to do what it would do when it goes on, which nobody expects then. */
static int purge(int64_t pid, struct zmalloc_process *process, uint64_t *bytes)
{
	*process = (struct zmalloc_process){.size = sizeof(*process)};
	*bytes = ZMALLOC_STATS_UNKNOWN;
	if (zmalloc_process_ask(pid, PATIENCE_MS, process) != 0) {
		if (errno != ETIMEDOUT)
			return explain(pid, errno, "purge");
		return complain("process %" PRId64 " (%s) does not answer: it is stopped or hangs. "
				"Nothing was done",
				pid, process->name);
	}
	if (zmalloc_process_purge(pid, PURGE_MS, bytes) == 0)
		return DONE;
	*bytes = ZMALLOC_STATS_UNKNOWN;
	return explain_purge(process, errno);
}

static void print_line(const struct zmalloc_process *process, uint64_t bytes)
{
	char text[ZM_HUMAN_BYTES];

	printf("%s (%" PRId64 ") gave back %s\n", process->name, process->pid, human(bytes, text));
}

static void build_object(struct zm_builder *out, const struct zmalloc_process *process,
			 uint64_t bytes)
{
	zm_build_text(out, "{\"pid\":");
	zm_build_number(out, (uint64_t)process->pid);
	zm_build_text(out, ",\"name\":");
	zm_build_quoted(out, process->name);
	zm_build_text(out, ",\"given_back_bytes\":");
	build_json_number(out, bytes);
	zm_build_text(out, "}");
}

int command_purge(const struct options *options)
{
	struct pid_list pids = {NULL, 0, 0};
	int answer = find_processes(options, &pids);
	bool json = options->format == ZMALLOC_STATS_JSON, any = false;
	struct zm_builder out;

	zm_builder_start_writer(&out, write_to_stdout, NULL);
	zm_build_text(&out, json ? "[" : "");
	for (size_t i = 0; i < pids.count; i++) {
		struct zmalloc_process process;
		uint64_t bytes;

		if (purge(pids.pid[i], &process, &bytes) != DONE) {
			answer = FAILED;
			continue;
		}
		zm_build_text(&out, json && any ? ",\n " : "");
		any = true;
		if (json)
			build_object(&out, &process, bytes);
		else
			print_line(&process, bytes);
	}
	zm_build_text(&out, json ? "]\n" : "");
	free(pids.pid);
	if (zm_builder_finish(&out) != 0 || fflush(stdout) != 0)
		return complain("cannot write to standard output");
	return answer;
}
