/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/haiku.c - Haiku: a process is a team, its mappings are areas.
 */
#include "config.h"

#include "os/os.h"
#include "os/rss_only.h"
#include "os/text.h"

#include <OS.h>
#include <errno.h>

int zm_process_rss(long pid, size_t *bytes)
{
	team_id team = pid == -1 ? B_CURRENT_TEAM : (team_id)pid;
	ssize_t cookie = 0;
	area_info area;
	uint64_t sum = 0;

	while (get_next_area_info(team, &cookie, &area) == B_OK)
		sum += area.ram_size;
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
