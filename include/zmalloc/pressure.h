/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zmalloc/pressure.h - memory gets short: one descriptor for the program's own event loop, and what the
 * system and the library's limits say of it.
 *
 *     int fd = zmalloc_pressure_open();
 *
 *     ... poll(2), epoll(7), kqueue(2), select(2): when it is readable ...
 *
 *     struct zmalloc_pressure_event event = {.size = sizeof(event)};
 *
 *     while (zmalloc_pressure_read(fd, &event) == 0)
 *             shrink_caches(event.level);
 *
 * For a program without a loop there is zmalloc_pressure_wait(), and for one that has nothing to shrink
 * zmalloc_on_pressure(ZMALLOC_PURGE).
 *
 * Behind the descriptor are all sources that this system has and lets the process use; each is tried by
 * itself, and zmalloc_pressure_visit() tells which are in use and why others are not. Where none of the
 * kernel's can be used, the process's own figures are looked at once a second. Systems other than Linux,
 * macOS and the BSDs have none: ENOTSUP.
 *
 * A watch is its descriptor's number; up to ZMALLOC_PRESSURE_WATCHES may be open, each with events of its
 * own. It holds up to twenty further descriptors, numbered above 1,000 where the limit allows.
 *
 * All functions are thread-safe, none is async-signal-safe, and none is a cancellation point on Linux.
 * They return 0, or what is said below, or -1 with errno:
 *
 *   EBADF      no watch of this process: never opened, closed, or closed by close(2)
 *   EAGAIN     nothing has happened (zmalloc_pressure_read)
 *   ETIMEDOUT  nothing has happened in time
 *   EINTR      a signal handler has run (zmalloc_pressure_wait)
 *   EINVAL     the size of a struct was never set, or there is no such action
 *   EMFILE     as many watches are open as there can be, or as many descriptors; ENFILE, ENOMEM
 *   ENOTSUP    this system tells nothing; of ZMALLOC_PURGE also: the allocator cannot
 *
 * fork:   a child has none of its parent's watches: the descriptors are closed in it, the calls on them
 *         say EBADF, and no thread purges. It may open watches of its own. A child of vfork(2) or clone(2)
 *         alone is told EBADF, too.
 * exec:   all descriptors are close-on-exec.
 * close:  a watch that the program closes by close(2), or by closing every descriptor, ends; what it
 *         held is given back, and threads that wait on it are told EBADF, by the next
 *         zmalloc_pressure_open() or zmalloc_pressure_close(). A number that has become another file's
 *         meanwhile is left alone.
 * A group that is removed, or a manager that hangs up, while watched: an event of level
 *         ZMALLOC_PRESSURE_GONE, once; from then on the source is not in use.
 * A group that the process is moved to is not noticed: open a new watch.
 */
#ifndef ZMALLOC_PRESSURE_H
#define ZMALLOC_PRESSURE_H

#include <stddef.h>
#include <stdint.h>

#include "../zmalloc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How short memory is. The values never change meaning. */
enum zmalloc_pressure_level {
	ZMALLOC_PRESSURE_GONE = 0,    /* not pressure: the source is gone, and will say no more */
	ZMALLOC_PRESSURE_LOW = 1,     /* memory gets less: what is of no use can go */
	ZMALLOC_PRESSURE_MEDIUM = 2,  /* somebody waits for memory: caches should shrink */
	ZMALLOC_PRESSURE_CRITICAL = 3 /* all wait, or a limit cannot be kept: the killer is next */
};

/* Who says so. The values never change meaning. */
enum zmalloc_pressure_source {
	/* A soft limit of this library's: MEDIUM. */
	ZMALLOC_PRESSURE_LIMIT = 1,
	/*
	 * The service manager, by MEMORY_PRESSURE_WATCH and MEMORY_PRESSURE_WRITE in the environment
	 * (systemd's MEMORY_PRESSURE.md): a file of stalls, a FIFO or a socket: MEDIUM. It takes the place of
	 * the next two until it is gone; /dev/null turns off all but LIMIT. Not listened to in a
	 * process with rights that whoever started it has not (secure_getenv(3)).
	 */
	ZMALLOC_PRESSURE_SERVICE = 2,
	/*
	 * Linux, stalls (Documentation/accounting/psi.rst) in the control group, from memory.pressure, and
	 * in the machine, from /proc/pressure/memory. 150 ms in 2 s: MEDIUM if some task waited, CRITICAL if
	 * all did. Windows of two seconds are what needs no privilege; there is no more than one event each.
	 */
	ZMALLOC_PRESSURE_GROUP_STALLS = 3,
	ZMALLOC_PRESSURE_MACHINE_STALLS = 4,
	/*
	 * Linux, memory.events of the control group (version 2) and of those above it, which a container
	 * can watch though it may not write: low: LOW; high, max: MEDIUM; oom, oom_kill: CRITICAL.
	 */
	ZMALLOC_PRESSURE_GROUP_EVENTS = 5,
	/*
	 * Linux, memory.pressure_level of the control group (version 1) and of those above it: medium and
	 * critical. The kernel's "low" is left out: any use of the page cache fires it. A listener in a
	 * group keeps events from those of its parents that did not ask for all ("hierarchy").
	 */
	ZMALLOC_PRESSURE_GROUP_LEVEL = 6,
	/* macOS, the memory status: MEDIUM as it warns, CRITICAL. */
	ZMALLOC_PRESSURE_SYSTEM = 7,
	/*
	 * This process's resident set against zmalloc_get_memory_limit(), once a second where no source
	 * of the kernel's is in use: LOW from 80 %, MEDIUM from 90 %, CRITICAL from 95 %; when the level
	 * rises, and every ten seconds while it stays. The descriptor becomes readable each second, with
	 * or without an event.
	 */
	ZMALLOC_PRESSURE_FIGURES = 8
};

enum {
	ZMALLOC_PRESSURE_WATCHES = 8
};

struct zmalloc_pressure_event {
	size_t size;     /* of this struct, as zmalloc_stats.size */
	uint32_t level;  /* enum zmalloc_pressure_level, the highest since the source was read */
	uint32_t source; /* enum zmalloc_pressure_source */
	uint64_t count;  /* how often the source fired meanwhile, as far as it counts: 1 or more */
	uint64_t used_bytes;  /* zmalloc_used_memory(), of the moment of reading, as both below */
	uint64_t rss_bytes;   /* zmalloc_get_rss() */
	uint64_t limit_bytes; /* zmalloc_get_memory_limit(); 0: not known */
};

struct zmalloc_pressure_about {
	size_t size;     /* of this struct */
	uint32_t source; /* enum zmalloc_pressure_source */
	int32_t error;   /* 0: in use; else an errno value */
	const char *why; /* a sentence that says why it is not, valid for ever; "" if it is */
	char place[128]; /* the file, as far as it fits; "" if there is none */
};

/*
 * Begin to watch. The descriptor is readable while zmalloc_pressure_read() has something to tell. Nothing but
 * waiting and zmalloc_pressure_close() should be done with it.
 * Returns  the descriptor, the lowest that is free
 */
ZMALLOC_API int zmalloc_pressure_open(void);

/*
 * What has happened since, never waiting: one event for each source that fired, the highest level first.
 * event  out
 */
ZMALLOC_API int zmalloc_pressure_read(int fd, struct zmalloc_pressure_event *event);

/*
 * The same, waiting for it. Another thread's zmalloc_pressure_close() ends the wait: EBADF. Of several
 * threads that wait, one has the event.
 * timeout_ms  under 0: for ever
 */
ZMALLOC_API int zmalloc_pressure_wait(int fd, int timeout_ms, struct zmalloc_pressure_event *event);

/*
 * Show each source, in the order of their numbers, that this build knows for its system, in use or not.
 * visit    returns 0 to go on
 * Returns  also what visit returned, if that ended the visit
 */
ZMALLOC_API int zmalloc_pressure_visit(int fd,
				       int (*visit)(const struct zmalloc_pressure_about *about,
						    void *context),
				       void *context);

/* End a watch, and close all of its descriptors. */
ZMALLOC_API int zmalloc_pressure_close(int fd);

enum zmalloc_pressure_action {
	ZMALLOC_PRESSURE_IGNORE = 0,
	ZMALLOC_PURGE = 1
};

/*
 * What the library does by itself when it is pressed. ZMALLOC_PURGE: zmalloc_purge() at MEDIUM and
 * CRITICAL, at most every two seconds, in a thread named `zmalloc` that has a watch of its own, blocks all
 * signals and sleeps otherwise. A FIFO of the service manager's has one reader for each of its bytes: that
 * thread, or a watch of the program's.
 * action  of enum zmalloc_pressure_action; the same once more changes nothing
 */
ZMALLOC_API int zmalloc_on_pressure(int action);

#ifdef __cplusplus
}
#endif

#endif
