/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_errno.c - errno kept by jemalloc's own frees.
 *
 * What a free does to errno, it does by a system call that fails while memory goes back to the
 * kernel: madvise() of locked pages, munmap() where the kernel has no mapping left. All of those
 * are made by an arena's extent hooks. So errno is kept there, once in thousands of frees, instead
 * of around each: zfree() becomes one jump. Saving it around the call cost 1 ns of a pair of 9.5
 * ns, whether in registers, on the stack or in TLS: the price is that of call and return, not of
 * the loads.
 *
 * Each arena that blocks of ours come from must have these hooks. Arenas are found where they
 * appear: as the arena of a thread that joins, in the flags of a call, after a control that may
 * have made one; and that of oversize blocks at the start.
 */
#include "config.h"

#include "allocator/allocator.h"

#if ZM_RAW_COUNTS

#include <errno.h>
#include <string.h>

#include "allocator/jemalloc_names.h"
#include "base/atomic.h"
#include "base/lock.h"

/* jemalloc's own hooks, and the same with those four wrapped that make system calls in a free. */
static extent_hooks_t *plain;
static extent_hooks_t keeping;

static bool keep_dalloc(extent_hooks_t *hooks, void *base, size_t size, bool committed,
			unsigned arena)
{
	int saved_errno = errno;
	bool failed = plain->dalloc(hooks, base, size, committed, arena);

	errno = saved_errno;
	return failed;
}

static bool keep_decommit(extent_hooks_t *hooks, void *base, size_t size, size_t offset,
			  size_t length, unsigned arena)
{
	int saved_errno = errno;
	bool failed = plain->decommit(hooks, base, size, offset, length, arena);

	errno = saved_errno;
	return failed;
}

static bool keep_purge_lazy(extent_hooks_t *hooks, void *base, size_t size, size_t offset,
			    size_t length, unsigned arena)
{
	int saved_errno = errno;
	bool failed = plain->purge_lazy(hooks, base, size, offset, length, arena);

	errno = saved_errno;
	return failed;
}

static bool keep_purge_forced(extent_hooks_t *hooks, void *base, size_t size, size_t offset,
			      size_t length, unsigned arena)
{
	int saved_errno = errno;
	bool failed = plain->purge_forced(hooks, base, size, offset, length, arena);

	errno = saved_errno;
	return failed;
}

/* An absent hook means "cannot": it stays absent. */
static void make_hooks(void)
{
	keeping = *plain;
	if (plain->dalloc != NULL)
		keeping.dalloc = keep_dalloc;
	if (plain->decommit != NULL)
		keeping.decommit = keep_decommit;
	if (plain->purge_lazy != NULL)
		keeping.purge_lazy = keep_purge_lazy;
	if (plain->purge_forced != NULL)
		keeping.purge_forced = keep_purge_forced;
}

/*
 * Arenas seen to have our hooks; jemalloc has at most 4,095.
 * No lock, so that fork() needs no care: whoever sets one stores the same. By release, once the hooks
 * are set, and read by acquire: a thread that finds its arena here frees into it without saving errno,
 * and jemalloc must not find the arena's former hooks for it.
 */
#define ARENAS_MAX 4096

static ZM_ATOMIC(bool) kept[ARENAS_MAX];

static bool hooks_of(unsigned arena, extent_hooks_t **old, extent_hooks_t *hooks)
{
	size_t mib[3], depth = 3, bytes = sizeof(*old);

	if (ZM_JE(mallctlnametomib)("arena.0.extent_hooks", mib, &depth) != 0)
		return false;
	mib[1] = arena;
	return ZM_JE(mallctlbymib)(mib, depth, old, old != NULL ? &bytes : NULL,
				   hooks != NULL ? &hooks : NULL,
				   hooks != NULL ? sizeof(hooks) : 0) == 0;
}

/* Hooks that are the program's own stay: what they do to errno is its own doing. */
static bool keep_in(unsigned arena)
{
	extent_hooks_t *old;

	if (arena >= ARENAS_MAX || !hooks_of(arena, &old, NULL))
		return false;
	if (old == plain && !hooks_of(arena, NULL, &keeping))
		return false;
	zm_store_release(&kept[arena], true);
	return true;
}

/*
 * Of the process, by its options: does anything but extent hooks give memory back, or does a
 * thread's arena change unseen? Both are off by default.
 */
static bool is_simple(void)
{
	bool hpa = false;
	const char *percpu = "disabled";
	size_t bytes = sizeof(hpa);

	if (ZM_JE(mallctl)("opt.hpa", &hpa, &bytes, NULL, 0) == 0 && hpa)
		return false;
	bytes = sizeof(percpu);
	return ZM_JE(mallctl)("opt.percpu_arena", &percpu, &bytes, NULL, 0) != 0 ||
	       strcmp(percpu, "disabled") == 0;
}

/*
 * Blocks of opt.oversize_threshold bytes (8 MiB) and more come from an arena of their own, which
 * jemalloc makes for the first of them and which gives memory back at each free. It is made here,
 * so that it is known before any block of the program's is in it.
 */
static bool keep_in_oversize(void)
{
	size_t threshold = 0, bytes = sizeof(threshold);
	unsigned arena;
	void *block;
	bool is_kept;

	if (ZM_JE(mallctl)("opt.oversize_threshold", &threshold, &bytes, NULL, 0) != 0 ||
	    threshold == 0)
		return true;
	block = ZM_JE(mallocx)(threshold, 0);
	if (block == NULL)
		return false;
	bytes = sizeof(arena);
	is_kept = ZM_JE(mallctl)("arenas.lookup", &arena, &bytes, &block, sizeof(block)) == 0 &&
		  keep_in(arena);
	ZM_JE(dallocx)(block, 0);
	return is_kept;
}

static struct zm_once started;
static bool able;

static void start(void)
{
	/* The hooks of arena 0 before anybody can have changed them, if we come first. */
	able = is_simple() && hooks_of(0, &plain, NULL) && plain != NULL;
	if (able) {
		make_hooks();
		able = keep_in_oversize();
	}
}

bool zm_je_keep_errno(unsigned arena)
{
	if (arena < ARENAS_MAX && zm_load_acquire(&kept[arena]))
		return true;
	zm_once(&started, start);
	return able && keep_in(arena);
}

static bool exists(unsigned arena)
{
	bool exists = false;
	size_t mib[3], depth = 3, bytes = sizeof(exists);

	if (ZM_JE(mallctlnametomib)("arena.0.initialized", mib, &depth) != 0)
		return false;
	mib[1] = arena;
	return ZM_JE(mallctlbymib)(mib, depth, &exists, &bytes, NULL, 0) == 0 && exists;
}

void zm_je_keep_errno_everywhere(void)
{
	unsigned arenas;
	size_t bytes = sizeof(arenas);

	zm_once(&started, start);
	if (!able || ZM_JE(mallctl)("arenas.narenas", &arenas, &bytes, NULL, 0) != 0)
		return;
	for (unsigned i = 0; i < arenas; i++)
		if (exists(i))
			keep_in(i);
}

bool zm_raw_free_keeps_errno(void)
{
	unsigned arena;
	size_t bytes = sizeof(arena);

	return ZM_JE(mallctl)("thread.arena", &arena, &bytes, NULL, 0) == 0 &&
	       zm_je_keep_errno(arena);
}

#endif
