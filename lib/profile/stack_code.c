/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_code.c - whether an address may be one of code.
 */
#include "config.h"

#include "profile/stack_code.h"

#include "base/atomic.h"
#include "os/os.h"

#include <errno.h>

/* Pages that could be read when they were asked for, each in the place that its number says. */
#define PAGES 256
static ZM_ATOMIC(uintptr_t) pages[PAGES];

bool zm_stack_is_code(uintptr_t pc)
{
	uintptr_t page_bytes = zm_os_page_size(), page = pc & ~(page_bytes - 1);
	ZM_ATOMIC(uintptr_t) *seen = &pages[page / page_bytes % PAGES];
	int error = errno;
	bool can;

	if (page == 0)
		return false;
	if (zm_load(seen) == page)
		return true;
	can = zm_os_can_read((const void *)page) == 0;
	errno = error;
	if (can)
		zm_store(seen, page);
	return can;
}
