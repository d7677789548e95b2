/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc.c - jemalloc, cold half: its figures, its controls.
 *
 * Controls and statistics: jemalloc(3), "MALLCTL NAMESPACE".
 */
#include "config.h"

#include "allocator/allocator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmalloc.h>

#include "allocator/jemalloc_arena.h"
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
	size_t bytes = sizeof(version);

	ZM_JE(mallctl)("version", (void *)&version, &bytes, NULL, 0);
}
#else
static void find_jemalloc(void)
{
	zm_je_take_functions();
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
	size_t bytes = sizeof(*allocated);

	return ZM_JE(mallctl)("thread.allocatedp", (void *)allocated, &bytes, NULL, 0) == 0 &&
	       ZM_JE(mallctl)("thread.deallocatedp", (void *)freed, &bytes, NULL, 0) == 0;
}

#endif

void zm_allocator_name(char *name, size_t size)
{
	const char *version = "";
	size_t bytes = sizeof(version);

	/* "5.3.0-0-g54eaed1d...": the part before the first '-' is the release. */
	ZM_JE(mallctl)("version", (void *)&version, &bytes, NULL, 0);
	snprintf(name, size, "jemalloc-%.*s", (int)strcspn(version, "-"), version);
}

bool zm_allocator_has(int capability)
{
	bool background;
	size_t bytes = sizeof(background);

	switch (capability) {
	case ZMALLOC_CAN_DEFRAG:
		return zm_slab_layout() != NULL;
	case ZMALLOC_CAN_PURGE:
	case ZMALLOC_CAN_CTL:
	case ZMALLOC_CAN_ALLOCATOR_INFO:
	case ZMALLOC_CAN_USABLE_SIZE:
		return true;
	case ZMALLOC_CAN_ARENA:
#if defined(ZM_RAW_ARENAS)
		return true;
#else
		return false;
#endif
	case ZMALLOC_CAN_BACKGROUND_PURGE:
		return ZM_JE(mallctl)("background_thread", &background, &bytes, NULL, 0) == 0;
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

#if defined(ZM_RAW_ARENAS)

int zm_allocator_purge(void)
{
	return zm_je_purge();
}

#else

int zm_allocator_purge(void)
{
	size_t mib[3], depth = 3;
	int error = ZM_JE(mallctlnametomib)("arena.0.purge", mib, &depth);

	if (error != 0)
		return error;
	mib[1] = MALLCTL_ARENAS_ALL;
	return ZM_JE(mallctlbymib)(mib, depth, NULL, NULL, NULL, 0);
}

#endif

int zm_allocator_background_purge(bool enable)
{
	int error = ZM_JE(mallctl)("background_thread", NULL, NULL, &enable, sizeof(enable));

	return error == ENOENT ? ENOTSUP : error;
}
