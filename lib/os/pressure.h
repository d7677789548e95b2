/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/pressure.h - what the system says of memory getting short: sources behind one descriptor. The rules of
 * os.h hold: 0 or an errno value, nothing allocated.
 *
 * A watch has a queue of the kernel's (epoll, kqueue) with every source that could be had, and a pipe by
 * which the library itself makes it readable. The queue has two descriptors: one for the program, which may do
 * what it likes with it, and one of our own, by which we know ours from what has its number today.
 *
 * One thread at a time, but for zm_os_pressure_wait(). ENOTSUP: this system tells nothing.
 */
#ifndef ZM_OS_PRESSURE_H
#define ZM_OS_PRESSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zm_os_pressure_source {
	ZM_OS_PRESSURE_SERVICE,        /* the service manager */
	ZM_OS_PRESSURE_GROUP_STALLS,   /* memory.pressure of the control group */
	ZM_OS_PRESSURE_MACHINE_STALLS, /* /proc/pressure/memory */
	ZM_OS_PRESSURE_GROUP_EVENTS,   /* memory.events */
	ZM_OS_PRESSURE_GROUP_LEVEL,    /* memory.pressure_level, of version 1 */
	ZM_OS_PRESSURE_SYSTEM,         /* of Darwin's kernel */
	ZM_OS_PRESSURE_TIMER,          /* no pressure: time to look at the figures */
	ZM_OS_PRESSURE_SOURCES
};

enum zm_os_pressure_level {
	ZM_OS_PRESSURE_LOW = 1,
	ZM_OS_PRESSURE_MEDIUM,
	ZM_OS_PRESSURE_CRITICAL
};

/* What the environment says, and where the root is. */
struct zm_os_pressure_wish {
	const char *tree;  /* a directory that stands for "/" (tests); "" for the real one */
	const char *watch; /* MEMORY_PRESSURE_WATCH; NULL: not set */
	const char *write; /* MEMORY_PRESSURE_WRITE; NULL: not set */
};

/* ---- A watch; its members are lib/os's own, but for `about` ---- */

struct zm_os_pressure_about {
	bool known; /* by this system's file at all */
	int error;  /* 0: in use */
	const char *why;
	char place[128];
};

/* A descriptor of ours, and which file it is: the program may close it and use its number again. */
struct zm_os_pressure_file {
	int fd; /* -1: none */
	uint64_t device, inode;
};

/* One that is in the queue. */
struct zm_os_pressure_entry {
	struct zm_os_pressure_file file;
	unsigned char source;
	unsigned char level; /* of what it says */
	unsigned char kind;
	bool muted;       /* it is not listened to until the pace allows */
	bool settled;     /* it has been seen once as the queue shows it in the beginning */
	uint64_t seen_us; /* of stalls: their sum when it was last looked at */
};

enum {
	ZM_OS_PRESSURE_ENTRIES = 12,
	ZM_OS_PRESSURE_GROUPS = 8, /* from the process's own upwards */
	ZM_OS_PRESSURE_EVENTS = 5, /* low, high, max, oom, oom_kill */
	ZM_OS_PRESSURE_WISH_BYTES = 256
};

struct zm_os_pressure_group {
	struct zm_os_pressure_file file; /* memory.events */
	uint64_t seen[ZM_OS_PRESSURE_EVENTS];
};

struct zm_os_pressure {
	int queue;                          /* our own descriptor of it */
	struct zm_os_pressure_file wake[2]; /* the pipe */
	unsigned entries, groups;
	struct zm_os_pressure_entry entry[ZM_OS_PRESSURE_ENTRIES];
	struct zm_os_pressure_group group[ZM_OS_PRESSURE_GROUPS];
	struct zm_os_pressure_file stalls; /* memory.pressure of the group, to be read */
	struct zm_os_pressure_file level;  /* memory.pressure_level of the group */
	unsigned char wish[ZM_OS_PRESSURE_WISH_BYTES]; /* what MEMORY_PRESSURE_WRITE says */
	size_t wish_bytes;
	const char *tree; /* a wish's */
	bool off;         /* by MEMORY_PRESSURE_WATCH=/dev/null */
	struct zm_os_pressure_about about[ZM_OS_PRESSURE_SOURCES];
};

/* What fired since the last look. */
struct zm_os_pressed {
	uint64_t count[ZM_OS_PRESSURE_SOURCES];
	unsigned char level[ZM_OS_PRESSURE_SOURCES];
	bool gone[ZM_OS_PRESSURE_SOURCES];
};

/*
 * fd: out; the descriptor for the program, the lowest that is free; NULL if it is to have none.
 * pressed: what had fired by then is added. Fails only where there is nothing to make a queue of:
 * each source has an error of its own, in `about`.
 */
int zm_os_pressure_open(const struct zm_os_pressure_wish *wish, struct zm_os_pressure *watch,
			int *fd, struct zm_os_pressed *pressed);

/* Is the number today a descriptor of this watch's queue? */
bool zm_os_pressure_is(const struct zm_os_pressure *watch, int fd);

/* Close what is still ours, of the process that opened it or in its child. fd: the program's. */
void zm_os_pressure_close(struct zm_os_pressure *watch, int fd);

/*
 * Wait until the queue may have something to tell. ETIMEDOUT; EINTR; EBADF: closed meanwhile.
 * timeout_ms: under 0 for ever.
 */
int zm_os_pressure_wait(const struct zm_os_pressure *watch, int timeout_ms);

/* Take from the queue what has fired; waits for nothing. Added to what `pressed` holds. */
void zm_os_pressure_take(struct zm_os_pressure *watch, struct zm_os_pressed *pressed);

/* Make the queue readable, and keep it so until it is let go of. */
void zm_os_pressure_wake(const struct zm_os_pressure *watch);
void zm_os_pressure_unwake(const struct zm_os_pressure *watch);

#endif
