/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/darwin.c - macOS and its relatives.
 *
 * Of the fields of smaps there are three:
 *   Rss:            pages in memory
 *   Private_Dirty:  this process: its footprint, the figure that the system itself holds against
 *                   it; another one: the pages that each of its regions has dirtied
 *   Swap:           this process: its pages that the compressor holds
 */
#include "config.h"

#include "base/text.h"
#include "os/failure.h"
#include "os/os.h"

#include <errno.h>
#include <libproc.h>
#include <mach/mach.h>
#include <string.h>
#include <sys/sysctl.h>
#include <unistd.h>

/* libproc returns the bytes it stored, which for an older or dead process may be fewer. */
static int process_info(long pid, int flavor, uint64_t argument, void *info, size_t size)
{
	errno = 0;
	if (proc_pidinfo((int)pid, flavor, argument, info, (int)size) >= (int)size)
		return 0;
	if (errno == EPERM)
		return EACCES;
	return errno ? errno : ENOTSUP;
}

static int rss_by_process_info(long pid, size_t *bytes)
{
	struct proc_taskinfo info;
	int error = process_info(pid, PROC_PIDTASKINFO, 0, &info, sizeof(info));

	return zm_store_size(error, error ? 0 : info.pti_resident_size, bytes);
}

/* The kernel names the next region that begins at an address or after it. */
static int dirty_of_regions(long pid, size_t *bytes)
{
	struct proc_regioninfo region;
	uint64_t address = 0, pages = 0, sum;
	int error;

	for (;;) {
		error = process_info(pid, PROC_PIDREGIONINFO, address, &region, sizeof(region));
		if (error)
			break;
		pages += region.pri_pages_dirtied;
		if (region.pri_size == 0 || region.pri_address + region.pri_size <= address)
			return EINVAL;
		address = region.pri_address + region.pri_size;
	}
	/* Past the last one it says EINVAL; before the first one, that is something else. */
	if (error != EINVAL || address == 0)
		return error;
	error = zm_multiply(pages, zm_os_page_size(), &sum);
	return zm_store_size(error, error ? 0 : sum, bytes);
}

#ifdef HAVE_TASK_INFO
int zm_os_rss(size_t *bytes)
{
	struct mach_task_basic_info info;
	mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;

	if (task_info(mach_task_self(), MACH_TASK_BASIC_INFO, (task_info_t)&info, &count) !=
	    KERN_SUCCESS)
		return rss_by_process_info(getpid(), bytes);
	return zm_store_size(0, info.resident_size, bytes);
}

/* The kernel fills as much of the structure as it knows, and says in `count` how much that is. */
static int own_memory(uint64_t *footprint, uint64_t *compressed)
{
	task_vm_info_data_t info;
	mach_msg_type_number_t count = TASK_VM_INFO_COUNT;

	if (task_info(mach_task_self(), TASK_VM_INFO, (task_info_t)&info, &count) != KERN_SUCCESS ||
	    count < TASK_VM_INFO_REV1_COUNT)
		return ENOTSUP;
	*footprint = info.phys_footprint;
	*compressed = info.compressed;
	return 0;
}
#else
int zm_os_rss(size_t *bytes)
{
	return rss_by_process_info(getpid(), bytes);
}

static int own_memory(uint64_t *footprint, uint64_t *compressed)
{
	(void)footprint;
	(void)compressed;
	return ENOTSUP;
}
#endif

int zm_os_smaps_field(const char *field, long pid, size_t *bytes)
{
	uint64_t footprint = 0, compressed = 0;
	bool own = pid == -1 || pid == getpid();
	int known;

	if (pid < -1)
		return ESRCH;
	if (own)
		pid = getpid();
	known = own ? own_memory(&footprint, &compressed) : ENOTSUP;
	if (strcmp(field, "Rss:") == 0)
		return own ? zm_os_rss(bytes) : rss_by_process_info(pid, bytes);
	if (strcmp(field, "Private_Dirty:") == 0)
		return known == 0 ? zm_store_size(0, footprint, bytes)
				  : dirty_of_regions(pid, bytes);
	if (strcmp(field, "Swap:") == 0)
		return zm_store_size(known, compressed, bytes);
	return ENOENT;
}

int zm_os_memory_size(size_t *bytes)
{
	int name[] = {CTL_HW, HW_MEMSIZE};
	uint64_t size = 0;
	size_t got = sizeof(size);

	if (sysctl(name, 2, &size, &got, NULL, 0) != 0)
		return zm_os_failure();
	return zm_store_size(got == sizeof(size) ? 0 : ENOTSUP, size, bytes);
}

/* One byte is copied by the kernel, which says so where there is none. */
int zm_os_can_read(const void *page)
{
	vm_size_t copied = 0;
	char byte;

	if (vm_read_overwrite(mach_task_self(), (vm_address_t)page, 1, (vm_address_t)&byte,
			      &copied) != KERN_SUCCESS)
		return EFAULT;
	return 0;
}
