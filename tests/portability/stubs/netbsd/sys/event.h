/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/portability/stubs/netbsd/sys/event.h - as much of kqueue(2) on NetBSD as lib/os uses.
 */
#ifndef STUB_NETBSD_EVENT_H
#define STUB_NETBSD_EVENT_H

#include <stddef.h>
#include <stdint.h>

struct timespec;

struct kevent {
	uintptr_t ident;
	uint32_t filter;
	uint32_t flags;
	uint32_t fflags;
	int64_t data;
	void *udata;
	uint64_t ext[4];
};

#define EV_SET(event, id, kind, how, what, value, mark)                                            \
	do {                                                                                       \
		struct kevent *set = (event);                                                      \
		set->ident = (id);                                                                 \
		set->filter = (uint32_t)(kind);                                                    \
		set->flags = (uint32_t)(how);                                                      \
		set->fflags = (what);                                                              \
		set->data = (value);                                                               \
		set->udata = (mark);                                                               \
	} while (0)

#define EVFILT_READ 0U
#define EVFILT_TIMER 6U

#define EV_ADD 0x0001
#define EV_ENABLE 0x0004
#define EV_CLEAR 0x0020

int kqueue(void);
int kevent(int queue, const struct kevent *changes, size_t changes_length, struct kevent *events,
	   size_t events_length, const struct timespec *timeout);

#endif
