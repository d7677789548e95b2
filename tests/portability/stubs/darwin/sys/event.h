/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/portability/stubs/darwin/sys/event.h - as much of kqueue(2) on macOS as lib/os uses.
 */
#ifndef STUB_DARWIN_EVENT_H
#define STUB_DARWIN_EVENT_H

#include <stdint.h>

struct timespec;

struct kevent {
	uintptr_t ident;
	int16_t filter;
	uint16_t flags;
	uint32_t fflags;
	intptr_t data;
	void *udata;
};

#define EV_SET(event, id, kind, how, what, value, mark)                                            \
	do {                                                                                       \
		struct kevent *set = (event);                                                      \
		set->ident = (id);                                                                 \
		set->filter = (int16_t)(kind);                                                     \
		set->flags = (uint16_t)(how);                                                      \
		set->fflags = (what);                                                              \
		set->data = (value);                                                               \
		set->udata = (mark);                                                               \
	} while (0)

#define EVFILT_READ (-1)
#define EVFILT_TIMER (-7)

#define EV_ADD 0x0001
#define EV_ENABLE 0x0004
#define EV_CLEAR 0x0020

int kqueue(void);
int kevent(int queue, const struct kevent *changes, int changes_length, struct kevent *events,
	   int events_length, const struct timespec *timeout);

#endif
