/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/hooks/libuv.c - libuv, charged as zmalloc_hooks(3) says. pkg-config: libuv */
#include "use.h"

static int calls;

static void count(uv_timer_t *timer)
{
	if (++calls == 3) {
		in_use(100);
		uv_close((uv_handle_t *)timer, NULL);
	}
}

int main(void)
{
	uv_loop_t loop;
	uv_timer_t timer;

	DEMAND(charge_libuv() == 0);
	DEMAND(uv_loop_init(&loop) == 0);
	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, count, 0, 1);
	uv_run(&loop, UV_RUN_DEFAULT);
	DEMAND(calls == 3);
	DEMAND(uv_loop_close(&loop) == 0);
	uv_library_shutdown();
	return at_the_end();
}
