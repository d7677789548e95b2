/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/haiku.c - Haiku: a process is a team, its mappings are areas.
 */
#include "config.h"

#include "base/text.h"
#include "os/os.h"
#include "os/rss_only.h"

#include <OS.h>
#include <errno.h>

/*
 * Haiku counts pages where they are kept, in the cache behind an area, and area_info.ram_size is all
 * that this cache holds:
 *   - A cache may be larger than the area, which cannot have more in memory than its own size.
 *   - Areas and teams share caches: pages of files, and after fork() those that nobody has written to
 *     since. Each of them has the whole counted.
 *   - The field has 32 bits, and the kernel stores the low ones. An area over 4 GiB has no figure.
 */
static int area_rss(const area_info *area, uint64_t *bytes)
{
	if (area->size > UINT32_MAX)
		return EOVERFLOW;
	*bytes = area->ram_size < area->size ? area->ram_size : area->size;
	return 0;
}

int zm_process_rss(long pid, size_t *bytes)
{
	team_id team = pid == -1 ? B_CURRENT_TEAM : (team_id)pid;
	ssize_t cookie = 0;
	area_info area;
	uint64_t sum = 0, of_area;
	int error;

	while (get_next_area_info(team, &cookie, &area) == B_OK) {
		error = area_rss(&area, &of_area);
		if (error)
			return error;
		sum += of_area;
	}
	/* No team is without areas. */
	return zm_store_size(sum ? 0 : ESRCH, sum, bytes);
}

int zm_os_memory_size(size_t *bytes)
{
	system_info info;
	uint64_t sum = 0;
	int error;

	if (get_system_info(&info) != B_OK)
		return ENOTSUP;
	error = zm_multiply((uint64_t)info.max_pages, B_PAGE_SIZE, &sum);
	return zm_store_size(error, sum, bytes);
}
