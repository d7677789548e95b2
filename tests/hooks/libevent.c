/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/hooks/libevent.c - libevent, charged as zmalloc_hooks(3) says. pkg-config: libevent */
#include "use.h"

static void see(evutil_socket_t descriptor, short what, void *context)
{
	(void)descriptor, (void)what, (void)context;
	in_use(500);
}

int main(void)
{
	struct event_base *base;
	struct event *event;
	struct timeval soon = {0, 1000};

	charge_libevent();
	base = event_base_new();
	event = event_new(base, -1, 0, see, NULL);
	DEMAND(base != NULL && event != NULL);
	event_add(event, &soon);
	event_base_dispatch(base);
	event_free(event);
	event_base_free(base);
	libevent_global_shutdown();
	return at_the_end();
}
