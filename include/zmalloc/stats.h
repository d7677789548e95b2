/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zmalloc/stats.h - where the memory went: figures, in three formats, of this process and of
 * others.
 *
 * The figures mean the same for every allocator; which of them it knows differs. Unless a function
 * says otherwise it is thread-safe, not async-signal-safe, does not allocate, and returns 0, or -1
 * with errno.
 */
#ifndef ZMALLOC_STATS_H
#define ZMALLOC_STATS_H

#include "../zmalloc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A figure that nobody here knows. A ratio without its figures is not a number: isnan(3). */
#define ZMALLOC_STATS_UNKNOWN UINT64_MAX

/*
 * Bytes, but for `threads`, `hard_limit_refusals` and the ratios. By the page: a page is counted whole.
 *
 *   allocated     = live blocks
 *   active        = allocated + frag_smallbins + what large blocks leave of their last page
 *   resident      = active + unused pages not given back + metadata, as far as they were touched
 *   rss           = resident + everything in the process that is not the allocator's
 *
 *                    jemalloc  tcmalloc  mimalloc  glibc  other libc
 *   allocated           x         x         u        x        u       u: is used_bytes
 *   active              x         x         c        x        -       c: all that is committed
 *   resident            x         x         -        -        -
 *   retained            x         x         -        -        -
 *   muzzy               x         -         -        -        -
 *   metadata            x         x         -        -        -
 *   frag_smallbins      x         x         -        x        -
 *
 * The allocator's figures hold everything that it serves, blocks that are not this library's
 * included: in a glibc build those of the program's own malloc(). Blocks in a thread's cache count
 * as allocated in jemalloc and glibc, as frag_smallbins in tcmalloc. glibc counts a block with its
 * header (8 bytes on 64-bit systems), does not know "pages in use" and has all that it took from
 * the system, less the free top of the main heap, as active. In a glibc build whose malloc() another
 * library has taken over it is "other libc".
 */
struct zmalloc_stats {
	size_t size;                    /* in: what the caller has; out: what the library filled */
	uint64_t used_bytes;            /* zmalloc_used_memory() */
	uint64_t peak_bytes;            /* zmalloc_peak_memory() */
	uint64_t rss_bytes;             /* the process's resident set, from the kernel */
	uint64_t allocated_bytes;       /* live blocks */
	uint64_t active_bytes;          /* pages that hold live blocks */
	uint64_t resident_bytes;        /* the allocator's pages that may be in physical memory */
	uint64_t retained_bytes;        /* addresses kept for reuse, given back to the kernel */
	uint64_t muzzy_bytes;           /* pages that the kernel may take and has not taken yet */
	uint64_t metadata_bytes;        /* the allocator's own bookkeeping */
	uint64_t frag_smallbins_bytes;  /* free space inside slabs in use: per size class,
					   (slabs * regions - used regions) * region size */
	uint64_t threads;               /* live threads that have used the library */
	double allocator_frag_ratio;    /* active / allocated */
	double allocator_rss_ratio;     /* resident / active */
	double rss_overhead_ratio;      /* rss / resident */
	double mem_fragmentation_ratio; /* rss / used */
	uint64_t hard_limit_bytes;      /* zmalloc_limit_get(); unknown: there is none */
	uint64_t hard_limit_refusals;   /* allocations and resizes that the limit refused */
};

/*
 * The figures of this process.
 * stats    out; stats->size says how much of it the caller has. What this library knows beyond that
 *          is left out, what the caller has beyond that is zeroed; stats->size tells which.
 * refresh  1 to have the allocator take new figures, 0 for the last ones that it took (cheaper);
 *          used, peak, rss and threads are always of now
 * Errors   EINVAL: stats->size is under sizeof(size_t)
 */
ZMALLOC_API int zmalloc_stats_get(struct zmalloc_stats *stats, int refresh);

/*
 * The figures of one arena of the allocator; those that only the process has are unknown.
 * arena    from 0 to under zmalloc_stats_arenas(), not all of them being there
 * Errors   EINVAL as above; ENOTSUP: the allocator tells of no arenas (all but jemalloc);
 *          ENOENT: no such arena
 */
ZMALLOC_API int zmalloc_stats_get_arena(unsigned arena, int refresh, struct zmalloc_stats *stats);

/* How many numbers arenas may have; 0 where the allocator tells of no arenas. */
ZMALLOC_API unsigned zmalloc_stats_arenas(void);

/*
 * One size class ("bin"): equal regions side by side in slabs. jemalloc tells all; mimalloc tells
 * what the calling thread's heap has; glibc knows free chunks only: region_bytes is the largest
 * chunk that such a bin takes, free_bytes is theirs, and the rest is unknown.
 */
struct zmalloc_bin_stats {
	size_t size;           /* of this struct as the library was compiled */
	uint64_t region_bytes; /* of one block */
	uint64_t slabs;
	uint64_t regions;      /* in those slabs */
	uint64_t used_regions; /* those in threads' caches included */
	uint64_t free_bytes;   /* (regions - used_regions) * region_bytes */
};

#define ZMALLOC_STATS_ALL_ARENAS UINT32_MAX

/*
 * Show every size class that has any slab, smallest first. May allocate (glibc).
 * arena    a number as for zmalloc_stats_get_arena(), or ZMALLOC_STATS_ALL_ARENAS
 * refresh  as zmalloc_stats_get()
 * visit    returns 0 to go on; anything else ends the visit
 * Returns  0; what visit returned if that ended it; -1 with errno
 * Errors   ENOTSUP: the allocator does not tell; ENOENT: no such arena; ENOMEM
 */
ZMALLOC_API int zmalloc_stats_visit_bins(unsigned arena, int refresh,
					 int (*visit)(const struct zmalloc_bin_stats *bin,
						      void *context),
					 void *context);

/* ---- Writing ---- */

enum zmalloc_stats_format {
	ZMALLOC_STATS_TABLE = 1,      /* for people: KiB, MiB, GiB in columns */
	ZMALLOC_STATS_JSON = 2,       /* an object; unknown is null */
	ZMALLOC_STATS_OPENMETRICS = 3 /* text for Prometheus, with "# EOF"; unknown is left out */
};

/* Takes a piece of text, not terminated. Returns 0; an errno value ends the writing. */
typedef int (*zmalloc_writer)(void *context, const char *text, size_t size);

/*
 * Write the figures of this process, through a writer or to a descriptor.
 * stats    what zmalloc_stats_get() gave; NULL for those of now, refreshed, and the scopes of this process
 *          (<zmalloc/scope.h>), if it has any
 * format   enum zmalloc_stats_format
 * context  passed on to write
 * Errors   EINVAL: no such format, or stats->size is under sizeof(size_t); what the writer or
 *          write(2) said: never SIGPIPE, but EPIPE; EAGAIN: a non-blocking descriptor is full, and has
 *          part of it
 */
ZMALLOC_API int zmalloc_stats_write(const struct zmalloc_stats *stats, int format,
				    zmalloc_writer write, void *context);
ZMALLOC_API int zmalloc_stats_write_fd(const struct zmalloc_stats *stats, int format, int fd);

/* ---- Publishing ---- */

/*
 * Show this process to zmalloc(1), zmalloc_process_visit() and <zmalloc/process.h>, from now on: in a sealed
 * memory file that others find in /proc (memfd_create(2)), which nobody has to remove, and by a thread
 * named "zmalloc" that sleeps until somebody asks and takes the figures of that moment. While nobody asks
 * nothing is paid: no instruction of an allocation, and no wake-up. The thread has every signal
 * blocked. May allocate, with the C library's malloc().
 *
 * A child of fork() shows itself too, with a page and a thread of its own, from when one of its threads
 * first passes its threshold (64 KiB of growth or so). A program that closes all its descriptors is
 * found again from then on as well, at most a second later. Call it again, any time and from any
 * thread: that makes both at once.
 *
 * ZMALLOC_PUBLISH=1 in the environment has this done when the library is loaded. ZMALLOC_PUBLISH=passive
 * does it without a thread, for programs that must stay single-threaded, and so does this call then:
 * whoever allocates, resizes or frees renews the figures when it is time, so that while the program
 * does any of it they are no older than a tenth of a second, or than a hundred times what taking them
 * takes. Each such call pays for a look at a clock, some 10 ns. An idle program has no wake-ups of it,
 * and its figures grow old. 0 does nothing. Another word, and a failure, is told on stderr. A
 * program whose file gives it rights that its user has not (set-user-ID, set-group-ID,
 * capabilities) ignores the environment, $XDG_RUNTIME_DIR included.
 *
 * Where there is no such memory, or a filter of the kernel's calls refuses it, the figures are in a file
 * and passive in the same way: $XDG_RUNTIME_DIR/zmalloc/PID, else /run/user/UID/zmalloc/PID, else
 * /tmp/zmalloc-UID/PID, mode 0600 in a directory that must be the user's own and closed to others.
 * Errors   EMFILE, ENFILE: no descriptor is free; EAGAIN: no thread can be started; ENOMEM; of the file
 *          EPERM: the directory is not ours alone; what open(2) and write(2) say; ENOTSUP: the
 *          system cannot tell one process from the next of the same number
 */
ZMALLOC_API int zmalloc_stats_publish(void);

/*
 * Take all of that back; returns 0, also where there is nothing. A file is removed at exit too, but for
 * _exit(2) and signals: readers skip what is left, and remove it.
 */
ZMALLOC_API int zmalloc_stats_unpublish(void);

/*
 * What a process shows. Its library may be older or newer than that of the reader: a figure that either of
 * them lacks is unknown.
 */
struct zmalloc_process {
	size_t size; /* of this struct, as zmalloc_stats.size */
	int64_t pid;
	uint64_t updated_ms; /* time of the figures, milliseconds since 1970 */
	char name[64];       /* all three terminated, and printable ASCII */
	char allocator[64];
	char version[32];
	struct zmalloc_stats stats; /* stats.size says which figures are there */
};

/*
 * The figures of a process that shows itself. It is asked, and waited for up to a quarter of a second; if
 * it does not answer, or shows itself passively, the figures are its last ones, and updated_ms tells of
 * when. <zmalloc/process.h> says who may look, and has more to ask.
 * pid      its number
 * process  out; process->size says how much of it the caller has, as stats->size above. name and
 *          rss_bytes are of now.
 * Errors   ENOENT: it shows nothing; ESRCH: there is no such process (any more); EACCES: the kernel does
 *          not let this user look at it; EPERM: a file in place of its page, or the directory, is not
 *          ours alone; EBADMSG: what is there is no page of this library, or says what cannot be;
 *          EINVAL: process->size is under sizeof(size_t); ENOTSUP: the system does not tell of processes
 */
ZMALLOC_API int zmalloc_process_read(int64_t pid, struct zmalloc_process *process);

/*
 * Show every process that shows itself and may be looked at, by number, as zmalloc_process_read(). Allocates
 * with the C library's malloc().
 * visit    returns 0 to go on; anything else ends the visit. process->size is what this library has: who
 *          keeps a copy copies no more than that and no more than its own struct has room for, and then
 *          sets the copy's size to that of its own struct.
 * Returns  0; what visit returned if that ended it; -1 with errno
 * Errors   ENOMEM
 */
ZMALLOC_API int zmalloc_process_visit(int (*visit)(const struct zmalloc_process *process,
						   void *context),
				      void *context);

/*
 * Write the figures of several processes as one document: a table with a line for each (of one
 * alone: all its figures), a JSON array, or OpenMetrics with labels.
 * processes  `count` of them side by side, each of processes->size bytes: set that to the size of the
 *            struct, whatever zmalloc_process_read() stored there
 * Errors     as zmalloc_stats_write(); EINVAL: a size in one of them was never set
 */
ZMALLOC_API int zmalloc_process_write(const struct zmalloc_process *processes, size_t count,
				      int format, zmalloc_writer write, void *context);

#ifdef __cplusplus
}
#endif

#endif
