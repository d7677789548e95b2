/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc.c - jemalloc, cold half: its start, its name, what it can do, its controls.
 *
 * jemalloc_info.c has its figures, jemalloc_functions.c finds its functions, jemalloc_mib.c reads its controls,
 * which jemalloc(3) lists under "MALLCTL NAMESPACE".
 */
#include "config.h"

#include "allocator/allocator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmalloc.h>

#include "allocator/jemalloc_arena.h"
#include "allocator/jemalloc_errno.h"
#include "allocator/jemalloc_mib.h"
#include "allocator/jemalloc_names.h"
#include "allocator/slab.h"
#include "base/lock.h"

#if ZM_JE_DIRECT
/*
 * The call has jemalloc set itself up, where its own constructor comes after ours: so that its fork
 * handlers are there before those of whoever calls us here.
 */
static void find_jemalloc(void)
{
	const char *version;

	zm_je_read_by_name("version", (void *)&version, sizeof(version));
}
#else
static void find_jemalloc(void)
{
	zm_je_find_functions();
}
#endif

static void set_up(void)
{
	find_jemalloc();
#if !ZM_RAW_COUNTS
	zm_size_map_init(zm_allocator_good_size);
#endif
}

void zm_allocator_init(void)
{
	static struct zm_once once;

	zm_once(&once, set_up);
}

#if ZM_RAW_COUNTS

bool zm_raw_counters(const uint64_t **allocated, const uint64_t **freed)
{
	return zm_je_read_by_name("thread.allocatedp", (void *)allocated, sizeof(*allocated)) &&
	       zm_je_read_by_name("thread.deallocatedp", (void *)freed, sizeof(*freed));
}

#endif

void zm_allocator_name(char *name, size_t size)
{
	const char *version = "";

	/* "5.3.0-0-g54eaed1d...": the part before the first '-' is the release. */
	zm_je_read_by_name("version", (void *)&version, sizeof(version));
	snprintf(name, size, "jemalloc-%.*s", (int)strcspn(version, "-"), version);
}

bool zm_allocator_has(int capability)
{
	bool background;

	switch (capability) {
	case ZMALLOC_CAN_DEFRAG:
		return zm_slab_layout() != NULL;
	case ZMALLOC_CAN_PURGE:
	case ZMALLOC_CAN_CTL:
	case ZMALLOC_CAN_ALLOCATOR_INFO:
	case ZMALLOC_CAN_USABLE_SIZE:
		return true;
	case ZMALLOC_CAN_ARENA:
		return ZM_RAW_ARENAS;
	case ZMALLOC_CAN_BACKGROUND_PURGE:
		return zm_je_read_by_name("background_thread", &background, sizeof(background));
	default:
		return false;
	}
}

size_t zm_allocator_good_size(size_t size)
{
	return ZM_JE_OWN(nallocx)(size + (size == 0), 0);
}

/* Its quantum, 16 bytes as a rule, may be 8: then blocks of 24 bytes lie side by side. */
size_t zm_allocator_alignment(size_t size)
{
	return zm_alignment_side_by_side(zm_allocator_good_size(size));
}

#if ZM_RAW_COUNTS
/* "arenas.create" makes one by being read. */
static bool may_change_arenas(const char *name, const void *new_value)
{
	return strcmp(name, "arenas.create") == 0 ||
	       (new_value != NULL && strstr(name, "arena") != NULL);
}
#endif

int zm_allocator_ctl(const char *name, void *old, size_t *old_size, void *new_value,
		     size_t new_size)
{
	int error = ZM_JE(mallctl)(name, old, old_size, new_value, new_size);

#if ZM_RAW_COUNTS
	if (error == 0 && may_change_arenas(name, new_value))
		zm_je_keep_errno_everywhere();
#endif
	return error;
}

int zm_allocator_purge(void)
{
#if ZM_RAW_ARENAS
	return zm_je_purge();
#else
	return zm_je_control_arena("arena.0.purge", MALLCTL_ARENAS_ALL);
#endif
}

int zm_allocator_background_purge(bool enable)
{
	int error = ZM_JE(mallctl)("background_thread", NULL, NULL, &enable, sizeof(enable));

	return error == ENOENT ? ENOTSUP : error;
}
