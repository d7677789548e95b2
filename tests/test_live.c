/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_live.c - a process that shows itself in memory: looked at from other processes, at any moment of
 * its life and theirs, and by all who should not.
 */
#include "config.h"

#include "tests/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zmalloc/process.h>

#include "live/ask.h"
#include "live/page.h"
#include "live/publish.h"
#include "os/shared.h"
#include "tests/refuse.h"

/* A user that is not us. */
#define NOBODY 65534

/* Nobody is late by that much but who does not answer at all. */
#define LONG_MS 60000

#define LINK "/memfd:" ZM_PAGE_NAME " (deleted)"

/* A process that had our number may have left a file, where it had no such memory. */
static void set_up(void)
{
	char left[64];

	snprintf(left, sizeof(left), "/tmp/zmalloc-%ld/%ld", (long)geteuid(), (long)getpid());
	unlink(left);
}

static void tear_down(void)
{
	zmalloc_stats_unpublish();
}

static int error_of_asking(int64_t pid)
{
	struct zmalloc_process process = {.size = sizeof(process)};

	return zmalloc_process_ask(pid, LONG_MS, &process) == 0 ? 0 : errno;
}

static uint64_t used_of(int64_t pid)
{
	struct zmalloc_process process = {.size = sizeof(process)};

	REQUIRE_EQ(zmalloc_process_ask(pid, LONG_MS, &process), 0);
	return process.stats.used_bytes;
}

static bool is_listed(int64_t pid)
{
	static int64_t pids[4096];
	size_t count = 0;

	REQUIRE_EQ(zmalloc_process_list(pids, COUNT_OF(pids), &count), 0);
	for (size_t i = 0; i < count && i < COUNT_OF(pids); i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* ---- What this process has of it ---- */

/* The descriptors that lead to such memory; *fd is one of them. */
static int shown_descriptors(int *fd)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	char target[64];
	int count = 0;

	REQUIRE(directory != NULL);
	while ((entry = readdir(directory)) != NULL) {
		ssize_t size = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target));

		if (size == (ssize_t)strlen(LINK) && memcmp(target, LINK, (size_t)size) == 0) {
			*fd = atoi(entry->d_name);
			count++;
		}
	}
	closedir(directory);
	return count;
}

static bool is_mapped(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096];
	bool found = false;

	REQUIRE(maps != NULL);
	while (fgets(line, sizeof(line), maps) != NULL)
		found = found || strstr(line, LINK) != NULL;
	fclose(maps);
	return found;
}

/* Of threads named as the one that answers: how many, and how often they gave the processor up. */
static int answering_threads(long *switches)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	*switches = 0;
	REQUIRE(tasks != NULL);
	while ((entry = readdir(tasks)) != NULL) {
		char path[300], line[256];
		bool ours = false;
		FILE *status;
		long number;

		snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
		status = fopen(path, "r");
		while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
			ours = ours || strcmp(line, "Name:\t" ZM_PAGE_NAME "\n") == 0;
			if (ours && sscanf(line, "voluntary_ctxt_switches: %ld", &number) == 1)
				*switches += number;
			if (ours && sscanf(line, "nonvoluntary_ctxt_switches: %ld", &number) == 1)
				*switches += number;
		}
		if (status != NULL)
			fclose(status);
		count += ours;
	}
	closedir(tasks);
	return count;
}

/* A thread that was told to end may take a moment. */
static bool threads_come_to(int count)
{
	long switches;

	for (int i = 0; i < 6000; i++) {
		if (answering_threads(&switches) == count)
			return true;
		usleep(10000);
	}
	return false;
}

/* ---- The figures of now ---- */

/* 64 MiB, or ZMALLOC_TEST_LOOK_MIB. */
static size_t look_bytes(void)
{
	const char *mib = getenv("ZMALLOC_TEST_LOOK_MIB");

	return (mib != NULL ? strtoul(mib, NULL, 10) : 64) * MIB;
}

static void look_at_parent(void *expected)
{
	REQUIRE_EQ(used_of(getppid()), *(size_t *)expected);
}

/* The parent waits for the child meanwhile: it does nothing at all. */
START_TEST(test_every_look_shows_what_is_now)
{
	size_t bytes = look_bytes(), expected;
	void *block;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	block = memset(zmalloc(bytes), 1, bytes);
	expected = zmalloc_used_memory();
	run_child_ok(look_at_parent, &expected);
	run_child_ok(look_at_parent, &expected);
	zfree(block);
	expected = zmalloc_used_memory();
	run_child_ok(look_at_parent, &expected);
}
END_TEST

/*
 * Others of this machine may ask too, which the page counts. And on a loaded machine the thread may come to
 * its sleep late, and be put off the processor on the way. One that wakes up by itself does so in every
 * tenth of a second, or there is no harm in it.
 */
static bool comes_to_rest(void)
{
	struct zm_ask ask;
	int moved = 0;
	bool rested = false;

	ck_assert_int_eq(zm_ask_open(getpid(), &ask), 0);
	for (int i = 0; i < 600 && moved < 30 && !rested; i++) {
		uint32_t request = zm_load(&ask.page->request);
		long before, after;

		ck_assert_int_eq(answering_threads(&before), 1);
		usleep(100000);
		ck_assert_int_eq(answering_threads(&after), 1);
		if (zm_load(&ask.page->request) != request)
			continue;
		rested = after == before;
		moved += !rested;
	}
	zm_ask_close(&ask);
	return rested;
}

START_TEST(test_nobody_who_looks_costs_nothing)
{
	long before, after;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	ck_assert_int_eq(error_of_asking(getpid()), 0);
	ck_assert(comes_to_rest());
	/* That the figure moves at all. */
	answering_threads(&before);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(error_of_asking(getpid()), 0);
	answering_threads(&after);
	ck_assert_int_gt(after, before);
}
END_TEST

/* What sched_getattr(2) tells in its first form. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

static struct attributes attributes_of(long thread)
{
	struct attributes attributes = {.size = sizeof(attributes)};

#if defined(SYS_sched_getattr)
	syscall(SYS_sched_getattr, thread, &attributes, sizeof(attributes), 0);
#else
	(void)thread;
#endif
	return attributes;
}

static bool is_answering(const char *thread)
{
	char path[300], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/comm", thread);
	file = fopen(path, "r");
	if (file == NULL)
		return false;
	REQUIRE(fgets(name, sizeof(name), file) != NULL);
	fclose(file);
	return strcmp(name, ZM_PAGE_NAME "\n") == 0;
}

/* On a machine with more to do than processors it is not to wait for as long as others run at once. */
START_TEST(test_the_thread_runs_soon_when_it_is_woken)
{
	DIR *tasks = opendir("/proc/self/task");
	struct attributes mine = attributes_of(0), its;
	struct dirent *entry;
	int seen = 0;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	ck_assert_int_eq(error_of_asking(getpid()), 0);
	ck_assert_ptr_nonnull(tasks);
	while ((entry = readdir(tasks)) != NULL) {
		if (!is_answering(entry->d_name))
			continue;
		seen++;
		its = attributes_of(atol(entry->d_name));
		ck_assert_int_eq(its.nice, mine.nice);
		ck_assert_uint_eq(its.policy, mine.policy);
		if (mine.runtime_ns != 0)
			ck_assert_uint_eq(its.runtime_ns, 100000);
	}
	closedir(tasks);
	ck_assert_int_eq(seen, 1);
	if (mine.runtime_ns == 0)
		skip_part("this kernel does not tell how long a thread runs at once");
}
END_TEST

static struct barrier all_here;

static void *ask_together(void *pid)
{
	barrier_wait(&all_here);
	for (int i = 0; i < 3; i++)
		REQUIRE_EQ(error_of_asking(*(pid_t *)pid), 0);
	return NULL;
}

/* Each has two open at a time: the folder and the page. */
static size_t with_descriptors_for(size_t readers)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return limit.rlim_cur > readers * 3 ? readers : (size_t)limit.rlim_cur / 3;
}

START_TEST(test_a_thousand_readers_are_answered_at_once)
{
	static pthread_t thread[1000];
	size_t readers = with_descriptors_for(steps(COUNT_OF(thread), 50));
	pid_t self = getpid();

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	barrier_init(&all_here, readers);
	for (size_t i = 0; i < readers; i++)
		thread[i] = start_thread(ask_together, &self);
	for (size_t i = 0; i < readers; i++)
		join_thread(thread[i]);
	barrier_done(&all_here);
}
END_TEST

START_TEST(test_the_process_is_listed_while_it_shows_itself)
{
	ck_assert_int_eq(error_of_asking(getpid()), ENOENT);
	ck_assert(!is_listed(getpid()));
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	ck_assert(is_listed(getpid()));
	ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
	ck_assert(!is_listed(getpid()));
	ck_assert_int_eq(error_of_asking(getpid()), ENOENT);
}
END_TEST

/* ---- The memory ---- */

START_TEST(test_the_memory_is_sealed_and_goes_to_nobody)
{
	int fd = -1, seals;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	ck_assert_int_eq(shown_descriptors(&fd), 1);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_gt(fd, 200);
	seals = fcntl(fd, 1034 /* F_GET_SEALS */);
	ck_assert_int_eq(seals & 7, 7);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_eq(ftruncate(fd, ZM_PAGE_BYTES * 2), -1);
}
END_TEST

START_TEST(test_unpublish_leaves_nothing)
{
	int before = descriptors(), fd;

	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(zmalloc_stats_publish(), 0);
		ck_assert_int_eq(zmalloc_stats_publish(), 0);
		ck_assert_int_eq(error_of_asking(getpid()), 0);
		ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
		ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
	}
	ck_assert(threads_come_to(0));
	ck_assert(!is_mapped());
	ck_assert_int_eq(shown_descriptors(&fd), 0);
	ck_assert_int_eq(descriptors(), before);
}
END_TEST

/* ---- When it is renewed without being asked ---- */

/* Until somebody is seen, for a minute at most. */
static bool is_seen_in_the_end(int64_t pid)
{
	for (int i = 0; i < 60; i++) {
		pass_the_threshold();
		if (error_of_asking(pid) == 0)
			return true;
		usleep(1000000);
	}
	return false;
}

static void close_all_and_be_seen(void *unused)
{
	int own, page = -1;

	(void)unused;
	REQUIRE_EQ(zmalloc_stats_publish(), 0);
	REQUIRE_EQ(shown_descriptors(&page), 1);
	for (int fd = 3; fd < 4096; fd++)
		close(fd);
	REQUIRE_EQ(error_of_asking(getpid()), ENOENT);
	/* The program has the number now, for memory of its own: all that differs is which. */
	own = (int)syscall(SYS_memfd_create, "own", 0u);
	REQUIRE(own >= 0);
	REQUIRE_EQ(dup2(own, page), page);
	REQUIRE(is_seen_in_the_end(getpid()));
	REQUIRE_EQ(fcntl(page, F_GETFD), 0);
	REQUIRE(threads_come_to(1));
	REQUIRE_EQ(zmalloc_stats_unpublish(), 0);
	REQUIRE_EQ(fcntl(page, F_GETFD), 0);
	free_what_passed();
}

START_TEST(test_who_closes_all_descriptors_is_seen_again)
{
	run_child_ok(close_all_and_be_seen, NULL);
}
END_TEST

/* ---- Fork and exec ---- */

static void be_unseen_then_seen(void *parent)
{
	int fd;

	REQUIRE_EQ(shown_descriptors(&fd), 0);
	REQUIRE(!is_mapped());
	REQUIRE_EQ(error_of_asking(getpid()), ENOENT);
	REQUIRE_EQ(error_of_asking(*(pid_t *)parent), 0);
	REQUIRE(is_seen_in_the_end(getpid()));
	REQUIRE(used_of(getpid()) != used_of(*(pid_t *)parent));
	REQUIRE_EQ(zmalloc_stats_unpublish(), 0);
	REQUIRE_EQ(error_of_asking(*(pid_t *)parent), 0);
	free_what_passed();
}

START_TEST(test_a_child_shows_itself_and_not_its_parent)
{
	pid_t self = getpid();

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	run_child_ok(be_unseen_then_seen, &self);
	ck_assert_int_eq(error_of_asking(self), 0);
}
END_TEST

static void be_unseen(void *unused)
{
	(void)unused;
	REQUIRE_EQ(zmalloc_stats_unpublish(), 0);
	pass_the_threshold();
	usleep(200000);
	pass_the_threshold();
	REQUIRE_EQ(error_of_asking(getpid()), ENOENT);
	free_what_passed();
}

START_TEST(test_a_child_may_refuse)
{
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	run_child_ok(be_unseen, NULL);
	ck_assert_int_eq(error_of_asking(getpid()), 0);
}
END_TEST

/* The fork of the kernel: nobody's handlers are called. clone(2), "C library/kernel differences". */
static pid_t bare_fork(void)
{
#if defined(__s390x__) || defined(__s390__)
	return (pid_t)syscall(SYS_clone, NULL, SIGCHLD, NULL, NULL, NULL);
#else
	return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
#endif
}

/* The child has its parent's descriptor. */
START_TEST(test_a_child_of_a_bare_call_is_not_taken_for_its_parent)
{
	int ends[2], status;
	pid_t child;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	ck_assert_int_eq(pipe(ends), 0);
	child = bare_fork();
	if (child == 0) {
		char byte;

		close(ends[1]);
		_exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(ends[0]);
	ck_assert_int_eq(error_of_asking(child), ENOENT);
	ck_assert(!is_listed(child));
	close(ends[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

static void publish_and_die(void *unused)
{
	(void)unused;
	REQUIRE_EQ(zmalloc_stats_publish(), 0);
	REQUIRE_EQ(error_of_asking(getpid()), 0);
	kill(getpid(), SIGKILL);
}

/* How many files the runtime directory holds. */
static int files_below(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;

	REQUIRE(directory != NULL);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count - 2;
}

START_TEST(test_dead_children_leave_no_files)
{
	char runtime[] = "/tmp/zmalloc-test.XXXXXX";
	struct child child;

	ck_assert_ptr_nonnull(mkdtemp(runtime));
	ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", runtime, 1), 0);
	for (size_t i = 0; i < steps(30, 3); i++) {
		run_child(&child, publish_and_die, NULL);
		ck_assert(WIFSIGNALED(child.status));
	}
	ck_assert_int_eq(files_below(runtime), 0);
	ck_assert_int_eq(rmdir(runtime), 0);
}
END_TEST

static ZM_ATOMIC(bool) stop_forking;

static void *publish_often(void *unused)
{
	while (!zm_load_acquire(&stop_forking)) {
		REQUIRE_EQ(zmalloc_stats_publish(), 0);
		error_of_asking(getpid());
		REQUIRE_EQ(zmalloc_stats_unpublish(), 0);
	}
	return unused;
}

static void publish_in_child(void *unused)
{
	(void)unused;
	alarm(120);
	if (!children_start_threads())
		return;
	REQUIRE_EQ(zmalloc_stats_publish(), 0);
	REQUIRE_EQ(error_of_asking(getpid()), 0);
}

START_TEST(test_forks_in_the_middle_of_it)
{
	pthread_t thread;

	zm_store(&stop_forking, false);
	thread = start_thread(publish_often, NULL);
	for (size_t i = 0; i < steps(100, 5); i++)
		run_child_ok(publish_in_child, NULL);
	zm_store_release(&stop_forking, true);
	join_thread(thread);
}
END_TEST

/* ---- Who may look, and from where ---- */

/* A child that says when it is ready, and stays until its parent closes the pipe. */
struct shown {
	pid_t pid;
	int hold;
};

static struct shown show_child(void (*prepare)(void))
{
	struct shown shown;
	int hold[2], ready[2];
	char byte;

	ck_assert_int_eq(pipe(hold), 0);
	ck_assert_int_eq(pipe(ready), 0);
	shown.pid = fork();
	if (shown.pid == 0) {
		close(hold[1]);
		prepare();
		REQUIRE_EQ(write(ready[1], "r", 1), 1);
		while (read(hold[0], &byte, 1) > 0)
			;
		_exit(0);
	}
	close(hold[0]);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	shown.hold = hold[1];
	return shown;
}

static void end_child(struct shown shown)
{
	int status;

	close(shown.hold);
	ck_assert_int_eq(waitpid(shown.pid, &status, 0), shown.pid);
	ck_assert_int_eq(status, 0);
}

static void publish_and_drop(void)
{
	REQUIRE_EQ(zmalloc_stats_publish(), 0);
	REQUIRE_EQ(setgid(NOBODY), 0);
	REQUIRE_EQ(setuid(NOBODY), 0);
}

static void look_as_nobody(void *pid)
{
	REQUIRE_EQ(setgid(NOBODY), 0);
	REQUIRE_EQ(setuid(NOBODY), 0);
	REQUIRE_EQ(error_of_asking(*(pid_t *)pid), EACCES);
	REQUIRE(!is_listed(*(pid_t *)pid));
}

/* capabilities(7): root of a container lacks many. */
static bool may(unsigned right)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct rights[2];

	return syscall(SYS_capget, &header, rights) == 0 && (rights[0].effective >> right & 1) != 0;
}

/* capabilities(7), "CAP_SYS_PTRACE": what root of a container often lacks. */
static void look_without_the_right(void *pid)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct rights[2];

	REQUIRE_EQ(syscall(SYS_capget, &header, rights), 0);
	rights[0].effective &= ~(1u << CAP_SYS_PTRACE);
	REQUIRE_EQ(syscall(SYS_capset, &header, rights), 0);
	REQUIRE_EQ(error_of_asking(*(pid_t *)pid), EACCES);
	REQUIRE(!is_listed(*(pid_t *)pid));
}

START_TEST(test_root_sees_who_dropped_its_rights)
{
	struct shown shown;
	pid_t self = getpid();

	if (geteuid() != 0 || !may(CAP_SYS_PTRACE)) {
		skip_part("only root with CAP_SYS_PTRACE sees who drops its rights");
		return;
	}
	shown = show_child(publish_and_drop);
	ck_assert_int_eq(error_of_asking(shown.pid), 0);
	ck_assert(is_listed(shown.pid));
	run_child_ok(look_as_nobody, &shown.pid);
	run_child_ok(look_without_the_right, &shown.pid);
	end_child(shown);
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	run_child_ok(look_as_nobody, &self);
}
END_TEST

static void enter_namespace(void)
{
	char byte = 0;
	int ends[2];
	pid_t inner;

	REQUIRE_EQ(unshare(CLONE_NEWPID | CLONE_NEWNS), 0);
	REQUIRE_EQ(pipe(ends), 0);
	inner = fork();
	if (inner == 0) {
		REQUIRE_EQ(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
		REQUIRE_EQ(chroot("/tmp"), 0);
		REQUIRE_EQ(zmalloc_stats_publish(), 0);
		REQUIRE_EQ(write(ends[1], "r", 1), 1);
		pause();
	}
	REQUIRE_EQ(read(ends[0], &byte, 1), 1);
}

/* The one child of a process. */
static int64_t child_of(pid_t pid)
{
	char path[64];
	long child = 0;
	FILE *children;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
	children = fopen(path, "r");
	if (children != NULL && fscanf(children, "%ld", &child) != 1)
		child = 0;
	if (children != NULL)
		fclose(children);
	return child;
}

/* In a PID and a mount namespace of its own, without /proc. */
START_TEST(test_namespaces_hide_nobody)
{
	struct shown shown;

	if (geteuid() != 0 || !may(CAP_SYS_ADMIN) || !may(CAP_SYS_PTRACE) || child_of(1) < 0 ||
	    emulated()) {
		skip_part("namespaces need root with CAP_SYS_ADMIN and CAP_SYS_PTRACE");
		return;
	}
	shown = show_child(enter_namespace);
	if (child_of(shown.pid) == 0) {
		skip_part("the kernel does not tell of children");
	} else {
		ck_assert_int_eq(error_of_asking(child_of(shown.pid)), 0);
		ck_assert(is_listed(child_of(shown.pid)));
	}
	end_child(shown);
}
END_TEST

/* ---- Who does not answer ---- */

static void publish_a_mebibyte(void)
{
	REQUIRE_EQ(zmalloc_stats_publish(), 0);
	pass_the_threshold();
}

START_TEST(test_who_is_stopped_shows_its_last_figures)
{
	struct zmalloc_process process = {.size = sizeof(process)};
	struct shown shown = show_child(publish_a_mebibyte);
	uint64_t used = used_of(shown.pid);

	ck_assert_int_eq(kill(shown.pid, SIGSTOP), 0);
	while (zmalloc_process_ask(shown.pid, 20, &process) == 0)
		process.size = sizeof(process);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_uint_eq(process.stats.used_bytes, used);
	ck_assert_int_eq(process.pid, shown.pid);
	ck_assert_int_eq(zmalloc_process_purge(shown.pid, 20, NULL), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_int_eq(kill(shown.pid, SIGCONT), 0);
	ck_assert_int_eq(error_of_asking(shown.pid), 0);
	end_child(shown);
}
END_TEST

static void die_while_asking(void *pid)
{
	struct zm_ask ask;

	REQUIRE_EQ(zm_ask_open(*(pid_t *)pid, &ask), 0);
	REQUIRE_EQ(flock(ask.fd, LOCK_EX), 0);
	ask.page->question.sequence |= 1;
	kill(getpid(), SIGKILL);
}

static int count_bin(const struct zmalloc_bin_stats *bin, void *count)
{
	++*(size_t *)count;
	ck_assert_uint_ge(bin->region_bytes, 1);
	return 0;
}

START_TEST(test_a_reader_that_dies_hinders_nobody)
{
	struct child child;
	pid_t self = getpid();

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	run_child(&child, die_while_asking, &self);
	ck_assert(WIFSIGNALED(child.status));
	ck_assert_int_eq(error_of_asking(self), 0);
	ck_assert(zmalloc_process_purge(self, LONG_MS, NULL) == 0 || errno == ENOTSUP);
}
END_TEST

/* ---- Commands ---- */

START_TEST(test_size_classes_are_told)
{
	void *block[2000];
	size_t count = 0, told = 0;

	for (size_t i = 0; i < COUNT_OF(block); i++)
		block[i] = zmalloc(200);
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	if (zmalloc_process_visit_bins(getpid(), ZMALLOC_STATS_ALL_ARENAS, LONG_MS, count_bin,
				       &told) != 0) {
		ck_assert_int_eq(errno, ENOTSUP);
		ck_assert_int_eq(
			zmalloc_stats_visit_bins(ZMALLOC_STATS_ALL_ARENAS, 1, count_bin, &count),
			-1);
	} else {
		ck_assert_int_eq(
			zmalloc_stats_visit_bins(ZMALLOC_STATS_ALL_ARENAS, 1, count_bin, &count),
			0);
		/* The thread that answers has blocks of its own, or, with mimalloc, none. */
		ck_assert_uint_le(told, count + 4);
	}
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
}
END_TEST

struct arenas {
	size_t count;
	uint64_t allocated_bytes;
};

static int add_arena(unsigned arena, const struct zmalloc_stats *stats, void *context)
{
	struct arenas *arenas = context;

	ck_assert_uint_lt(arena, zmalloc_stats_arenas());
	ck_assert_uint_eq(stats->used_bytes, ZMALLOC_STATS_UNKNOWN);
	arenas->count++;
	arenas->allocated_bytes += stats->allocated_bytes;
	return 0;
}

START_TEST(test_arenas_are_told)
{
	struct arenas arenas = {0, 0};
	void *block = memset(zmalloc(8 * MIB), 1, 8 * MIB);

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	if (zmalloc_stats_arenas() == 0) {
		ck_assert_int_eq(
			zmalloc_process_visit_arenas(getpid(), LONG_MS, add_arena, &arenas), -1);
		ck_assert_int_eq(errno, ENOTSUP);
	} else {
		ck_assert_int_eq(
			zmalloc_process_visit_arenas(getpid(), LONG_MS, add_arena, &arenas), 0);
		ck_assert_uint_ge(arenas.count, 1);
		ck_assert_uint_ge(arenas.allocated_bytes, 8 * MIB);
	}
	zfree(block);
}
END_TEST

START_TEST(test_purge_gives_back_and_says_how_much)
{
	static void *block[4000];
	uint64_t bytes = 0;
	size_t before;
	void *last;

	if (!zmalloc_has(ZMALLOC_CAN_PURGE) || under_checker()) {
		skip_part("nothing to give back, or a checker's memory");
		return;
	}
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	for (size_t i = 0; i < COUNT_OF(block); i++)
		block[i] = memset(zmalloc(16 * KIB), 1, 16 * KIB);
	/* The C library gives back by itself what is free at the end of its heap. */
	last = zmalloc(16 * KIB);
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
	before = zmalloc_get_rss();
	ck_assert_int_eq(zmalloc_process_purge(getpid(), LONG_MS, &bytes), 0);
	if (zmalloc_get_rss() + MIB < before)
		ck_assert_uint_ge(bytes, MIB / 2);
	ck_assert_uint_le(bytes, before);
	zfree(last);
}
END_TEST

START_TEST(test_commands_of_later_versions_are_unknown)
{
	const uint64_t nothing[2] = {0, 0};
	struct zm_command_answer answer = {.room = NULL};
	struct zm_ask ask;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	ck_assert_int_eq(zm_ask_open(getpid(), &ask), 0);
	ck_assert_int_eq(zm_ask_command(&ask, ZM_COMMANDS + 1, nothing, LONG_MS, &answer), ENOTSUP);
	/* As a reader that knows more would give it. */
	ask.commands = ZM_COMMANDS + 1;
	ck_assert_int_eq(zm_ask_command(&ask, ZM_COMMANDS + 1, nothing, LONG_MS, &answer), ENOTSUP);
	ck_assert_int_eq(zm_ask_command(&ask, UINT32_MAX, nothing, LONG_MS, &answer), ENOTSUP);
	zm_ask_close(&ask);
}
END_TEST

START_TEST(test_a_process_is_told_about)
{
	struct zmalloc_process_info about = {.size = sizeof(about)};

	ck_assert_int_eq(zmalloc_process_about(getpid(), LONG_MS, &about), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	/* The kernel tells when a process began to a hundredth of a second. */
	usleep(30000);
	ck_assert_int_eq(zmalloc_process_about(getpid(), LONG_MS, &about), 0);
	ck_assert_int_eq(about.pid, getpid());
	ck_assert_uint_eq(about.user, geteuid());
	ck_assert_uint_eq(about.way, ZMALLOC_PROCESS_ANSWERS);
	ck_assert_uint_eq(about.limit_bytes, zmalloc_get_memory_limit());
	ck_assert_uint_ne(about.uptime_ms, 0);
	if (!under_checker() && !emulated())
		ck_assert_ptr_nonnull(strstr(about.command, "test_live"));
	ck_assert_uint_eq(about.pss_bytes == ZMALLOC_STATS_UNKNOWN,
			  about.swap_bytes == ZMALLOC_STATS_UNKNOWN);
	/* All but what the kernel has to walk page tables for. */
	memset(&about, 1, sizeof(about));
	about.size = offsetof(struct zmalloc_process_info, swap_bytes);
	ck_assert_int_eq(zmalloc_process_about(getpid(), LONG_MS, &about), 0);
	ck_assert_uint_eq(about.size, offsetof(struct zmalloc_process_info, swap_bytes));
	ck_assert_uint_eq(about.limit_bytes, zmalloc_get_memory_limit());
	ck_assert_uint_eq(about.pss_bytes, 0x0101010101010101);
	about.size = 0;
	ck_assert_int_eq(zmalloc_process_about(getpid(), LONG_MS, &about), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* ---- What is no page ---- */

/* A copy of a good page, shown by a process that has not published. */
static struct zm_published good_page(void)
{
	struct zm_ask ask;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	ck_assert_int_eq(zm_ask_open(getpid(), &ask), 0);
	ck_assert_int_eq(zm_ask_figures(&ask, LONG_MS), 0);
	zm_ask_close(&ask);
	ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
	return ask.copy;
}

static int show_forged(const struct zm_published *page, size_t bytes, int seals)
{
	int fd = (int)syscall(SYS_memfd_create, ZM_PAGE_NAME, 3u);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)bytes), 0);
	if (bytes >= sizeof(struct zm_page)) {
		const uint32_t words[2] = {ZMALLOC_PROCESS_ANSWERS, ZM_COMMANDS};

		ck_assert_int_eq(pwrite(fd, page, sizeof(*page), 0), (int)sizeof(*page));
		ck_assert_int_eq(pwrite(fd, words, sizeof(words), ZM_PAGE_WORDS_AT),
				 (int)sizeof(words));
	}
	ck_assert_int_eq(fcntl(fd, 1033 /* F_ADD_SEALS */, seals), 0);
	return fd;
}

static int error_of_forged(const struct zm_published *page)
{
	int fd = show_forged(page, ZM_PAGE_BYTES, 7);
	struct zmalloc_process process = {.size = sizeof(process)};
	int before = descriptors();
	int error = zmalloc_process_ask(getpid(), 1000, &process) == 0 ? 0 : errno;

	ck_assert_int_eq(descriptors(), before);
	close(fd);
	return error;
}

START_TEST(test_memory_of_another_form_is_no_page)
{
	struct zm_published page = good_page();
	int ends[2], fd;

	/* Nobody answers, so that the last figures come late; that is a page. */
	ck_assert_int_eq(error_of_forged(&page), ETIMEDOUT);
	fd = show_forged(&page, ZM_PAGE_BYTES, 0);
	ck_assert_int_eq(error_of_asking(getpid()), ENOENT);
	close(fd);
	fd = show_forged(&page, ZM_PAGE_BYTES, 2);
	ck_assert_int_eq(error_of_asking(getpid()), ENOENT);
	close(fd);
	fd = show_forged(&page, ZM_PAGE_BYTES / 2, 7);
	ck_assert_int_eq(error_of_asking(getpid()), ENOENT);
	close(fd);
	fd = show_forged(&page, 0, 7);
	ck_assert_int_eq(error_of_asking(getpid()), ENOENT);
	close(fd);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(error_of_asking(getpid()), ENOENT);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/*
 * The name of a page is that of any file which lay at the root as "memfd:zmalloc" and is deleted.
 * The root is one of our own for that, in a namespace of our own, with a /proc in it.
 */
static bool go_to_namespace_of_ones_own(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0;
}

/* Root of a container may have no right to one, and what is the root of a chroot may be no mount. */
static bool may_have_namespace(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(!go_to_namespace_of_ones_own());
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void go_to_root_of_ones_own(const char *root)
{
	char proc[64];

	REQUIRE(go_to_namespace_of_ones_own());
	REQUIRE_EQ(mount("none", root, "tmpfs", 0, NULL), 0);
	snprintf(proc, sizeof(proc), "%s/proc", root);
	REQUIRE_EQ(mkdir(proc, 0700), 0);
	REQUIRE_EQ(mount("/proc", proc, "none", MS_BIND, NULL), 0);
	REQUIRE_EQ(chroot(root), 0);
	REQUIRE_EQ(chdir("/"), 0);
}

struct forgery {
	char root[32];
	struct zm_published page;
};

/* Whoever opened the FIFO for reading alone would wait for ever. */
static void show_what_is_named_alike(void *context)
{
	struct forgery *forgery = context;
	static char zeroes[ZM_PAGE_BYTES];
	int fd, known;

	go_to_root_of_ones_own(forgery->root);
	REQUIRE_EQ(mkfifo("/memfd:zmalloc", 0600), 0);
	fd = open("/memfd:zmalloc", O_RDWR);
	REQUIRE(fd >= 0);
	REQUIRE_EQ(unlink("/memfd:zmalloc"), 0);
	REQUIRE_EQ(shown_descriptors(&known), 1);
	REQUIRE_EQ(error_of_asking(getpid()), ENOENT);
	close(fd);
	fd = open("/memfd:zmalloc", O_RDWR | O_CREAT, 0600);
	forgery->page.pid = getpid();
	REQUIRE_EQ(write(fd, zeroes, sizeof(zeroes)), sizeof(zeroes));
	REQUIRE_EQ(pwrite(fd, &forgery->page, sizeof(forgery->page), 0), sizeof(forgery->page));
	REQUIRE_EQ(unlink("/memfd:zmalloc"), 0);
	REQUIRE_EQ(shown_descriptors(&known), 1);
	REQUIRE_EQ(error_of_asking(getpid()), ENOENT);
	/* Nor does it hide a page. */
	REQUIRE_EQ(zmalloc_stats_publish(), 0);
	REQUIRE_EQ(error_of_asking(getpid()), 0);
}

START_TEST(test_files_named_alike_are_no_pages)
{
	struct forgery forgery = {"/tmp/zmalloc-test.XXXXXX", good_page()};

	if (geteuid() != 0 || emulated() || !may_have_namespace()) {
		skip_part("only root with a mount namespace can have a root of its own");
		return;
	}
	ck_assert_ptr_nonnull(mkdtemp(forgery.root));
	run_child_ok(show_what_is_named_alike, &forgery);
	ck_assert_int_eq(rmdir(forgery.root), 0);
}
END_TEST

START_TEST(test_pages_that_cannot_be_are_refused)
{
	const struct zm_published good = good_page();
	struct zm_published page = good;

	page.magic[6]++;
	ck_assert_int_eq(error_of_forged(&page), EBADMSG);
	page = good;
	page.form++;
	ck_assert_int_eq(error_of_forged(&page), EBADMSG);
	page = good;
	page.size = ZM_PAGE_BYTES + 1;
	ck_assert_int_eq(error_of_forged(&page), EBADMSG);
	page = good;
	page.sequence |= 1;
	ck_assert_int_eq(error_of_forged(&page), EBADMSG);
	page.sequence = 0;
	ck_assert_int_eq(error_of_forged(&page), EBADMSG);
	page = good;
	page.pid++;
	ck_assert_int_eq(error_of_forged(&page), ENOENT);
	page = good;
	page.figure[0] = UINT64_MAX - 1;
	ck_assert_int_eq(error_of_forged(&page), EBADMSG);
	/* What is no page does not hide one. */
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	ck_assert_int_eq(error_of_forged(&page), 0);
	ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
	page = good;
	page.figures = UINT32_MAX;
	ck_assert_int_eq(error_of_forged(&page), EBADMSG);
}
END_TEST

START_TEST(test_any_bytes_are_survived)
{
	const struct zm_published good = good_page();
	struct chance chance = chance_of(1);
	struct zmalloc_process process;

	for (size_t round = 0; round < steps(200, 20); round++) {
		unsigned char words[sizeof(struct zm_page) - ZM_PAGE_WORDS_AT];
		struct zm_published page = good;
		int fd;

		for (size_t i = 0; i < sizeof(page); i++)
			if (chance_below(&chance, 40) == 0 &&
			    i >= offsetof(struct zm_published, start))
				((unsigned char *)&page)[i] = (unsigned char)chance_next(&chance);
		fd = show_forged(&page, ZM_PAGE_BYTES, 7);
		for (size_t i = 0; i < COUNT_OF(words); i++)
			words[i] = (unsigned char)chance_next(&chance);
		words[0] = (unsigned char)chance_below(&chance, 3);
		words[1] = words[2] = words[3] = 0;
		ck_assert_int_eq(pwrite(fd, words, sizeof(words), ZM_PAGE_WORDS_AT),
				 (int)sizeof(words));
		process.size = sizeof(process);
		if (zmalloc_process_ask(getpid(), 1, &process) == 0 || errno == ETIMEDOUT)
			for (const char *at = process.allocator; *at != '\0'; at++)
				ck_assert(*at >= ' ' && *at <= '~');
		zmalloc_process_visit_bins(getpid(), 0, 1, count_bin, &round);
		close(fd);
	}
}
END_TEST

/* Whoever may read the page may write it. */
START_TEST(test_the_answering_side_survives_any_bytes)
{
	struct chance chance = chance_of(2);
	struct zm_ask ask;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	ck_assert_int_eq(zm_ask_open(getpid(), &ask), 0);
	for (size_t round = 0; round < steps(300, 30); round++) {
		unsigned char bytes[sizeof(struct zm_page)];

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (unsigned char)chance_next(&chance);
		/* Nothing that gives memory back: it is not what is looked at here. */
		memset(bytes + offsetof(struct zm_page, question.command), 0xff, 4);
		ck_assert_int_eq(pwrite(ask.fd, bytes, sizeof(bytes), 0), (int)sizeof(bytes));
		zm_os_word_wake(&ask.page->request);
	}
	zm_ask_close(&ask);
	ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
	ck_assert(threads_come_to(0));
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	ck_assert_int_eq(error_of_asking(getpid()), 0);
}
END_TEST

/* ---- What the environment asks for ---- */

/* This program anew, with another task than its tests: see main(). */
static void run_anew(void *wish)
{
	setenv("ZMALLOC_PUBLISH", wish, 1);
	execl("/proc/self/exe", "test_live", "tell", (char *)NULL);
	_exit(127);
}

/* "threads:published:passive" */
static int tell(void)
{
	struct zmalloc_process_info about = {.size = sizeof(about)};
	int told = zmalloc_process_about(getpid(), LONG_MS, &about);
	long switches;

	fprintf(stderr, "%d:%d:%d\n", answering_threads(&switches), told == 0,
		told == 0 && about.way == ZMALLOC_PROCESS_PASSIVE);
	return 0;
}

static void expect_told(const char *wish, const char *expected)
{
	static struct child child;

	run_child(&child, run_anew, opaque((void *)(uintptr_t)wish));
	ck_assert_int_eq(child.status, 0);
	ck_assert_msg(strcmp(child.output, expected) == 0, "ZMALLOC_PUBLISH=%s: %s", wish,
		      child.output);
}

static bool can_start_anew(void)
{
	if (!under_checker() && access("/proc/self/exe", X_OK) == 0)
		return true;
	skip_part("this program cannot start itself anew here");
	return false;
}

START_TEST(test_the_environment_is_asked)
{
	if (!can_start_anew())
		return;
	expect_told("1", "1:1:0\n");
	expect_told("passive", "0:1:1\n");
	expect_told("0", "0:0:0\n");
	expect_told("", "0:0:0\n");
	expect_told(
		"thread",
		"zmalloc: ZMALLOC_PUBLISH: there is no way to publish named 'thread'; set it to 1, "
		"to passive (without a thread), or to 0; nothing is published\n0:0:0\n");
}
END_TEST

enum {
	NOT_REFUSED = 77
};

static void run_anew_without_threads(void *wish)
{
	if (!refuse_threads())
		_exit(NOT_REFUSED);
	run_anew(wish);
}

/* A program that is started so has none to open its libraries with: this one begins once more. */
static void begin_without_descriptors(void *wish)
{
	const struct rlimit few = {3, 3};

	if (setrlimit(RLIMIT_NOFILE, &few) != 0)
		_exit(NOT_REFUSED);
	setenv("ZMALLOC_PUBLISH", wish, 1);
	zm_publish_at_start();
}

static void expect_advice(void (*body)(void *), int error, const char *advice)
{
	static struct child child;
	char text[400];

	snprintf(text, sizeof(text),
		 "zmalloc: ZMALLOC_PUBLISH: cannot publish the figures of this process: %s; %s\n",
		 strerror(error), advice);
	run_child(&child, body, opaque((void *)(uintptr_t) "1"));
	if (WIFEXITED(child.status) && WEXITSTATUS(child.status) == NOT_REFUSED) {
		skip_part("the kernel refuses nothing here");
		return;
	}
	ck_assert_int_eq(child.status, 0);
	ck_assert_msg(strncmp(child.output, text, strlen(text)) == 0, "not '%s': %s", text,
		      child.output);
}

START_TEST(test_who_cannot_be_shown_is_told_what_to_change)
{
	if (!can_start_anew())
		return;
	expect_advice(run_anew_without_threads, EAGAIN,
		      "no thread can be started: allow the user or the service more tasks "
		      "(ulimit -u; TasksMax=; pids.max), or set it to passive, which takes none");
	expect_advice(begin_without_descriptors, EMFILE,
		      "no descriptor is free: allow the process more of them (ulimit -n; "
		      "LimitNOFILE=)");
}
END_TEST

int main(int argc, char **argv)
{
	TCase *tests;

	if (argc > 1 && strcmp(argv[1], "tell") == 0)
		return tell();
	tests = tests_named("live");
	if (access("/proc/self/fd", R_OK) != 0)
		skip_program("there is no /proc here, in which to look");
	if (zmalloc_stats_publish() != 0)
		skip_program("this system has no memory that other processes find");
	zmalloc_stats_unpublish();
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, test_every_look_shows_what_is_now);
	tcase_add_test(tests, test_nobody_who_looks_costs_nothing);
	tcase_add_test(tests, test_the_thread_runs_soon_when_it_is_woken);
	tcase_add_test(tests, test_a_thousand_readers_are_answered_at_once);
	tcase_add_test(tests, test_the_process_is_listed_while_it_shows_itself);
	tcase_add_test(tests, test_the_memory_is_sealed_and_goes_to_nobody);
	tcase_add_test(tests, test_unpublish_leaves_nothing);
	tcase_add_test(tests, test_who_closes_all_descriptors_is_seen_again);
	tcase_add_test(tests, test_a_child_shows_itself_and_not_its_parent);
	tcase_add_test(tests, test_a_child_may_refuse);
	tcase_add_test(tests, test_a_child_of_a_bare_call_is_not_taken_for_its_parent);
	tcase_add_test(tests, test_dead_children_leave_no_files);
	tcase_add_test(tests, test_forks_in_the_middle_of_it);
	tcase_add_test(tests, test_root_sees_who_dropped_its_rights);
	tcase_add_test(tests, test_namespaces_hide_nobody);
	tcase_add_test(tests, test_who_is_stopped_shows_its_last_figures);
	tcase_add_test(tests, test_a_reader_that_dies_hinders_nobody);
	tcase_add_test(tests, test_size_classes_are_told);
	tcase_add_test(tests, test_arenas_are_told);
	tcase_add_test(tests, test_purge_gives_back_and_says_how_much);
	tcase_add_test(tests, test_commands_of_later_versions_are_unknown);
	tcase_add_test(tests, test_a_process_is_told_about);
	tcase_add_test(tests, test_memory_of_another_form_is_no_page);
	tcase_add_test(tests, test_files_named_alike_are_no_pages);
	tcase_add_test(tests, test_pages_that_cannot_be_are_refused);
	tcase_add_test(tests, test_any_bytes_are_survived);
	tcase_add_test(tests, test_the_answering_side_survives_any_bytes);
	tcase_add_test(tests, test_the_environment_is_asked);
	tcase_add_test(tests, test_who_cannot_be_shown_is_told_what_to_change);
	return run_tests(tests);
}
