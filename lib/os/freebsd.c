/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/freebsd.c - FreeBSD and DragonFly BSD.
 */
#include "config.h"

#include "base/text.h"
#include "os/failure.h"
#include "os/os.h"
#include "os/rss_only.h"

#include <errno.h>
#include <sys/param.h>
#include <sys/sysctl.h>
#include <unistd.h>

#ifdef __DragonFly__
#include <sys/kinfo.h>
#define RESIDENT_PAGES(info) ((info).kp_vm_rssize)
#else
#include <sys/user.h>
#define RESIDENT_PAGES(info) ((info).ki_rssize)
#endif

int zm_process_rss(long pid, size_t *bytes)
{
	int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, pid == -1 ? (int)getpid() : (int)pid};
	struct kinfo_proc info;
	size_t got = sizeof(info);
	uint64_t sum = 0;
	int error;

	if (sysctl(name, 4, &info, &got, NULL, 0) != 0)
		return zm_os_failure();
	if (got != sizeof(info))
		return ESRCH;
	error = zm_multiply((uint64_t)RESIDENT_PAGES(info), zm_os_page_size(), &sum);
	return zm_store_size(error, sum, bytes);
}

int zm_os_memory_size(size_t *bytes)
{
	int name[] = {CTL_HW, HW_PHYSMEM};
	unsigned long size = 0;
	size_t got = sizeof(size);

	if (sysctl(name, 2, &size, &got, NULL, 0) != 0)
		return zm_os_failure();
	return zm_store_size(got == sizeof(size) ? 0 : ENOTSUP, size, bytes);
}
