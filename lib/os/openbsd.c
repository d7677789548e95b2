/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/openbsd.c - OpenBSD.
 *
 * A program under pledge(2) needs the promise "ps" to be told its resident set: without it the
 * kernel ends the process, so there is no falling back.
 */
#include "config.h"

#include "base/text.h"
#include "os/failure.h"
#include "os/os.h"
#include "os/rss_only.h"

#include <errno.h>
#include <sys/types.h>
#include <sys/sysctl.h>
#include <unistd.h>

int zm_process_rss(long pid, size_t *bytes)
{
	struct kinfo_proc info;
	int name[] = {CTL_KERN,          KERN_PROC,
		      KERN_PROC_PID,     pid == -1 ? (int)getpid() : (int)pid,
		      (int)sizeof(info), 1};
	size_t got = sizeof(info);
	uint64_t sum = 0;
	int error;

	if (sysctl(name, 6, &info, &got, NULL, 0) != 0)
		return zm_os_failure();
	if (got != sizeof(info))
		return ESRCH;
	error = zm_multiply((uint64_t)info.p_vm_rssize, zm_os_page_size(), &sum);
	return zm_store_size(error, sum, bytes);
}

int zm_os_memory_size(size_t *bytes)
{
	int name[] = {CTL_HW, HW_PHYSMEM64};
	int64_t size = 0;
	size_t got = sizeof(size);

	if (sysctl(name, 2, &size, &got, NULL, 0) != 0)
		return zm_os_failure();
	return zm_store_size(got == sizeof(size) && size > 0 ? 0 : ENOTSUP, (uint64_t)size, bytes);
}
