/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/pressure_watch.h - what the files behind pressure.h share.
 */
#ifndef ZM_OS_PRESSURE_WATCH_H
#define ZM_OS_PRESSURE_WATCH_H

#include "os/pressure.h"

/* ---- pressure_watch.c: a watch, whatever its queue is ---- */

/* Nothing in use, nothing known; the pipe. */
int zm_watch_begin(struct zm_os_pressure *watch);

/* Close the pipe, if it is ours. */
void zm_watch_end(struct zm_os_pressure *watch);

/* Is it a source for this system, and not in use, and why not. why: a constant. */
void zm_watch_refuse(struct zm_os_pressure *watch, enum zm_os_pressure_source source, int error,
		     const char *why);
/* In use. place: its file. */
void zm_watch_use(struct zm_os_pressure *watch, enum zm_os_pressure_source source,
		  const char *place);
bool zm_watch_uses(const struct zm_os_pressure *watch, enum zm_os_pressure_source source);

/* A descriptor that is to be put into the queue; NULL: no room. It is moved out of the program's way. */
struct zm_os_pressure_entry *zm_watch_entry(struct zm_os_pressure *watch, int fd,
					    enum zm_os_pressure_source source,
					    enum zm_os_pressure_level level);

void zm_watch_close(int fd);
int zm_watch_move_up(int fd);

/* Take a descriptor for ours, out of the program's way; is it still? Close it if so, and let go of it. */
void zm_watch_keep(struct zm_os_pressure_file *file, int fd);
bool zm_watch_has(const struct zm_os_pressure_file *file);
void zm_watch_drop(struct zm_os_pressure_file *file);

/*
 * Where two listeners of one source stand for its levels, what is critical reaches both: it counts with the
 * other.
 */
void zm_watch_fire(struct zm_os_pressed *pressed, enum zm_os_pressure_source source,
		   enum zm_os_pressure_level level, uint64_t times);

/* ---- pressure_epoll.c: Linux's queue ---- */

/* How a descriptor tells. */
enum zm_watch_kind {
	ZM_WATCH_TRIGGER,  /* EPOLLPRI, of a trigger of stalls */
	ZM_WATCH_READABLE, /* has bytes to be read and forgotten */
	ZM_WATCH_FIFO,     /* the same; tells of wake-ups only */
	ZM_WATCH_INOTIFY,  /* changes of memory.events */
	ZM_WATCH_EVENTFD,  /* of memory.pressure_level; of the timer too, which has the same form */
	ZM_WATCH_PACE      /* a timer: those that fire often are listened to again */
};

/* Put it into the queue; it is closed if that fails. */
int zm_watch_add(struct zm_os_pressure *watch, int fd, enum zm_watch_kind kind,
		 enum zm_os_pressure_source source, enum zm_os_pressure_level level);

/* ---- pressure_stalls.c ---- */

/* "some 150000 2000000" and the like, its end included, to a descriptor of a file of stalls. */
int zm_stalls_ask(int fd, enum zm_os_pressure_level level);
void zm_stalls_open_machine(struct zm_os_pressure *watch, const char *tree);
void zm_stalls_open_group(struct zm_os_pressure *watch, const char *tree);
/* Did the trigger of an entry that was woken fire, or another one of the same file? */
bool zm_stalls_grew(const struct zm_os_pressure *watch, struct zm_os_pressure_entry *entry);
/* The sum of one line of such a file, "some" or "full", in microseconds. */
int zm_stalls_total(const char *text, size_t size, const char *line, uint64_t *total_us);

/* ---- pressure_service.c ---- */

void zm_service_open(struct zm_os_pressure *watch, const struct zm_os_pressure_wish *wish);
/* A FIFO that has just been opened: it holds what we wrote, which is for the manager to read, and no more. */
bool zm_service_has_own(const struct zm_os_pressure *watch,
			const struct zm_os_pressure_entry *entry);
/* Drop what is to be read. True: there was something. hung_up: out. */
bool zm_service_drain(const struct zm_os_pressure_entry *entry, bool *hung_up);
/* EINVAL: no base64; EMSGSIZE: more than `room`. */
int zm_base64(const char *text, unsigned char *to, size_t room, size_t *size);

/* ---- pressure_group.c ---- */

struct zm_cgroup;
/* In use, by a file of a group's. */
void zm_watch_use_group(struct zm_os_pressure *watch, enum zm_os_pressure_source source,
			const struct zm_cgroup *group, const char *name);

void zm_group_events_open(struct zm_os_pressure *watch, const char *tree);
void zm_group_events_take(struct zm_os_pressure *watch, const struct zm_os_pressure_entry *entry,
			  struct zm_os_pressed *pressed, bool *gone);
void zm_group_events_close(struct zm_os_pressure *watch);
/* What memory.events says; what it does not say stays. */
void zm_group_events_text(const char *text, size_t size, uint64_t counter[ZM_OS_PRESSURE_EVENTS]);
void zm_group_level_open(struct zm_os_pressure *watch, const char *tree);
/* The kernel wakes a listener of a group that is removed as if it were pressed. */
bool zm_group_level_is_gone(const struct zm_os_pressure *watch);

#endif
