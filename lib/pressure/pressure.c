/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/pressure/pressure.c - the watches of this process.
 *
 * A watch's descriptor is a queue of the kernel's (os/pressure.h). It is readable while a source has fired that
 * nobody has looked at, or while something is pending that has been looked at: then the watch's pipe
 * keeps it so. Everything happens under one lock but the waiting itself; a watch that is closed while
 * threads wait is closed by the last of them.
 */
#include "config.h"

#include "pressure/pressure.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "account/limits.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/fork.h"
#include "base/lock.h"
#include "base/result.h"
#include "base/sized.h"
#include "os/os.h"
#include "pressure/pending.h"
#include "profile/moment.h"

enum {
	/*
	 * The program's, that of on_pressure.c, and such as are closed while threads are on their
	 * way out of them.
	 */
	WATCHES = ZMALLOC_PRESSURE_WATCHES + 1 + 7
};

struct watch {
	uintptr_t number; /* 0: there is none */
	int fd;           /* the program's */
	int64_t pid;      /* of the process that opened it */
	bool hidden;
	bool closing;
	bool woken; /* the pipe says that something is pending */
	unsigned waiters;
	struct zm_os_pressure os;
	struct zm_pressure_pending pending;
};

static struct {
	struct zm_lock lock;
	struct zm_once joined; /* the handlers of fork() */
	int join_error;
	uintptr_t numbers; /* that have been given */
	struct watch watch[WATCHES];
} room = {.lock = ZM_LOCK_INITIALIZER};

/* ---- The lock, and fork ---- */

static void before_fork(void)
{
	zm_lock(&room.lock);
}

static void after_fork(void)
{
	zm_unlock(&room.lock);
}

static void forget(struct watch *watch)
{
	zm_os_pressure_close(&watch->os, watch->fd);
	watch->number = 0;
}

/* The child shares the queue and all that is in it with its parent: it closes its own descriptors only. */
static void after_fork_in_child(void)
{
	for (int i = 0; i < WATCHES; i++)
		if (room.watch[i].number != 0)
			forget(&room.watch[i]);
	zm_pressure_purge_in_child();
	zm_unlock(&room.lock);
}

static void join_fork(void)
{
	static const struct zm_fork_room handlers = {before_fork, after_fork, after_fork_in_child};

	room.join_error = zm_fork_join(ZM_FORK_PRESSURE, &handlers);
}

struct zm_pressure_hold zm_pressure_begin(void)
{
	struct zm_pressure_hold hold = {0};

	/* A fork from now on waits for the lock, so that no child finds it taken. */
	zm_once(&room.joined, join_fork);
	/* Most of what is called under it is a cancellation point somewhere. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &hold.cancel);
	zm_lock(&room.lock);
	return hold;
}

void zm_pressure_end(struct zm_pressure_hold hold)
{
	zm_unlock(&room.lock);
	pthread_setcancelstate(hold.cancel, NULL);
}

/* ---- Finding; under the lock ---- */

/* Closed by no call of ours, its queue is not the one that we made. */
static bool is_whole(const struct watch *watch)
{
	return zm_os_pressure_is(&watch->os, watch->os.queue) &&
	       (watch->hidden || zm_os_pressure_is(&watch->os, watch->fd));
}

static bool is_mine(const struct watch *watch)
{
	return watch->number != 0 && !watch->closing && watch->pid == getpid();
}

static struct watch *find(uintptr_t number)
{
	zm_assert(zm_lock_is_mine(&room.lock));
	for (int i = 0; i < WATCHES; i++)
		if (is_mine(&room.watch[i]) && room.watch[i].number == number)
			return is_whole(&room.watch[i]) ? &room.watch[i] : NULL;
	return NULL;
}

static struct watch *find_fd(int fd)
{
	for (int i = 0; fd >= 0 && i < WATCHES; i++)
		if (is_mine(&room.watch[i]) && !room.watch[i].hidden && room.watch[i].fd == fd &&
		    is_whole(&room.watch[i]))
			return &room.watch[i];
	return NULL;
}

/* Under the lock or not: the number of the watch that a descriptor has; 0: it has none. */
static uintptr_t number_of(int fd)
{
	struct zm_pressure_hold hold = zm_pressure_begin();
	const struct watch *watch = find_fd(fd);
	uintptr_t number = watch != NULL ? watch->number : 0;

	zm_pressure_end(hold);
	return number;
}

static void end(struct watch *watch)
{
	watch->closing = true;
	zm_os_pressure_wake(&watch->os);
	if (watch->waiters == 0)
		forget(watch);
}

/* What the program closed by itself has descriptors left. */
static void reap(void)
{
	for (int i = 0; i < WATCHES; i++)
		if (is_mine(&room.watch[i]) && !is_whole(&room.watch[i]))
			end(&room.watch[i]);
}

/* ---- Opening ---- */

struct zm_os_pressure_wish zm_pressure_wish(void)
{
	struct zm_os_pressure_wish wish = {"", zm_os_getenv("MEMORY_PRESSURE_WATCH"),
					   zm_os_getenv("MEMORY_PRESSURE_WRITE")};

	return wish;
}

static struct watch *free_place(bool hidden)
{
	struct watch *place = NULL;
	int of_program = 0;

	for (int i = 0; i < WATCHES; i++) {
		if (room.watch[i].number == 0)
			place = &room.watch[i];
		else if (is_mine(&room.watch[i]) && !room.watch[i].hidden)
			of_program++;
	}
	return hidden || of_program < ZMALLOC_PRESSURE_WATCHES ? place : NULL;
}

static int open_in(struct watch *watch, const struct zm_os_pressure_wish *wish, bool hidden)
{
	struct zm_os_pressed pressed;
	int error;

	memset(watch, 0, sizeof(*watch));
	memset(&pressed, 0, sizeof(pressed));
	watch->fd = -1;
	error = zm_os_pressure_open(wish, &watch->os, hidden ? NULL : &watch->fd, &pressed);
	if (error != 0)
		return error;
	watch->number = ++room.numbers;
	watch->pid = getpid();
	watch->hidden = hidden;
	zm_pending_add_pressed(&watch->pending, &pressed);
	watch->woken = !zm_pending_is_empty(&watch->pending);
	if (watch->woken)
		zm_os_pressure_wake(&watch->os);
	return 0;
}

static void see_limit_passed(void)
{
	zm_pressure_raise(ZMALLOC_PRESSURE_MEDIUM);
}

int zm_pressure_open(const struct zm_os_pressure_wish *wish, bool hidden, int *fd,
		     uintptr_t *number)
{
	struct zm_pressure_hold hold = zm_pressure_begin();
	struct watch *watch;
	int error;

	reap();
	zm_soft_limits_tell(see_limit_passed);
	watch = free_place(hidden);
	error = watch == NULL ? EMFILE : room.join_error;
	if (error == 0)
		error = open_in(watch, wish, hidden);
	if (error == 0) {
		*fd = watch->fd;
		*number = watch->number;
	}
	zm_pressure_end(hold);
	return error;
}

int zmalloc_pressure_open(void)
{
	const struct zm_os_pressure_wish wish = zm_pressure_wish();
	uintptr_t number;
	int fd = -1, error = zm_pressure_open(&wish, false, &fd, &number);

	return error == 0 ? fd : zm_result(error);
}

/* ---- Reading ---- */

static void keep_readable(struct watch *watch)
{
	bool pending = !zm_pending_is_empty(&watch->pending);

	if (pending && !watch->woken)
		zm_os_pressure_wake(&watch->os);
	if (!pending)
		zm_os_pressure_unwake(&watch->os);
	watch->woken = pending;
}

static void fill_in(struct zmalloc_pressure_event *event)
{
	struct zm_pressure_figures figures;

	zm_pressure_figures_take(&figures);
	event->used_bytes = figures.used_bytes;
	event->rss_bytes = figures.rss_bytes;
	event->limit_bytes = figures.limit_bytes;
}

static int take(struct watch *watch, struct zmalloc_pressure_event *event)
{
	struct zm_os_pressed pressed;
	bool told;

	memset(&pressed, 0, sizeof(pressed));
	zm_os_pressure_take(&watch->os, &pressed);
	zm_pending_add_pressed(&watch->pending, &pressed);
	told = zm_pending_take(&watch->pending, event);
	keep_readable(watch);
	if (told)
		fill_in(event);
	return told ? 0 : EAGAIN;
}

/* Lets go of the lock meanwhile. What has its place afterwards may be another watch. */
static int sleep_on(struct watch *watch, int timeout_ms, struct zm_pressure_hold *hold)
{
	uintptr_t number = watch->number;
	int error;

	watch->waiters++;
	zm_pressure_end(*hold);
	error = zm_os_pressure_wait(&watch->os, timeout_ms);
	*hold = zm_pressure_begin();
	/* A child, of a handler of signals that forked, has neither watch nor waiters. */
	if (watch->number != number)
		return EBADF;
	watch->waiters--;
	if (!watch->closing)
		return error;
	if (watch->waiters == 0)
		forget(watch);
	return EBADF;
}

static int remaining_ms(uint64_t until_ns)
{
	uint64_t now_ns = zm_now_ns();

	/* Rounded up: a wait that ends a moment early would be followed by many of no length. */
	return now_ns >= until_ns ? 0 : (int)((until_ns - now_ns + 999999) / 1000000);
}

int zm_pressure_wait(uintptr_t number, int timeout_ms, struct zmalloc_pressure_event *event)
{
	uint64_t until_ns = zm_now_ns() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * 1000000;
	struct zm_pressure_hold hold = zm_pressure_begin();
	int error;

	do {
		struct watch *watch = find(number);

		error = watch == NULL ? EBADF : take(watch, event);
		if (error != EAGAIN || timeout_ms == 0)
			break;
		error = sleep_on(watch, timeout_ms < 0 ? -1 : remaining_ms(until_ns), &hold);
	} while (error == 0 || (error == ETIMEDOUT && remaining_ms(until_ns) > 0));
	zm_pressure_end(hold);
	/* Before the program drops what is to be seen. */
	if (error == 0 && event->level >= ZMALLOC_PRESSURE_MEDIUM)
		zm_profile_moment(ZM_MOMENT_PRESSURE);
	return error;
}

static int wait_by_fd(int fd, int timeout_ms, struct zmalloc_pressure_event *event)
{
	struct zmalloc_pressure_event told = {.size = sizeof(told)};
	int error;

	/* Before anything is taken that could not be told. */
	if (!zm_sized_is_set(event))
		return EINVAL;
	error = zm_pressure_wait(number_of(fd), timeout_ms, &told);
	if (error == 0)
		zm_sized_hand_over(event, &told, sizeof(told));
	return error;
}

int zmalloc_pressure_read(int fd, struct zmalloc_pressure_event *event)
{
	return zm_result(wait_by_fd(fd, 0, event));
}

int zmalloc_pressure_wait(int fd, int timeout_ms, struct zmalloc_pressure_event *event)
{
	int error = wait_by_fd(fd, timeout_ms, event);

	return zm_result(error == EAGAIN ? ETIMEDOUT : error);
}

/* ---- Closing ---- */

int zm_pressure_close(uintptr_t number)
{
	struct zm_pressure_hold hold = zm_pressure_begin();
	struct watch *watch = find(number);

	if (watch != NULL)
		end(watch);
	reap();
	zm_pressure_end(hold);
	return watch != NULL ? 0 : EBADF;
}

int zmalloc_pressure_close(int fd)
{
	return zm_result(zm_pressure_close(number_of(fd)));
}

/* ---- Sources ---- */

static void tell_of_limit(struct zmalloc_pressure_about *about)
{
	about->source = ZMALLOC_PRESSURE_LIMIT;
}

static bool tell_of(const struct zm_os_pressure_about *from, enum zm_os_pressure_source source,
		    struct zmalloc_pressure_about *about)
{
	about->source = zm_pressure_source_of(source);
	about->error = from->error;
	about->why = from->error != 0 ? from->why : "";
	memcpy(about->place, from->place, sizeof(about->place));
	return from->known;
}

int zmalloc_pressure_visit(int fd,
			   int (*visit)(const struct zmalloc_pressure_about *about, void *context),
			   void *context)
{
	struct zm_os_pressure_about from[ZM_OS_PRESSURE_SOURCES];
	struct zm_pressure_hold hold = zm_pressure_begin();
	struct watch *watch = find_fd(fd);
	struct zmalloc_pressure_about about = {.size = sizeof(about), .why = ""};
	int answer;

	if (watch != NULL)
		memcpy(from, watch->os.about, sizeof(from));
	zm_pressure_end(hold);
	if (watch == NULL)
		return zm_result(EBADF);
	tell_of_limit(&about);
	answer = visit(&about, context);
	for (int source = 0; answer == 0 && source < ZM_OS_PRESSURE_SOURCES; source++)
		if (tell_of(&from[source], source, &about))
			answer = visit(&about, context);
	return answer;
}

/* ---- Raising ---- */

void zm_pressure_raise(uint32_t level)
{
	struct zm_pressure_hold hold = zm_pressure_begin();

	for (int i = 0; i < WATCHES; i++) {
		struct watch *watch = &room.watch[i];

		if (!is_mine(watch))
			continue;
		zm_pending_add(&watch->pending, ZMALLOC_PRESSURE_LIMIT, level, 1);
		if (!watch->woken)
			zm_os_pressure_wake(&watch->os);
		watch->woken = true;
	}
	zm_pressure_end(hold);
}
