/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/pressure_kqueue.c - the BSDs and macOS: sources of pressure behind a kqueue(2) descriptor.
 *
 * macOS has a filter for the machine's memory status, which its own libdispatch uses and its public headers do
 * not tell of. The BSDs tell a process nothing, so there, and where the filter is refused, a timer says when
 * to look at the figures. No child of fork() has a kqueue.
 */
#include "config.h"

#include "os/pressure_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/types.h>
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

#include "os/failure.h"
#include "os/file.h"

#if defined(__APPLE__)
/* Of the kernel's interface, <sys/event_private.h>. */
#define ZM_MEMORYSTATUS (-14)
#define ZM_MEMORYSTATUS_WARN 0x00000002
#define ZM_MEMORYSTATUS_CRITICAL 0x00000004
#endif

enum {
	TIMER_MS = 1000
};

/* fflags, data: as the filter has them. */
static int change(int queue, uintptr_t ident, int filter, unsigned flags, unsigned fflags, int data)
{
	struct kevent event;

	memset(&event, 0, sizeof(event));
	EV_SET(&event, ident, filter, flags, fflags, data, 0);
	return kevent(queue, &event, 1, NULL, 0, NULL) == 0 ? 0 : zm_os_failure();
}

/* ---- Sources ---- */

static void open_system(struct zm_os_pressure *watch)
{
#if defined(__APPLE__)
	int error = change(watch->queue, 0, ZM_MEMORYSTATUS, EV_ADD | EV_CLEAR,
			   ZM_MEMORYSTATUS_WARN | ZM_MEMORYSTATUS_CRITICAL, 0);

	if (error == 0)
		zm_watch_use(watch, ZM_OS_PRESSURE_SYSTEM, "");
	else
		zm_watch_refuse(watch, ZM_OS_PRESSURE_SYSTEM, error,
				"the kernel refuses its memory status");
#else
	(void)watch;
#endif
}

static void open_timer(struct zm_os_pressure *watch)
{
	int error = EALREADY;

	if (!zm_watch_uses(watch, ZM_OS_PRESSURE_SYSTEM))
		error = change(watch->queue, 1, EVFILT_TIMER, EV_ADD, 0, TIMER_MS);
	if (error == 0)
		zm_watch_use(watch, ZM_OS_PRESSURE_TIMER, "");
	else
		zm_watch_refuse(watch, ZM_OS_PRESSURE_TIMER, error,
				error == EALREADY ? "not needed: another source is in use"
						  : "the kernel gives no timer");
}

/* ---- What has fired ---- */

static void take_one(const struct kevent *event, struct zm_os_pressed *pressed)
{
	if (event->filter == EVFILT_TIMER)
		zm_watch_fire(pressed, ZM_OS_PRESSURE_TIMER, ZM_OS_PRESSURE_LOW, 1);
#if defined(__APPLE__)
	if (event->filter == ZM_MEMORYSTATUS)
		zm_watch_fire(pressed, ZM_OS_PRESSURE_SYSTEM,
			      (event->fflags & ZM_MEMORYSTATUS_CRITICAL) != 0
				      ? ZM_OS_PRESSURE_CRITICAL
				      : ZM_OS_PRESSURE_MEDIUM,
			      1);
#endif
}

void zm_os_pressure_take(struct zm_os_pressure *watch, struct zm_os_pressed *pressed)
{
	const struct timespec no_time = {0, 0};
	struct kevent event[4];
	int count;

	if (!zm_os_pressure_is(watch, watch->queue))
		return;
	count = kevent(watch->queue, NULL, 0, event, 4, &no_time);
	for (int i = 0; i < count; i++)
		take_one(&event[i], pressed);
}

/* ---- Beginning and end ---- */

/* A queue knows our pipe, or says ENOENT. */
bool zm_os_pressure_is(const struct zm_os_pressure *watch, int fd)
{
	return zm_watch_has(&watch->wake[0]) &&
	       change(fd, (uintptr_t)watch->wake[0].fd, EVFILT_READ, EV_ENABLE, 0, 0) == 0;
}

/* fd: NULL, or the program's, which is the first, so that it is the lowest. */
static int make_queue(struct zm_os_pressure *watch, int *fd)
{
	int error, first = kqueue();

	if (first < 0)
		return zm_os_failure();
	watch->queue = fcntl(first, F_SETFD, FD_CLOEXEC) != 0 ? -1
		       : fd == NULL                           ? first
							      : fcntl(first, F_DUPFD_CLOEXEC, 0);
	if (watch->queue < 0) {
		error = zm_os_failure();
		zm_watch_close(first);
		return error;
	}
	watch->queue = zm_watch_move_up(watch->queue);
	error = change(watch->queue, (uintptr_t)watch->wake[0].fd, EVFILT_READ, EV_ADD, 0, 0);
	if (error != 0) {
		zm_watch_close(watch->queue);
		if (fd != NULL)
			zm_watch_close(first);
	} else if (fd != NULL) {
		*fd = first;
	}
	return error;
}

int zm_os_pressure_open(const struct zm_os_pressure_wish *wish, struct zm_os_pressure *watch,
			int *fd, struct zm_os_pressed *pressed)
{
	int error = zm_watch_begin(watch);

	(void)wish;
	(void)pressed;
	if (error != 0)
		return error;
	error = make_queue(watch, fd);
	if (error != 0) {
		zm_watch_end(watch);
		return error;
	}
	open_system(watch);
	open_timer(watch);
	return 0;
}

void zm_os_pressure_close(struct zm_os_pressure *watch, int fd)
{
	bool ours = zm_os_pressure_is(watch, watch->queue);

	if (fd >= 0 && fd != watch->queue && zm_os_pressure_is(watch, fd))
		zm_watch_close(fd);
	if (ours)
		zm_watch_close(watch->queue);
	zm_watch_end(watch);
}
