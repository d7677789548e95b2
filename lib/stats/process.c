/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/process.c - the process as the kernel sees it.
 *
 * What the system does not know is answered as the header promises: an estimate from the accounts
 * for the resident set, 0 for the rest.
 */
#include "config.h"

#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <zmalloc.h>

#include "allocator/allocator.h"
#include "base/text.h"
#include "os/os.h"
#include "os/process.h"
#include "stats/stats.h"

size_t zmalloc_get_rss(void)
{
	size_t bytes;

	return zm_os_rss(&bytes) == 0 ? bytes : zmalloc_used_memory();
}

size_t zmalloc_get_smap_bytes_by_field(const char *field, long pid)
{
	size_t bytes;

	return zm_os_smaps_field(field, pid, &bytes) == 0 ? bytes : 0;
}

size_t zmalloc_get_private_dirty(long pid)
{
	return zmalloc_get_smap_bytes_by_field("Private_Dirty:", pid);
}

size_t zmalloc_get_memory_size(void)
{
	size_t bytes;

	return zm_os_memory_size(&bytes) == 0 ? bytes : 0;
}

size_t zmalloc_get_memory_limit_source(char *source, size_t source_size)
{
	size_t bytes;

	return zm_os_memory_limit(&bytes, source, source_size) == 0 ? bytes : 0;
}

size_t zmalloc_get_memory_limit(void)
{
	return zmalloc_get_memory_limit_source(NULL, 0);
}

void zmalloc_advise_dontneed(void *ptr, size_t size_hint)
{
	/*
	 * The hint saves the look-up, which touches a cold cache line,
	 * for blocks that are too small.
	 */
	if (ptr == NULL || (size_hint != 0 && size_hint < zm_os_page_size()))
		return;
	zm_os_dontneed(ptr, zm_raw_usable(ptr));
}

void zm_process_self(struct zmalloc_process *process, bool refresh)
{
	struct zm_os_process self;
	struct timespec now = {0, 0};
	const char *name = zm_os_process(getpid(), &self) == 0 ? self.name : "process";

	clock_gettime(CLOCK_REALTIME, &now);
	process->size = sizeof(*process);
	process->pid = getpid();
	process->updated_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	zm_text_copy(process->name, sizeof(process->name), name, sizeof(self.name));
	zm_text_copy(process->allocator, sizeof(process->allocator), zmalloc_allocator(), SIZE_MAX);
	zm_text_copy(process->version, sizeof(process->version), zmalloc_version(), SIZE_MAX);
	zm_stats_take(refresh, &process->stats);
}
