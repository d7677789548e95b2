/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account.c - the account: counters' lives, the threshold that starts the cold path, the peak.
 *
 * The life of a counter
 *
 *       first z-call of a thread            thread exits (pthread key)           next thread's
 * first z-call idle ----------------------> owned ---------------------------------> idle
 * ----------------------> owned ... net 0                        net moves (or: jemalloc's counters
 * do)   net kept                     net goes on
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
 * Fork. The lock is held across fork(), so the child's records are whole. Only the forking thread
 * lives on there; every other owner's figure is kept in its record (borrowed ones are added to
 * net), which becomes idle. Their blocks exist in the child too, so the sum is right; a block that
 * another thread was just then allocating is lost to the child in any allocator.
 *
 * Thresholds. Each owned record has a ceiling, the figure that its thread may reach unseen.
 * Invariant, under the lock:
 *
 *       sum of ceilings of owned records + sum of net of idle ones  =  committed  <=  peak - ended
 *
 * So used memory cannot pass the peak without some thread passing its ceiling, and the peak that is
 * reported is never under the true one. A thread at its ceiling first takes what is left under the
 * peak; then what others' ceilings leave unused beyond STEP_BYTES each; only then does the peak
 * move. It is thus over the true one by at most STEP_BYTES for each thread.
 */
#include "config.h"

#include "account.h"

#include <errno.h>
#include <pthread.h>

#include "allocator/arena.h"
#include "os/os.h"
#include "publish.h"

/* The contract of zmalloc_peak_memory(): what a thread may allocate between two looks. */
#define STEP_BYTES ((ptrdiff_t)64 * 1024)

/*
 * Records in one piece: one page. The first piece is static, so small programs never map another.
 */
#define CHUNK_COUNTERS 63

struct chunk {
	ZM_ATOMIC(struct chunk *) next;
	ZM_ATOMIC(size_t) used; /* records ever taken from it; readers need look no further */
	struct zm_counter counters[CHUNK_COUNTERS];
} ZM_CACHELINE_ALIGNED;

static const uint64_t zero;
#if !ZM_RAW_COUNTS
static int no_errno; /* written only with what was just read from it */
#endif

struct zm_counter zm_no_counter = {
	.ceiling_bytes = PTRDIFF_MIN, .allocated = &zero, .freed = &zero};

#if ZM_RAW_COUNTS
static const uint64_t one = 1;

static void free_unsettled(void *ptr);
static void free_sized_unsettled(void *ptr, size_t size, int flags);
#endif

ZM_TLS struct zm_thread zm_thread = {
	.counter = &zm_no_counter,
#if !ZM_RAW_COUNTS
	.errno_at = &no_errno,
#else
	.allocated = &one, /* 1 - 0 is over a ceiling of 0 */
	.freed = &zero,
	.free = free_unsettled,
	.free_sized = free_sized_unsettled,
#endif
#if !ZM_RAW_COUNTS
	.watched = true,
#endif
	.state = ZM_THREAD_NEW,
};

typedef void (*threshold_hook)(void);

static struct {
	pthread_mutex_t lock;
	pthread_once_t once;
	pthread_key_t key; /* its value: the thread's record; its destructor: the end of the
			      thread's membership */
	bool usable;       /* the key exists */
	bool may_borrow;

	struct zm_counter *idle;
	struct chunk *last;
	size_t threads;
	ptrdiff_t committed_bytes;

	ZM_ATOMIC(const struct zm_watch *) watch; /* written under the lock */
	ZM_ATOMIC(threshold_hook) hook;
	ZM_ATOMIC(bool) routed;           /* written under the lock */
	ZM_ATOMIC(ptrdiff_t) peak_bytes;  /* only ever rises */
	ZM_ATOMIC(ptrdiff_t) ended_bytes; /* moved by threads past their end */
} account = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

static struct chunk first_chunk;

/* ---- Reading -------------------------------------------------------------------------------- */

/*
 * The owner writes the two with plain stores of one word; freed is read first, so that a block
 * between the two reads counts. All that the owner frees between them counts too: much, where the
 * reader was put off the processor there, so then it reads again.
 */
static ptrdiff_t borrowed_bytes(const struct zm_counter *counter)
{
	const volatile uint64_t *freed_at = counter->freed, *allocated_at = counter->allocated;
	uint64_t freed, allocated;
	int tries = 8;

	do {
		freed = *freed_at;
		allocated = *allocated_at;
	} while (zm_unlikely(*freed_at - freed > (uint64_t)STEP_BYTES) && --tries > 0);
	return (ptrdiff_t)(allocated - freed);
}

static ptrdiff_t figure_bytes(const struct zm_counter *counter)
{
	ptrdiff_t net = zm_load(&counter->net_bytes);

	return ZM_COUNT_BORROWED ? net + borrowed_bytes(counter) : net;
}

static ptrdiff_t sum_unlocked(void)
{
	ptrdiff_t sum = zm_load(&account.ended_bytes);

	for (const struct chunk *chunk = &first_chunk; chunk != NULL;
	     chunk = zm_load_acquire(&chunk->next)) {
		size_t used = zm_load_acquire(&chunk->used);

		for (size_t i = 0; i < used; i++)
			sum += figure_bytes(&chunk->counters[i]);
	}
	return sum;
}

ptrdiff_t zm_account_sum(void)
{
	ptrdiff_t sum;

	if (!ZM_COUNT_BORROWED)
		return sum_unlocked();
	pthread_mutex_lock(&account.lock);
	sum = sum_unlocked();
	pthread_mutex_unlock(&account.lock);
	return sum;
}

static void raise_peak(ptrdiff_t bytes)
{
	ptrdiff_t peak = zm_load(&account.peak_bytes);

	while (bytes > peak && !zm_compare_exchange(&account.peak_bytes, &peak, bytes))
		;
}

/* Threads stay under their ceilings and these under the peak: a sum over it adds figures of
 * different moments, of which one block may be in two. */
size_t zm_account_used(void)
{
	ptrdiff_t sum = zm_account_sum(), peak = zm_load(&account.peak_bytes);

	if (sum > peak)
		sum = peak;
	return sum > 0 ? (size_t)sum : 0;
}

size_t zm_account_peak(void)
{
	return (size_t)zm_load(&account.peak_bytes);
}

static ptrdiff_t record_net(const struct zm_thread *self)
{
	ptrdiff_t net = zm_load(&self->counter->net_bytes);

#if ZM_RAW_COUNTS
	if (self->borrows)
		net += (ptrdiff_t)(*self->allocated - *self->freed);
#endif
	return net;
}

/* A record brings the figure of those who had it before: so the thread joins before it first looks,
 * and its figure goes on where it was when the record is given back. */
ptrdiff_t zm_account_thread_net(void)
{
	const struct zm_thread *self = &zm_thread;

	if (zm_unlikely(self->state == ZM_THREAD_NEW))
		zm_account_join();
	return zm_likely(self->state == ZM_THREAD_LIVE) ? record_net(self) : self->ended_bytes;
}

size_t zm_account_threads(void)
{
	size_t threads;

	pthread_mutex_lock(&account.lock);
	threads = account.threads;
	pthread_mutex_unlock(&account.lock);
	return threads;
}

/* ---- Thresholds; all under the lock --------------------------------------------------------- */

/*
 * Tell the owner its ceiling, in the terms it compares: a borrowing thread knows its borrowed part
 * alone. While the allocator's blocks are watched every call is to come by, so the ceiling told is
 * below every figure.
 */
static void publish_ceiling(struct zm_counter *counter)
{
	ptrdiff_t bytes = zm_load(&account.watch) != NULL ? PTRDIFF_MIN : counter->granted_bytes;

#if ZM_COUNT_BORROWED
	if (counter->owner->borrows) {
		if (bytes != PTRDIFF_MIN)
			bytes -= zm_load(&counter->net_bytes);
		zm_store(&counter->owner->ceiling_bytes, bytes);
		return;
	}
#endif
	zm_store(&counter->ceiling_bytes, bytes);
}

static void set_ceiling(struct zm_counter *counter, ptrdiff_t bytes)
{
	account.committed_bytes += bytes - counter->granted_bytes;
	counter->granted_bytes = bytes;
	publish_ceiling(counter);
}

static ptrdiff_t room_under_peak(void)
{
	return zm_load(&account.peak_bytes) - zm_load(&account.ended_bytes) -
	       account.committed_bytes;
}

/* Leave every other thread STEP_BYTES and no more: what it freed since it last came here is free
 * for others. */
static void take_back_room(const struct zm_counter *mine)
{
	for (struct chunk *chunk = &first_chunk; chunk != NULL; chunk = zm_load(&chunk->next))
		for (size_t i = 0; i < CHUNK_COUNTERS; i++) {
			struct zm_counter *counter = &chunk->counters[i];
			ptrdiff_t enough;

			if (counter->owner == NULL || counter == mine)
				continue;
			enough = figure_bytes(counter) + STEP_BYTES;
			if (counter->granted_bytes > enough)
				set_ceiling(counter, enough);
		}
}

/* Let the thread go on from `figure`. Half of any room that turns up is taken along, so that visits
 * grow rare. */
static void raise_ceiling(struct zm_counter *counter, ptrdiff_t figure)
{
	ptrdiff_t room;

	set_ceiling(counter, figure + STEP_BYTES);
	if (room_under_peak() >= 0)
		return;
	take_back_room(counter);
	room = room_under_peak();
	if (room > 0)
		set_ceiling(counter, figure + STEP_BYTES + room / 2);
	else
		raise_peak(zm_load(&account.peak_bytes) - room);
}

/* ---- Joining and leaving -------------------------------------------------------------------- */

static void lend_nothing(struct chunk *chunk)
{
	for (size_t i = 0; i < CHUNK_COUNTERS; i++)
		chunk->counters[i].allocated = chunk->counters[i].freed = &zero;
}

/* Readers without the lock may see the chunk as soon as it is linked: it is whole by then. */
static void add_chunk(struct chunk *chunk)
{
	lend_nothing(chunk);
	zm_store_release(&account.last->next, chunk);
	account.last = chunk;
}

/* Under the lock. NULL if the system has no page left for more records. */
static struct zm_counter *take_record(void)
{
	struct zm_counter *counter = account.idle;
	size_t used;
	void *pages;

	if (counter != NULL) {
		account.idle = counter->next_idle;
		account.committed_bytes -= zm_load(&counter->net_bytes);
		return counter;
	}
	used = zm_load(&account.last->used);
	if (used == CHUNK_COUNTERS) {
		if (zm_os_map(sizeof(struct chunk), &pages) != 0)
			return NULL;
		add_chunk(pages);
		used = 0;
	}
	zm_store_release(&account.last->used, used + 1);
	return &account.last->counters[used];
}

/* Under the lock. The record keeps its figure. */
static void retire_record(struct zm_counter *counter)
{
	account.committed_bytes += figure_bytes(counter) - counter->granted_bytes;
	if (ZM_COUNT_BORROWED) {
		zm_store(&counter->net_bytes, figure_bytes(counter));
		counter->allocated = counter->freed = &zero;
	}
	counter->owner = NULL;
	counter->next_idle = account.idle;
	account.idle = counter;
	account.threads--;
}

/* The calling thread's members back to those that lead to the cold path. */
static void forget_counter(struct zm_thread *self)
{
	self->state = ZM_THREAD_ENDED;
	self->borrows = false;
	self->counter = &zm_no_counter;
	zm_store(&self->watched, true);
#if ZM_RAW_COUNTS
	self->counts = false;
	self->allocated = &one;
	self->freed = &zero;
	zm_store(&self->ceiling_bytes, 0);
	zm_store(&self->free, free_unsettled);
	zm_store(&self->free_sized, free_sized_unsettled);
#endif
}

/* The key's destructor. The record comes as an argument: where TLS is itself freed by a key, it may
 * be gone by now. */
static void leave(void *record)
{
	struct zm_counter *counter = record;

	if (zm_thread.counter == counter)
		zm_thread.ended_bytes = record_net(&zm_thread);
	pthread_mutex_lock(&account.lock);
	retire_record(counter);
	pthread_mutex_unlock(&account.lock);
	if (zm_thread.counter == counter)
		forget_counter(&zm_thread);
}

static void before_fork(void)
{
	pthread_mutex_lock(&account.lock);
}

static void after_fork_in_parent(void)
{
	pthread_mutex_unlock(&account.lock);
}

static void after_fork_in_child(void)
{
	for (struct chunk *chunk = &first_chunk; chunk != NULL; chunk = zm_load(&chunk->next))
		for (size_t i = 0; i < CHUNK_COUNTERS; i++) {
			struct zm_counter *counter = &chunk->counters[i];

			if (counter->owner != NULL && counter->owner != &zm_thread)
				retire_record(counter);
		}
	pthread_mutex_unlock(&account.lock);
}

static void set_up(void)
{
	zm_allocator_init();
	account.last = &first_chunk;
	lend_nothing(&first_chunk);
#if ZM_COUNT_BORROWED
	account.may_borrow = !zm_raw_counters_shared();
#endif
	account.usable =
		pthread_key_create(&account.key, leave) == 0 &&
		pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
}

#if defined(__GNUC__)
/*
 * Early, so that our fork handlers run inside the allocator's and the key exists before threads do.
 */
__attribute__((__constructor__)) static void set_up_early(void)
{
	pthread_once(&account.once, set_up);
	zm_publish_at_start();
}
#endif

#if ZM_RAW_COUNTS

static void free_watched(void *ptr);
static void free_sized_watched(void *ptr, size_t size, int flags);
static void free_routed(void *ptr);
static void free_sized_routed(void *ptr, size_t size, int flags);

/* For allocators, or settings of theirs, whose frees do not keep it. */
static void free_keeping_errno(void *ptr)
{
	int saved_errno = errno;

	zm_raw_free(ptr);
	errno = saved_errno;
}

static void free_sized_keeping_errno(void *ptr, size_t size, int flags)
{
	int saved_errno = errno;

	zm_raw_free_sized_address()(ptr, size, flags);
	errno = saved_errno;
}

/*
 * Under the lock, or by the thread itself before it is known: how it frees and resizes from now on.
 */
static void publish_functions(struct zm_thread *thread)
{
	bool watched = zm_load(&account.watch) != NULL;

	zm_store(&thread->watched, watched || zm_load(&account.routed));
	if (!thread->counts)
		return;
	if (watched) {
		zm_store(&thread->free, free_watched);
		zm_store(&thread->free_sized, free_sized_watched);
	} else if (zm_load(&account.routed)) {
		zm_store(&thread->free, free_routed);
		zm_store(&thread->free_sized, free_sized_routed);
	} else if (thread->keeps_errno) {
		zm_store(&thread->free, zm_raw_free_address());
		zm_store(&thread->free_sized, zm_raw_free_sized_address());
	} else {
		zm_store(&thread->free, free_keeping_errno);
		zm_store(&thread->free_sized, free_sized_keeping_errno);
	}
}

#else

static void publish_functions(struct zm_thread *thread)
{
	zm_store(&thread->watched, zm_load(&account.routed));
}

#endif

/* Under the lock. From here on the record's ceiling counts, not its figure. */
static void own_record(struct zm_thread *self, struct zm_counter *counter)
{
	ptrdiff_t figure;

	counter->owner = self;
#if ZM_COUNT_BORROWED
	if (self->borrows) {
		counter->allocated = self->allocated;
		counter->freed = self->freed;
	}
#endif
	figure = figure_bytes(counter);
	account.committed_bytes += figure;
	counter->granted_bytes = figure;
	raise_ceiling(counter, figure);
	publish_functions(self);
	account.threads++;
}

#if ZM_RAW_COUNTS
/*
 * Find the allocator's counters of this thread, and see whether they can stand in for ours. False
 * if the thread cannot count at all: without jemalloc's statistics no difference of them says
 * anything, and the thread goes on as one past its end does.
 */
static bool find_counters(struct zm_thread *self)
{
	const uint64_t *allocated, *freed;

	if (!zm_raw_counters(&allocated, &freed))
		return !ZM_COUNT_DIFFERENCE;
	if (ZM_COUNT_BORROWED && !account.may_borrow)
		return true;
	self->borrows = ZM_COUNT_BORROWED;
	self->counts = true;
	self->keeps_errno = zm_raw_free_keeps_errno();
	self->allocated = allocated;
	self->freed = freed;
	return true;
}
#else
static bool find_counters(struct zm_thread *self)
{
	(void)self;
	return true;
}
#endif

static struct zm_counter *take_record_locked(void)
{
	struct zm_counter *counter;

	pthread_mutex_lock(&account.lock);
	counter = take_record();
	pthread_mutex_unlock(&account.lock);
	return counter;
}

/*
 * pthread_setspecific() may allocate, and a program may build its malloc() on ours. Such a call
 * finds the thread ENDED and is settled in `ended`.
 */
ZM_COLD void zm_account_join(void)
{
	struct zm_thread *self = &zm_thread;
	struct zm_counter *counter;
	int saved_errno = errno;

	self->state = ZM_THREAD_ENDED;
	pthread_once(&account.once, set_up);
	counter = account.usable ? take_record_locked() : NULL;
	if (counter != NULL && pthread_setspecific(account.key, counter) == 0 &&
	    find_counters(self)) {
#if !ZM_RAW_COUNTS
		self->errno_at = &errno;
#endif
		pthread_mutex_lock(&account.lock);
		own_record(self, counter);
		pthread_mutex_unlock(&account.lock);
		self->counter = counter;
		self->state = ZM_THREAD_LIVE;
	}
	errno = saved_errno;
}

/* ---- The cold path of each call ------------------------------------------------------------- */

/* A change by a thread that has no record. */
static void settle_ended(ptrdiff_t bytes)
{
	ptrdiff_t room;

	zm_thread.ended_bytes += bytes;
	pthread_mutex_lock(&account.lock);
	zm_fetch_add(&account.ended_bytes, bytes);
	if (room_under_peak() < 0)
		take_back_room(NULL);
	room = room_under_peak();
	if (room < 0)
		raise_peak(zm_load(&account.peak_bytes) - room);
	pthread_mutex_unlock(&account.lock);
}

/* The ceiling told to the owner may be lower than the one granted: only the latter is the account's
 * business. */
static void raise_ceiling_if_due(struct zm_counter *counter)
{
	threshold_hook hook;

	pthread_mutex_lock(&account.lock);
	if (figure_bytes(counter) > counter->granted_bytes)
		raise_ceiling(counter, figure_bytes(counter));
	pthread_mutex_unlock(&account.lock);
	hook = zm_load_acquire(&account.hook);
	if (hook != NULL)
		hook();
}

void zm_account_set_hook(threshold_hook hook)
{
	zm_store_release(&account.hook, hook);
}

/* A change by a thread that counts in its record. */
static void settle_record(struct zm_counter *counter, ptrdiff_t bytes)
{
	ptrdiff_t net = zm_load(&counter->net_bytes) + bytes;

	zm_store(&counter->net_bytes, net);
	if (net > zm_load(&counter->ceiling_bytes))
		raise_ceiling_if_due(counter);
}

static void settle(ptrdiff_t bytes)
{
	struct zm_thread *self = &zm_thread;

	if (self->state == ZM_THREAD_LIVE)
		settle_record(self->counter, bytes);
	else
		settle_ended(bytes);
}

ZM_COLD void zm_account_new(size_t bytes)
{
	if (zm_thread.state == ZM_THREAD_NEW)
		zm_account_join();
	if (!zm_thread.borrows)
		settle((ptrdiff_t)bytes);
#if ZM_RAW_COUNTS
	else if (zm_account_over())
		raise_ceiling_if_due(zm_thread.counter);
#endif
}

ZM_COLD void zm_account_gone(size_t bytes)
{
	if (zm_thread.borrows)
		zm_account_correct(-(ptrdiff_t)bytes);
	else
		settle(-(ptrdiff_t)bytes);
}

ZM_COLD void zm_account_resized(size_t old_bytes, size_t new_bytes)
{
	settle((ptrdiff_t)new_bytes - (ptrdiff_t)old_bytes);
}

/* ---- Corrections and watching --------------------------------------------------------------- */

void zm_account_correct(ptrdiff_t bytes)
{
	struct zm_thread *self = &zm_thread;

	if (self->state == ZM_THREAD_NEW)
		zm_account_join();
	if (self->state != ZM_THREAD_LIVE) {
		settle_ended(bytes);
		return;
	}
	pthread_mutex_lock(&account.lock);
	zm_store(&self->counter->net_bytes, zm_load(&self->counter->net_bytes) + bytes);
	if (figure_bytes(self->counter) > self->counter->granted_bytes)
		raise_ceiling(self->counter, figure_bytes(self->counter));
	else
		publish_ceiling(self->counter);
	pthread_mutex_unlock(&account.lock);
}

void zm_account_raw(ptrdiff_t bytes)
{
	if (zm_thread.state == ZM_THREAD_NEW)
		zm_account_join();
	if (zm_thread.borrows)
		zm_account_correct(-bytes);
}

/* Under the lock. */
static void publish_to_all(void)
{
	for (struct chunk *chunk = &first_chunk; chunk != NULL; chunk = zm_load(&chunk->next))
		for (size_t i = 0; i < CHUNK_COUNTERS; i++)
			if (chunk->counters[i].owner != NULL) {
				publish_ceiling(&chunk->counters[i]);
				publish_functions(chunk->counters[i].owner);
			}
}

void zm_account_route(void)
{
	if (zm_load_acquire(&account.routed))
		return;
	pthread_once(&account.once, set_up);
	pthread_mutex_lock(&account.lock);
	zm_store_release(&account.routed, true);
	publish_to_all();
	pthread_mutex_unlock(&account.lock);
}

#if ZM_RAW_COUNTS

void zm_account_watch(const struct zm_watch *watch)
{
	pthread_once(&account.once, set_up);
	pthread_mutex_lock(&account.lock);
	zm_store_release(&account.watch, watch);
	publish_to_all();
	pthread_mutex_unlock(&account.lock);
}

const struct zm_watch *zm_account_watched(void)
{
	return zm_load_acquire(&account.watch);
}

/* Let the watch have a block that the program freed; else give it to the allocator. True: the watch
 * has it. */
static bool free_or_hold(void *ptr)
{
	const struct zm_watch *watch = zm_account_watched();

	if (watch != NULL && watch->died(ptr))
		return true;
	if (!zm_load(&account.routed) || !zm_arena_free(ptr))
		zm_raw_free(ptr);
	return false;
}

/*
 * While there are arenas: their blocks go back past the threads' caches. A jump for all others, as
 * it is without arenas.
 */
static ZM_COLD void free_of_arena(void *ptr)
{
	int saved_errno = errno;

	zm_arena_free(ptr);
	errno = saved_errno;
}

static void free_routed(void *ptr)
{
	if (zm_arena_may_own(ptr))
		free_of_arena(ptr);
	else if (zm_thread.keeps_errno)
		zm_raw_free(ptr);
	else
		free_keeping_errno(ptr);
}

static void free_sized_routed(void *ptr, size_t size, int flags)
{
	if (zm_arena_may_own(ptr))
		free_of_arena(ptr);
	else if (zm_thread.keeps_errno)
		zm_raw_free_sized_address()(ptr, size, flags);
	else
		free_sized_keeping_errno(ptr, size, flags);
}

static void free_watched(void *ptr)
{
	if (ptr != NULL)
		free_sized_watched(ptr, 0, 0);
}

/* What is held has not moved the allocator's counters, but the program has freed it. */
static void free_sized_watched(void *ptr, size_t size, int flags)
{
	int saved_errno = errno;
	size_t bytes = zm_raw_charged(ptr);

	(void)size, (void)flags;
	if (free_or_hold(ptr))
		zm_account_correct(-(ptrdiff_t)bytes);
	errno = saved_errno;
}

/*
 * How a thread frees whose calls the allocator does not count for us: not yet, not in this process,
 * or no longer.
 */
static void free_unsettled(void *ptr)
{
	if (ptr != NULL)
		free_sized_unsettled(ptr, 0, 0);
}

static void free_sized_unsettled(void *ptr, size_t size, int flags)
{
	int saved_errno = errno;
	size_t bytes;

	(void)size, (void)flags;
	if (zm_thread.state == ZM_THREAD_NEW)
		zm_account_join();
	bytes = zm_raw_charged(ptr);
	if (free_or_hold(ptr) || !zm_thread.borrows)
		zm_account_gone(bytes);
	errno = saved_errno;
}

#endif
