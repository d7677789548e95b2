/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/solaris.c - Solaris and illumos.
 */
#include "config.h"

/*
 * configure's answer for files over 2 GiB. <procfs.h> stops a 32-bit compilation that has it, and no
 * off_t is passed from here to anywhere.
 */
#undef _FILE_OFFSET_BITS

#include "base/text.h"
#include "os/file.h"
#include "os/os.h"
#include "os/rss_only.h"

#include <errno.h>
#include <procfs.h>
#include <unistd.h>

/* Readable for every process, unlike the files that go into detail. */
int zm_process_rss(long pid, size_t *bytes)
{
	char name[64];
	struct zm_path path;
	psinfo_t info;
	uint64_t sum = 0;
	size_t got;
	int error;

	zm_path_init(&path, name, sizeof(name));
	zm_path_add(&path, zm_span_of("/proc/"));
	if (pid == -1)
		zm_path_add(&path, zm_span_of("self"));
	else
		zm_path_add_number(&path, (uint64_t)pid);
	zm_path_add(&path, zm_span_of("/psinfo"));
	error = zm_file_slurp(path.text, &info, sizeof(info), &got);
	if (error)
		return error == ENOENT ? ESRCH : error;
	if (got != sizeof(info))
		return EINVAL;
	error = zm_multiply((uint64_t)info.pr_rssize, 1024, &sum);
	return zm_store_size(error, sum, bytes);
}

int zm_os_memory_size(size_t *bytes)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	uint64_t sum = 0;
	int error;

	if (pages <= 0)
		return ENOTSUP;
	error = zm_multiply((uint64_t)pages, zm_os_page_size(), &sum);
	return zm_store_size(error, sum, bytes);
}
