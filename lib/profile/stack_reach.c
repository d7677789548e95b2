/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_reach.c - which pages of a stack can be read, asked once.
 */
#include "config.h"

#include "profile/stack_reach.h"

#include "base/atomic.h"
#include "os/os.h"

#include <errno.h>

/* One frame can have so much; what lies beyond is taken for a stray pointer. */
#define LARGEST_FRAME ((uintptr_t)8 << 20)

/*
 * What the thread keeps. A signal handler may come between the stores and store its own: a mixture of
 * both fails the check, and the range is looked for anew.
 */
static ZM_TLS struct {
	ZM_ATOMIC(uintptr_t) low, high, check;
} kept;

static uintptr_t check_of(uintptr_t low, uintptr_t high)
{
	return ~(low ^ (high << 7 | high >> (sizeof(high) * 8 - 7)));
}

static bool can_read(uintptr_t page)
{
	int error = errno;
	bool can = page != 0 && zm_os_can_read((const void *)page) == 0;

	errno = error;
	return can;
}

/* [from, to) can be read, page by page. */
static bool can_read_all(uintptr_t from, uintptr_t to, uintptr_t page_bytes)
{
	for (; from < to; from += page_bytes) {
		if (!can_read(from))
			return false;
	}
	return true;
}

ZM_COLD void zm_stack_reach_move(struct zm_stack_reach *reach, uintptr_t sp)
{
	uintptr_t page_bytes = zm_os_page_size(), page = sp & ~(page_bytes - 1);

	if (sp >= reach->low && sp < reach->high)
		return;
	reach->changed = true;
	/* Deeper on the same stack. */
	if (page < reach->low && reach->low - page <= LARGEST_FRAME &&
	    can_read_all(page, reach->low, page_bytes)) {
		reach->low = page;
		return;
	}
	reach->low = reach->high = page;
	if (can_read(page))
		reach->high += page_bytes;
}

void zm_stack_reach_begin(struct zm_stack_reach *reach, uintptr_t sp)
{
	uintptr_t low = zm_load(&kept.low), high = zm_load(&kept.high);

	*reach = (struct zm_stack_reach){0, 0, false};
	if (zm_load(&kept.check) == check_of(low, high)) {
		reach->low = low;
		reach->high = high;
	}
	if (zm_unlikely(sp < reach->low || sp >= reach->high))
		zm_stack_reach_move(reach, sp);
}

void zm_stack_reach_end(const struct zm_stack_reach *reach)
{
	if (zm_likely(!reach->changed))
		return;
	zm_store(&kept.low, reach->low);
	zm_store(&kept.high, reach->high);
	zm_store(&kept.check, check_of(reach->low, reach->high));
}

ZM_COLD bool zm_stack_reach_grow(struct zm_stack_reach *reach, uintptr_t at)
{
	uintptr_t page_bytes;

	if (reach->low == reach->high || at < reach->high || at - reach->high > LARGEST_FRAME)
		return false;
	page_bytes = zm_os_page_size();
	while (reach->high <= at) {
		if (!can_read(reach->high))
			return false;
		reach->high += page_bytes;
		reach->changed = true;
	}
	return true;
}
