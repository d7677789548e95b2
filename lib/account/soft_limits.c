/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/soft_limits.c - limits that call the program when used memory passes them.
 *
 *             memory passes it: the thread         memory falls to `bytes - hysteresis`:
 *             that did calls the program           some thread's free finds that
 *      ARMED ---------------------------->  OVER  -------------------------------------> ARMED
 *
 * An armed limit is part of the roof, so nobody passes it unseen; one that is over is not. A free has no
 * compare, so while one is over each free goes by the account, which looks at the sum when a thread has
 * freed enough.
 */
#include "config.h"

#include "account/limits.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#include <zmalloc/limit.h>

#include "account/client.h"
#include "account/state.h"
#include "base/probe.h"
#include "base/result.h"

enum state {
	FREE,
	ARMED,
	OVER
};

struct soft_limit {
	enum state state;
	ptrdiff_t bytes, low_bytes; /* it is passed over the one, and armed again at the other */
	void (*callback)(size_t limit_bytes, size_t used_bytes, void *argument);
	void *argument;
	uintptr_t
		runner; /* zm_lock_self() of the thread that is in its callback or comes to it; or 0 */
	bool is_due;    /* the runner comes to it */
	bool is_marked; /* who wants to know of it is told */
	unsigned runs;  /* times that there was a runner */
	int generation; /* of what has been in this place */
};

static struct soft_limit soft[ZMALLOC_SOFT_LIMITS_MAX];

enum {
	GENERATIONS = INT_MAX / ZMALLOC_SOFT_LIMITS_MAX - 1,
	LEAST_FALL_BYTES = 1024, /* a look at the sum costs more than some frees */
	WAIT_NS = 100000
};

/* ---- What they are to the account; under the lock --------------------------------------------- */

static bool has_any(enum state state)
{
	for (size_t i = 0; i < ZMALLOC_SOFT_LIMITS_MAX; i++)
		if (soft[i].state == state)
			return true;
	return false;
}

ptrdiff_t zm_soft_limits_lowest(void)
{
	ptrdiff_t lowest = 0;

	for (size_t i = 0; i < ZMALLOC_SOFT_LIMITS_MAX; i++)
		if (soft[i].state == ARMED && (lowest == 0 || soft[i].bytes < lowest))
			lowest = soft[i].bytes;
	return lowest;
}

bool zm_soft_limits_have_any(void)
{
	return has_any(ARMED) || has_any(OVER);
}

bool zm_soft_limits_watch(void)
{
	return has_any(OVER);
}

/* ---- Falling ---------------------------------------------------------------------------------- */

/* One whose callback runs waits for its end, so that no callback runs twice at a time. */
static void arm_what_fell(ptrdiff_t used_bytes)
{
	bool any = false;

	for (size_t i = 0; i < ZMALLOC_SOFT_LIMITS_MAX; i++) {
		struct soft_limit *limit = &soft[i];

		if (limit->state != OVER || limit->runner != 0 || used_bytes > limit->low_bytes)
			continue;
		limit->state = ARMED;
		any = true;
	}
	if (any)
		zm_limits_update();
}

/*
 * How far the calling thread may fall until it looks again: its part of half the way to the next limit,
 * but no less than an eighth of that limit's hysteresis.
 */
static ptrdiff_t fall_to_next(ptrdiff_t used_bytes)
{
	ptrdiff_t next = ZM_STEP_BYTES, threads = (ptrdiff_t)zm_account.threads + 1;

	for (size_t i = 0; i < ZMALLOC_SOFT_LIMITS_MAX; i++) {
		const struct soft_limit *limit = &soft[i];
		ptrdiff_t way = (used_bytes - limit->low_bytes) / 2 / threads;
		ptrdiff_t least = (limit->bytes - limit->low_bytes) / 8;

		if (limit->state != OVER)
			continue;
		if (way < least)
			way = least;
		if (way < next)
			next = way;
	}
	return next > LEAST_FALL_BYTES ? next : LEAST_FALL_BYTES;
}

size_t zm_soft_limits_see_fell(void)
{
	ptrdiff_t used, fall;

	zm_lock(&zm_account.lock);
	used = zm_account_kept();
	arm_what_fell(used);
	fall = fall_to_next(used);
	zm_account_check();
	zm_unlock(&zm_account.lock);
	return (size_t)fall;
}

/* ---- Passing ---------------------------------------------------------------------------------- */

/* What memory has passed is the calling thread's to run, all at once: one callback may free it all. */
static void take_all_passed(void)
{
	ptrdiff_t used = zm_account_kept();
	bool any = false;

	for (size_t i = 0; i < ZMALLOC_SOFT_LIMITS_MAX; i++) {
		struct soft_limit *limit = &soft[i];

		if (limit->state != ARMED || limit->runner != 0 || used <= limit->bytes)
			continue;
		limit->state = OVER;
		limit->runner = zm_lock_self();
		limit->runs++;
		limit->is_due = any = true;
	}
	if (!any)
		return;
	zm_account_watch_falls_anew();
	zm_limits_update();
}

static struct soft_limit *lowest_due(void)
{
	struct soft_limit *lowest = NULL;

	for (size_t i = 0; i < ZMALLOC_SOFT_LIMITS_MAX; i++)
		if (soft[i].is_due && soft[i].runner == zm_lock_self() &&
		    (lowest == NULL || soft[i].bytes < lowest->bytes))
			lowest = &soft[i];
	return lowest;
}

typedef void (*teller)(void);

/* Who in the library is told that a limit was passed. */
static ZM_ATOMIC(teller) teller_of_passed;

void zm_soft_limits_tell(void (*tell)(void))
{
	zm_store_release(&teller_of_passed, tell);
}

static size_t used_to_tell(void)
{
	ptrdiff_t used = zm_account_kept();

	return used > 0 ? (size_t)used : 0;
}

/* Under the lock, which is let go of for the program's function. */
static void call(const struct soft_limit *limit)
{
	void (*callback)(size_t, size_t, void *) = limit->callback;
	void *argument = limit->argument;
	size_t bytes = (size_t)limit->bytes, used = used_to_tell();
	bool is_marked = limit->is_marked;
	teller tell;

	zm_account_check();
	zm_unlock(&zm_account.lock);
	if (is_marked)
		zm_clients_see_moment(ZM_CLIENT_SOFT);
	zm_probe_soft_limit(bytes, used);
	callback(bytes, used, argument);
	tell = zm_load_acquire(&teller_of_passed);
	if (tell != NULL)
		tell();
	zm_lock(&zm_account.lock);
}

/* One that another's callback has removed by then is not called. */
static void run_all_passed(void)
{
	struct soft_limit *limit;

	zm_lock(&zm_account.lock);
	take_all_passed();
	while ((limit = lowest_due()) != NULL) {
		limit->is_due = false;
		if (limit->state == OVER)
			call(limit);
		limit->runner = 0;
		arm_what_fell(zm_account_kept());
	}
	zm_account_check();
	zm_unlock(&zm_account.lock);
}

/*
 * Nobody calls the program while he holds a lock of ours: a step of defragmentation, a fork. The roof is
 * where it was then, so the next call that grows comes by again.
 */
void zm_soft_limits_see_passed(void)
{
	if (zm_roof_is_passed() && !zm_lock_is_any_mine())
		run_all_passed();
}

/* ---- The contract ----------------------------------------------------------------------------- */

static struct soft_limit *free_place(void)
{
	for (size_t i = 0; i < ZMALLOC_SOFT_LIMITS_MAX; i++)
		if (soft[i].state == FREE && soft[i].runner == 0)
			return &soft[i];
	return NULL;
}

static int put(struct soft_limit *limit, size_t bytes, size_t hysteresis,
	       void (*callback)(size_t, size_t, void *), void *argument)
{
	limit->generation = limit->generation % GENERATIONS + 1;
	limit->bytes = (ptrdiff_t)bytes;
	limit->low_bytes = (ptrdiff_t)(bytes - hysteresis);
	limit->callback = callback;
	limit->argument = argument;
	limit->is_marked = false;
	limit->state = ARMED;
	zm_limits_update();
	return limit->generation * ZMALLOC_SOFT_LIMITS_MAX + (int)(limit - soft);
}

int zmalloc_soft_limit_add(size_t bytes, size_t hysteresis,
			   void (*callback)(size_t limit_bytes, size_t used_bytes, void *argument),
			   void *argument)
{
	struct soft_limit *limit;
	int number = -1;

	if (bytes == 0 || bytes > PTRDIFF_MAX || hysteresis > bytes || callback == NULL)
		return zm_result(EINVAL);
	zm_account_begin();
	zm_lock(&zm_account.lock);
	limit = free_place();
	if (limit != NULL)
		number = put(limit, bytes, hysteresis, callback, argument);
	zm_account_check();
	zm_unlock(&zm_account.lock);
	if (number < 0)
		return zm_result(ENOSPC);
	zm_soft_limits_see_passed();
	return number;
}

static struct soft_limit *of_number(int number)
{
	struct soft_limit *limit;

	if (number < 0)
		return NULL;
	limit = &soft[number % ZMALLOC_SOFT_LIMITS_MAX];
	return limit->state != FREE && limit->generation == number / ZMALLOC_SOFT_LIMITS_MAX ? limit
											     : NULL;
}

/* Under the lock, which is let go of meanwhile. The calling thread's own callback is not waited for. */
static void wait_for_callback(const struct soft_limit *limit)
{
	const struct timespec pause = {.tv_nsec = WAIT_NS};
	unsigned runs = limit->runs;

	while (limit->runner != 0 && limit->runner != zm_lock_self() && limit->runs == runs) {
		zm_unlock(&zm_account.lock);
		nanosleep(&pause, NULL);
		zm_lock(&zm_account.lock);
	}
}

int zmalloc_soft_limit_remove(int number)
{
	struct soft_limit *limit;

	zm_lock(&zm_account.lock);
	limit = of_number(number);
	if (limit != NULL) {
		limit->state = FREE;
		zm_limits_update();
		zm_account_check();
		wait_for_callback(limit);
	}
	zm_unlock(&zm_account.lock);
	return zm_result(limit != NULL ? 0 : ENOENT);
}

int zmalloc_soft_limit_set_profile(int number, int on)
{
	struct soft_limit *limit;

	zm_lock(&zm_account.lock);
	limit = of_number(number);
	if (limit != NULL)
		limit->is_marked = on != 0;
	zm_unlock(&zm_account.lock);
	return zm_result(limit != NULL ? 0 : ENOENT);
}

/* ---- Fork ------------------------------------------------------------------------------------- */

/* Of the threads that were in a callback only the one that forked is here to come to its end. */
void zm_soft_limits_enter_child(void)
{
	for (size_t i = 0; i < ZMALLOC_SOFT_LIMITS_MAX; i++)
		if (soft[i].runner != zm_lock_self()) {
			soft[i].runner = 0;
			soft[i].is_due = false;
		}
	arm_what_fell(zm_account_kept());
}
