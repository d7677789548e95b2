/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_mib.h - jemalloc's controls by number: a name is looked up once, and the
 * numbers of an arena or a bin are put into a copy of its path.
 */
#ifndef ZM_ALLOCATOR_JEMALLOC_MIB_H
#define ZM_ALLOCATOR_JEMALLOC_MIB_H

#include <stdbool.h>
#include <stddef.h>

#include "allocator/jemalloc_names.h"
#include "base/compiler.h"

#define ZM_JE_MIB_DEPTH 8

struct zm_je_mib {
	size_t path[ZM_JE_MIB_DEPTH];
	size_t depth; /* 0: this jemalloc has nothing of that name */
};

/* Where the numbers stand: arena.<arena>.*, stats.arenas.<arena>.bins.<bin>.*, arenas.bin.<bin>.* */
enum {
	ZM_JE_CONTROL_ARENA_AT = 1,
	ZM_JE_ARENA_AT = 2,
	ZM_JE_ARENA_BIN_AT = 4,
	ZM_JE_LAYOUT_BIN_AT = 2
};

/* False if there is nothing of that name. */
ZM_INLINE bool zm_je_resolve(struct zm_je_mib *mib, const char *name)
{
	mib->depth = ZM_JE_MIB_DEPTH;
	if (ZM_JE(mallctlnametomib)(name, mib->path, &mib->depth) != 0)
		mib->depth = 0;
	return mib->depth != 0;
}

/* A value of exactly this size; false, and the value untouched, if the control has none such. */
ZM_INLINE bool zm_je_read(const struct zm_je_mib *mib, void *value, size_t bytes)
{
	return mib->depth != 0 &&
	       ZM_JE(mallctlbymib)(mib->path, mib->depth, value, &bytes, NULL, 0) == 0;
}

/* The same with a number put into the path; the path is a copy. */
ZM_INLINE bool zm_je_read_at(struct zm_je_mib mib, unsigned at, size_t number, void *value,
			     size_t bytes)
{
	mib.path[at] = number;
	return zm_je_read(&mib, value, bytes);
}

ZM_INLINE bool zm_je_write_at(struct zm_je_mib mib, unsigned at, size_t number, void *value,
			      size_t bytes)
{
	mib.path[at] = number;
	return mib.depth != 0 &&
	       ZM_JE(mallctlbymib)(mib.path, mib.depth, NULL, NULL, value, bytes) == 0;
}

ZM_INLINE bool zm_je_read_by_name(const char *name, void *value, size_t bytes)
{
	return ZM_JE(mallctl)(name, value, &bytes, NULL, 0) == 0;
}

#endif
