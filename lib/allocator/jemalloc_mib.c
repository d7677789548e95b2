/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_mib.c - jemalloc's controls by number, and which arenas it has.
 */
#include "config.h"

#include "allocator/jemalloc_mib.h"

#include <stdint.h>

#include "allocator/jemalloc_names.h"
#include "base/lock.h"

bool zm_je_resolve(struct zm_je_mib *mib, const char *name)
{
	mib->depth = ZM_JE_MIB_DEPTH;
	if (ZM_JE(mallctlnametomib)(name, mib->path, &mib->depth) != 0)
		mib->depth = 0;
	return mib->depth != 0;
}

bool zm_je_read(const struct zm_je_mib *mib, void *value, size_t bytes)
{
	return mib->depth != 0 &&
	       ZM_JE(mallctlbymib)(mib->path, mib->depth, value, &bytes, NULL, 0) == 0;
}

bool zm_je_read_by_name(const char *name, void *value, size_t bytes)
{
	return ZM_JE(mallctl)(name, value, &bytes, NULL, 0) == 0;
}

bool zm_je_read_at(struct zm_je_mib mib, unsigned at, size_t number, void *value, size_t bytes)
{
	mib.path[at] = number;
	return zm_je_read(&mib, value, bytes);
}

bool zm_je_write_at(struct zm_je_mib mib, unsigned at, size_t number, void *value, size_t bytes)
{
	mib.path[at] = number;
	return mib.depth != 0 &&
	       ZM_JE(mallctlbymib)(mib.path, mib.depth, NULL, NULL, value, bytes) == 0;
}

void zm_je_renew_statistics(void)
{
	uint64_t epoch = 1;

	ZM_JE(mallctl)("epoch", NULL, NULL, &epoch, sizeof(epoch));
}

/* ---- Arenas ---- */

static struct zm_je_mib initialized;

static void resolve_initialized(void)
{
	zm_je_resolve(&initialized, "arena.0.initialized");
}

unsigned zm_je_arenas(void)
{
	unsigned arenas;

	return zm_je_read_by_name("arenas.narenas", &arenas, sizeof(arenas)) ? arenas : 0;
}

bool zm_je_has_arena(unsigned arena)
{
	static struct zm_once once;
	bool there;

	zm_once(&once, resolve_initialized);
	return zm_je_read_at(initialized, ZM_JE_CONTROL_ARENA_AT, arena, &there, sizeof(there)) &&
	       there;
}

int zm_je_control_arena(const char *name, unsigned arena)
{
	struct zm_je_mib mib = {.depth = ZM_JE_MIB_DEPTH};
	int error = ZM_JE(mallctlnametomib)(name, mib.path, &mib.depth);

	if (error != 0)
		return error;
	mib.path[ZM_JE_CONTROL_ARENA_AT] = arena;
	return ZM_JE(mallctlbymib)(mib.path, mib.depth, NULL, NULL, NULL, 0);
}
