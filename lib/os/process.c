/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/process.c - processes as Linux's /proc/PID/stat and statm tell of them.
 */
#include "config.h"

#include "os/process.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "os/failure.h"
#include "os/file.h"
#include "os/os.h"
#include "os/proc.h"

/* 52 numbers of up to 20 digits and the name. */
#define STAT_BUFFER 2048

/* proc(5), "/proc/pid/stat" */
enum {
	STARTTIME = 22,
	STARTSTACK = 28
};

/* The name stands in parentheses and may hold any, so the last one closes it. */
static void copy_name(const char *text, size_t size, char *name, size_t name_size)
{
	const char *begin = memchr(text, '(', size), *end = text + size;
	size_t length = 0;

	while (end > text && end[-1] != ')')
		end--;
	if (begin != NULL && end > begin + 2)
		length = (size_t)(end - begin) - 2;
	if (length > name_size - 1)
		length = name_size - 1;
	if (length != 0)
		memcpy(name, begin + 1, length);
	name[length] = '\0';
}

static int read_stat(struct zm_path *path, struct zm_os_process *process)
{
	char text[STAT_BUFFER];
	long long start, stack;
	size_t got;
	int error;

	if (!zm_path_add(path, zm_span_of("/stat")))
		return ESRCH;
	error = zm_file_slurp(path->text, text, sizeof(text), &got);
	if (error)
		return error == ENOENT ? ESRCH : error;
	if (zm_proc_stat_field(zm_span(text, got), STARTTIME, &start) ||
	    zm_proc_stat_field(zm_span(text, got), STARTSTACK, &stack))
		return ENOTSUP;
	copy_name(text, got, process->name, sizeof(process->name));
	process->start = (uint64_t)start;
	process->image = (uint64_t)stack;
	return 0;
}

/* Not field 24 of stat, which newer kernels do not keep exact: see linux.c. */
static int read_statm(struct zm_path *path, struct zm_os_process *process)
{
	char text[256];
	uint64_t pages, bytes = 0;
	size_t got;
	int error;

	if (!zm_path_add(path, zm_span_of("/statm")))
		return ESRCH;
	error = zm_file_slurp(path->text, text, sizeof(text), &got);
	if (error)
		return error == ENOENT ? ESRCH : error;
	error = zm_proc_statm_rss(zm_span(text, got), &pages);
	if (!error)
		error = zm_multiply(pages, zm_os_page_size(), &bytes);
	return zm_store_size(error, bytes, &process->rss_bytes);
}

int zm_os_process(int64_t pid, struct zm_os_process *process)
{
	char name[48];
	struct zm_path path;
	struct stat about;
	size_t length;
	int error;

	zm_path_init(&path, name, sizeof(name));
	zm_path_add(&path, zm_span_of("/proc/"));
	if (pid <= 0 || !zm_path_add_number(&path, (uint64_t)pid))
		return ESRCH;
	if (stat(path.text, &about) != 0)
		return errno == ENOENT ? ESRCH : zm_os_failure();
	process->user = about.st_uid;
	length = path.length;
	error = read_stat(&path, process);
	zm_path_cut(&path, length);
	return error ? error : read_statm(&path, process);
}
