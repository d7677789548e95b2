/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/info.c - the library and the allocator behind it: names, abilities, figures, controls.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include <zmalloc.h>

#include "account/account.h"
#include "account/client.h"
#include "allocator/allocator.h"
#include "base/lock.h"
#include "base/probe.h"
#include "base/result.h"
#include "stats/stats.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

const char *zmalloc_version(void)
{
	return TEXT(ZMALLOC_VERSION_MAJOR) "." TEXT(ZMALLOC_VERSION_MINOR) "." TEXT(
		ZMALLOC_VERSION_PATCH);
}

static char allocator_name[64];

static void make_allocator_name(void)
{
	zm_allocator_init();
	zm_allocator_name(allocator_name, sizeof(allocator_name));
}

const char *zmalloc_allocator(void)
{
	static struct zm_once made;

	zm_once(&made, make_allocator_name);
	return allocator_name;
}

int zmalloc_has(int capability)
{
	return zm_allocator_has(capability);
}

int zmalloc_ctl(const char *name, void *old, size_t *old_size, void *new_value, size_t new_size)
{
	return zm_result(zm_allocator_ctl(name, old, old_size, new_value, new_size));
}

int zmalloc_purge(void)
{
	int error;

	zm_probe_purge_begin();
	error = zm_allocator_purge();
	zm_probe_purge_end(error);
	return zm_result(error);
}

/*
 * Where a thread of the allocator's gives memory back, the child of a fork has not got it, and the
 * allocator takes it for switched off there. To make one out of the fork's handler is no good: it
 * would allocate and take locks where POSIX allows neither, and most children run another program
 * before they allocate. So it is made by the child's first call.
 */
static void purge_in_child(void);

static void *begin_with_block(void *ptr)
{
	purge_in_child();
	return ptr;
}

static bool begin_with_free(void *ptr, bool held)
{
	(void)ptr;
	purge_in_child();
	return held;
}

static const struct zm_client first_call = {
	.needs = ZM_CLIENT_EVERY_CALL,
	.born = begin_with_block,
	.died = begin_with_free,
};
static const struct zm_client switched_on = {.in_child = &first_call};

static void purge_in_child(void)
{
	if (zm_client_replace(ZM_CLIENT_PURGE, &first_call, &switched_on))
		zm_allocator_background_purge(true);
}

int zmalloc_set_background_purge(int enable)
{
	int error = zm_allocator_background_purge(enable != 0);

	if (error == 0)
		zm_client_set(ZM_CLIENT_PURGE, enable != 0 ? &switched_on : NULL);
	return zm_result(error);
}

/* Redis's interface has no word for "unknown". */
static void store(size_t *at, size_t value)
{
	if (at != NULL)
		*at = value != ZM_UNKNOWN ? value : 0;
}

int zmalloc_get_allocator_info(int refresh, size_t *allocated, size_t *active, size_t *resident,
			       size_t *retained, size_t *muzzy, size_t *frag_smallbins_bytes)
{
	struct zm_allocator_info info;
	bool known = zm_allocator_figures(refresh != 0, &info);

	store(allocated, info.allocated);
	store(active, info.active);
	store(resident, info.resident);
	store(retained, info.retained);
	store(muzzy, info.muzzy);
	store(frag_smallbins_bytes, info.frag_smallbins);
	return known;
}

int zmalloc_get_allocator_info_by_arena(unsigned arena, int refresh, size_t *allocated,
					size_t *active, size_t *resident,
					size_t *frag_smallbins_bytes)
{
	struct zm_allocator_info info;
	bool known = zm_allocator_info_by_arena(arena, refresh != 0, &info);

	store(allocated, info.allocated);
	store(active, info.active);
	store(resident, info.resident);
	store(frag_smallbins_bytes, info.frag_smallbins);
	return known;
}

size_t zmalloc_used_memory(void)
{
	return zm_account_used();
}

size_t zmalloc_peak_memory(void)
{
	return zm_account_peak();
}

int64_t zmalloc_thread_used_memory(void)
{
	return zm_account_thread_net();
}

/* `free` here is whatever the program's malloc() goes with, never one of an allocator behind us. */
void zlibc_free(void *ptr)
{
	free(ptr);
}
