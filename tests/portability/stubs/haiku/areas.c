/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/portability/stubs/haiku/areas.c - what lib/os/haiku.c makes of a team's areas.
 */
#include <errno.h>
#include <stdio.h>

#include <OS.h>

#include "os/os.h"

#define MIB ((size_t)1 << 20)

static struct {
	size_t size;
	uint32_t ram_size;
} areas[2];

status_t _get_next_area_info(team_id team, ssize_t *cookie, area_info *info, size_t size)
{
	(void)team, (void)size;
	if (*cookie == 2)
		return -1;
	info->size = areas[*cookie].size;
	info->ram_size = areas[*cookie].ram_size;
	(*cookie)++;
	return B_OK;
}

status_t get_system_info(system_info *info)
{
	(void)info;
	return -1;
}

static int failed;

static void expect(const char *what, int error, size_t bytes)
{
	size_t told = 0;
	int result = zm_os_rss(&told);

	if (result == error && told == bytes)
		return;
	printf("%s: error %d, %zu bytes; expected %d, %zu\n", what, result, told, error, bytes);
	failed = 1;
}

int main(void)
{
	areas[0].size = 3 * MIB;
	areas[0].ram_size = 2 * MIB;
	areas[1].size = MIB;
	areas[1].ram_size = 0;
	expect("a sum", 0, 2 * MIB);
	areas[1].ram_size = 64 * MIB;
	expect("a cache larger than its area", 0, 3 * MIB);
	areas[1].ram_size = 0;
	areas[0].ram_size = 0;
	expect("no team", ESRCH, 0);
#if SIZE_MAX > UINT32_MAX
	areas[0].size = (size_t)UINT32_MAX + 1;
	areas[0].ram_size = 4096;
	expect("more than 32 bits tell", EOVERFLOW, 0);
#endif
	return failed;
}
