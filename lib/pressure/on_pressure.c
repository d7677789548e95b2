/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/pressure/on_pressure.c - memory that is given back by itself when the process is pressed.
 *
 * In a thread of ours that waits as a program would. Signals of two seconds' pressure are one: the
 * kernel needs a while to see that memory came back, and a purge takes time of those who allocate.
 */
#include "config.h"

#include <errno.h>
#include <time.h>

#include <zmalloc.h>

#include "base/atomic.h"
#include "base/helper.h"
#include "base/result.h"
#include "os/shared.h"
#include "pressure/pressure.h"

enum {
	REST_S = 2
};

static struct {
	uintptr_t number; /* the thread's watch; 0: nothing is done. Under the lock */
	ZM_ATOMIC(uintptr_t) purges;
} purging;

uint64_t zm_pressure_purges(void)
{
	return zm_load(&purging.purges);
}

void zm_pressure_purge_in_child(void)
{
	purging.number = 0;
}

/* Wait for the next event, and take all that there are. 0, or EBADF when the watch is gone. */
static int wait_for_level(uintptr_t number, uint32_t *level)
{
	struct zmalloc_pressure_event event = {.size = sizeof(event)};
	int timeout_ms = -1, error;

	*level = 0;
	while ((error = zm_pressure_wait(number, timeout_ms, &event)) == 0 || error == EINTR) {
		if (error == EINTR)
			continue;
		if (*level < event.level)
			*level = event.level;
		timeout_ms = 0;
	}
	return error == EAGAIN ? 0 : error;
}

static void *purge_when_pressed(void *number)
{
	const struct timespec rest = {.tv_sec = REST_S};
	uint32_t level;

	zm_os_thread_name("zmalloc");
	while (wait_for_level((uintptr_t)number, &level) == 0) {
		if (level < ZMALLOC_PRESSURE_MEDIUM)
			continue;
		zmalloc_purge();
		zm_fetch_add(&purging.purges, 1);
		nanosleep(&rest, NULL);
	}
	return NULL;
}

static int start(void)
{
	const struct zm_os_pressure_wish wish = zm_pressure_wish();
	int fd, error;

	if (!zmalloc_has(ZMALLOC_CAN_PURGE))
		return ENOTSUP;
	error = zm_pressure_open(&wish, true, &fd, &purging.number);
	if (error != 0)
		return error;
	error = zm_helper_start(purge_when_pressed, (void *)purging.number);
	if (error == 0)
		return 0;
	zm_pressure_close(purging.number);
	purging.number = 0;
	return error;
}

static void stop(void)
{
	zm_pressure_close(purging.number);
	purging.number = 0;
}

int zmalloc_on_pressure(int action)
{
	struct zm_pressure_hold hold;
	int error = 0;

	if (action != ZMALLOC_PRESSURE_IGNORE && action != ZMALLOC_PURGE)
		return zm_result(EINVAL);
	hold = zm_pressure_begin();
	if (action == ZMALLOC_PURGE && purging.number == 0)
		error = start();
	if (action == ZMALLOC_PRESSURE_IGNORE && purging.number != 0)
		stop();
	zm_pressure_end(hold);
	return zm_result(error);
}
