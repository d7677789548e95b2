/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zmalloc/redis.h - <zmalloc.h> under the names that Redis and Valkey use.
 *
 * In a tree of Redis 7 or 8, or of Valkey, src/zmalloc.h becomes one line that includes this
 * header (so does allocator_defrag.h, where there is one), zmalloc.c leaves the build (so does
 * allocator_defrag.c), and -lzmalloc joins the libraries. Build it as for the C
 * library's malloc (`make MALLOC=libc`), with no -ljemalloc: which allocator it runs on is
 * libzmalloc's business, known when the program starts and not before. So nothing here depends on
 * the allocator, and what such a tree asks the preprocessor is asked at run time instead.
 *
 * Parts of Valkey that do not see its zmalloc.h (deps/hdr_histogram) link to valkey_malloc() and its
 * siblings by name: the library has these names too, and nothing is to be done for them.
 *
 * Tried: Redis 7.0 and 8.0, Valkey 8.1 and 9.1, from Debian's sources and with Debian's patches.
 */
#ifndef ZMALLOC_REDIS_H
#define ZMALLOC_REDIS_H

#include "../zmalloc.h"
#include "defrag.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

/*
 * Redis builds the jemalloc that it carries with a quantum of 8, distributions theirs with 16: there
 * 24 bytes take 32, and 40 take 48. At equal data Redis 8 holds 0 to 18 % more on such a jemalloc
 * (`make bench-redis-held`; most of it in short strings, sorted sets and hashes). Where that matters,
 * build jemalloc with --with-lg-quantum=3 and give its archive to the library's --with-jemalloc.
 */

/* ---- What a tree asks the preprocessor ---- */

/* Every use is an expression, mostly an argument to printf(). */
#define ZMALLOC_LIB zmalloc_allocator()

/* zmalloc_size() never needs a size kept by the tree. */
#define HAVE_MALLOC_SIZE 1

/*
 * Compiles the code that talks to jemalloc: DEBUG MALLCTL, MEMORY MALLOC-STATS, the purge after
 * FLUSHALL, pages given back by a forked child. All of it goes through the names below, which work
 * on any allocator or say at run time that they cannot.
 */
#ifndef USE_JEMALLOC
#define USE_JEMALLOC 1
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Other names ---- */

#define extend_to_usable zmalloc_extend_to_usable
#define jemalloc_purge zmalloc_purge
#define set_jemalloc_bg_thread(enable) ((void)zmalloc_set_background_purge(enable))

/* Valkey from 9 on passes the block's size too. */
#define zmadvise_dontneed(...) ZMALLOC_REDIS_DONTNEED(__VA_ARGS__, 0, 0)
#define ZMALLOC_REDIS_DONTNEED(ptr, size_hint, ...) zmalloc_advise_dontneed(ptr, size_hint)

/* Give back what the program's own malloc() holds unused; it is not the library's. */
#if defined(__GLIBC__)
#define zlibc_trim() ((void)malloc_trim(0))
#else
#define zlibc_trim() ((void)0)
#endif

/*
 * A number of /proc/self/stat.
 * field    its place in proc(5), the first being 1
 * value    out; left alone on failure
 * Returns  1; 0 where there is no such file or number
 */
ZMALLOC_API int zmalloc_redis_stat_field(int field, long long *value);
#define get_proc_stat_ll zmalloc_redis_stat_field

/*
 * Give back the pages that lie wholly between ptr and ptr + size, inside one block. Their contents are
 * undefined then. Valkey from 9 on.
 */
ZMALLOC_API void zmalloc_redis_dontneed_range(void *ptr, size_t size);
#define zmadvise_dontneed_range zmalloc_redis_dontneed_range

/* A block on cache lines of its own, of 64 bytes or 128 (Apple). Valkey from 9 on. */
static inline void *zmalloc_cache_aligned(size_t size)
{
	return zmalloc_aligned(128, size);
}

/* ---- Names that Valkey's parts link to ---- */

/* zmalloc(), zcalloc(), zrealloc() and zfree(). */
ZMALLOC_API void *valkey_malloc(size_t size) ZMALLOC_ATTR_MALLOC ZMALLOC_ATTR_SIZE(1);
ZMALLOC_API void *valkey_calloc(size_t size) ZMALLOC_ATTR_MALLOC ZMALLOC_ATTR_SIZE(1);
ZMALLOC_API void *valkey_realloc(void *ptr, size_t size) ZMALLOC_ATTR_RESULT ZMALLOC_ATTR_FREED
	ZMALLOC_ATTR_SIZE(2);
ZMALLOC_API void valkey_free(void *ptr);

/* ---- The allocator's figures, whose arguments grew over the years ---- */

/* Redis up to 7.2 */
static inline int zmalloc_redis_info_3(size_t *allocated, size_t *active, size_t *resident)
{
	return zmalloc_get_allocator_info(1, allocated, active, resident, NULL, NULL, NULL);
}

/* Valkey */
static inline int zmalloc_redis_info_5(size_t *allocated, size_t *active, size_t *resident,
				       size_t *retained, size_t *muzzy)
{
	return zmalloc_get_allocator_info(1, allocated, active, resident, retained, muzzy, NULL);
}

/* Redis on its way to 7.4 */
static inline int zmalloc_redis_info_6(size_t *allocated, size_t *active, size_t *resident,
				       size_t *retained, size_t *muzzy, size_t *frag_smallbins)
{
	return zmalloc_get_allocator_info(1, allocated, active, resident, retained, muzzy,
					  frag_smallbins);
}

/* Seven arguments, Redis 7.4 and 8, are the library's own; any other number is no function. */
#define zmalloc_get_allocator_info(...)                                                            \
	ZMALLOC_REDIS_EIGHTH(__VA_ARGS__, zmalloc_get_allocator_info, zmalloc_redis_info_6,        \
			     zmalloc_redis_info_5, zmalloc_redis_info_4, zmalloc_redis_info_3,     \
			     zmalloc_redis_info_2, zmalloc_redis_info_1, 0)                        \
	(__VA_ARGS__)
#define ZMALLOC_REDIS_EIGHTH(a, b, c, d, e, f, g, h, ...) h

/* ---- jemalloc's own interface ---- */

/*
 * As mallctl(): returns 0 or an errno value; ENOTSUP where the allocator has no such interface.
 *
 * Redis 7.4 and 8 do not start unless they get an arena and a cache for Lua. Where the allocator
 * has none to give, "arenas.create" and "tcache.create" answer 0, the common one; "tcache.flush"
 * and "tcache.destroy" do nothing and succeed.
 */
ZMALLOC_API int zmalloc_redis_ctl(const char *name, void *old, size_t *old_size, void *new_value,
				  size_t new_size);

/*
 * As malloc_stats_print(): the allocator's report. An allocator without a report of that kind gives
 * its name and the figures of zmalloc_get_allocator_info().
 * write    takes the report in pieces of text, in another thread if the allocator's report takes more
 *          stack than a small thread has; the caller waits meanwhile. NULL: to stderr
 * opaque   passed on to write
 * options  jemalloc's; may be NULL
 */
ZMALLOC_API void zmalloc_redis_stats_print(void (*write)(void *opaque, const char *text),
					   void *opaque, const char *options);

/*
 * As nallocx(), for comparing with zmalloc_size(): equal means that a block holds `size` bytes and
 * would not become smaller. 0, which no block has, where the allocator cannot tell: there a size
 * is kept in front of the block, and zmalloc_size() is more than the block holds.
 */
ZMALLOC_API size_t zmalloc_redis_nallocx(size_t size, int flags);

/*
 * The three under jemalloc's names. Debian's patches define je_mallctl as mallctl and so on, in one
 * version where USE_SYSTEM_JEMALLOC is defined, in another where it is not: both ways lead here, and
 * the names with je_ are functions so that such a definition is the first. So does <jemalloc.h>,
 * which may be included as well.
 */
#define mallctl zmalloc_redis_ctl
#define malloc_stats_print zmalloc_redis_stats_print
#define nallocx zmalloc_redis_nallocx

#ifndef je_mallctl
static inline int je_mallctl(const char *name, void *old, size_t *old_size, void *new_value,
			     size_t new_size)
{
	return zmalloc_redis_ctl(name, old, old_size, new_value, new_size);
}

static inline void je_malloc_stats_print(void (*write)(void *opaque, const char *text),
					 void *opaque, const char *options)
{
	zmalloc_redis_stats_print(write, opaque, options);
}

static inline size_t je_nallocx(size_t size, int flags)
{
	return zmalloc_redis_nallocx(size, flags);
}
#endif

/* ---- Allocation with jemalloc's flags ---- */

/* Part of jemalloc's ABI since 4.0. */
#ifndef MALLOCX_ARENA
#define MALLOCX_LG_ALIGN(lg) ((int)(lg))
#define MALLOCX_ZERO 0x40
#define MALLOCX_TCACHE(cache) ((int)(((unsigned)(cache) + 2) << 8))
#define MALLOCX_TCACHE_NONE MALLOCX_TCACHE(-1)
#define MALLOCX_ARENA(arena) ((int)(((unsigned)(arena) + 1) << 20))
#endif

/*
 * As zmalloc(), zrealloc() and zfree(), charged like them and mixed with them freely.
 * flags    an alignment and MALLOCX_ZERO are honoured by every allocator; an arena and a thread
 *          cache by jemalloc alone, and ignored elsewhere
 */
ZMALLOC_API void *zmalloc_with_flags(size_t size, int flags) ZMALLOC_ATTR_MALLOC
	ZMALLOC_ATTR_SIZE(1);
ZMALLOC_API void *zrealloc_with_flags(void *ptr, size_t size,
				      int flags) ZMALLOC_ATTR_RESULT ZMALLOC_ATTR_FREED
	ZMALLOC_ATTR_SIZE(2);
ZMALLOC_API void zfree_with_flags(void *ptr, int flags);

/* ---- Active defragmentation ---- */

/*
 * zmalloc_no_tcache() and zfree_no_tcache(), and the question that Redis asks of a patched
 * jemalloc: <zmalloc/defrag.h>. Define ZMALLOC_REDIS_NO_DEFRAG to build a tree without it; with it,
 * "config set activedefrag yes" works where zdefrag_supported() says 1 and moves nothing elsewhere.
 */
#ifndef ZMALLOC_REDIS_NO_DEFRAG
#define HAVE_DEFRAG 1
#endif
static inline int je_get_defrag_hint(void *ptr)
{
	return zdefrag_hint(ptr);
}

/*
 * Valkey from 8.1 has the question and what belongs to it in a file of its own: allocator_defrag.h
 * becomes one line that includes this header, and allocator_defrag.c leaves the build.
 */
static inline int allocatorDefragInit(void)
{
	return zdefrag_supported() ? 0 : -1;
}

static inline int allocatorShouldDefrag(void *ptr)
{
	return zdefrag_hint(ptr);
}

static inline void *allocatorDefragAlloc(size_t size)
{
	return zmalloc_no_tcache(size);
}

static inline void allocatorDefragFree(void *ptr, size_t size)
{
	(void)size;
	zfree_no_tcache(ptr);
}

/* Bytes free in slabs, fresh; 0 where the allocator does not know. */
static inline unsigned long allocatorDefragGetFragSmallbins(void)
{
	size_t bytes = 0;

	(zmalloc_get_allocator_info)(1, NULL, NULL, NULL, NULL, NULL, &bytes);
	return (unsigned long)bytes;
}

/*
 * bytes    out; free in slabs, fresh; may be NULL
 * Returns  the same in percent of what is allocated; 0 where the allocator does not know
 *
 * Renamed, as Redis 8 defines a function of this name itself, which leaves its Lua arena out: that
 * definition is then the one that the program uses.
 */
ZMALLOC_API float zmalloc_redis_fragmentation(size_t *bytes);
#define getAllocatorFragmentation zmalloc_redis_fragmentation

/* ---- Redis's tests of itself ---- */

/* What `redis-server test zmalloc` runs. Returns 0 if the accounts and contents are right. */
#ifdef REDIS_TEST
static inline int zmalloc_test(int argc, char **argv, int flags)
{
	size_t before = zmalloc_used_memory(), both;
	unsigned char *block = (unsigned char *)zmalloc(123), *zeroed;
	int wrong = zmalloc_used_memory() - before != zmalloc_size(block);

	(void)argc, (void)argv, (void)flags;
	block[122] = 7;
	block = (unsigned char *)zrealloc(block, 45678);
	zeroed = (unsigned char *)zcalloc(123);
	both = zmalloc_size(block) + zmalloc_size(zeroed);
	wrong |= block[122] != 7 || zeroed[0] != 0 || zeroed[122] != 0;
	wrong |= zmalloc_used_memory() - before != both;
	zfree(block);
	zfree(zeroed);
	zfree(zmalloc(0));
	return wrong | (zmalloc_used_memory() != before);
}
#endif

#ifdef __cplusplus
}
#endif

#endif
