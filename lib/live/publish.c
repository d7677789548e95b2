/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/publish.c - this process shown to others: when its page is made, renewed and given up.
 *
 * A page that is answered for is written by the thread that sleeps until somebody asks (answer.c), and no
 * allocation pays for it. A passive one, and a file, are renewed by explicit calls and by whoever
 * allocates or frees when it is time: at most once in PACE_MS, and on one hundredth of the time. So
 * they are no older than that while the program does either, and each call pays for a look at a
 * clock. Nothing else would do: a thread that allocates what another frees passes no threshold.
 * Whoever finds another thread writing goes on, so there is no lock to wait for.
 */
#include "config.h"

#include "live/publish.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "account/client.h"
#include "base/assert.h"
#include "base/builder.h"
#include "base/clock.h"
#include "base/fork.h"
#include "base/lock.h"
#include "base/result.h"
#include "live/answer.h"
#include "live/command.h"
#include "live/page.h"
#include "os/os.h"
#include "os/shared.h"
#include "stats/stats.h"

enum {
	PACE_MS = 90,         /* between two renewals: the clock may be 10 ms behind */
	COST_FACTOR = 100,    /* one that took a millisecond is due again after a hundred */
	SHOWN_PACE_MS = 1000, /* between two looks whether the descriptor is still there */
	EXIT_PATIENCE_MS = 100
};

static struct {
	ZM_ATOMIC(void *) page;      /* what is shown; NULL: nothing. Written under the lock */
	struct zm_lock lock;         /* of whoever makes, writes or gives up the page */
	struct zm_os_shared shared;  /* its memory, unless it is `file` */
	struct zm_published file;    /* what is written where there is no such memory */
	ZM_ATOMIC(bool) wanted;      /* under the lock; and not any more, at exit */
	bool passive;                /* no thread is to be started */
	ZM_ATOMIC(uintptr_t) due_ms; /* monotonic clock, cut to a word: compare differences */
	uint64_t cost_ns;            /* of the last renewal */
	int64_t pid;                 /* of the process that made the page */
	struct zm_once joined;       /* the handlers of fork() */
	int join_error;
} publishing = {.lock = ZM_LOCK_INITIALIZER};

static bool is_file(const void *page)
{
	return page == &publishing.file;
}

static bool is_answered(const void *page)
{
	return !is_file(page) && !publishing.passive;
}

/* ---- Writing; all under the lock ---- */

/*
 * The processor's time: a thread that was put off it for a second is not to be late by a hundred. And the
 * less of the last two, for an interrupt is the thread's time as well.
 */
static uint64_t pace_ms(uint64_t cost_ns)
{
	uint64_t least_ns = cost_ns < publishing.cost_ns ? cost_ns : publishing.cost_ns;
	uint64_t pace = least_ns * COST_FACTOR / 1000000;

	publishing.cost_ns = cost_ns;
	return pace > PACE_MS ? pace : PACE_MS;
}

static int renew(struct zm_published *page)
{
	uint64_t begun_ms = zm_about_now_ms(), begun_ns = zm_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	struct zmalloc_stats stats;
	uint64_t pace;
	int error = 0;

	zm_assert(zm_lock_is_mine(&publishing.lock));
	zm_stats_take(true, &stats);
	zm_published_write(page, &stats);
	if (is_file(page))
		error = zm_published_file_write(page);
	pace = pace_ms(zm_clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun_ns);
	if (is_answered(page))
		pace = SHOWN_PACE_MS;
	zm_store(&publishing.due_ms, (uintptr_t)(begun_ms + pace));
	return error;
}

/* ---- The thread that answers ---- */

static bool is_wanted(const struct zm_os_shared *shared)
{
	return zm_load_acquire(&publishing.page) == shared->at;
}

static void renew_when_asked(const struct zm_os_shared *shared)
{
	zm_lock(&publishing.lock);
	if (is_wanted(shared))
		renew(shared->at);
	zm_unlock(&publishing.lock);
}

/* Whoever gave the page up may still be waking the thread; it holds the lock meanwhile. */
static void let_go_of_memory(const struct zm_os_shared *shared)
{
	zm_lock(&publishing.lock);
	zm_os_shared_unmap(shared);
	zm_unlock(&publishing.lock);
}

static const struct zm_answer_room answer_room = {is_wanted, renew_when_asked, let_go_of_memory};

/* ---- Making and giving up; under the lock ---- */

static int show_memory(void)
{
	struct zm_page *page;
	int error = zm_os_shared_make(ZM_PAGE_NAME, ZM_PAGE_BYTES, &publishing.shared);

	if (error != 0)
		return error;
	page = publishing.shared.at;
	page->way = publishing.passive ? ZMALLOC_PROCESS_PASSIVE : ZMALLOC_PROCESS_ANSWERS;
	page->commands = publishing.passive ? 0 : ZM_COMMANDS;
	zm_published_describe(&page->front.published);
	renew(&page->front.published);
	zm_store_release(&publishing.page, page);
	if (!publishing.passive)
		error = zm_answer_start(&publishing.shared, &answer_room);
	if (error == 0)
		return 0;
	zm_store(&publishing.page, NULL);
	zm_os_shared_hide(&publishing.shared);
	zm_os_shared_unmap(&publishing.shared);
	return error;
}

static int show_file(void)
{
	int error;

	memset(&publishing.file, 0, sizeof(publishing.file));
	zm_published_describe(&publishing.file);
	/* Whoever reads it has nothing else to tell this process from the next of its number. */
	if (publishing.file.start == 0)
		return ENOTSUP;
	error = renew(&publishing.file);
	if (error == 0)
		zm_store_release(&publishing.page, &publishing.file);
	return error;
}

/* An older kernel, and a filter of its calls, have no such memory. */
static bool is_refusal(int error)
{
	return error == ENOTSUP || error == ENOSYS || error == EPERM || error == EACCES;
}

static int show(void)
{
	int error = show_memory();

	if (is_refusal(error))
		error = show_file();
	if (error == 0)
		publishing.pid = getpid();
	return error;
}

static void give_up(const void *page)
{
	zm_store(&publishing.page, NULL);
	if (is_file(page)) {
		zm_published_file_remove(publishing.pid);
		return;
	}
	zm_os_shared_hide(&publishing.shared);
	if (publishing.passive)
		zm_os_shared_unmap(&publishing.shared);
	else
		zm_answer_wake(&publishing.shared);
}

/*
 * A child of fork() has neither the mapping nor the thread; what it has of the page is the descriptor,
 * which is the parent's, and the parent's file is not its own.
 */
static void forget_parents_page(void)
{
	void *page = zm_load(&publishing.page);

	if (page == NULL || publishing.pid == getpid())
		return;
	zm_store(&publishing.page, NULL);
	if (!is_file(page))
		zm_os_shared_hide(&publishing.shared);
}

/* Not a second time on the thread that is at it: where it allocates it comes by here again. */
static bool begin(void)
{
	return !zm_lock_is_mine(&publishing.lock) && zm_trylock(&publishing.lock);
}

static void end(void)
{
	zm_unlock(&publishing.lock);
}

/* ---- When it is renewed ---- */

static void look_after_page(void);

/* For a page that is answered for: it may have lost its descriptor. */
static const struct zm_client at_thresholds = {.passed = look_after_page};

/* A child has no page before it passes a threshold: most run another program first. */
static const struct zm_client at_each_call = {
	.needs = ZM_CLIENT_TICKS,
	.ticked = look_after_page,
	.in_child = &at_thresholds,
};

static void come_by_in_time(void)
{
	const struct zm_client *client =
		is_answered(zm_load(&publishing.page)) ? &at_thresholds : &at_each_call;

	if (zm_client_of(ZM_CLIENT_PUBLISH) != client)
		zm_client_set(ZM_CLIENT_PUBLISH, client);
}

static int publish(void)
{
	void *page;
	int error;

	forget_parents_page();
	page = zm_load(&publishing.page);
	if (page != NULL && !is_file(page) && !zm_os_shared_is_shown(&publishing.shared)) {
		give_up(page);
		page = NULL;
	}
	error = page == NULL ? show() : renew(page);
	if (error == 0)
		come_by_in_time();
	return error;
}

/* In the middle of something of ours the thread goes on: it comes by again. */
static ZM_COLD void renew_in_time(uintptr_t now)
{
	int saved_errno = errno;

	if (zm_lock_is_any_mine() || !begin())
		return;
	/* A thread may have been on its way here before the page was given up, and go on only now. */
	if (!zm_load(&publishing.wanted) || publish() != 0)
		zm_store(&publishing.due_ms, now + SHOWN_PACE_MS);
	end();
	errno = saved_errno;
}

static void look_after_page(void)
{
	uintptr_t now = (uintptr_t)zm_about_now_ms();

	if ((intptr_t)(now - zm_load(&publishing.due_ms)) >= 0)
		renew_in_time(now);
}

/* ---- Fork ---- */

static void before_fork(void)
{
	zm_lock(&publishing.lock);
}

/*
 * The child's page is its own, and is made when a thread first passes its threshold: most children
 * run another program before that. A handler of the program's that came before may have made it.
 */
static void after_fork_in_child(void)
{
	forget_parents_page();
	if (zm_load(&publishing.page) == NULL)
		zm_store(&publishing.due_ms, (uintptr_t)zm_about_now_ms());
	end();
}

static void join_fork(void)
{
	static const struct zm_fork_room room = {before_fork, end, after_fork_in_child};

	publishing.join_error = zm_fork_join(ZM_FORK_PUBLISH, &room);
}

/* ---- The contract ---- */

static int publish_and_go_on(void)
{
	int error = publishing.join_error;

	if (error == 0)
		error = publish();
	zm_store(&publishing.wanted, error == 0);
	return error;
}

int zmalloc_stats_publish(void)
{
	int error;

	zm_once(&publishing.joined, join_fork);
	if (!begin()) {
		/* Another thread is at it: what it writes is of now. Without a page it may give up. */
		if (zm_load_acquire(&publishing.page) != NULL)
			return 0;
		zm_lock(&publishing.lock);
	}
	error = publish_and_go_on();
	end();
	return zm_result(error);
}

int zmalloc_stats_unpublish(void)
{
	void *page;

	zm_lock(&publishing.lock);
	forget_parents_page();
	page = zm_load(&publishing.page);
	zm_client_set(ZM_CLIENT_PUBLISH, NULL);
	zm_store(&publishing.wanted, false);
	if (page != NULL)
		give_up(page);
	end();
	return 0;
}

/* ---- The beginning and the end of the process ---- */

static void say(const char *what, const char *detail, const char *advice)
{
	struct zm_builder line;

	zm_builder_start(&line);
	zm_build_text(&line, "zmalloc: ZMALLOC_PUBLISH: ");
	zm_build_text(&line, what);
	zm_build_text(&line, detail);
	zm_build_text(&line, advice);
	zm_build_text(&line, "\n");
	zm_os_write(STDERR_FILENO, line.text, line.length);
}

/* Whoever set the variable is not who wrote the program: what is there to change outside of it? */
static const char *advice_on(int error)
{
	switch (error) {
	case EAGAIN:
		return "; no thread can be started: allow the user or the service more tasks "
		       "(ulimit -u; TasksMax=; pids.max), or set it to passive, which takes none";
	case EMFILE:
		return "; no descriptor is free: allow the process more of them (ulimit -n; "
		       "LimitNOFILE=)";
	case ENFILE:
		return "; the system has no file free: allow it more of them (fs.file-max)";
	default:
		return "";
	}
}

void zm_publish_at_start(void)
{
	const char *wish = zm_os_getenv("ZMALLOC_PUBLISH");

	if (wish == NULL || *wish == '\0' || strcmp(wish, "0") == 0)
		return;
	publishing.passive = strcmp(wish, "passive") == 0;
	if (!publishing.passive && strcmp(wish, "1") != 0) {
		say("there is no way to publish named '", wish,
		    "'; set it to 1, to passive (without a thread), or to 0; nothing is published");
		return;
	}
	if (zmalloc_stats_publish() != 0) {
		int error = errno;

		say("cannot publish the figures of this process: ", strerror(error),
		    advice_on(error));
	}
}

#if defined(__GNUC__)
/* False: whoever is at it took longer than `tries` ms. */
static bool wait_and_begin(unsigned tries)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	while (!begin()) {
		if (tries-- == 0)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/*
 * A file outlives the process; memory is the kernel's to remove. Threads of the program may still run.
 * One that renews the page is waited for, unless it does not come to an end; one that comes later
 * finds the page not wanted. A child without the fork handlers has its parent's page, and leaves it.
 */
__attribute__((__destructor__)) static void remove_at_exit(void)
{
	void *page;

	zm_store(&publishing.wanted, false);
	if (!is_file(zm_load(&publishing.page)) || !wait_and_begin(EXIT_PATIENCE_MS))
		return;
	page = zm_load(&publishing.page);
	if (page != NULL && publishing.pid == getpid()) {
		zm_client_set(ZM_CLIENT_PUBLISH, NULL);
		give_up(page);
	}
	end();
}
#endif
