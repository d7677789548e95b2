/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile.c - `zmalloc profile PID|NAME...`: have processes take a heap profile, and show what it says.
 */
#include "command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/find.h"
#include "tools/look.h"
#include "tools/profile/explain.h"
#include "tools/profile/file.h"
#include "tools/profile/profile.h"

/* ---- Start and stop ---- */

static int start_or_stop(const struct options *options, const struct zmalloc_process *process)
{
	int64_t pid = process->pid;

	if (options->stops) {
		if (zmalloc_process_profile_stop(pid, PATIENCE_MS) != 0)
			return explain_profile(process, errno);
		printf("%s (%" PRId64
		       ") takes no profile; what there was of one can still be shown\n",
		       process->name, pid);
		return DONE;
	}
	if (zmalloc_process_profile_start(pid, options->mean_bytes, PATIENCE_MS) != 0)
		return explain_start(process, options->mean_bytes, errno);
	printf("%s (%" PRId64 ") takes a heap profile from now on\n", process->name, pid);
	return DONE;
}

/* ---- Asking ---- */

/* One that is stopped would do what it is told when it goes on, which nobody expects then. */
static int ask_process(int64_t pid, struct zmalloc_process *process)
{
	*process = (struct zmalloc_process){.size = sizeof(*process)};
	if (zmalloc_process_ask(pid, PATIENCE_MS, process) == 0)
		return DONE;
	if (errno != ETIMEDOUT)
		return explain(pid, errno, "profile");
	return complain("process %" PRId64 " (%s) does not answer: it is stopped or hangs", pid,
			process->name);
}

static int by_bytes(const void *a, const void *b)
{
	const struct stack *left = a, *right = b;

	return (left->now.live_bytes < right->now.live_bytes) -
	       (left->now.live_bytes > right->now.live_bytes);
}

static int by_growth(const void *a, const void *b)
{
	int64_t left = stack_growth(a), right = stack_growth(b);

	return left != right ? (left < right) - (left > right) : by_bytes(a, b);
}

static int find_names(struct profile *profile)
{
	struct taken *taken = &profile->taken;

	if (taken->count != 0)
		qsort(taken->stack, taken->count, sizeof(*taken->stack),
		      profile->since_ms != 0 ? by_growth : by_bytes);
	profile->symbols = symbols_open(profile->process.pid, false);
	if (profile->symbols == NULL)
		return ENOMEM;
	return chains_make(taken, profile->symbols, &profile->chains);
}

static void profile_free(struct profile *profile)
{
	chains_free(&profile->chains);
	symbols_close(profile->symbols);
	taken_free(&profile->taken);
	taken_free(&profile->before);
}

/* ---- Showing ---- */

static int build_flame(struct zm_builder *out, const void *of)
{
	return profile_build_flame(out, of);
}

static int build_pprof(struct zm_builder *out, const void *of)
{
	return profile_build_pprof(out, of);
}

static int build_collapsed(struct zm_builder *out, const void *of)
{
	return profile_build_collapsed(out, of);
}

static int make_files(const struct profile *profile, const struct options *options)
{
	int answer = DONE;

	if (options->flame != NULL)
		answer |= file_make(options->flame, build_flame, profile);
	if (options->pprof)
		answer |= file_make(options->pprof_file, build_pprof, profile);
	if (options->collapsed)
		answer |= file_make(options->collapsed_file, build_collapsed, profile);
	return answer;
}

static bool wants_files(const struct options *options)
{
	return options->flame != NULL || options->pprof || options->collapsed;
}

static void complain_of_names(const struct profile *profile)
{
	static bool is_said;
	const char *refusal = symbols_refusal(profile->symbols);

	if (refusal != NULL && !is_said)
		complain("there are no names, but modules and offsets: %s", refusal);
	is_said = is_said || refusal != NULL;
}

/* ---- Each process ---- */

struct showing {
	const struct options *options;
	struct zm_builder json;
	bool any;
};

static int show(struct showing *showing, struct profile *profile)
{
	const struct options *options = showing->options;
	int answer = DONE;

	complain_of_names(profile);
	if (wants_files(options))
		answer = make_files(profile, options);
	if (options->format == ZMALLOC_STATS_JSON) {
		zm_build_text(&showing->json, showing->any ? ",\n " : "");
		profile_build_json(&showing->json, profile);
	} else if (!wants_files(options)) {
		if (showing->any)
			putchar('\n');
		if (profile_print_table(profile, options) != 0)
			answer = complain("%s", strerror(ENOMEM));
	}
	showing->any = true;
	return answer;
}

/* All of them are looked at, then waited for, then looked at again: each for the same time. */
static int take_earlier(const struct options *options, struct profile *profiles, size_t *count)
{
	size_t kept = 0;
	int answer = DONE;

	for (size_t i = 0; i < *count; i++) {
		struct profile *profile = &profiles[i];
		int64_t pid = profile->process.pid;
		int asked = ask_process(pid, &profile->process), error = 0;

		profile->taken_ms = steady_ms();
		if (asked == DONE && options->since_s != 0)
			error = take_profile(pid, PATIENCE_MS, &profile->before);
		if (error != 0)
			asked = explain_profile(&profile->process, error);
		if (asked != DONE) {
			answer = FAILED;
			profile_free(profile);
			continue;
		}
		profiles[kept++] = *profile;
	}
	*count = kept;
	return answer;
}

static int take_now(const struct options *options, struct profile *profile)
{
	int error = take_profile(profile->process.pid, PATIENCE_MS, &profile->taken);

	if (error == 0 && options->since_s != 0) {
		profile->since_ms = steady_ms() - profile->taken_ms;
		error = taken_compare(&profile->taken, &profile->before);
	}
	return error != 0 ? error : find_names(profile);
}

static int show_all(const struct options *options, struct profile *profiles, size_t count)
{
	struct showing showing = {.options = options};
	bool json = options->format == ZMALLOC_STATS_JSON;
	int answer = take_earlier(options, profiles, &count);

	if (options->since_s != 0 && count != 0)
		pause_for(options->since_s);
	zm_builder_start_writer(&showing.json, write_to_stdout, NULL);
	zm_build_text(&showing.json, json ? "[" : "");
	for (size_t i = 0; i < count; i++) {
		int error = take_now(options, &profiles[i]);

		if (error != 0)
			answer = explain_profile(&profiles[i].process, error);
		else if (show(&showing, &profiles[i]) != DONE)
			answer = FAILED;
		profile_free(&profiles[i]);
	}
	zm_build_text(&showing.json, json ? "]\n" : "");
	if (zm_builder_finish(&showing.json) != 0 || fflush(stdout) != 0)
		return complain("cannot write to standard output");
	return answer;
}

static int order_all(const struct options *options, struct profile *profiles, size_t count)
{
	int answer = DONE;

	for (size_t i = 0; i < count; i++)
		if (ask_process(profiles[i].process.pid, &profiles[i].process) != DONE ||
		    start_or_stop(options, &profiles[i].process) != DONE)
			answer = FAILED;
	return answer;
}

/* ---- The command ---- */

static bool is_stdout(bool is_wanted, const char *file)
{
	return is_wanted && file == NULL;
}

/* Returns DONE, or what the command ends with after a complaint. */
static int refuse_what_cannot_be(const struct options *options)
{
	bool json = options->format == ZMALLOC_STATS_JSON;
	bool others = wants_files(options) || json || options->since_s != 0;

	if ((options->starts && options->stops) ||
	    ((options->starts || options->stops) && others)) {
		complain("--start and --stop each stand alone");
		return MISUSED;
	}
	if (json + is_stdout(options->pprof, options->pprof_file) +
		    is_stdout(options->collapsed, options->collapsed_file) >
	    1) {
		complain("only one of --json, --pprof and --collapsed can be on standard output; "
			 "the others need a file, as in --pprof=FILE");
		return MISUSED;
	}
	if (options->pprof && options->since_s != 0) {
		complain(
			"--pprof does not go with --since: write two files, and have pprof compare "
			"them with -diff_base");
		return MISUSED;
	}
	if (is_stdout(options->pprof, options->pprof_file) && isatty(STDOUT_FILENO))
		return complain("what --pprof writes is nothing for a terminal: name a file, as in "
				"--pprof=heap.pb.gz");
	if ((options->flame != NULL && !file_may_be_made(options->flame)) ||
	    (options->pprof_file != NULL && !file_may_be_made(options->pprof_file)) ||
	    (options->collapsed_file != NULL && !file_may_be_made(options->collapsed_file)))
		return FAILED;
	return DONE;
}

static int profile_processes(const struct options *options, const struct pid_list *pids)
{
	struct profile *profiles = calloc(pids->count + 1, sizeof(*profiles));
	int answer;

	if (profiles == NULL)
		return complain("%s", strerror(ENOMEM));
	for (size_t i = 0; i < pids->count; i++)
		profiles[i].process.pid = pids->pid[i];
	if (options->starts || options->stops)
		answer = order_all(options, profiles, pids->count);
	else
		answer = show_all(options, profiles, pids->count);
	free(profiles);
	return answer;
}

int command_profile(const struct options *options)
{
	struct pid_list pids = {NULL, 0, 0};
	int answer = refuse_what_cannot_be(options), shown;

	if (answer != DONE)
		return answer;
	answer = find_processes(options, &pids);
	if (pids.count > 1 && wants_files(options))
		shown = complain("a file is of one process, and there are %zu of that name: give a "
				 "number",
				 pids.count);
	else
		shown = profile_processes(options, &pids);
	free(pids.pid);
	return answer != DONE ? answer : shown;
}
