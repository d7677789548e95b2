/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_arena.c - arenas of jemalloc's own.
 *
 * jemalloc(3), arena.<i>.reset: no cache may hold a region of the arena by then. A plain free puts
 * a region into the freeing thread's cache, whichever arena it is of; another thread's cache cannot
 * be flushed; and the region may by then have been handed out again as an ordinary block. So no
 * region of such an arena may ever enter a thread's cache: every free has to see whose a block is.
 *
 * An arena's memory therefore comes in granules of its own, by extent hooks, and a table tells the
 * arena of a granule: two loads. Its blocks go through the arena's own cache, which one thread at a
 * time may use; whoever finds it in use goes past it.
 *
 * The hooks never give addresses back before the arena is destroyed, and then all of them at once.
 */
#include "config.h"

#include "allocator/arena.h"

#include "allocator/allocator.h"

#if ZM_RAW_ARENAS

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

#include "allocator/jemalloc_arena.h"
#include "allocator/jemalloc_hooks.h"
#include "allocator/jemalloc_mib.h"
#include "allocator/jemalloc_names.h"
#include "base/atomic.h"
#include "base/fork.h"
#include "base/lock.h"

#if !defined(MAP_ANONYMOUS)
#define MAP_ANONYMOUS MAP_ANON
#endif

struct zm_arena {
	unsigned number, cache;
	ZM_ATOMIC(uintptr_t) holder; /* of the cache: zm_lock_self(), or 0 */
	ZM_ATOMIC(size_t) used_bytes;
};

/* jemalloc numbers arenas below this. */
#define ARENAS_MAX 4096

static ZM_ATOMIC(struct zm_arena *) arenas[ARENAS_MAX];
static extent_hooks_t *plain; /* jemalloc's own */

/*
 * An arena is made and ended under this lock. jemalloc gives the number of a destroyed arena out
 * again at once, to whoever asks next, and its granules and its place in `arenas` go by the number:
 * all of the old one's must be gone by then. And whoever walks `arenas`, as the fork does, must find
 * records that are there.
 */
static struct zm_lock life = ZM_LOCK_INITIALIZER;

/* ---- Whose is an address? ---- */

/* 2 MiB: jemalloc asks for no less at a time. 48 bits of address, in leaves of 32 GiB. */
enum {
	GRANULE_SHIFT = 21,
	LEAF_SHIFT = 14,
	ADDRESS_BITS = 48
};
#define GRANULE ((size_t)1 << GRANULE_SHIFT)
#define LEAF_GRANULES ((size_t)1 << LEAF_SHIFT)
#define LEAVES ((size_t)1 << (ADDRESS_BITS - GRANULE_SHIFT - LEAF_SHIFT))

/* An arena's number plus one, or 0. Written by hooks while nothing lives there. */
typedef ZM_ATOMIC(uint16_t) granule;

static ZM_ATOMIC(granule *) leaves[LEAVES];

static granule *granule_at(size_t index)
{
	granule *leaf;

	if (index >> LEAF_SHIFT >= LEAVES)
		return NULL;
	leaf = zm_load_acquire(&leaves[index >> LEAF_SHIFT]);
	return leaf != NULL ? &leaf[index & (LEAF_GRANULES - 1)] : NULL;
}

static struct zm_arena *arena_of(const void *ptr)
{
	granule *at = granule_at((uintptr_t)ptr >> GRANULE_SHIFT);
	uint16_t number = at != NULL ? zm_load(at) : 0;

	return number != 0 ? zm_load_acquire(&arenas[number - 1]) : NULL;
}

static bool make_leaf(size_t index)
{
	granule *expected = NULL, *leaf;

	if (index >> LEAF_SHIFT >= LEAVES)
		return false;
	if (zm_load_acquire(&leaves[index >> LEAF_SHIFT]) != NULL)
		return true;
	leaf = mmap(NULL, LEAF_GRANULES * sizeof(*leaf), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if ((void *)leaf == MAP_FAILED)
		return false;
	if (!zm_compare_exchange(&leaves[index >> LEAF_SHIFT], &expected, leaf))
		munmap(leaf, LEAF_GRANULES * sizeof(*leaf));
	return true;
}

static bool mark_granules(const void *start, size_t bytes, uint16_t number)
{
	size_t first = (uintptr_t)start >> GRANULE_SHIFT, count = bytes >> GRANULE_SHIFT;

	for (size_t i = first; i < first + count; i++)
		if (!make_leaf(i))
			return false;
	for (size_t i = first; i < first + count; i++)
		zm_store(granule_at(i), number);
	return true;
}

/* ---- Extent hooks; they keep errno, as frees may call them ---- */

static size_t whole_granules(size_t bytes)
{
	return (bytes + GRANULE - 1) & ~(GRANULE - 1);
}

/*
 * A fixed address is asked for to grow in place: what lies there may share our last granule.
 * The number is for the arena's choice between sbrk() and mmap(); up to 5.2.1 jemalloc looks the arena
 * up for it, which is not there yet when its first pages are asked for. So it is told the first one.
 */
static void *hook_alloc(extent_hooks_t *hooks, void *address, size_t size, size_t alignment,
			bool *zero, bool *commit, unsigned arena)
{
	size_t bytes = whole_granules(size);
	void *start;

	(void)hooks;
	if (address != NULL || bytes < size)
		return NULL;
	start = plain->alloc(plain, NULL, bytes, alignment > GRANULE ? alignment : GRANULE, zero,
			     commit, 0);
	if (start != NULL && !mark_granules(start, bytes, (uint16_t)(arena + 1))) {
		plain->destroy(plain, start, bytes, *commit, arena);
		return NULL;
	}
	return start;
}

static bool hook_dalloc(extent_hooks_t *hooks, void *start, size_t size, bool committed,
			unsigned arena)
{
	(void)hooks, (void)start, (void)size, (void)committed, (void)arena;
	return true;
}

/* The arena is going: its granules go as a whole, in destroy_granules(). */
static void hook_destroy(extent_hooks_t *hooks, void *start, size_t size, bool committed,
			 unsigned arena)
{
	(void)hooks, (void)start, (void)size, (void)committed, (void)arena;
}

static bool hook_commit(extent_hooks_t *hooks, void *start, size_t size, size_t offset,
			size_t length, unsigned arena)
{
	(void)hooks;
	return plain->commit == NULL || plain->commit(plain, start, size, offset, length, arena);
}

/*
 * Any cut and any join of what one alloc gave is fine; two pieces that lie side by side by chance
 * may be joined as well, since none is given back alone.
 */
static bool hook_split(extent_hooks_t *hooks, void *start, size_t size, size_t size_a,
		       size_t size_b, bool committed, unsigned arena)
{
	(void)hooks, (void)start, (void)size, (void)size_a, (void)size_b, (void)committed;
	(void)arena;
	return false;
}

static bool hook_merge(extent_hooks_t *hooks, void *start_a, size_t size_a, void *start_b,
		       size_t size_b, bool committed, unsigned arena)
{
	(void)hooks, (void)start_a, (void)size_a, (void)start_b, (void)size_b, (void)committed;
	(void)arena;
	return false;
}

static extent_hooks_t hooks;

static void make_hooks(void)
{
	hooks = zm_je_hooks_that_keep_errno();
	hooks.alloc = hook_alloc;
	hooks.dalloc = hook_dalloc;
	hooks.destroy = hook_destroy;
	hooks.commit = hook_commit;
	hooks.split = hook_split;
	hooks.merge = hook_merge;
}

static void destroy_granules(unsigned arena)
{
	for (size_t i = 0; i < LEAVES << LEAF_SHIFT; i++) {
		granule *at = granule_at(i);

		if (at == NULL) {
			i |= LEAF_GRANULES - 1;
			continue;
		}
		if (zm_load(at) != arena + 1)
			continue;
		zm_store(at, 0);
		plain->destroy(plain, (void *)(uintptr_t)(i << GRANULE_SHIFT), GRANULE, true,
			       arena);
	}
}

static int control_cache(const char *name, unsigned cache)
{
	return ZM_JE(mallctl)(name, NULL, NULL, &cache, sizeof(cache));
}

/* ---- The cache: one thread at a time ---- */

static bool try_cache(struct zm_arena *arena)
{
	uintptr_t nobody = 0;

	return zm_load(&arena->holder) == 0 &&
	       zm_compare_exchange(&arena->holder, &nobody, zm_lock_self());
}

static void release_cache(struct zm_arena *arena)
{
	zm_store_release(&arena->holder, 0);
}

/*
 * It is held for tens of nanoseconds at a time, in a reset for longer. To yield is of no use to a
 * thread of a higher priority than the holder's: after some tries it sleeps.
 * False: the calling thread has it already, and will go on having it: its fork is under way.
 */
static bool wait_for_cache(struct zm_arena *arena)
{
	const struct timespec pause = {.tv_nsec = 50000};

	if (zm_load(&arena->holder) == zm_lock_self())
		return false;
	for (int tries = 0; !try_cache(arena); tries++)
		if (tries < 100)
			sched_yield();
		else
			nanosleep(&pause, NULL);
	return true;
}

static void release_cache_if(struct zm_arena *arena, bool taken)
{
	if (taken)
		release_cache(arena);
}

/*
 * A child must not find a cache half changed by a thread that it has not got. jemalloc's own
 * handlers, set earlier, come after this one, so that thread can go on.
 */
static void before_fork(void)
{
	zm_lock(&life);
	for (unsigned i = 0; i < ARENAS_MAX; i++) {
		struct zm_arena *arena = zm_load_acquire(&arenas[i]);

		/* See zm_slab_drain(): the child could not be rid of what is in it. */
		if (arena != NULL && wait_for_cache(arena))
			control_cache("tcache.flush", arena->cache);
	}
}

/* An arena that a handler of the program's made meanwhile may be in use elsewhere. */
static void after_fork(void)
{
	for (unsigned i = 0; i < ARENAS_MAX; i++) {
		struct zm_arena *arena = zm_load(&arenas[i]);

		if (arena != NULL && zm_load(&arena->holder) == zm_lock_self())
			release_cache(arena);
	}
	zm_unlock(&life);
}

/* ---- The contract ---- */

static void prepare(void)
{
	static const struct zm_fork_room room = {before_fork, after_fork, after_fork};

	plain = zm_je_own_hooks();
	if (plain == NULL || plain->alloc == NULL || plain->destroy == NULL ||
	    zm_fork_join(ZM_FORK_ARENAS, &room) != 0)
		plain = NULL;
	else
		make_hooks();
}

static int make_arena(struct zm_arena *arena)
{
	extent_hooks_t *our_hooks = &hooks;
	size_t bytes = sizeof(arena->number);

	if (ZM_JE(mallctl)("arenas.create", &arena->number, &bytes, &our_hooks,
			   sizeof(our_hooks)) != 0)
		return EAGAIN;
	bytes = sizeof(arena->cache);
	if (ZM_JE(mallctl)("tcache.create", &arena->cache, &bytes, NULL, 0) == 0)
		return 0;
	zm_je_control_arena("arena.0.destroy", arena->number);
	destroy_granules(arena->number);
	return EAGAIN;
}

/* The record of an arena is no block of the program's. */
static struct zm_arena *new_record(void)
{
	void *record = mmap(NULL, sizeof(struct zm_arena), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return record != MAP_FAILED ? record : NULL;
}

int zm_arena_create(struct zm_arena **created)
{
	static struct zm_once once;
	struct zm_arena *arena;
	int error;

	zm_once(&once, prepare);
	if (plain == NULL)
		return EAGAIN;
	arena = new_record();
	if (arena == NULL)
		return ENOMEM;
	zm_lock(&life);
	error = make_arena(arena);
	if (error == 0)
		zm_store_release(&arenas[arena->number], arena);
	zm_unlock(&life);
	if (error == 0)
		*created = arena;
	else
		munmap(arena, sizeof(*arena));
	return error;
}

void *zm_arena_malloc(struct zm_arena *arena, size_t size, bool zeroed)
{
	int flags = MALLOCX_ARENA(arena->number) | (zeroed ? MALLOCX_ZERO : 0);
	void *ptr;

	size += size == 0;
	if (try_cache(arena)) {
		ptr = ZM_JE_OWN(mallocx)(size, flags | MALLOCX_TCACHE(arena->cache));
		release_cache(arena);
	} else {
		ptr = ZM_JE_OWN(mallocx)(size, flags | MALLOCX_TCACHE_NONE);
	}
	if (ptr != NULL)
		zm_fetch_add(&arena->used_bytes, zm_raw_charged(ptr));
	return ptr;
}

bool zm_arena_free(void *ptr)
{
	struct zm_arena *arena = arena_of(ptr);
	size_t bytes;

	if (arena == NULL)
		return false;
	bytes = zm_raw_charged(ptr);
	zm_fetch_add(&arena->used_bytes, -bytes);
	if (try_cache(arena)) {
		ZM_JE_OWN(sdallocx)(ptr, bytes, MALLOCX_TCACHE(arena->cache));
		release_cache(arena);
	} else {
		ZM_JE_OWN(sdallocx)(ptr, bytes, MALLOCX_TCACHE_NONE);
	}
	return true;
}

bool zm_arena_may_own(const void *ptr)
{
	return arena_of(ptr) != NULL;
}

/* The arena's own lock is enough: it stays, under its number, and the fork waits for the cache. */
void zm_arena_reset(struct zm_arena *arena, zm_arena_gone gone)
{
	bool taken = wait_for_cache(arena);

	control_cache("tcache.flush", arena->cache);
	zm_je_control_arena("arena.0.reset", arena->number);
	gone(zm_exchange(&arena->used_bytes, 0));
	release_cache_if(arena, taken);
}

void zm_arena_destroy(struct zm_arena *arena, zm_arena_gone gone)
{
	zm_lock(&life);
	wait_for_cache(arena);
	control_cache("tcache.destroy", arena->cache);
	zm_store_release(&arenas[arena->number], NULL);
	zm_je_control_arena("arena.0.destroy", arena->number);
	destroy_granules(arena->number);
	gone(zm_load(&arena->used_bytes));
	zm_unlock(&life);
	munmap(arena, sizeof(*arena));
}

void zm_arena_info(struct zm_arena *arena, bool refresh, struct zm_arena_info *info)
{
	struct zm_allocator_info figures;

	if (refresh) {
		bool taken = wait_for_cache(arena);

		control_cache("tcache.flush", arena->cache);
		release_cache_if(arena, taken);
	}
	zm_allocator_info_by_arena(arena->number, refresh, &figures);
	info->used = zm_load(&arena->used_bytes);
	info->active = figures.active;
	info->resident = figures.resident;
	info->frag_smallbins = figures.frag_smallbins;
}

/* ---- Giving back ---- */

bool zm_je_is_private(unsigned number)
{
	bool is_private;

	/* One that is just being made has its number already, and its place only then. */
	zm_lock(&life);
	is_private = number < ARENAS_MAX && zm_load(&arenas[number]) != NULL;
	zm_unlock(&life);
	return is_private;
}

/*
 * One by one, so that no arena is made, ended or forked over meanwhile for longer than one takes. Those
 * that jemalloc made itself never end: opt.narenas of them, and the one behind for oversize blocks.
 */
int zm_je_purge(void)
{
	unsigned count = zm_je_arenas(), lasting;
	int error = zm_je_read_by_name("opt.narenas", &lasting, sizeof(lasting)) ? 0 : ENOENT;

	for (unsigned i = 0; error == 0 && i < count; i++) {
		if (i > lasting)
			zm_lock(&life);
		error = zm_je_control_arena("arena.0.purge", i);
		if (i > lasting)
			zm_unlock(&life);
	}
	return error;
}

#endif
