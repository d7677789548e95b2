/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_errno.c - errno kept by jemalloc's own frees.
 *
 * What a free does to errno, it does by a system call that fails while memory goes back to the
 * kernel: madvise() of locked pages, munmap() where the kernel has no mapping left. All of those
 * are made by an arena's extent hooks. So errno is kept there, once in thousands of frees, instead
 * of around each: zfree() becomes one jump. To save it around the call cost a tenth of a pair (`make
 * bench BENCHFLAGS=--only=pair`), whether in registers, on the stack or in TLS: the price is that of call
 * and return, not of the loads.
 *
 * Each arena that blocks of ours come from must have these hooks. Arenas are found where they
 * appear: as the arena of a thread that joins, in the flags of a call, after a control that may
 * have made one; and that of oversize blocks at the start.
 */
#include "config.h"

#include "allocator/allocator.h"

#if ZM_RAW_COUNTS

#include <string.h>

#include "allocator/jemalloc_errno.h"
#include "allocator/jemalloc_hooks.h"
#include "allocator/jemalloc_mib.h"
#include "allocator/jemalloc_names.h"
#include "base/atomic.h"
#include "base/lock.h"

/* jemalloc's own with those wrapped that make system calls in a free. */
static extent_hooks_t keeping;

/*
 * Arenas seen to have our hooks; jemalloc has at most 4,095.
 * No lock, so that fork() needs no care: whoever sets one stores the same. By release, once the hooks
 * are set, and read by acquire: a thread that finds its arena here frees into it without saving errno,
 * and jemalloc must not find the arena's former hooks for it.
 */
#define ARENAS_MAX 4096

static ZM_ATOMIC(bool) kept[ARENAS_MAX];

/* Hooks that are the program's own stay: what they do to errno is its own doing. */
static bool keep_in(unsigned arena)
{
	extent_hooks_t *old;

	if (arena >= ARENAS_MAX || !zm_je_read_hooks(arena, &old))
		return false;
	if (old == zm_je_own_hooks() && !zm_je_write_hooks(arena, &keeping))
		return false;
	zm_store_release(&kept[arena], true);
	return true;
}

/*
 * False if an option of the process lets something other than extent hooks give memory back (opt.hpa), or
 * lets a thread's arena change without our being told (opt.percpu_arena). Both are off by default.
 */
static bool is_simple(void)
{
	bool hpa = false;
	const char *percpu = "disabled";

	if (zm_je_read_by_name("opt.hpa", &hpa, sizeof(hpa)) && hpa)
		return false;
	return !zm_je_read_by_name("opt.percpu_arena", (void *)&percpu, sizeof(percpu)) ||
	       strcmp(percpu, "disabled") == 0;
}

/*
 * Blocks of opt.oversize_threshold bytes (8 MiB) and more come from an arena of their own, which
 * jemalloc makes for the first of them and which gives memory back at each free. It is made here,
 * so that it is known before any block of the program's is in it.
 */
static bool keep_in_oversize(void)
{
	size_t threshold, bytes;
	unsigned arena;
	void *block;
	bool is_kept;

	if (!zm_je_read_by_name("opt.oversize_threshold", &threshold, sizeof(threshold)) ||
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
	able = is_simple() && zm_je_own_hooks() != NULL;
	if (able) {
		keeping = zm_je_hooks_that_keep_errno();
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

void zm_je_keep_errno_everywhere(void)
{
	unsigned arenas = zm_je_arenas();

	zm_once(&started, start);
	for (unsigned i = 0; able && i < arenas; i++)
		if (zm_je_has_arena(i))
			keep_in(i);
}

bool zm_raw_free_keeps_errno(void)
{
	unsigned arena;

	return zm_je_read_by_name("thread.arena", &arena, sizeof(arena)) && zm_je_keep_errno(arena);
}

#endif
