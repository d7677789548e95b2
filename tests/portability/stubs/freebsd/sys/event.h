/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/portability/stubs/freebsd/sys/event.h - as much of kqueue(2) on FreeBSD as lib/os uses.
 */
#ifndef STUB_FREEBSD_EVENT_H
#define STUB_FREEBSD_EVENT_H

#include <stdint.h>

struct timespec;

struct kevent {
	uintptr_t ident;
	short filter;
	unsigned short flags;
	unsigned int fflags;
	int64_t data;
	void *udata;
	uint64_t ext[4];
};

#define EV_SET(event, id, kind, how, what, value, mark)                                            \
	do {                                                                                       \
		struct kevent *set = (event);                                                      \
		set->ident = (id);                                                                 \
		set->filter = (short)(kind);                                                       \
		set->flags = (unsigned short)(how);                                                \
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
