/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/pressure_epoll.c - Linux: sources of pressure behind an epoll(7) descriptor.
 *
 * The program waits on our queue with a queue, poll(2) or select(2) of its own, and that has a price: whoever
 * polls a trigger of stalls takes its EPOLLPRI (psi_trigger_poll() of the kernel exchanges the event for
 * 0), and to poll our queue polls what is in it. The program's poll() has the event, then, and we
 * find none. But a file of stalls can always be read, so with EPOLLIN, and EPOLLET to hear of
 * wake-ups only, the trigger's wake-up stays in our queue until we fetch it. What comes without EPOLLPRI is the
 * trigger's own, or in a group, where all triggers of a file share their wake-ups, somebody else's: there the
 * sum of stalls tells.
 */
#include "config.h"

#include "os/pressure_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "os/failure.h"
#include "os/file.h"

enum {
	/*
	 * Between two looks at memory.pressure_level, which a process that reads a file larger than
	 * its group has fired 290 times a second.
	 */
	PACE_MS = 100,
	WAKE = ZM_OS_PRESSURE_ENTRIES /* what the queue calls the pipe */
};

static uint32_t events_of(const struct zm_os_pressure_entry *entry)
{
	if (entry->muted)
		return 0;
	switch (entry->kind) {
	case ZM_WATCH_TRIGGER:
		return EPOLLIN | EPOLLPRI | EPOLLET;
	case ZM_WATCH_FIFO:
		return EPOLLIN | EPOLLET;
	default:
		return EPOLLIN;
	}
}

static int put(const struct zm_os_pressure *watch, int operation, int fd, uint32_t events,
	       uint32_t name)
{
	struct epoll_event event;

	memset(&event, 0, sizeof(event));
	event.events = events;
	event.data.u32 = name;
	return epoll_ctl(watch->queue, operation, fd, &event) == 0 ? 0 : zm_os_failure();
}

int zm_watch_add(struct zm_os_pressure *watch, int fd, enum zm_watch_kind kind,
		 enum zm_os_pressure_source source, enum zm_os_pressure_level level)
{
	struct zm_os_pressure_entry *entry = zm_watch_entry(watch, fd, source, level);
	int error;

	if (entry == NULL) {
		zm_watch_close(fd);
		return EMFILE;
	}
	entry->kind = (unsigned char)kind;
	error = put(watch, EPOLL_CTL_ADD, entry->file.fd, events_of(entry),
		    (uint32_t)(entry - watch->entry));
	if (error != 0) {
		zm_watch_drop(&entry->file);
		watch->entries--;
	}
	return error;
}

/*
 * The queue knows a file by its descriptor's number and by itself, so it answers for a file only that was put
 * into it by that number. Many files of the kernel's have one inode for all. What tells of wake-ups only is not
 * asked so, for it would be reported anew, and has an inode of its own.
 */
static bool is_in_queue(const struct zm_os_pressure *watch, unsigned name)
{
	const struct zm_os_pressure_entry *entry = &watch->entry[name];

	return zm_watch_has(&entry->file) &&
	       ((events_of(entry) & EPOLLET) != 0 ||
		put(watch, EPOLL_CTL_MOD, entry->file.fd, events_of(entry), name) == 0);
}

bool zm_os_pressure_is(const struct zm_os_pressure *watch, int fd)
{
	struct zm_os_pressure same = {.queue = fd};

	return zm_watch_has(&watch->wake[0]) &&
	       put(&same, EPOLL_CTL_MOD, watch->wake[0].fd, EPOLLIN, WAKE) == 0;
}

static void let_go(struct zm_os_pressure *watch, unsigned name)
{
	struct zm_os_pressure_file *file = &watch->entry[name].file;

	if (is_in_queue(watch, name)) {
		put(watch, EPOLL_CTL_DEL, file->fd, 0, name);
		zm_watch_drop(file);
	}
	file->fd = -1;
}

/* ---- Timers ---- */

static int make_timer(int *fd)
{
	*fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return *fd >= 0 ? 0 : zm_os_failure();
}

static void open_pace(struct zm_os_pressure *watch)
{
	int fd;

	/* Without one nothing is muted. */
	if (zm_watch_uses(watch, ZM_OS_PRESSURE_GROUP_LEVEL) && make_timer(&fd) == 0)
		zm_watch_add(watch, fd, ZM_WATCH_PACE, ZM_OS_PRESSURE_GROUP_LEVEL,
			     ZM_OS_PRESSURE_LOW);
}

static void mute(struct zm_os_pressure *watch, struct zm_os_pressure_entry *entry)
{
	const struct itimerspec pace = {.it_value.tv_nsec = PACE_MS * 1000000L};

	for (unsigned name = 0; name < watch->entries; name++) {
		if (watch->entry[name].kind != ZM_WATCH_PACE || !is_in_queue(watch, name) ||
		    timerfd_settime(watch->entry[name].file.fd, 0, &pace, NULL) != 0)
			continue;
		entry->muted = true;
		put(watch, EPOLL_CTL_MOD, entry->file.fd, 0, (uint32_t)(entry - watch->entry));
	}
}

static void unmute(struct zm_os_pressure *watch)
{
	for (unsigned name = 0; name < watch->entries; name++)
		if (watch->entry[name].muted) {
			watch->entry[name].muted = false;
			put(watch, EPOLL_CTL_MOD, watch->entry[name].file.fd,
			    events_of(&watch->entry[name]), name);
		}
}

/* Where nobody else tells. */
static void open_timer(struct zm_os_pressure *watch)
{
	const struct itimerspec each_second = {{1, 0}, {1, 0}};
	int fd, error = make_timer(&fd);

	if (error == 0 && timerfd_settime(fd, 0, &each_second, NULL) != 0) {
		error = zm_os_failure();
		zm_watch_close(fd);
	}
	if (error == 0)
		error = zm_watch_add(watch, fd, ZM_WATCH_EVENTFD, ZM_OS_PRESSURE_TIMER,
				     ZM_OS_PRESSURE_LOW);
	if (error == 0)
		zm_watch_use(watch, ZM_OS_PRESSURE_TIMER, "");
	else
		zm_watch_refuse(watch, ZM_OS_PRESSURE_TIMER, error,
				"the kernel gives no timer, or there are no descriptors left");
}

static void fall_back(struct zm_os_pressure *watch)
{
	for (int source = 0; source < ZM_OS_PRESSURE_SOURCES; source++)
		if (zm_watch_uses(watch, source))
			return;
	if (!watch->off)
		open_timer(watch);
}

static void open_stalls(struct zm_os_pressure *watch)
{
	zm_stalls_open_group(watch, watch->tree);
	zm_stalls_open_machine(watch, watch->tree);
}

/* ---- What has fired ---- */

static void lose(struct zm_os_pressure *watch, enum zm_os_pressure_source source,
		 struct zm_os_pressed *pressed)
{
	for (unsigned name = 0; name < watch->entries; name++)
		if (watch->entry[name].file.fd >= 0 && watch->entry[name].source == source)
			let_go(watch, name);
	zm_watch_refuse(watch, source, ENODEV,
			"it is gone: its group was removed, or who made it ended");
	pressed->gone[source] = true;
	/* Nobody says any more where to look. */
	if (source == ZM_OS_PRESSURE_SERVICE)
		open_stalls(watch);
}

/* False: gone. */
static bool take_trigger(struct zm_os_pressure *watch, struct zm_os_pressure_entry *entry,
			 uint32_t events, struct zm_os_pressed *pressed)
{
	bool settled = entry->settled, grew;

	if ((events & EPOLLERR) != 0)
		return false;
	entry->settled = true;
	grew = entry->source != ZM_OS_PRESSURE_GROUP_STALLS || zm_stalls_grew(watch, entry);
	if ((events & EPOLLPRI) != 0 || (settled && grew))
		zm_watch_fire(pressed, entry->source, entry->level, 1);
	return true;
}

static bool take_readable(struct zm_os_pressure *watch, struct zm_os_pressure_entry *entry,
			  struct zm_os_pressed *pressed)
{
	bool hung_up = false, begins = !entry->settled;

	entry->settled = true;
	if (begins && zm_service_has_own(watch, entry))
		return true;
	if (zm_service_drain(entry, &hung_up))
		zm_watch_fire(pressed, entry->source, entry->level, 1);
	return !hung_up;
}

/* One that is gone is woken, too. */
static bool take_eventfd(struct zm_os_pressure *watch, struct zm_os_pressure_entry *entry,
			 struct zm_os_pressed *pressed)
{
	uint64_t times = 0;
	size_t got = 0;

	if (entry->source == ZM_OS_PRESSURE_GROUP_LEVEL && zm_group_level_is_gone(watch))
		return false;
	if (zm_file_read(entry->file.fd, &times, sizeof(times), &got) == 0 && got == sizeof(times))
		zm_watch_fire(pressed, entry->source, entry->level, times);
	if (entry->source == ZM_OS_PRESSURE_GROUP_LEVEL)
		mute(watch, entry);
	return true;
}

static void take_pace(struct zm_os_pressure *watch, const struct zm_os_pressure_entry *entry)
{
	uint64_t times;
	size_t got;

	zm_file_read(entry->file.fd, &times, sizeof(times), &got);
	unmute(watch);
}

static void take_one(struct zm_os_pressure *watch, unsigned name, uint32_t events,
		     struct zm_os_pressed *pressed)
{
	struct zm_os_pressure_entry *entry = &watch->entry[name];
	bool stays = true, gone = false;

	if (entry->file.fd < 0)
		return;
	if (!is_in_queue(watch, name)) {
		stays = false;
	} else if (entry->kind == ZM_WATCH_TRIGGER) {
		stays = take_trigger(watch, entry, events, pressed);
	} else if (entry->kind == ZM_WATCH_PACE) {
		take_pace(watch, entry);
	} else if (entry->kind == ZM_WATCH_INOTIFY) {
		zm_group_events_take(watch, entry, pressed, &gone);
		stays = !gone;
	} else if (entry->kind == ZM_WATCH_EVENTFD) {
		stays = take_eventfd(watch, entry, pressed);
	} else {
		stays = take_readable(watch, entry, pressed);
	}
	if (!stays)
		lose(watch, entry->source, pressed);
}

void zm_os_pressure_take(struct zm_os_pressure *watch, struct zm_os_pressed *pressed)
{
	struct epoll_event event[ZM_OS_PRESSURE_ENTRIES + 1];
	int count;

	if (!zm_os_pressure_is(watch, watch->queue))
		return;
	/* Twice, for what the first look unmutes. */
	for (int look = 0; look < 2; look++) {
		count = epoll_wait(watch->queue, event, ZM_OS_PRESSURE_ENTRIES + 1, 0);
		for (int i = 0; i < count; i++)
			if (event[i].data.u32 < watch->entries)
				take_one(watch, event[i].data.u32, event[i].events, pressed);
	}
	fall_back(watch);
}

/* ---- Beginning and end ---- */

/* fd: NULL, or the program's, which is the first, so that it is the lowest. */
static int make_queue(struct zm_os_pressure *watch, int *fd)
{
	int error, first = epoll_create1(EPOLL_CLOEXEC);

	if (first < 0)
		return zm_os_failure();
	watch->queue = fd == NULL ? first : fcntl(first, F_DUPFD_CLOEXEC, 0);
	if (watch->queue < 0) {
		error = zm_os_failure();
		zm_watch_close(first);
		return error;
	}
	watch->queue = zm_watch_move_up(watch->queue);
	error = put(watch, EPOLL_CTL_ADD, watch->wake[0].fd, EPOLLIN, WAKE);
	if (error != 0) {
		zm_watch_close(watch->queue);
		if (fd != NULL)
			zm_watch_close(first);
	} else if (fd != NULL) {
		*fd = first;
	}
	return error;
}

static void open_sources(struct zm_os_pressure *watch, const struct zm_os_pressure_wish *wish)
{
	zm_watch_refuse(watch, ZM_OS_PRESSURE_TIMER, EALREADY,
			"not needed: another source is in use");
	watch->tree = wish->tree;
	zm_service_open(watch, wish);
	if (watch->off)
		return;
	if (!zm_watch_uses(watch, ZM_OS_PRESSURE_SERVICE))
		open_stalls(watch);
	zm_group_events_open(watch, wish->tree);
	zm_group_level_open(watch, wish->tree);
	open_pace(watch);
}

int zm_os_pressure_open(const struct zm_os_pressure_wish *wish, struct zm_os_pressure *watch,
			int *fd, struct zm_os_pressed *pressed)
{
	int error = zm_watch_begin(watch);

	if (error != 0)
		return error;
	error = make_queue(watch, fd);
	if (error != 0) {
		zm_watch_end(watch);
		return error;
	}
	open_sources(watch, wish);
	/* The queue shows each trigger once in the beginning, which is no event. */
	zm_os_pressure_take(watch, pressed);
	return 0;
}

void zm_os_pressure_close(struct zm_os_pressure *watch, int fd)
{
	bool ours = zm_os_pressure_is(watch, watch->queue);

	for (unsigned name = 0; ours && name < watch->entries; name++)
		if (is_in_queue(watch, name))
			zm_watch_drop(&watch->entry[name].file);
	zm_group_events_close(watch);
	zm_watch_drop(&watch->stalls);
	zm_watch_drop(&watch->level);
	if (fd >= 0 && fd != watch->queue && zm_os_pressure_is(watch, fd))
		zm_watch_close(fd);
	if (ours)
		zm_watch_close(watch->queue);
	zm_watch_end(watch);
}
