/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/process_about.c - which processes there are, and what an operator knows them by, as Linux's /proc
 * tells: proc(5) for status, cmdline and uptime, cgroups(7) for cgroup.
 */
#include "config.h"

#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/cgroup.h"
#include "os/directory.h"
#include "os/failure.h"
#include "os/file.h"
#include "os/lines.h"

/* "/proc/PID/NAME". */
static int open_of(int64_t pid, const char *name, int *fd)
{
	char text[64];
	struct zm_path path;
	int error;

	zm_path_init(&path, text, sizeof(text));
	zm_path_add(&path, zm_span_of("/proc/"));
	if (pid <= 0 || !zm_path_add_number(&path, (uint64_t)pid) ||
	    !zm_path_add(&path, zm_span_of(name)))
		return ESRCH;
	error = zm_file_open(path.text, fd);
	return error == ENOENT ? ESRCH : error;
}

/* ---- Its own number ---- */

/* The numbers of all namespaces that it is in, the innermost last. */
static int last_number(struct zm_span line, int64_t *number)
{
	struct zm_span word;
	uint64_t value = 0;
	int error = ENOENT;

	while (zm_span_word(&line, &word))
		error = zm_span_number(&word, &value);
	if (error == 0)
		*number = (int64_t)value;
	return error;
}

int zm_os_process_own_pid(int64_t pid, int64_t *own)
{
	static const char key[] = "NSpid:";
	char buffer[1024];
	struct zm_lines lines;
	struct zm_span line;
	int error, fd;

	*own = pid;
	error = open_of(pid, "/status", &fd);
	if (error != 0)
		return error;
	zm_lines_of_fd(&lines, fd, buffer, sizeof(buffer));
	while (zm_lines_next(&lines, &line) == 0)
		if (zm_span_starts(line, zm_span_of(key))) {
			line.at += sizeof(key) - 1;
			last_number(line, own);
			break;
		}
	zm_file_close(fd);
	return 0;
}

/* ---- All of them ---- */

struct search {
	int (*visit)(int64_t pid, void *context);
	void *context;
};

static int visit_entry(int directory, const char *name, void *context)
{
	const struct search *search = context;
	struct zm_span rest = zm_span_of(name);
	uint64_t pid;

	(void)directory;
	if (zm_span_number(&rest, &pid) != 0 || zm_span_size(rest) != 0 || pid > INT32_MAX)
		return 0;
	return search->visit((int64_t)pid, search->context);
}

int zm_os_process_visit(int (*visit)(int64_t pid, void *context), void *context)
{
	struct search search = {visit, context};
	int error = zm_directory_visit("/proc", visit_entry, &search);

	return error == ENOENT ? ENOTSUP : error;
}

/* ---- What an operator knows it by ---- */

/* Words end with a zero each; what is left of the last one that was cut stays. */
static void read_command(int64_t pid, char *command, size_t size)
{
	size_t got = 0;
	int fd;

	if (open_of(pid, "/cmdline", &fd) != 0)
		return;
	if (zm_file_slurp_fd(fd, command, size - 1, &got) != 0)
		got = 0;
	zm_file_close(fd);
	while (got > 0 && command[got - 1] == '\0')
		got--;
	for (size_t i = 0; i < got; i++)
		if (command[i] == '\0')
			command[i] = ' ';
		else if (command[i] < ' ' || command[i] > '~')
			command[i] = '?';
	command[got] = '\0';
}

/* Version 2's line is the last and the shortest; with version 1 the one of memory counts. */
static void read_group(int64_t pid, char *group, size_t size)
{
	char buffer[1024];
	struct zm_lines lines;
	struct zm_span line, found;
	int fd;

	if (open_of(pid, "/cgroup", &fd) != 0)
		return;
	zm_lines_of_fd(&lines, fd, buffer, sizeof(buffer));
	while (zm_lines_next(&lines, &line) == 0)
		if (zm_cgroup_of_line(line, true, &found) == 0 ||
		    (group[0] == '\0' && zm_cgroup_of_line(line, false, &found) == 0))
			zm_text_copy(group, size, found.at, zm_span_size(found));
	zm_file_close(fd);
}

/* /proc/uptime: seconds since boot, with two decimals. */
static bool read_uptime_ms(uint64_t *ms)
{
	char text[64];
	struct zm_span rest;
	uint64_t seconds, hundredths = 0;
	size_t got;

	if (zm_file_slurp("/proc/uptime", text, sizeof(text), &got) != 0)
		return false;
	rest = zm_span(text, got);
	if (zm_span_number(&rest, &seconds) != 0 || rest.at == rest.end || *rest.at++ != '.' ||
	    zm_span_number(&rest, &hundredths) != 0)
		return false;
	*ms = seconds * 1000 + hundredths * 10;
	return true;
}

int zm_os_process_about(int64_t pid, struct zm_os_process_about *about)
{
	struct zm_os_process process;
	uint64_t boot_ms;
	long ticks = sysconf(_SC_CLK_TCK);
	int error = zm_os_process(pid, &process);

	memset(about, 0, sizeof(*about));
	if (error != 0)
		return error;
	if (ticks > 0 && read_uptime_ms(&boot_ms)) {
		uint64_t start_ms = process.start * 1000 / (uint64_t)ticks;

		about->uptime_ms = boot_ms > start_ms ? boot_ms - start_ms : 0;
	}
	read_command(pid, about->command, sizeof(about->command));
	read_group(pid, about->group, sizeof(about->group));
	return 0;
}
