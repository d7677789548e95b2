/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/account.c - the lives of counters: how a thread comes by one, and what becomes of it at the
 * thread's end and in a fork.
 *
 *            first z-call           thread exits            next thread's
 *             of a thread           (pthread key)           first z-call
 *      idle -------------->  owned -------------->  idle  -------------->  owned  ...
 *      net 0            net moves (or: the             net kept          net goes on
 *                       allocator's counters do)
 *
 * Sum over all records, whatever their state, plus `ended` = used memory. Nothing is lost at a
 * hand-over because nothing is moved: the record keeps its figure and only changes its owner. A
 * borrowing thread's figure lives in its TLS, which dies with it: its destructor adds it to the
 * record's net under the lock, which readers of borrowed counters hold too.
 *
 * A thread's last calls. Other keys' destructors may allocate and free after ours has run. By then
 * the thread is ENDED: each call takes the cold path and moves the shared counter `ended`
 * atomically, by sizes asked of the allocator. So the order of destructors does not matter.
 *
 * Fork. The lock is held across fork() (lib/base/fork.h), so the child's records are whole. Only
 * the forking thread lives on there; every other owner's figure is kept in its record (borrowed
 * ones are added to net), which becomes idle. Their blocks exist in the child too, so the sum is
 * right; a block that another thread was just then allocating is lost to the child in any
 * allocator.
 */
#include "config.h"

#include "account/client.h"
#include "account/limits.h"
#include "account/scope.h"
#include "account/state.h"

#include <errno.h>

#include "base/fork.h"
#include "os/os.h"
#include "start.h"

#if ZM_RAW_COUNTS
static const uint64_t zero;
#else
static int no_errno;       /* written only with what was just read from it */
#endif

struct zm_counter zm_no_counter = {
	.ceiling_bytes = PTRDIFF_MIN,
#if ZM_RAW_COUNTS
	.allocated = &zero,
	.freed = &zero,
#endif
};

ZM_TLS ptrdiff_t zm_thread_ended_bytes;

#if ZM_RAW_COUNTS
static const uint64_t one = 1;
#endif

ZM_TLS struct zm_thread zm_thread = {
	.counter = &zm_no_counter,
#if !ZM_RAW_COUNTS
	.errno_at = &no_errno,
	.shrinks_at = &zm_no_counter.net_bytes,
#else
	.allocated = &one, /* 1 - 0 is over a ceiling of 0 */
	.freed = &zero,
	.free = zm_free_unsettled,
	.free_sized = zm_free_sized_unsettled,
#endif
	.state = ZM_THREAD_NEW,
	.slow = ZM_SLOW_UNKNOWN,
};

struct zm_account zm_account = {.lock = ZM_LOCK_INITIALIZER};

/* ---- Records; all under the lock ------------------------------------------------------------ */

static void lend_nothing(struct zm_counter *counter)
{
#if ZM_RAW_COUNTS
	counter->allocated = counter->freed = &zero;
#else
	(void)counter;
#endif
}

/* Of a thread that a fork has lost, too: it was about to keep nothing. */
static void clear_record(struct zm_counter *counter)
{
	lend_nothing(counter);
	zm_store(&counter->stated_bytes, ZM_STATES_NOTHING);
}

static void prepare(struct zm_chunk *chunk)
{
	for (size_t i = 0; i < ZM_CHUNK_COUNTERS; i++)
		clear_record(&chunk->counters[i]);
}

/* Readers without the lock may see the chunk as soon as it is linked: it is whole by then. */
static void add_chunk(struct zm_chunk *chunk)
{
	prepare(chunk);
	zm_store_release(&zm_account.last->next, chunk);
	zm_account.last = chunk;
}

/*
 * The figure of an idle record stays committed until there is an owner's ceiling in its place: others
 * would take the lack of a negative one for memory in use, and raise the peak by as much.
 * NULL if the system has no page left for more records.
 */
static struct zm_counter *take_record(void)
{
	struct zm_counter *counter = zm_account.idle;
	size_t used;
	void *pages;

	zm_assert(zm_lock_is_mine(&zm_account.lock));
	if (counter != NULL) {
		zm_assert(counter->owner == NULL);
		zm_account.idle = counter->next_idle;
		return counter;
	}
	used = zm_load(&zm_account.last->used);
	if (used == ZM_CHUNK_COUNTERS) {
		if (zm_os_map(sizeof(struct zm_chunk), &pages) != 0)
			return NULL;
		add_chunk(pages);
		used = 0;
	}
	zm_store_release(&zm_account.last->used, used + 1);
	return &zm_account.last->counters[used];
}

/* The record keeps its figure. */
static void retire_record(struct zm_counter *counter)
{
	ptrdiff_t figure = zm_counter_bytes(counter);

	zm_assert(zm_lock_is_mine(&zm_account.lock) && counter->owner != NULL);
	zm_account.committed_bytes += figure - zm_load(&counter->granted_bytes);
	zm_store(&counter->granted_bytes, figure);
	if (ZM_COUNT_BORROWED)
		zm_store(&counter->net_bytes, figure);
	clear_record(counter);
	counter->owner = NULL;
	counter->next_idle = zm_account.idle;
	zm_account.idle = counter;
	zm_account.threads--;
}

/* ---- Leaving -------------------------------------------------------------------------------- */

/* The calling thread's members back to those that lead to the cold path. */
static void forget_counter(struct zm_thread *self)
{
	self->state = ZM_THREAD_ENDED;
	self->borrows = false;
	self->counter = &zm_no_counter;
#if ZM_COUNT_SIZES
	self->shrinks_at = &zm_no_counter.net_bytes;
#endif
	zm_store(&self->slow, ZM_SLOW_UNKNOWN);
	zm_store(&self->growth_round, 0);
#if ZM_RAW_COUNTS
	self->allocated = &one;
	self->freed = &zero;
	zm_store(&self->ceiling_bytes, 0);
	zm_store(&self->free, zm_free_unsettled);
	zm_store(&self->free_sized, zm_free_sized_unsettled);
#endif
}

/* The key's destructor. The record comes as an argument: where TLS is itself freed by a key, it may
 * be gone by now. */
static void leave(void *record)
{
	struct zm_counter *counter = record;
	bool over;

	if (zm_thread.counter == counter)
		zm_thread_ended_bytes = zm_thread_net(&zm_thread);
	zm_lock(&zm_account.lock);
	if (zm_thread.counter == counter)
		zm_account_reserve_nothing();
	over = zm_counter_bytes(counter) > zm_load(&counter->granted_bytes);
	zm_scopes_thread_ends(counter);
	retire_record(counter);
	if (over)
		zm_account_make_room();
	zm_account_check();
	zm_unlock(&zm_account.lock);
	if (zm_thread.counter == counter)
		forget_counter(&zm_thread);
	/*
	 * What it has freed since it was last asked is less than it was told to wait for: nobody
	 * else is told.
	 */
	if (zm_clients_need() & ZM_CLIENT_EVERY_FREE)
		zm_clients_see_fell();
}

/* ---- Fork; see lib/base/fork.h -------------------------------------------------------------------- */

static void before_fork(void)
{
	zm_lock(&zm_account.lock);
}

static void after_fork_in_parent(void)
{
	zm_unlock(&zm_account.lock);
}

/*
 * A lost thread may have got past its ceiling and not come by yet. What is left is a single thread,
 * whose every figure has to be right at once.
 */
static void after_fork_in_child(void)
{
	zm_scopes_enter_child();
	zm_account_reserve_in_child();
	for (struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load(&chunk->next))
		for (size_t i = 0; i < ZM_CHUNK_COUNTERS; i++) {
			struct zm_counter *counter = &chunk->counters[i];

			if (counter->owner != NULL && counter->owner != &zm_thread)
				retire_record(counter);
		}
	zm_account_settle();
	zm_clients_enter_child();
	zm_soft_limits_enter_child();
	zm_account_check();
	zm_unlock(&zm_account.lock);
}

/* ---- Joining -------------------------------------------------------------------------------- */

static void set_up(void)
{
	static const struct zm_fork_room room = {before_fork, after_fork_in_parent,
						 after_fork_in_child};

	zm_allocator_init();
	zm_account.last = &zm_account.first;
	prepare(&zm_account.first);
	zm_account.usable = pthread_key_create(&zm_account.key, leave) == 0 &&
			    zm_fork_join(ZM_FORK_ACCOUNT, &room) == 0;
}

bool zm_account_begin(void)
{
	return zm_once(&zm_account.once, set_up);
}

#if defined(__GNUC__)
/* See start.h. */
__attribute__((__used__)) static const char *const links_start = &zm_start_is_linked;

/* Early, so that our fork handlers run inside the allocator's and the key exists before threads. */
__attribute__((__constructor__)) static void set_up_early(void)
{
	zm_account_begin();
}
#endif

/* From here on the record's ceiling counts, not its figure. new_bytes: as for zm_account_join_with(). */
static void own_record(struct zm_thread *self, struct zm_counter *counter, size_t new_bytes)
{
	ptrdiff_t figure;

	zm_assert(zm_lock_is_mine(&zm_account.lock) && counter->owner == NULL);
	counter->owner = self;
	zm_store(&counter->cap_bytes, PTRDIFF_MAX);
#if ZM_COUNT_BORROWED
	if (self->borrows) {
		/*
		 * The allocator's counters began with the thread, and have what was settled without
		 * a record.
		 */
		zm_fetch_add(&zm_account.ended_bytes, -zm_thread_ended_bytes);
		zm_thread_ended_bytes = 0;
		counter->allocated = self->allocated;
		counter->freed = self->freed;
	}
#endif
	figure = zm_counter_bytes(counter) - (self->borrows ? (ptrdiff_t)new_bytes : 0);
	zm_account.committed_bytes += figure - zm_load(&counter->granted_bytes);
	zm_store(&counter->granted_bytes, figure);
	zm_store(&counter->stated_bytes, figure);
	zm_account_raise(counter, figure);
	zm_store(&counter->stated_bytes, ZM_STATES_NOTHING);
	zm_account_tell_functions(self);
	zm_account.threads++;
}

#if ZM_RAW_COUNTS
/* Find the allocator's counters of this thread. One that was built without has a slow thread here. */
static void find_counters(struct zm_thread *self)
{
	const uint64_t *allocated, *freed;

	if (!zm_raw_counters(&allocated, &freed))
		return;
	self->borrows = true;
	self->keeps_errno = zm_raw_free_keeps_errno();
	self->allocated = allocated;
	self->freed = freed;
}
#else
static void find_counters(struct zm_thread *self)
{
	self->errno_at = &errno;
}
#endif

/* One that was taken and could not be owned. */
static void give_back_record(struct zm_counter *counter)
{
	zm_lock(&zm_account.lock);
	counter->next_idle = zm_account.idle;
	zm_account.idle = counter;
	zm_account_check();
	zm_unlock(&zm_account.lock);
}

static struct zm_counter *take_record_locked(void)
{
	struct zm_counter *counter;

	zm_lock(&zm_account.lock);
	counter = take_record();
	zm_unlock(&zm_account.lock);
	return counter;
}

/*
 * pthread_setspecific() may allocate, and so may all that is done once at the beginning; a program
 * may build its malloc() on ours. Such a call finds the thread ENDED, or the beginning begun, and is
 * settled in `ended`. In the latter case the thread joins at a later call.
 */
ZM_COLD void zm_account_join_with(size_t new_bytes)
{
	struct zm_thread *self = &zm_thread;
	struct zm_counter *counter;
	int saved_errno = errno;

	if (!zm_account_begin())
		return;
	self->state = ZM_THREAD_ENDED;
	counter = zm_account.usable ? take_record_locked() : NULL;
	if (counter != NULL && pthread_setspecific(zm_account.key, counter) == 0) {
		find_counters(self);
		zm_lock(&zm_account.lock);
		own_record(self, counter, new_bytes);
		zm_account_check();
		zm_unlock(&zm_account.lock);
		self->counter = counter;
#if ZM_COUNT_SIZES
		self->shrinks_at = &counter->net_bytes;
#endif
		self->state = ZM_THREAD_LIVE;
	} else if (counter != NULL) {
		give_back_record(counter);
	}
	errno = saved_errno;
}

ZM_COLD void zm_account_join(void)
{
	zm_account_join_with(0);
}
