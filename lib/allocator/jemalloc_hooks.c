/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_hooks.c - extent hooks, by which an arena gets memory and gives it back.
 */
#include "config.h"

#include "allocator/jemalloc_hooks.h"

#if ZM_RAW_ARENAS

#include <errno.h>

#include "allocator/jemalloc_mib.h"
#include "base/lock.h"

/* ---- Of an arena ---- */

bool zm_je_read_hooks(unsigned arena, extent_hooks_t **hooks)
{
	struct zm_je_mib mib;

	return zm_je_resolve(&mib, "arena.0.extent_hooks") &&
	       zm_je_read_at(mib, ZM_JE_CONTROL_ARENA_AT, arena, (void *)hooks, sizeof(*hooks));
}

bool zm_je_write_hooks(unsigned arena, extent_hooks_t *hooks)
{
	struct zm_je_mib mib;

	return zm_je_resolve(&mib, "arena.0.extent_hooks") &&
	       zm_je_write_at(mib, ZM_JE_CONTROL_ARENA_AT, arena, (void *)&hooks, sizeof(hooks));
}

/* ---- jemalloc's own ---- */

static extent_hooks_t *own;

static void read_own(void)
{
	if (!zm_je_read_hooks(0, &own))
		own = NULL;
}

extent_hooks_t *zm_je_own_hooks(void)
{
	static struct zm_once once;

	zm_once(&once, read_own);
	return own;
}

/* ---- Those that keep errno ---- */

static bool keep_dalloc(extent_hooks_t *hooks, void *base, size_t size, bool committed,
			unsigned arena)
{
	int saved_errno = errno;
	bool failed = own->dalloc(own, base, size, committed, arena);

	(void)hooks;
	errno = saved_errno;
	return failed;
}

static bool keep_decommit(extent_hooks_t *hooks, void *base, size_t size, size_t offset,
			  size_t length, unsigned arena)
{
	int saved_errno = errno;
	bool failed = own->decommit(own, base, size, offset, length, arena);

	(void)hooks;
	errno = saved_errno;
	return failed;
}

static bool keep_purge_lazy(extent_hooks_t *hooks, void *base, size_t size, size_t offset,
			    size_t length, unsigned arena)
{
	int saved_errno = errno;
	bool failed = own->purge_lazy(own, base, size, offset, length, arena);

	(void)hooks;
	errno = saved_errno;
	return failed;
}

static bool keep_purge_forced(extent_hooks_t *hooks, void *base, size_t size, size_t offset,
			      size_t length, unsigned arena)
{
	int saved_errno = errno;
	bool failed = own->purge_forced(own, base, size, offset, length, arena);

	(void)hooks;
	errno = saved_errno;
	return failed;
}

/* An absent hook means "cannot": it stays absent. */
extent_hooks_t zm_je_hooks_that_keep_errno(void)
{
	extent_hooks_t keeping = *own;

	if (own->dalloc != NULL)
		keeping.dalloc = keep_dalloc;
	if (own->decommit != NULL)
		keeping.decommit = keep_decommit;
	if (own->purge_lazy != NULL)
		keeping.purge_lazy = keep_purge_lazy;
	if (own->purge_forced != NULL)
		keeping.purge_forced = keep_purge_forced;
	return keeping;
}

#endif
