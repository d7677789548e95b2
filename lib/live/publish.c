/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/publish.c - the writer of this process's page (published.h).
 *
 * No allocation pays for it: the page is renewed by explicit calls, and by threads that pass their
 * threshold and are on the cold path anyhow, at most once in PACE_MS and on one hundredth of the
 * time. Whoever finds another thread writing goes on, so there is no lock to wait for.
 */
#include "config.h"

#include "live/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "account/client.h"
#include "base/assert.h"
#include "base/fork.h"
#include "base/lock.h"
#include "live/published.h"
#include "os/failure.h"
#include "os/os.h"
#include "os/process.h"
#include "stats/stats.h"

enum {
	PACE_MS = 100,     /* between two renewals by the cold path */
	COST_FACTOR = 100, /* one that took a millisecond is due again after a hundred */
	THREAD_PACE_S = 1,
	EXIT_PATIENCE_MS = 100
};

static struct {
	ZM_ATOMIC(struct zm_published *) page;
	struct zm_lock lock;         /* of whoever makes, writes or removes the page */
	ZM_ATOMIC(bool) wanted;      /* under the lock; and not any more, at exit */
	ZM_ATOMIC(uintptr_t) due_ms; /* monotonic clock, cut to a word: compare differences */
	int64_t pid;
	int directory; /* its number, for removal */
	bool by_environment;
	ZM_ATOMIC(bool) thread_wanted;
	struct zm_once joined; /* the handlers of fork() */
	int join_error;
} publishing = {.lock = ZM_LOCK_INITIALIZER};

static uint64_t clock_us(clockid_t clock)
{
	struct timespec now = {0, 0};

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- Writing ---- */

static void write_figures(struct zm_published *page, const struct zmalloc_stats *stats)
{
	uint32_t odd = zm_sequence_begin(&page->sequence);

	page->updated_ms = clock_us(CLOCK_REALTIME) / 1000;
	zm_published_put(page, stats);
	zm_sequence_end(&page->sequence, odd);
}

/* The processor's time: a thread that was put off it for a second is not to be late by a hundred. */
static void renew(struct zm_published *page)
{
	uint64_t begun = clock_us(CLOCK_MONOTONIC), begun_cpu = clock_us(CLOCK_THREAD_CPUTIME_ID);
	struct zmalloc_stats stats;
	uint64_t took_ms;

	zm_stats_take(true, &stats);
	write_figures(page, &stats);
	took_ms = (clock_us(CLOCK_THREAD_CPUTIME_ID) - begun_cpu) * COST_FACTOR / 1000;
	if (took_ms < PACE_MS)
		took_ms = PACE_MS;
	zm_store(&publishing.due_ms, (uintptr_t)(begun / 1000 + took_ms));
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

/* ---- Making and removing ---- */

/*
 * The file is written whole, not only stretched, so that a file system that is full says so here and not by
 * a signal at the first store.
 */
static int fill_file(int fd)
{
	static const struct zm_published zeroes;
	ssize_t written = write(fd, &zeroes, sizeof(zeroes));

	if (written == (ssize_t)sizeof(zeroes))
		return 0;
	return written < 0 ? zm_os_failure() : ENOSPC;
}

/* Whatever has our name in a directory of ours was left by a process that is gone. */
static int create_file(int directory, const char *name, int *fd)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int error;

	*fd = openat(directory, name, flags, S_IRUSR | S_IWUSR);
	if (*fd < 0 && errno == EEXIST && unlinkat(directory, name, 0) == 0)
		*fd = openat(directory, name, flags, S_IRUSR | S_IWUSR);
	if (*fd < 0)
		return zm_os_failure();
	error = fchmod(*fd, S_IRUSR | S_IWUSR) == 0 ? fill_file(*fd) : zm_os_failure();
	if (error != 0) {
		unlinkat(directory, name, 0);
		close(*fd);
	}
	return error;
}

static int map_page(int directory, int64_t pid, struct zm_published **page)
{
	char name[32];
	void *mapped;
	int error, fd;

	zm_published_name(pid, name, sizeof(name));
	error = create_file(directory, name, &fd);
	if (error != 0)
		return error;
	mapped = mmap(NULL, sizeof(**page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED) {
		error = zm_os_failure();
		unlinkat(directory, name, 0);
	} else {
		*page = mapped;
	}
	close(fd);
	return error;
}

static int make_page(void)
{
	struct zm_published *page = NULL;
	struct zm_os_process self;
	int64_t pid = getpid();
	int error = zm_os_process(pid, &self), directory;

	if (error != 0)
		return error;
	for (int number = 0; number < ZM_PUBLISHED_DIRS && page == NULL; number++) {
		error = zm_published_dir_open(number, true, &directory);
		if (error != 0)
			continue;
		error = map_page(directory, pid, &page);
		close(directory);
		publishing.directory = number;
	}
	if (page == NULL)
		return error;
	/* Nobody looks at it before the sequence says that it was written. */
	zm_published_describe(page, pid, &self);
	renew(page);
	publishing.pid = pid;
	zm_store_release(&publishing.page, page);
	return 0;
}

static void remove_file(void)
{
	char name[32];
	int directory;

	if (zm_published_dir_open(publishing.directory, false, &directory) != 0)
		return;
	zm_published_name(publishing.pid, name, sizeof(name));
	unlinkat(directory, name, 0);
	close(directory);
}

/* ---- When it is renewed ---- */

static int publish(void)
{
	struct zm_published *page = zm_load_acquire(&publishing.page);

	zm_assert(zm_lock_is_mine(&publishing.lock));
	if (page == NULL)
		return make_page();
	renew(page);
	return 0;
}

static void renew_if_due(void)
{
	uintptr_t now_ms = (uintptr_t)(clock_us(CLOCK_MONOTONIC) / 1000);

	if ((intptr_t)(now_ms - zm_load(&publishing.due_ms)) < 0 || !begin())
		return;
	/* A thread may have been on its way here before the page was given up, and go on only now. */
	if (zm_load(&publishing.wanted))
		publish();
	end();
}

static const struct zm_client client = {.passed = renew_if_due};

/* Every signal is the program's. */
static void *renew_for_ever(void *unused)
{
	const struct timespec pace = {.tv_sec = THREAD_PACE_S};

	(void)unused;
	while (zm_load(&publishing.thread_wanted)) {
		renew_if_due();
		nanosleep(&pace, NULL);
	}
	return NULL;
}

static void start_thread(void)
{
	sigset_t all, before;
	pthread_t thread;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, renew_for_ever, NULL) == 0)
		pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- Fork ---- */

static void before_fork(void)
{
	zm_lock(&publishing.lock);
}

/*
 * The child's page is its own, and is made when a thread first passes its threshold: most children
 * run another program before that. The mapping of the parent's is dropped; a handler of the program's
 * that came before may have made the child's.
 */
static void after_fork_in_child(void)
{
	struct zm_published *page = zm_load(&publishing.page);

	if (page != NULL && publishing.pid != getpid()) {
		zm_store(&publishing.page, NULL);
		munmap(page, sizeof(*page));
	}
	zm_store(&publishing.due_ms, 0);
	zm_store(&publishing.wanted, publishing.by_environment);
	if (!publishing.by_environment)
		zm_client_set(ZM_CLIENT_PUBLISH, NULL);
	zm_store(&publishing.thread_wanted, false);
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
	if (error == 0)
		zm_client_set(ZM_CLIENT_PUBLISH, &client);
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
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

int zmalloc_stats_unpublish(void)
{
	struct zm_published *page;

	zm_lock(&publishing.lock);
	page = zm_load(&publishing.page);
	zm_client_set(ZM_CLIENT_PUBLISH, NULL);
	publishing.by_environment = false;
	zm_store(&publishing.thread_wanted, false);
	zm_store(&publishing.wanted, false);
	zm_store(&publishing.page, NULL);
	if (page != NULL) {
		if (publishing.pid == getpid())
			remove_file();
		munmap(page, sizeof(*page));
	}
	end();
	return 0;
}

/* ---- The beginning and the end of the process ---- */

void zm_publish_at_start(void)
{
	const char *wish = zm_os_getenv("ZMALLOC_PUBLISH");

	if (wish == NULL || *wish == '\0' || strcmp(wish, "0") == 0)
		return;
	publishing.by_environment = true;
	if (zmalloc_stats_publish() != 0)
		return;
	if (strcmp(wish, "thread") != 0)
		return;
	zm_store(&publishing.thread_wanted, true);
	start_thread();
}

#if defined(__GNUC__)
/*
 * Threads of the program may still run. One that renews the page is waited for, unless it does not
 * come to an end; one that comes later finds the page not wanted. A child without the fork handlers
 * has its parent's page, and leaves it.
 */
__attribute__((__destructor__)) static void remove_at_exit(void)
{
	zm_store(&publishing.wanted, false);
	if (!wait_and_begin(EXIT_PATIENCE_MS))
		return;
	if (zm_load(&publishing.page) != NULL && publishing.pid == getpid()) {
		zm_client_set(ZM_CLIENT_PUBLISH, NULL);
		remove_file();
		zm_store(&publishing.page, NULL);
	}
	end();
}
#endif
