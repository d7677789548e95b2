/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zmalloc.h - the memory layer of a long-running program.
 *
 * Every block comes from the allocator that the library was built with (zmalloc_allocator() names
 * it) and is charged to an account that is exact to the byte. The program's own malloc() is never
 * replaced, and blocks of the two families must not be mixed: what zmalloc() gave, zfree() takes.
 *
 * Failure, for the whole allocation family:
 *
 *   - A size of 0 gives a unique pointer that must be freed.
 *   - zX() calls the out-of-memory handler (zmalloc_set_oom_handler) and returns NULL, with errno
 *     ENOMEM, only if that handler returns.
 *   - ztryX() returns NULL with errno ENOMEM and never calls the handler.
 *   - A size over PTRDIFF_MAX, and a product or sum that overflows, fails like memory that is not
 *     there; the handler is told SIZE_MAX where the size asked for cannot be expressed.
 *   - A resize that fails leaves the old block valid, unchanged and charged.
 *
 * For every function here, unless it says otherwise:
 *
 *   - Sizes and figures are bytes.
 *   - It is thread-safe. It is not async-signal-safe, as malloc(3) is not. Constructors,
 *     thread-exit destructors and atexit handlers may call it.
 *   - It is there whatever the allocator. What an allocator cannot do is answered when it is asked
 *     for, by ENOTSUP or by a figure of 0; zmalloc_has() tells beforehand.
 */
#ifndef ZMALLOC_H
#define ZMALLOC_H

#include <stddef.h>
#include <stdint.h>

#include <zmalloc/version.h>

/*
 * The headers in zmalloc/ include this one as "../zmalloc.h": a program may have a zmalloc.h of its
 * own where <zmalloc.h> is looked for first. Redis has, and builds with -Isrc.
 */

/*
 * Compiler hints. A program that defines the first before it includes this header defines all five,
 * empty for instance; ZMALLOC_ATTR_FREED and ZMALLOC_API are each by itself.
 */
#ifndef ZMALLOC_ATTR_MALLOC
#if defined(__GNUC__)
#define ZMALLOC_ATTR_MALLOC __attribute__((__malloc__, __warn_unused_result__)) ZMALLOC_ATTR_FREED
#define ZMALLOC_ATTR_SIZE(n) __attribute__((__alloc_size__(n)))
#define ZMALLOC_ATTR_SIZE2(n, m) __attribute__((__alloc_size__(n, m)))
#define ZMALLOC_ATTR_RESULT __attribute__((__warn_unused_result__))
#define ZMALLOC_ATTR_PURE __attribute__((__pure__))
#else
#define ZMALLOC_ATTR_MALLOC
#define ZMALLOC_ATTR_SIZE(n)
#define ZMALLOC_ATTR_SIZE2(n, m)
#define ZMALLOC_ATTR_RESULT
#define ZMALLOC_ATTR_PURE
#endif
#endif

/*
 * Who may free a block, for GCC 11 and newer, which warn of free(zmalloc(n)) and zfree(malloc(n)) by
 * -Wmismatched-dealloc, of a second zfree() by -Wuse-after-free, and more with -fanalyzer. The
 * functions that resize are not among them: GCC would hold that the old block is gone when they
 * fail, and it is not.
 */
#ifndef ZMALLOC_ATTR_FREED
#if defined(__GNUC__) && __GNUC__ >= 11 && !defined(__clang__) && !defined(__INTEL_COMPILER)
#define ZMALLOC_ATTR_FREED                                                                         \
	__attribute__((__malloc__(zfree, 1), __malloc__(zfree_with_size, 1),                       \
		       __malloc__(zfree_usable, 1)))
#else
#define ZMALLOC_ATTR_FREED
#endif
#endif

#ifndef ZMALLOC_API
#if defined(__GNUC__)
#define ZMALLOC_API __attribute__((__visibility__("default")))
#else
#define ZMALLOC_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Freeing -------------------------------------------------------------------------------- */

/*
 * Free a block; NULL is allowed and does nothing. Any thread may free a block, whichever allocated
 * it. Keeps errno.
 */
ZMALLOC_API void zfree(void *ptr);

/*
 * Free a block whose size the caller knows: the fastest way, as the allocator need not look it up.
 * NULL is allowed with any size. Keeps errno.
 * size     the size asked for when the block was last allocated or resized, or its usable size;
 *          anything else is undefined. A block that was allocated with an alignment takes only its
 *          usable size.
 */
ZMALLOC_API void zfree_with_size(void *ptr, size_t size);

/*
 * Free as zfree() does, and store the usable size just freed.
 * usable   out, may be NULL; 0 for `ptr` NULL
 */
ZMALLOC_API void zfree_usable(void *ptr, size_t *usable);

/* ---- Allocation ----------------------------------------------------------------------------- */

/*
 * A block of at least `size` bytes, contents undefined. It is aligned to every power of two that
 * divides `size`, up to the alignment of max_align_t: enough for an object or an array of any type
 * that needs no more. Most allocators align better: zmalloc_alignment() tells. Whoever needs more than
 * it says asks zmalloc_aligned(): for a type with _Alignas, or for a struct with a flexible array
 * member, whose whole size need not be a multiple of its alignment.
 * Returns  the block; NULL as said above
 */
ZMALLOC_API void *zmalloc(size_t size) ZMALLOC_ATTR_MALLOC ZMALLOC_ATTR_SIZE(1);
ZMALLOC_API void *ztrymalloc(size_t size) ZMALLOC_ATTR_MALLOC ZMALLOC_ATTR_SIZE(1);

/*
 * The same with the first `size` bytes zero. zcalloc_num() takes a number of members and the size
 * of one, as calloc(3) does, and checks their product.
 */
ZMALLOC_API void *zcalloc(size_t size) ZMALLOC_ATTR_MALLOC ZMALLOC_ATTR_SIZE(1);
ZMALLOC_API void *ztrycalloc(size_t size) ZMALLOC_ATTR_MALLOC ZMALLOC_ATTR_SIZE(1);
ZMALLOC_API void *zcalloc_num(size_t num, size_t size) ZMALLOC_ATTR_MALLOC ZMALLOC_ATTR_SIZE2(1, 2);
ZMALLOC_API void *ztrycalloc_num(size_t num, size_t size) ZMALLOC_ATTR_MALLOC
	ZMALLOC_ATTR_SIZE2(1, 2);

/*
 * Resize a block, moving it if need be; contents are kept up to the smaller of the two sizes.
 * ptr      a live block, or NULL: then as zmalloc(size)
 * size     the new size; 0 with a block frees it and returns NULL, and the handler is not called
 * Returns  the block, to be used instead of `ptr`; NULL after a failure, `ptr` being valid still
 */
ZMALLOC_API void *zrealloc(void *ptr, size_t size) ZMALLOC_ATTR_RESULT ZMALLOC_ATTR_FREED
	ZMALLOC_ATTR_SIZE(2);
ZMALLOC_API void *ztryrealloc(void *ptr, size_t size) ZMALLOC_ATTR_RESULT ZMALLOC_ATTR_FREED
	ZMALLOC_ATTR_SIZE(2);

/*
 * A block whose address is a multiple of `alignment`. Freed and measured as any other block;
 * zrealloc() keeps contents, not alignment.
 * alignment  a power of two, up to 1 GiB wherever memory allows; mimalloc 3.6 ends at 128 MiB
 * Errors     EINVAL, and the handler is not called: `alignment` is no power of two
 */
ZMALLOC_API void *zmalloc_aligned(size_t alignment, size_t size) ZMALLOC_ATTR_MALLOC
	ZMALLOC_ATTR_SIZE(2);
ZMALLOC_API void *ztrymalloc_aligned(size_t alignment, size_t size) ZMALLOC_ATTR_MALLOC
	ZMALLOC_ATTR_SIZE(2);

/* ---- Allocation that tells the usable size -------------------------------------------------- */

/*
 * As the function without `_usable`, and store the bytes that may be used, at least the size asked
 * for. All of them may be written: these carry no alloc_size attribute, so _FORTIFY_SOURCE agrees.
 * usable   out, may be NULL; 0 when NULL is returned, but left alone by a resize that failed
 */
ZMALLOC_API void *zmalloc_usable(size_t size, size_t *usable) ZMALLOC_ATTR_MALLOC;
ZMALLOC_API void *ztrymalloc_usable(size_t size, size_t *usable) ZMALLOC_ATTR_MALLOC;
ZMALLOC_API void *zcalloc_usable(size_t size, size_t *usable) ZMALLOC_ATTR_MALLOC;
ZMALLOC_API void *ztrycalloc_usable(size_t size, size_t *usable) ZMALLOC_ATTR_MALLOC;
ZMALLOC_API void *zrealloc_usable(void *ptr, size_t size,
				  size_t *usable) ZMALLOC_ATTR_RESULT ZMALLOC_ATTR_FREED;
ZMALLOC_API void *ztryrealloc_usable(void *ptr, size_t size,
				     size_t *usable) ZMALLOC_ATTR_RESULT ZMALLOC_ATTR_FREED;

/*
 * The same, and store the old usable size.
 * old_usable  out, may be NULL; 0 for `ptr` NULL; stored on failure too
 */
ZMALLOC_API void *zrealloc_usable2(void *ptr, size_t size, size_t *usable,
				   size_t *old_usable) ZMALLOC_ATTR_RESULT ZMALLOC_ATTR_FREED;
ZMALLOC_API void *ztryrealloc_usable2(void *ptr, size_t size, size_t *usable,
				      size_t *old_usable) ZMALLOC_ATTR_RESULT ZMALLOC_ATTR_FREED;

/* ---- Strings and copies --------------------------------------------------------------------- */

/*
 * A copy of a string; of its first `max` bytes at most, terminated; of a string, storing the usable
 * size as zmalloc_usable() does; of `size` bytes. They fail as zmalloc() does, and those with `try`
 * in their names as ztrymalloc(): give these to a library that expects strdup(3), which returns
 * NULL.
 */
ZMALLOC_API char *zstrdup(const char *string) ZMALLOC_ATTR_MALLOC;
ZMALLOC_API char *ztrystrdup(const char *string) ZMALLOC_ATTR_MALLOC;
ZMALLOC_API char *zstrndup(const char *string, size_t max) ZMALLOC_ATTR_MALLOC;
ZMALLOC_API char *ztrystrndup(const char *string, size_t max) ZMALLOC_ATTR_MALLOC;
ZMALLOC_API char *zstrdup_usable(const char *string, size_t *usable) ZMALLOC_ATTR_MALLOC;
ZMALLOC_API void *zmemdup(const void *bytes, size_t size) ZMALLOC_ATTR_MALLOC;
ZMALLOC_API void *ztrymemdup(const void *bytes, size_t size) ZMALLOC_ATTR_MALLOC;

/* ---- Sizes ---------------------------------------------------------------------------------- */

/*
 * zmalloc_size()         the bytes charged to the account for a live block; 0 for NULL
 * zmalloc_usable_size()  the bytes of it that the caller may use; 0 for NULL
 *
 * The same figure, except where the library has to keep the size in front of the block, because the
 * allocator does not tell sizes or by --disable-usable-size: there the second is smaller.
 */
ZMALLOC_API size_t zmalloc_size(const void *ptr);
ZMALLOC_API size_t zmalloc_usable_size(const void *ptr);

/*
 * The usable size that zmalloc(size) would give, to plan growth by whole size classes. Where the
 * allocator cannot tell in advance it is a lower bound, and at least `size`. A size that can never
 * be allocated is returned unchanged.
 */
ZMALLOC_API size_t zmalloc_good_size(size_t size);

/*
 * The alignment, at the least, of every block that was asked for with this size, by whichever function
 * without an alignment of its own: a power of two, at most that of max_align_t. It depends on the
 * allocator that the process runs with, a jemalloc built with a quantum of 8 aligns 24 bytes to 8, so
 * it is asked at run time. A C++ operator new that is built on zmalloc() calls zmalloc_aligned() where
 * this is less than an object that fits in may need, as <zmalloc/new.hpp> does.
 */
ZMALLOC_API size_t zmalloc_alignment(size_t size);

/*
 * Returns `ptr` unchanged, but as a block of `size` bytes in the compiler's eyes: for writing to
 * the usable size of a block that zmalloc() allocated, in a program built with _FORTIFY_SOURCE.
 * size     at most the block's usable size
 */
ZMALLOC_API void *zmalloc_extend_to_usable(void *ptr, size_t size) ZMALLOC_ATTR_RESULT
	ZMALLOC_ATTR_SIZE(2);

/* ---- Accounts ------------------------------------------------------------------------------- */

/*
 * The sum of zmalloc_size() over every live block of the process: exact when threads are at rest,
 * else a recent figure. Never negative; right across thread exit and fork.
 */
ZMALLOC_API size_t zmalloc_used_memory(void);

/*
 * The highest figure that used memory has reached. Never below any figure that
 * zmalloc_used_memory() returned, and over the true peak by at most 64 KiB for each thread: between
 * two looks a thread may allocate that much unseen.
 */
ZMALLOC_API size_t zmalloc_peak_memory(void);

/*
 * What the calling thread has allocated less what it has freed, in bytes charged. A few loads: the
 * difference of two calls is what the code between them left allocated. Only differences within one
 * thread mean something; the figure may be negative.
 */
ZMALLOC_API int64_t zmalloc_thread_used_memory(void);

/* ---- Out of memory -------------------------------------------------------------------------- */

/*
 * Set what is done when a zX() function finds no memory. One setting for the process.
 * handler  gets the size asked for, SIZE_MAX if that overflowed. It runs in the thread that failed,
 *          under no lock: it may free memory, report, longjmp(3) or end the process. If it returns,
 *          the failing call returns NULL with ENOMEM. NULL restores the default: a report (size,
 *          used, peak, limit, allocator, backtrace) on stderr, then abort(3).
 */
ZMALLOC_API void zmalloc_set_oom_handler(void (*handler)(size_t));

/* ---- The process, as the kernel sees it ----------------------------------------------------- */

/*
 * Resident set size of this process, by the page. Where the system has no source for it:
 * zmalloc_used_memory(), an estimate. Never allocates. Linux: proc(5), /proc/self/statm. Haiku counts
 * pages that areas or teams share for each of them, and has no figure for an area over 4 GiB.
 */
ZMALLOC_API size_t zmalloc_get_rss(void);

/*
 * The sum of one field over a process's mappings; zmalloc_get_private_dirty() is "Private_Dirty:".
 * The kernel walks the page tables for it: 38 ms measured for 1 GiB in pages of 4 KiB. Linux since
 * 4.14 reads smaps_rollup where the field is in it, else smaps. Never allocates.
 * field    as /proc/PID/smaps names it, colon included: "Rss:", "Private_Dirty:", "AnonHugePages:",
 *          "Swap:". macOS knows "Rss:", "Private_Dirty:" and "Swap:"; the BSDs, Solaris and Haiku
 *          know "Rss:"; other systems none.
 * pid      a process, -1 for this one
 * Returns  bytes; 0 for a field or process that is not there or may not be read
 */
ZMALLOC_API size_t zmalloc_get_smap_bytes_by_field(const char *field, long pid);
ZMALLOC_API size_t zmalloc_get_private_dirty(long pid);

/* Physical memory of the machine; 0 if unknown. Never allocates. */
ZMALLOC_API size_t zmalloc_get_memory_size(void);

/*
 * The tightest of physical memory, every control-group limit from this process's group up to the
 * root, RLIMIT_AS and RLIMIT_DATA. Never allocates. The second form also says which one binds, as
 * text such as "physical memory", "RLIMIT_AS" or the path of the control-group file. What limits a
 * group above a container's own is known in version 1 of control groups, and not in version 2.
 * source       out, may be NULL; cut to source_size, and terminated if that is not 0
 * source_size  the bytes that `source` has
 * Returns      bytes; 0 if no limit is known
 */
ZMALLOC_API size_t zmalloc_get_memory_limit(void);
ZMALLOC_API size_t zmalloc_get_memory_limit_source(char *source, size_t source_size);

/*
 * Tell the kernel that the contents of a live block are no longer needed: whole pages inside it may
 * be dropped and read as zero or unchanged afterwards. For a child after fork() that gives memory
 * back; the block stays allocated and charged. Linux: madvise(2), MADV_DONTNEED.
 * ptr        a live block; one that holds no whole page is left alone, and so is NULL
 * size_hint  the block's size if known, which saves small blocks the look-up; else 0
 */
ZMALLOC_API void zmalloc_advise_dontneed(void *ptr, size_t size_hint);

/* ---- The allocator -------------------------------------------------------------------------- */

/*
 * The allocator's own figures for the process. What it does not know is stored as 0, `allocated` as
 * zmalloc_used_memory(); <zmalloc/stats.h> tells more, and tells unknown from 0.
 * refresh               1 to have it take new figures, 0 for the last ones taken (cheaper)
 * allocated             out, as all below, each of which may be NULL: bytes in live blocks
 * active                in pages that hold live blocks
 * resident              in the allocator's pages that may be in physical memory
 * retained              addresses kept for reuse, given back to the kernel
 * muzzy                 in pages that the kernel may take and has not taken yet
 * frag_smallbins_bytes  free space inside slabs that are in use
 * Returns               1 if the allocator knows any of them, else 0
 */
ZMALLOC_API int zmalloc_get_allocator_info(int refresh, size_t *allocated, size_t *active,
					   size_t *resident, size_t *retained, size_t *muzzy,
					   size_t *frag_smallbins_bytes);

/*
 * The same of one of the allocator's arenas, by its number (zmalloc_stats_arenas).
 * Returns  1; 0, and every figure is 0, where there is no such arena: only jemalloc tells of any
 */
ZMALLOC_API int zmalloc_get_allocator_info_by_arena(unsigned arena, int refresh, size_t *allocated,
						    size_t *active, size_t *resident,
						    size_t *frag_smallbins_bytes);

/*
 * Give unused memory back to the kernel now; what threads have in their caches may stay.
 * Returns  0; -1 with errno ENOTSUP where the allocator cannot, or what the allocator says
 */
ZMALLOC_API int zmalloc_purge(void);

/*
 * Have unused memory given back as it comes, or no longer: by jemalloc in a thread of its own, by
 * tcmalloc at once in the thread that frees. One setting for the process, which a child of fork()
 * keeps: jemalloc's thread is made anew there by the first call that allocates or frees.
 * enable   1 or 0
 * Returns  0; -1 with errno ENOTSUP where the allocator cannot, or what the allocator says
 */
ZMALLOC_API int zmalloc_set_background_purge(int enable);

/*
 * The allocator in use, as name, hyphen and version: "jemalloc-5.3.0", "tcmalloc-2.10",
 * "glibc-2.36". On the C library's malloc() with another in its place, by LD_PRELOAD or a checker,
 * the name is "malloc" and the version is the file that holds it: "malloc-libjemalloc.so.2". A
 * constant string.
 */
ZMALLOC_API const char *zmalloc_allocator(void) ZMALLOC_ATTR_PURE;

/* The library that is running: "1.0.0". A constant string. */
ZMALLOC_API const char *zmalloc_version(void) ZMALLOC_ATTR_PURE;

/* What depends on the allocator: ask before relying on it. The values never change meaning. */
enum zmalloc_capability {
	ZMALLOC_CAN_DEFRAG = 1,           /* <zmalloc/defrag.h> moves blocks and gains from it */
	ZMALLOC_CAN_PURGE = 2,            /* zmalloc_purge() */
	ZMALLOC_CAN_BACKGROUND_PURGE = 3, /* zmalloc_set_background_purge() */
	ZMALLOC_CAN_CTL = 4,              /* zmalloc_ctl() */
	ZMALLOC_CAN_ALLOCATOR_INFO = 5,   /* zmalloc_get_allocator_info() knows something */
	ZMALLOC_CAN_USABLE_SIZE = 6,      /* no size is kept in front of blocks */
	ZMALLOC_CAN_ARENA = 7             /* arenas of the allocator's own, not emulated ones */
};

/* Returns 1 if the running library can, else 0; 0 too for a capability it has never heard of. */
ZMALLOC_API int zmalloc_has(int capability) ZMALLOC_ATTR_PURE;

/*
 * The allocator's own control interface, passed through: names, types and effects are its business.
 * jemalloc: mallctl(); tcmalloc: the numeric properties of MallocExtension, as size_t; the others
 * have none.
 * old, old_size        where the present value goes, and its size, in and out; NULL to ignore it
 * new_value, new_size  the value to set; NULL and 0 to set nothing
 * Returns  0; -1 with errno
 * Errors   ENOTSUP: there is no such interface; else what the allocator says. ENOENT: a name that
 *          it does not know; EINVAL: a size that does not fit; EPERM: a value that cannot be set or
 *          read
 */
ZMALLOC_API int zmalloc_ctl(const char *name, void *old, size_t *old_size, void *new_value,
			    size_t new_size);

/*
 * Free what the C library or the program's own malloc() allocated (getline(3), realpath(3)), which
 * zfree() must not be given. NULL is allowed.
 */
ZMALLOC_API void zlibc_free(void *ptr);

#ifdef __cplusplus
}
#endif

#endif
