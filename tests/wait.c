/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/wait.c - waiting for something that may never come: epoll, else kqueue, else poll.
 *
 * poll() is the last resort because on some systems it does not know every kind of descriptor.
 */
#include "config.h"

#include "tests/wait.h"

#include <errno.h>
#include <unistd.h>

#if defined(HAVE_EPOLL)
#include <sys/epoll.h>

bool wait_readable(int fd, int milliseconds)
{
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(EPOLL_CLOEXEC), found = -1;

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0) {
		do {
			found = epoll_wait(epoll, &event, 1, milliseconds);
		} while (found < 0 && errno == EINTR);
	}
	close(epoll);
	return found == 1;
}
#elif defined(HAVE_KQUEUE)
#include <sys/types.h>
#include <sys/event.h>
#include <sys/time.h>

bool wait_readable(int fd, int milliseconds)
{
	struct timespec limit = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
	struct kevent event;
	int queue = kqueue(), found;

	EV_SET(&event, fd, EVFILT_READ, EV_ADD, 0, 0, 0);
	do {
		found = kevent(queue, &event, 1, &event, 1, &limit);
	} while (found < 0 && errno == EINTR);
	close(queue);
	return found == 1 && (event.flags & EV_ERROR) == 0;
}
#else
#include <poll.h>

bool wait_readable(int fd, int milliseconds)
{
	struct pollfd event = {.fd = fd, .events = POLLIN};
	int found;

	do {
		found = poll(&event, 1, milliseconds);
	} while (found < 0 && errno == EINTR);
	return found == 1 && (event.revents & POLLNVAL) == 0;
}
#endif
