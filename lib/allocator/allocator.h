/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/allocator.h - the allocator behind: the contract that every adaptor fulfils.
 *
 * configure picks one adaptor, so the hot functions are static inline and calls are straight. An
 * adaptor knows nothing of accounts, of the other adaptors or of the operating system's files.
 *
 * Hot (in the adaptor's header), none of which sets or keeps errno unless said:
 *
 *   void  *zm_raw_malloc(size_t size)                  a block, unique for size 0
 *   void  *zm_raw_calloc(size_t size)                  the same, zeroed
 *   void  *zm_raw_realloc(void *ptr, size_t size)      ptr != NULL, size > 0; on NULL the old block
 *                                                      is untouched
 *   void  *zm_raw_aligned(size_t alignment, size_t)    alignment: a power of two
 *   void   zm_raw_free(void *ptr)                      NULL allowed
 *   void   zm_raw_free_sized(void *ptr, size_t size)   ptr != NULL; size: usable
 *   size_t zm_raw_usable(const void *ptr)              ptr != NULL; bytes the caller may use
 *   size_t zm_raw_charged(const void *ptr)             ptr != NULL; usable plus any prefix of ours
 *   bool   zm_raw_charged_quickly(const void *ptr, size_t *bytes)
 *                                                      the same, or false: for NULL, and where it
 *                                                      takes a call that the cold path can make
 *   bool   zm_raw_charged_new_quickly(const void *ptr, size_t size, size_t *bytes)
 *                                                      the same for a block just got by malloc or
 *                                                      calloc for `size`; SIZE_MAX: in another way
 *   size_t zm_raw_charged_new(const void *ptr, size_t size)
 *                                                      the same, however long it takes
 *
 * Only where ZM_RAW_COUNTS is 1, in place of the last three:
 *
 *   bool zm_raw_sized_is_faster(const void *ptr)      false for NULL: would zm_raw_free_sized() free it
 *                                                      sooner than zm_raw_free()?
 *   zm_raw_free_address(), zm_raw_free_sized_address() the functions behind the two frees, for callers
 *                                                      that keep them in a pointer
 *
 * Only where ZM_RAW_WATCHES is 1:
 *
 *   bool zm_raw_charged_watched(const void *ptr, size_t *bytes)
 *                                                      as zm_raw_charged_quickly() of a block for which that
 *                                                      was told to fail
 *
 * One of the functions that tell what is charged is asked of every block that is new or was resized,
 * before the program has it.
 *
 * The four that allocate return NULL when there is none left and for every size over PTRDIFF_MAX,
 * whatever is added or rounded on the way.
 *
 * Five macros, each 0 or 1:
 *
 *   ZM_RAW_FREE_KEEPS_ERRNO   1 if the two frees never change errno
 *   ZM_RAW_GOOD_SIZE_IS_EXACT 1 if zm_allocator_good_size() is the usable size, and no lower bound
 *   ZM_RAW_ARENAS             1 if private arenas are the allocator's own (arena.h), and not those
 *                             that arena_list.c makes of plain blocks
 *   ZM_RAW_COUNTS             1 if the allocator keeps counters for each thread that we may read in
 *                             place of our own: no blocks but ours ever move them
 *   ZM_RAW_WATCHES            1 if zm_raw_charged_quickly() can be told to fail for some blocks: zm_raw_watch()
 *
 * Cold (in the adaptor's .c), below. ENOTSUP is the answer of an allocator that cannot. Further cold
 * functions are in arena.h, native.h and slab.h. Files whose name begins with "no_" or ends with "_none"
 * have those of an allocator that cannot: lib/allocator/sources.mk takes what fits.
 *
 * contract.c has the compiler say which hot function or macro an adaptor lacks, and the linker says which
 * cold one.
 */
#ifndef ZM_ALLOCATOR_H
#define ZM_ALLOCATOR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "allocator/jemalloc.h" or another: configure says which (m4/zm_allocator.m4). */
#include ZM_ALLOCATOR_HEADER

/*
 * Called once, before any other function here.
 * Never fails: an adaptor always has a way to allocate.
 */
void zm_allocator_init(void);

/* "name-version", cut to `size` and terminated. */
void zm_allocator_name(char *name, size_t size);

/* One of enum zmalloc_capability; only those that are the allocator's to answer. */
bool zm_allocator_has(int capability);

/* As zmalloc_good_size(). */
size_t zm_allocator_good_size(size_t size);

/* As zmalloc_alignment(), for a size up to PTRDIFF_MAX. */
size_t zm_allocator_alignment(size_t size);

/* Where blocks of `bytes` lie side by side, the first of them aligned for any type; 0: larger than all. */
ZM_INLINE size_t zm_alignment_side_by_side(size_t bytes)
{
	size_t lowest = bytes & -bytes;

	return lowest == 0 || lowest > _Alignof(max_align_t) ? _Alignof(max_align_t) : lowest;
}

/* As C asks of malloc(): for any type that fits. No allocator aligns to less than a pointer. */
ZM_INLINE size_t zm_alignment_that_fits(size_t size)
{
	size_t alignment = _Alignof(max_align_t);

	while (alignment > size && alignment > sizeof(void *))
		alignment /= 2;
	return alignment;
}

/* As zmalloc_ctl(): 0, or an errno value (not -1). */
int zm_allocator_ctl(const char *name, void *old, size_t *old_size, void *new_value,
		     size_t new_size);

/* What an allocator does not know. */
#define ZM_UNKNOWN SIZE_MAX

/*
 * Figures of the whole allocator, as <zmalloc/stats.h> defines them, bytes or ZM_UNKNOWN.
 * refresh: take them anew; without it the last ones taken are good enough, wherever taking them
 *          costs more than a few loads.
 * Both return false if nothing is known, or there is no such arena. Neither allocates.
 */
struct zm_allocator_info {
	size_t allocated, active, resident, retained, muzzy, metadata, frag_smallbins;
};
#define ZM_ALLOCATOR_INFO_UNKNOWN                                                                  \
	((struct zm_allocator_info){ZM_UNKNOWN, ZM_UNKNOWN, ZM_UNKNOWN, ZM_UNKNOWN, ZM_UNKNOWN,    \
				    ZM_UNKNOWN, ZM_UNKNOWN})
bool zm_allocator_info(bool refresh, struct zm_allocator_info *info);
bool zm_allocator_info_by_arena(unsigned arena, bool refresh, struct zm_allocator_info *info);

/* Arenas are numbered from 0 to this, not all of them being there; 0: it tells of none. */
unsigned zm_allocator_arenas(void);

/* All arenas together, where an arena's number is asked for. */
#define ZM_ALL_ARENAS UINT_MAX

/*
 * Show the size classes ("bins") that have any slab, smallest first; stop when `visit` returns
 * false. 0 or an errno value: ENOTSUP, ENOENT for an arena that is not there. Only here may an
 * allocator's report allocate (glibc's does).
 */
struct zm_allocator_bin {
	size_t region_bytes, slabs, regions, used_regions, free_bytes;
};
typedef bool (*zm_allocator_bin_visit)(const struct zm_allocator_bin *bin, void *context);
int zm_allocator_bins(unsigned arena, bool refresh, zm_allocator_bin_visit visit, void *context);

/* Give unused memory back now; in the background. 0 or an errno value. */
int zm_allocator_purge(void);
int zm_allocator_background_purge(bool enable);

#if ZM_RAW_WATCHES
/*
 * From now on zm_raw_charged_quickly() fails for this block, and for those about it: all in the same
 * ZM_WATCH_BYTES, and in those of addresses that are a multiple of ZM_WATCH_SPAN_BYTES away; or no longer.
 * Whoever is handed a block after the call knows of it. One thread calls at a time.
 */
void zm_raw_watch(const void *ptr, bool on);
#define ZM_WATCH_BYTES 4096
#define ZM_WATCH_SPAN_BYTES ((size_t)1024 * 1024 * 1024)
#endif

#if ZM_RAW_COUNTS
/*
 * The calling thread's counters of bytes allocated and freed so far, both only ever rising, valid
 * until the thread's end. Call it after the thread's first allocation or before: both work. Returns
 * false if the allocator has none.
 */
bool zm_raw_counters(const uint64_t **allocated, const uint64_t **freed);

/*
 * Asked by each thread before it frees: do the functions behind zm_raw_free_address() and
 * zm_raw_free_sized_address() keep errno on this thread, from now on?
 */
bool zm_raw_free_keeps_errno(void);
#endif

#endif
