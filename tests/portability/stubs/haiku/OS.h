/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/portability/stubs/haiku/OS.h - as much of the Kernel Kit of Haiku as lib/os uses.
 */
#ifndef STUB_HAIKU_OS_H
#define STUB_HAIKU_OS_H

#include <stdint.h>
#include <sys/types.h>

typedef int32_t status_t;
typedef int32_t team_id;
typedef int32_t area_id;

#define B_OK ((status_t)0)
#define B_CURRENT_TEAM 0
#define B_PAGE_SIZE 4096

typedef struct area_info {
	area_id area;
	char name[32];
	size_t size;
	uint32_t lock, protection;
	team_id team;
	uint32_t ram_size; /* bytes */
	void *address;
} area_info;

typedef struct system_info {
	int64_t boot_time;
	uint64_t max_pages, used_pages;
} system_info;

status_t _get_next_area_info(team_id team, ssize_t *cookie, area_info *info, size_t size);
#define get_next_area_info(team, cookie, info)                                                     \
	_get_next_area_info((team), (cookie), (info), sizeof(*(info)))
status_t get_system_info(system_info *info);

#endif
