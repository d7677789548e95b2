/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/fork.c - the one set of handlers for fork().
 */
#include "config.h"

#include "base/fork.h"

#include <pthread.h>
#include <string.h>

#include "base/assert.h"
#include "base/lock.h"

typedef ZM_ATOMIC(const struct zm_fork_room *) room_at;

/* Written under the lock ONCE. */
static room_at rooms[ZM_FORK_PLACES];

/* The rooms whose locks the fork holds. Guarded by those locks. */
static const struct zm_fork_room *held[ZM_FORK_PLACES];

static void let_go(const struct zm_fork_room *const *taken)
{
	for (int place = ZM_FORK_PLACES; place-- > 0;)
		if (taken[place] != NULL)
			taken[place]->in_parent();
}

/* True: no room has joined meanwhile, and none can until ONCE is let go of. */
static bool take_all(const struct zm_fork_room **taken)
{
	bool all = true;

	for (int place = 0; place < ZM_FORK_PLACES; place++) {
		taken[place] = zm_load_acquire(&rooms[place]);
		if (taken[place] != NULL)
			taken[place]->before();
	}
	for (int place = 0; place < ZM_FORK_PLACES; place++)
		all &= taken[place] == zm_load(&rooms[place]);
	return all;
}

static void before(void)
{
	const struct zm_fork_room *taken[ZM_FORK_PLACES];

	while (!take_all(taken))
		let_go(taken);
	memcpy(held, taken, sizeof(held));
}

static void in_parent(void)
{
	const struct zm_fork_room *taken[ZM_FORK_PLACES];

	memcpy(taken, held, sizeof(taken));
	let_go(taken);
}

static void in_child(void)
{
	const struct zm_fork_room *taken[ZM_FORK_PLACES];

	memcpy(taken, held, sizeof(taken));
	for (int place = ZM_FORK_PLACES; place-- > 0;)
		if (taken[place] != NULL)
			taken[place]->in_child();
}

int zm_fork_join(enum zm_fork_place place, const struct zm_fork_room *room)
{
	static const struct zm_fork_room once = {zm_once_hold, zm_once_let_go, zm_once_let_go};
	static bool installed;
	int error;

	zm_assert(zm_once_is_making());
	zm_assert(room->before != NULL && room->in_parent != NULL && room->in_child != NULL);
	zm_assert(zm_load(&rooms[place]) == NULL || zm_load(&rooms[place]) == room);
	if (!installed) {
		zm_store_release(&rooms[ZM_FORK_ONCE], &once);
		/*
		 * First, for pthread_atfork() may call a malloc() that is built on ours while it
		 * holds a lock of its own: a room that joins from there must not wait for that.
		 */
		installed = true;
		error = pthread_atfork(before, in_parent, in_child);
		if (error != 0) {
			installed = false;
			return error;
		}
	}
	zm_store_release(&rooms[place], room);
	return 0;
}
