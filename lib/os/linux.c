/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/linux.c - Linux, with any C library.
 */
#include "config.h"

#include "os/cgroup.h"
#include "os/failure.h"
#include "os/file.h"
#include "os/os.h"
#include "os/proc.h"

#include <errno.h>
#include <sys/sysinfo.h>

/* seq_file gives no more than this at a time, whatever is asked for. */
#define SMAPS_BUFFER 4096

/* 52 numbers of up to 20 digits and the name. */
#define STAT_BUFFER 2048

#ifdef HAVE_PROC_SELF_STAT
int zm_os_stat_field(int field, long long *value)
{
	char text[STAT_BUFFER];
	size_t got;
	int error = zm_file_slurp("/proc/self/stat", text, sizeof(text), &got);

	return error ? error : zm_proc_stat_field(zm_span(text, got), field, value);
}
#else
int zm_os_stat_field(int field, long long *value)
{
	(void)field;
	(void)value;
	return ENOTSUP;
}
#endif

/*
 * statm before stat: newer kernels keep these counters in a part for each CPU, and sum them for
 * statm alone; stat may be off by 32 pages and more for each CPU. User-mode emulation answers statm
 * only.
 */
int zm_os_rss(size_t *bytes)
{
	char text[256];
	uint64_t pages = 0, sum = 0;
	size_t got;
	int error = zm_file_slurp("/proc/self/statm", text, sizeof(text), &got);

	if (!error)
		error = zm_proc_statm_rss(zm_span(text, got), &pages);
	if (error || pages == 0) {
		long long field;

		error = zm_os_stat_field(24, &field);
		if (error)
			return error;
		if (field <= 0)
			return ENOTSUP;
		pages = (uint64_t)field;
	}
	error = zm_multiply(pages, zm_os_page_size(), &sum);
	return zm_store_size(error, sum, bytes);
}

#ifdef HAVE_PROC_SELF_SMAPS
static int smaps_sum(const char *file, const char *field, long pid, uint64_t *bytes)
{
	char buffer[SMAPS_BUFFER], name[64];
	struct zm_path path;
	struct zm_lines lines;
	int error, fd;

	zm_path_init(&path, name, sizeof(name));
	zm_path_add(&path, zm_span_of("/proc/"));
	if (pid == -1)
		zm_path_add(&path, zm_span_of("self"));
	else
		zm_path_add_number(&path, (uint64_t)pid);
	zm_path_add(&path, zm_span_of(file));
	error = zm_file_open(path.text, &fd);
	if (error)
		return error == ENOENT ? ESRCH : error;
	zm_lines_of_fd(&lines, fd, buffer, sizeof(buffer));
	error = zm_proc_smaps_sum(&lines, field, bytes);
	zm_file_close(fd);
	return error;
}

/*
 * smaps_rollup has the sums ready; it lacks a few fields, and came with Linux 4.14. Both walk the
 * page tables, but smaps writes 700 bytes for each mapping as well: it
 * took 1.1 times as long with 34 mappings, 3.0 with 20,000, 9.5 with 60,000.
 */
int zm_os_smaps_field(const char *field, long pid, size_t *bytes)
{
	uint64_t sum = 0;
	int error;

	if (pid < -1 || pid == 0)
		return ESRCH;
#ifdef HAVE_PROC_SELF_SMAPS_ROLLUP
	error = smaps_sum("/smaps_rollup", field, pid, &sum);
	if (error != ENOENT && error != ESRCH)
		return zm_store_size(error, sum, bytes);
#endif
	error = smaps_sum("/smaps", field, pid, &sum);
	return zm_store_size(error, sum, bytes);
}
#else
int zm_os_smaps_field(const char *field, long pid, size_t *bytes)
{
	(void)field;
	(void)pid;
	(void)bytes;
	return ENOTSUP;
}
#endif

/* Not sysconf(): some C libraries read /proc/meminfo for it, by way of stdio. */
int zm_os_memory_size(size_t *bytes)
{
	struct sysinfo info;
	uint64_t sum = 0;
	int error;

	if (sysinfo(&info) != 0)
		return zm_os_failure();
	error = zm_multiply(info.totalram, info.mem_unit, &sum);
	return zm_store_size(error, sum, bytes);
}

int zm_os_memory_limit(size_t *bytes, char *source, size_t source_size)
{
	struct zm_limit limit;

	zm_limit_init(&limit, source, source_size);
	zm_limit_common(&limit);
	zm_cgroup_limits("", &limit);
	return zm_limit_result(&limit, bytes);
}
