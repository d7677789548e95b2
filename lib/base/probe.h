/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/probe.h - static probes: places at which bpftrace, perf, gdb and SystemTap may look on while the
 * program runs, with what is known there.
 *
 * This is the list of them, which zmalloc_probes(7) repeats; tests/check_static_probes.sh compares. Where nobody looks
 * on, one is a nop, and its arguments are what its place has at hand anyway. None is on a fast path. They are
 * a promise to scripts: a probe keeps its name and its arguments, and new arguments come last.
 *
 * Without <sys/sdt.h> they are nothing at all.
 */
#ifndef ZM_PROBE_H
#define ZM_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#if defined(ZM_PROBES)
/* In registers: from a file without symbols nobody finds a variable by its name, or a thread's at all. */
#if !defined(STAP_SDT_ARG_CONSTRAINT)
#define STAP_SDT_ARG_CONSTRAINT nr
#endif
#include <sys/sdt.h>
#define ZM_PROBE0(name) STAP_PROBE(zmalloc, name)
#define ZM_PROBE1(name, a) STAP_PROBE1(zmalloc, name, a)
#define ZM_PROBE2(name, a, b) STAP_PROBE2(zmalloc, name, a, b)
#define ZM_PROBE3(name, a, b, c) STAP_PROBE3(zmalloc, name, a, b, c)
#define ZM_PROBE4(name, a, b, c, d) STAP_PROBE4(zmalloc, name, a, b, c, d)
#else
#define ZM_PROBE0(name) ((void)0)
#define ZM_PROBE1(name, a) ((void)(a))
#define ZM_PROBE2(name, a, b) ((void)(a), (void)(b))
#define ZM_PROBE3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#define ZM_PROBE4(name, a, b, c, d) ((void)(a), (void)(b), (void)(c), (void)(d))
#endif

/* ---- The account ------------------------------------------------------------------------------ */

/* The calling thread has come to its ceiling, or begins, and has a new one. Under the lock of the account. */
ZM_INLINE void zm_probe_threshold(ptrdiff_t thread_bytes, ptrdiff_t ceiling_bytes)
{
	ZM_PROBE2(threshold, thread_bytes, ceiling_bytes);
}

/* By that limit of that scope, NULL: the hard limit. Under the lock of the account. */
ZM_INLINE void zm_probe_limit_refused(size_t bytes, size_t limit_bytes, const char *scope)
{
	ZM_PROBE3(limit_refused, bytes, limit_bytes, scope);
}

/* Before the program is called. */
ZM_INLINE void zm_probe_soft_limit(size_t limit_bytes, size_t used_bytes)
{
	ZM_PROBE2(soft_limit, limit_bytes, used_bytes);
}

/* ---- Blocks and arenas ------------------------------------------------------------------------ */

/* Before the program's handler, or the report. */
ZM_INLINE void zm_probe_out_of_memory(size_t size_bytes)
{
	ZM_PROBE1(out_of_memory, size_bytes);
}

/* The program gets NULL. How much it was, those functions do not keep. */
ZM_INLINE void zm_probe_try_failed(void)
{
	ZM_PROBE0(try_failed);
}

ZM_INLINE void zm_probe_arena_create(const void *arena)
{
	ZM_PROBE1(arena_create, arena);
}

/* live_bytes: what its blocks were charged with. */
ZM_INLINE void zm_probe_arena_reset(const void *arena, size_t live_bytes)
{
	ZM_PROBE2(arena_reset, arena, live_bytes);
}

ZM_INLINE void zm_probe_arena_destroy(const void *arena, size_t live_bytes)
{
	ZM_PROBE2(arena_destroy, arena, live_bytes);
}

/* ---- Giving back ------------------------------------------------------------------------------ */

ZM_INLINE void zm_probe_purge_begin(void)
{
	ZM_PROBE0(purge_begin);
}

/* error: 0 or an errno value. */
ZM_INLINE void zm_probe_purge_end(int error)
{
	ZM_PROBE1(purge_end, error);
}

/* owner: the driver, or something of the library's own for hints. The same at the end of the cycle. */
ZM_INLINE void zm_probe_defrag_cycle_begin(const void *owner, size_t frag_bytes, size_t live_bytes)
{
	ZM_PROBE3(defrag_cycle_begin, owner, frag_bytes, live_bytes);
}

/* Of a cycle of hints: what its last round did. */
ZM_INLINE void zm_probe_defrag_cycle_end(const void *owner, uint64_t moved_blocks,
					 uint64_t moved_bytes, uint64_t released_bytes)
{
	ZM_PROBE4(defrag_cycle_end, owner, (uintptr_t)moved_blocks, (uintptr_t)moved_bytes,
		  (uintptr_t)released_bytes);
}

/* It is empty, and goes back to the allocator. */
ZM_INLINE void zm_probe_defrag_slab(const void *slab, size_t slab_bytes, size_t block_bytes)
{
	ZM_PROBE3(defrag_slab, slab, slab_bytes, block_bytes);
}

/* A step of giving back what defragmentation has emptied. */
ZM_INLINE void zm_probe_defrag_purge(uint64_t took_ns)
{
	ZM_PROBE1(defrag_purge, (uintptr_t)took_ns);
}

/* ---- The profile ------------------------------------------------------------------------------ */

/* depth: frames of its stack. */
ZM_INLINE void zm_probe_sample(const void *ptr, size_t bytes, unsigned depth)
{
	ZM_PROBE3(sample, ptr, bytes, depth);
}

#endif
