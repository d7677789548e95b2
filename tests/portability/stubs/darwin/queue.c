/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/portability/stubs/darwin/queue.c - what lib/os/pressure_kqueue.c makes of a kqueue that is played: with
 * macOS's filter of memory status, and where the kernel refuses that, as on the BSDs, with a timer.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/event.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "os/pressure.h"

#define MEMORYSTATUS (-14)

/* One queue, known by its inode, with what was added to it. */
static ino_t queue_inode;
static uintptr_t pipe_end;
static int has_pipe, has_timer, has_status;
static int refuse_status, due_timer, due_status;

int kqueue(void)
{
	int fd = memfd_create("queue", 0);
	struct stat about;

	fstat(fd, &about);
	queue_inode = about.st_ino;
	has_pipe = has_timer = has_status = 0;
	return fd;
}

static int change(const struct kevent *event)
{
	if (event->flags == EV_ENABLE) {
		errno = ENOENT;
		return has_pipe && event->ident == pipe_end ? 0 : -1;
	}
	if (event->filter == EVFILT_READ) {
		has_pipe = 1;
		pipe_end = event->ident;
	}
	if (event->filter == MEMORYSTATUS && refuse_status) {
		errno = EINVAL;
		return -1;
	}
	has_status |= event->filter == MEMORYSTATUS;
	has_timer |= event->filter == EVFILT_TIMER && event->data == 1000;
	return 0;
}

static int take(struct kevent *event)
{
	int count = 0;

	if (has_status && due_status != 0) {
		event[count].filter = MEMORYSTATUS;
		event[count++].fflags = (unsigned)due_status;
	}
	if (has_timer && due_timer)
		event[count++].filter = EVFILT_TIMER;
	due_timer = due_status = 0;
	return count;
}

int kevent(int queue, const struct kevent *changes, int changes_length, struct kevent *events,
	   int events_length, const struct timespec *timeout)
{
	struct stat about;

	(void)events_length, (void)timeout;
	if (fstat(queue, &about) != 0 || about.st_ino != queue_inode) {
		errno = EBADF;
		return -1;
	}
	return changes_length != 0 ? change(changes) : take(events);
}

static int failed;

static void expect(const char *what, bool held)
{
	if (held)
		return;
	printf("%s: no\n", what);
	failed = 1;
}

static int descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1400; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void watch_and_press(enum zm_os_pressure_source source, int status, unsigned level)
{
	const struct zm_os_pressure_wish wish = {"", NULL, NULL};
	static struct zm_os_pressure watch;
	struct zm_os_pressed pressed;
	int before = descriptors(), fd = -1, other;

	memset(&pressed, 0, sizeof(pressed));
	expect("it opens", zm_os_pressure_open(&wish, &watch, &fd, &pressed) == 0);
	expect("it has a descriptor, closed by exec", (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	expect("the source is in use", watch.about[source].known && watch.about[source].error == 0);
	zm_os_pressure_take(&watch, &pressed);
	expect("nothing has happened", pressed.level[source] == 0);
	due_timer = 1;
	due_status = status;
	zm_os_pressure_take(&watch, &pressed);
	expect("it tells", pressed.level[source] == level && pressed.count[source] == 1);
	expect("it is ours", zm_os_pressure_is(&watch, fd));
	close(fd);
	other = memfd_create("other", 0);
	expect("another is not", other == fd && !zm_os_pressure_is(&watch, fd));
	zm_os_pressure_close(&watch, fd);
	expect("another stays", fcntl(other, F_GETFD) >= 0);
	close(other);
	expect("nothing is left", descriptors() == before);
}

int main(void)
{
	watch_and_press(ZM_OS_PRESSURE_SYSTEM, 2, ZM_OS_PRESSURE_MEDIUM);
	watch_and_press(ZM_OS_PRESSURE_SYSTEM, 4, ZM_OS_PRESSURE_CRITICAL);
	refuse_status = 1;
	watch_and_press(ZM_OS_PRESSURE_TIMER, 0, ZM_OS_PRESSURE_LOW);
	return failed;
}
