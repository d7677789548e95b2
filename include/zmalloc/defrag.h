/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zmalloc/defrag.h - active defragmentation: move blocks out of nearly empty slabs, give the slabs
 * back.
 *
 * A heap that has grown and shrunk keeps slabs (runs of pages that hold blocks of one size class)
 * in which a few blocks are left. Their free space serves only blocks of that size, and is lost to
 * everything else. The library finds the slabs that are worth emptying; only the program can move
 * blocks, for it alone knows where the pointers to them are kept. There are two ways to work:
 *
 *   - A driver (zdefrag_new) decides when to work and how hard, and calls the program's own walk
 *     over its data in short slices. The walk passes every block through
 *     `ptr = zdefrag_visit(d, ptr)`. A cycle walks twice: first the blocks are counted, which moves
 *     nothing; then those that have to move are moved, once each.
 *   - Hints, for a program that can only ask block by block "should this one move?" and moves it
 *     itself: zdefrag_hint(). Cheaper to adopt, a little less exact.
 *
 * How it works, and what it costs the program meanwhile. From its own count the library chooses the
 * set of slabs that can be emptied with the least work, and pins it: until the cycle ends, a free
 * of a block inside the set is held back, and an allocation that would land there is served from
 * elsewhere, so that what was emptied stays empty. This goes for every thread. Held regions are not
 * charged: zmalloc_used_memory() stays exact throughout. All of them are released when their slab
 * is empty, when the cycle ends or is abandoned, and when the process exits. Outside a cycle
 * nothing costs anything.
 *
 * All this needs jemalloc with its slab sizes as they are. On mimalloc, and where jemalloc's option
 * slab_sizes changes them, nothing can be counted or pinned: a cycle is one walk, in which each block
 * is moved, or hinted, by how full its slab is compared with others. That takes several passes and
 * moves more. On mimalloc only blocks of the heap of the thread that steps or asks are moved; with
 * slab_sizes the walk must show no address inside a block, which cannot be told from a block's start
 * there. tcmalloc and the C libraries tell nothing of a block: not supported.
 *
 * Threads. A driver belongs to one thread at a time, and its cycle is the process's: while one
 * runs, other drivers and hints wait (ZDEFRAG_REASON_BUSY, hint 0). Other threads may allocate and
 * free with z-calls as they like, whenever they like, also blocks inside the set. What they must
 * not do is use a block while zdefrag_visit() moves it: the lock that guards the program's data
 * guards the walk too. Blocks that other threads hold or have cached, and blocks that the walk does
 * not show, keep their slabs from being emptied; nothing else happens to them. Allocations that
 * never move are best kept in an arena of their own. No function here is async-signal-safe.
 *
 * fork(). The child inherits a driver in the middle of its cycle and may go on with it, abandon it
 * or just exit, as the parent may; neither disturbs the other.
 */
#ifndef ZMALLOC_DEFRAG_H
#define ZMALLOC_DEFRAG_H

#include <stddef.h>
#include <stdint.h>

#include "../zmalloc.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Can this process defragment? Depends on the allocator in use and its version. Where it is 0 there
 * are no drivers, zdefrag_hint() answers 0, and nothing else here does anything.
 * Returns  1 or 0, as zmalloc_has(ZMALLOC_CAN_DEFRAG)
 * Safety   thread-safe
 */
ZMALLOC_API int zdefrag_supported(void);

/* ---- Hints ---- */

/*
 * Would moving this block help? If so the program allocates a copy with zmalloc_no_tcache() of the
 * block's zmalloc_size(), copies, and frees the old block with zfree_no_tcache().
 *
 * Ask about every block that can move, again and again, in any order, at any speed, in parts, with
 * pauses. A cycle begins with a hint when fragmentation is worth it: over one percent of live bytes,
 * with something attainable. The first hints, one in a hundred or so, look at all slabs and choose which
 * to empty; they are answered 0. From then on each block of those slabs is answered 1, so one scan of the
 * data does most of it, and the next shows the blocks that were asked about too early.
 *
 * While fragmentation grows, more slabs are chosen as it does. A slab with a block that is never asked
 * about cannot be emptied, and what is moved out of it is moved in vain. Where too many were, the library
 * counts first: of blocks of that size, only those in slabs that were shown whole are answered 1.
 *
 * When fragmentation is down to one percent, or to what can be attained, hints are 0 and cost next to
 * nothing; zdefrag_hint_get_stats() says why. A cycle begins again when it gets worse by a quarter.
 *
 * A program that stops asking without saying so gets back what is held after two seconds, or twice the
 * longest pause before, up to half a minute: its own z-calls do that, a little with each. If it makes
 * none, what is held stays held. The cycle then has nothing but its tables, half a percent of the heap or
 * so, and goes on with the next hint; after 30 seconds, or twice the longest pause that has ended a cycle
 * before, up to ten minutes, the next hint ends it.
 *
 * A hint takes some microseconds at most, but for a few in each scan that look at the allocator's
 * statistics: 0.1 to 0.3 ms. Giving emptied pages back to the system is left to the allocator;
 * zmalloc_set_background_purge(1) keeps it out of the program's calls.
 * ptr      a live block; NULL, a large block, or an address that is no block's start is answered 0
 * Returns  1 to move, 0 to leave it, always 0 where defragmentation is not supported
 * Safety   thread-safe; always 0 while a driver's cycle runs. Threads wait for each other
 */
ZMALLOC_API int zdefrag_hint(const void *ptr);

/*
 * The same for many blocks, cheaper by the block.
 * ptrs     `count` of them, as above
 * hints    out: `count` bytes, 1 or 0 each
 * Returns  how many were answered 1
 * Safety   as above
 */
ZMALLOC_API size_t zdefrag_hints(const void *const *ptrs, unsigned char *hints, size_t count);

/*
 * No more hints will be asked for now: release what is held. Much of it may be left to the program's
 * next z-calls, so that none of them takes long, or to the next driver.
 * Safety   thread-safe
 */
ZMALLOC_API void zdefrag_hint_end(void);

/*
 * For the copy and the old block of a hint: past the thread's cache, and in the arena of the block
 * that this thread had hinted last. Else as zmalloc() and zfree(), failure included, with any
 * allocator.
 * Safety   thread-safe
 */
ZMALLOC_API void *zmalloc_no_tcache(size_t size) ZMALLOC_ATTR_MALLOC ZMALLOC_ATTR_SIZE(1);
ZMALLOC_API void zfree_no_tcache(void *ptr);

/* ---- The driver ---- */

typedef struct zdefrag zdefrag;

/*
 * The program's walk over its blocks. It passes every block through zdefrag_visit() and stores the
 * answer where the pointer was, until zdefrag_slice_over() says 1 or nothing is left. A block is
 * visited once in a walk; one that has several pointers is visited once and all of them are
 * updated. The data may change between two calls as if the walk did not exist, provided that its
 * cursor survives it.
 * begin    1: start a new walk from the beginning; 0: go on where the last call stopped
 * context  as given to zdefrag_new()
 * Returns  1 when the walk is complete, 0 when there is more
 */
typedef int zdefrag_scan_function(zdefrag *d, int begin, void *context);

/* What zdefrag_step() did, and what the driver is at. */
enum zdefrag_phase {
	ZDEFRAG_IDLE = 0,     /* looks at fragmentation now and then; stats.reason says why */
	ZDEFRAG_COUNTING = 1, /* first walk */
	ZDEFRAG_PLANNING = 2, /* chooses what to empty */
	ZDEFRAG_MOVING = 3,   /* second walk */
	ZDEFRAG_ENDING = 4,   /* releases what is held */
	ZDEFRAG_PURGING = 5   /* has the allocator give the emptied memory back, a bit at a time;
			       * a long cycle pauses its moves for it and goes on */
};

/*
 * Why the driver is idle, and why a cycle of hints has ended or none begins. The values never change
 * meaning.
 */
enum zdefrag_reason {
	ZDEFRAG_REASON_NONE = 0,         /* it is not, or has not looked yet */
	ZDEFRAG_REASON_LOW = 1,          /* fragmentation is under lower_percent or ignore_bytes */
	ZDEFRAG_REASON_UNATTAINABLE = 2, /* moving would free no slab worth it */
	ZDEFRAG_REASON_BUSY = 3,         /* another cycle runs in this process */
	ZDEFRAG_REASON_BACKOFF = 4,      /* the last cycle gained too little: waits longer */
	ZDEFRAG_REASON_NO_MEMORY = 5,    /* for the tables: about one percent of the heap */
	ZDEFRAG_REASON_ABANDONED = 6,    /* zdefrag_abandon(), zdefrag_hint_end() */
	ZDEFRAG_REASON_UNSUPPORTED = 7,  /* hints: zdefrag_supported() is 0; no driver has it */
	ZDEFRAG_REASON_NOT_ASKED = 8     /* hints: the program has stopped asking */
};

/*
 * A phase and a reason in words, such as "counting" and "another cycle runs"; "unknown" for any
 * other number. Constant strings. Thread-safe.
 */
ZMALLOC_API const char *zdefrag_phase_name(int phase) ZMALLOC_ATTR_PURE;
ZMALLOC_API const char *zdefrag_reason_text(int reason) ZMALLOC_ATTR_PURE;

/*
 * How to work, in the terms of Redis's active-defrag-* settings; each ends with its default. Fill
 * one with zdefrag_settings_init() and change what matters.
 *
 * In range are 0 < lower_percent <= upper_percent, 0 < cpu_min_percent <= cpu_max_percent <= 100,
 * 50 <= slice_us <= 1000000 and 0 < check_ms. While cycles gain too little check_ms is doubled
 * again and again, up to 64 times as long.
 *
 * While blocks move the allocator gives nothing back by itself, as that would stall a slice; emptied
 * memory goes back to the system when a cycle ends, and each time that 64 MiB, a sixteenth of live
 * bytes or ten seconds have come together: in steps of about half a MiB, over purge_ms or as much
 * longer as that takes. purge_ms 0 leaves giving back to the allocator's habits, stalls and all.
 */
struct zdefrag_settings {
	size_t size;              /* of this struct, as the program was compiled */
	size_t ignore_bytes;      /* fragmentation up to this is left alone; 100 MiB */
	unsigned lower_percent;   /* of live bytes: start over this, stop under it; 10 */
	unsigned upper_percent;   /* at this and over it work with cpu_max_percent; 100 */
	unsigned cpu_min_percent; /* share of one core at lower_percent; 1 */
	unsigned cpu_max_percent; /* and at upper_percent, linear in between; 25 */
	unsigned slice_us;        /* the time that a step may take, microseconds; 500 */
	unsigned check_ms;        /* between two looks while idle, milliseconds; 1000 */
	unsigned purge_ms;        /* emptied memory is given back over this, milliseconds; 1000 */
};

/* The defaults, for a struct of any version: call it as zdefrag_settings_init(&settings). */
ZMALLOC_API void zdefrag_settings_init(struct zdefrag_settings *settings, size_t size);
#define zdefrag_settings_init(settings) (zdefrag_settings_init)((settings), sizeof(*(settings)))

/*
 * A driver. It does nothing by itself and has no thread: call zdefrag_step().
 * scan      the walk
 * context   passed on to scan
 * settings  NULL for the defaults; copied
 * Returns   the driver; NULL with errno
 * Errors    ENOTSUP: zdefrag_supported() is 0; EINVAL: settings are out of range, or scan is NULL;
 *           ENOMEM
 * Safety    thread-safe
 */
ZMALLOC_API zdefrag *zdefrag_new(zdefrag_scan_function *scan, void *context,
				 const struct zdefrag_settings *settings);

/*
 * New settings, from the next step on; copied, not NULL.
 * Returns  0; -1 with errno EINVAL, nothing changed
 * Safety   as for all below: one thread at a time for each driver
 */
ZMALLOC_API int zdefrag_configure(zdefrag *d, const struct zdefrag_settings *settings);

/* Abandon the cycle if one runs, and free the driver. NULL is allowed. Not from within scan. */
ZMALLOC_API void zdefrag_free(zdefrag *d);

/*
 * Do one slice of work if it is time for one: at most slice_us, plus what one block or one purge
 * takes. Called more often than zdefrag_next_delay_ms() asks for, it works more than
 * cpu_max_percent. From within scan it does nothing.
 * Returns  the enum zdefrag_phase that the driver is in afterwards
 * Safety   as above; calls scan
 */
ZMALLOC_API int zdefrag_step(zdefrag *d);

/* Milliseconds until zdefrag_step() has work to do: for a timer in the program's event loop. */
ZMALLOC_API unsigned zdefrag_next_delay_ms(const zdefrag *d);

/*
 * A whole cycle now, to its end, without pauses: thresholds, CPU share and back-off are not asked,
 * but fragmentation is brought down to lower_percent and no further. Purges too. From within scan
 * it does nothing.
 * Returns  0 if blocks were moved or nothing is attainable; -1 with errno
 * Errors   EBUSY: another cycle runs; ENOMEM: there is no memory for the tables
 */
ZMALLOC_API int zdefrag_run(zdefrag *d);

/*
 * End the cycle at once, if this driver's runs: everything held is released. What moved stays
 * moved. May take some milliseconds. From within scan it does nothing.
 */
ZMALLOC_API void zdefrag_abandon(zdefrag *d);

/*
 * Pass one block through. Within scan only; elsewhere, and for everything that is not the start of
 * a small live block of this library (NULL, a large block, an inside, stack and static memory,
 * another allocator's block), and for a block of a private arena, it returns ptr and does nothing.
 * ptr      a live block of any thread's, which no one else uses during the call
 * Returns  where the block is now: its contents are the same to the last usable byte, its size as
 *          zmalloc_size() tells it too, and it is in the same arena of the allocator's. If that is
 *          not `ptr`, `ptr` is gone as if freed.
 */
ZMALLOC_API void *zdefrag_visit(zdefrag *d, void *ptr) ZMALLOC_ATTR_RESULT;

/* Should scan return now? Costs one load: ask after each block or so. */
ZMALLOC_API int zdefrag_slice_over(const zdefrag *d) ZMALLOC_ATTR_PURE;

/* What a driver has done. Sums are over its life. */
struct zdefrag_stats {
	size_t size;               /* of this struct, as the program was compiled */
	int phase, reason;         /* enum zdefrag_phase, enum zdefrag_reason */
	unsigned permille;         /* of the present phase done, estimated */
	unsigned percent_x100;     /* fragmentation when last looked, hundredths of a percent */
	uint64_t frag_bytes;       /* free space in slabs when last looked */
	uint64_t live_bytes;       /* what it is a percentage of: bytes in live blocks */
	uint64_t attainable_bytes; /* what perfect packing would free, when last looked */
	uint64_t cycles;           /* begun */
	uint64_t visited;          /* blocks passed through zdefrag_visit() */
	uint64_t moved, moved_bytes;
	uint64_t slabs_chosen; /* by the present or last cycle */
	uint64_t slabs_released, released_bytes;
	uint64_t refused;    /* destinations inside the set, held */
	uint64_t held_frees; /* the program's frees inside the set, held */
	uint64_t steered;    /* the program's allocations inside the set, served elsewhere */
	uint64_t missed;     /* blocks left for the next cycle: no destination found in time */
	uint64_t held_bytes; /* held now; not charged to any account */
	uint64_t cpu_ns;     /* of the thread that steps, purging included */
	uint64_t purge_ns, longest_purge_ns;
	uint64_t slices, slices_over; /* over: more CPU time than twice slice_us */
	uint64_t longest_slice_ns;    /* CPU time of the longest step, purging left out */
};

/*
 * The figures of a driver.
 * stats    out; stats->size says how much of it the caller has, and then how much is filled, as with
 *          zmalloc_stats(); what this library does not know is 0
 * Returns  0; -1 with errno EINVAL: stats->size is under sizeof(size_t)
 */
ZMALLOC_API int zdefrag_get_stats(const zdefrag *d, struct zdefrag_stats *stats);

/*
 * The same of all hints in this process. Fragmentation is as it was when a cycle last began, planned
 * or was judged. `visited` are the blocks asked about while a cycle ran, and `missed` those answered 0
 * because no destination was found in time; what is about slices, CPU time and purging is 0. While
 * `phase` is ZDEFRAG_IDLE, `reason` says why: ZDEFRAG_REASON_LOW (done), ZDEFRAG_REASON_UNATTAINABLE,
 * ZDEFRAG_REASON_BACKOFF (two scans gained too little, so nothing is tried for as long as they took,
 * and for twice as long each time, up to an hour, or until it gets worse by a quarter),
 * ZDEFRAG_REASON_NO_MEMORY, ZDEFRAG_REASON_NOT_ASKED, ZDEFRAG_REASON_ABANDONED or
 * ZDEFRAG_REASON_UNSUPPORTED. Where blocks are judged one by one there are no cycles: all is 0.
 * stats    as above
 * Returns  as above
 * Safety   thread-safe
 */
ZMALLOC_API int zdefrag_hint_get_stats(struct zdefrag_stats *stats);

/*
 * Have progress called after each step of a cycle, from within zdefrag_step() and zdefrag_run().
 * progress  must not call this driver but for zdefrag_get_stats(); NULL: no longer
 * context   passed on to progress
 */
ZMALLOC_API void zdefrag_set_progress(zdefrag *d, void (*progress)(zdefrag *d, void *context),
				      void *context);

#ifdef __cplusplus
}
#endif

#endif
