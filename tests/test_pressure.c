/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_pressure.c - watches: what they tell, by sources that a test can make: a service
 * manager of its own, a control group of files, limits. What the kernel itself tells is in
 * test_pressure_kernel.c.
 */
#include "config.h"

#include "tests/os_fixture.h"
#include "tests/support.h"
#include "tests/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/limit.h>
#include <zmalloc/pressure.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "os/pressure_watch.h"
#include "pressure/level.h"
#include "pressure/pressure.h"

enum {
	LONG_MS = 60000 /* for what comes at once, on a machine that is busy */
};

static int all_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1400; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* ---- Asking ---- */

static struct zmalloc_pressure_event event;

static int error_of(int result)
{
	return result == 0 ? 0 : errno;
}

static int read_event(int fd)
{
	memset(&event, 0, sizeof(event));
	event.size = sizeof(event);
	return error_of(zmalloc_pressure_read(fd, &event));
}

static void expect(int fd, uint32_t source, uint32_t level, uint64_t count)
{
	ck_assert(wait_readable(fd, LONG_MS));
	ck_assert_int_eq(read_event(fd), 0);
	ck_assert_uint_eq(event.source, source);
	ck_assert_uint_eq(event.level, level);
	ck_assert_uint_eq(event.count, count);
}

static void expect_nothing(int fd)
{
	ck_assert_int_eq(read_event(fd), EAGAIN);
	ck_assert(!wait_readable(fd, 0));
}

static int copy_about(const struct zmalloc_pressure_about *about, void *to)
{
	if (about->source == ((struct zmalloc_pressure_about *)to)->source) {
		memcpy(to, about, sizeof(*about));
		return 1;
	}
	return 0;
}

static struct zmalloc_pressure_about about(int fd, uint32_t source)
{
	struct zmalloc_pressure_about told = {.source = source};

	ck_assert_int_eq(zmalloc_pressure_visit(fd, copy_about, &told), 1);
	return told;
}

/* ---- Opening ---- */

static int open_as(struct zm_os_pressure_wish wish)
{
	uintptr_t number = 0;
	int fd = -1;

	if (wish.tree == NULL)
		wish.tree = "";
	ck_assert_int_eq(zm_pressure_open(&wish, false, &fd, &number), 0);
	ck_assert_uint_ne(number, 0);
	return fd;
}

static char *empty_tree;

/* None of the kernel's sources, and no timer: the descriptor is quiet unless a test is not. */
static int open_quiet(void)
{
	return open_as((struct zm_os_pressure_wish){.watch = "/dev/null"});
}

static void set_up(void)
{
	empty_tree = tree_begin();
}

static void tear_down(void)
{
	tree_remove(empty_tree);
}

START_TEST(test_a_watch_leaves_nothing)
{
	int before = all_descriptors(), lowest = dup(0), fd;

	close(lowest);
	fd = zmalloc_pressure_open();
	ck_assert_int_eq(fd, lowest);
	for (int each = 3; each < 1400; each++)
		if (each == fd || each > 900)
			ck_assert(fcntl(each, F_GETFD) < 0 ||
				  (fcntl(each, F_GETFD) & FD_CLOEXEC) != 0);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
	ck_assert_int_eq(all_descriptors(), before);
	ck_assert_int_eq(error_of(zmalloc_pressure_close(fd)), EBADF);
	ck_assert_int_eq(read_event(fd), EBADF);
	ck_assert_int_eq(error_of(zmalloc_pressure_close(-1)), EBADF);
}
END_TEST

static int check_about(const struct zmalloc_pressure_about *told, void *last)
{
	ck_assert_uint_eq(told->size, sizeof(*told));
	ck_assert_uint_gt(told->source, *(uint32_t *)last);
	ck_assert_int_eq(told->error == 0, told->why[0] == '\0');
	*(uint32_t *)last = told->source;
	return 0;
}

START_TEST(test_every_source_says_if_it_is_in_use)
{
	int fd = zmalloc_pressure_open();
	uint32_t last = 0;

	ck_assert_int_eq(zmalloc_pressure_visit(fd, check_about, &last), 0);
	ck_assert_uint_eq(last, ZMALLOC_PRESSURE_FIGURES);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
	ck_assert_int_eq(error_of(zmalloc_pressure_visit(fd, check_about, &last)), EBADF);
}
END_TEST

START_TEST(test_there_are_so_many_watches)
{
	int before = all_descriptors(), fd[ZMALLOC_PRESSURE_WATCHES];

	for (size_t i = 0; i < COUNT_OF(fd); i++)
		fd[i] = open_quiet();
	ck_assert_int_eq(zmalloc_pressure_open(), -1);
	ck_assert_int_eq(errno, EMFILE);
	for (size_t i = 0; i < COUNT_OF(fd); i++)
		ck_assert_int_eq(zmalloc_pressure_close(fd[i]), 0);
	ck_assert_int_eq(all_descriptors(), before);
}
END_TEST

/* ---- Reading and waiting ---- */

START_TEST(test_every_watch_tells_of_a_limit_once)
{
	int one = open_quiet(), two = open_quiet();

	expect_nothing(one);
	zm_pressure_raise(ZMALLOC_PRESSURE_LOW);
	zm_pressure_raise(ZMALLOC_PRESSURE_MEDIUM);
	zm_pressure_raise(ZMALLOC_PRESSURE_LOW);
	expect(one, ZMALLOC_PRESSURE_LIMIT, ZMALLOC_PRESSURE_MEDIUM, 3);
	expect_nothing(one);
	expect(two, ZMALLOC_PRESSURE_LIMIT, ZMALLOC_PRESSURE_MEDIUM, 3);
	expect_nothing(two);
	zm_pressure_raise(ZMALLOC_PRESSURE_CRITICAL);
	expect(one, ZMALLOC_PRESSURE_LIMIT, ZMALLOC_PRESSURE_CRITICAL, 1);
	ck_assert_int_eq(zmalloc_pressure_close(one), 0);
	ck_assert_int_eq(zmalloc_pressure_close(two), 0);
}
END_TEST

static void see_limit(size_t limit_bytes, size_t used_bytes, void *calls)
{
	(void)limit_bytes, (void)used_bytes;
	++*(int *)calls;
}

START_TEST(test_a_soft_limit_that_is_passed_is_told)
{
	int fd = open_quiet(), calls = 0;
	int number =
		zmalloc_soft_limit_add(zmalloc_used_memory() + MIB, MIB / 2, see_limit, &calls);
	void *block;

	ck_assert_int_gt(number, 0);
	expect_nothing(fd);
	block = zmalloc(4 * MIB);
	ck_assert_int_eq(calls, 1);
	expect(fd, ZMALLOC_PRESSURE_LIMIT, ZMALLOC_PRESSURE_MEDIUM, 1);
	expect_nothing(fd);
	zfree(block);
	ck_assert_int_eq(zmalloc_soft_limit_remove(number), 0);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
}
END_TEST

START_TEST(test_figures_are_those_of_the_moment)
{
	void *block = memset(zmalloc(8 * MIB), 1, 8 * MIB);
	int fd = open_quiet();

	zm_pressure_raise(ZMALLOC_PRESSURE_LOW);
	ck_assert_int_eq(read_event(fd), 0);
	ck_assert_uint_eq(event.used_bytes, zmalloc_used_memory());
	ck_assert_uint_ge(event.used_bytes, 8 * MIB);
	ck_assert_uint_ne(event.rss_bytes, 0);
	ck_assert_uint_eq(event.limit_bytes, zmalloc_get_memory_limit());
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
	zfree(block);
}
END_TEST

START_TEST(test_a_struct_of_another_version_is_filled_as_far_as_it_goes)
{
	int fd = open_quiet();

	zm_pressure_raise(ZMALLOC_PRESSURE_LOW);
	memset(&event, 0xee, sizeof(event));
	event.size = 0;
	ck_assert_int_eq(error_of(zmalloc_pressure_read(fd, &event)), EINVAL);
	event.size = offsetof(struct zmalloc_pressure_event, count);
	ck_assert_int_eq(zmalloc_pressure_read(fd, &event), 0);
	ck_assert_uint_eq(event.level, ZMALLOC_PRESSURE_LOW);
	ck_assert_uint_eq(event.count, UINT64_C(0xeeeeeeeeeeeeeeee));
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
}
END_TEST

/* As an event loop does it: our queue within the program's. */
START_TEST(test_an_event_loop_is_woken)
{
	struct epoll_event asked = {.events = EPOLLIN}, told;
	int fd = open_quiet(), loop = epoll_create1(EPOLL_CLOEXEC);

	ck_assert_int_eq(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &asked), 0);
	ck_assert_int_eq(epoll_wait(loop, &told, 1, 0), 0);
	zm_pressure_raise(ZMALLOC_PRESSURE_LOW);
	ck_assert_int_eq(epoll_wait(loop, &told, 1, LONG_MS), 1);
	ck_assert_int_eq(read_event(fd), 0);
	ck_assert_int_eq(epoll_wait(loop, &told, 1, 0), 0);
	close(loop);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
}
END_TEST

static void see_signal(int number)
{
	(void)number;
}

START_TEST(test_a_wait_ends_in_time_or_by_a_signal)
{
	struct sigaction action = {.sa_handler = see_signal};
	struct zmalloc_pressure_event waited = {.size = sizeof(waited)};
	int fd = open_quiet();

	ck_assert_int_eq(error_of(zmalloc_pressure_wait(fd, 0, &waited)), ETIMEDOUT);
	ck_assert_int_eq(error_of(zmalloc_pressure_wait(fd, 30, &waited)), ETIMEDOUT);
	ck_assert_int_eq(error_of(zmalloc_pressure_wait(-1, 0, &waited)), EBADF);
	sigaction(SIGALRM, &action, NULL);
	ualarm(20000, 20000);
	ck_assert_int_eq(error_of(zmalloc_pressure_wait(fd, -1, &waited)), EINTR);
	ualarm(0, 0);
	zm_pressure_raise(ZMALLOC_PRESSURE_LOW);
	ck_assert_int_eq(error_of(zmalloc_pressure_wait(fd, -1, &waited)), 0);
	ck_assert_uint_eq(waited.source, ZMALLOC_PRESSURE_LIMIT);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
}
END_TEST

static ZM_ATOMIC(unsigned) about_to_wait;

static void *wait_long(void *fd)
{
	struct zmalloc_pressure_event waited = {.size = sizeof(waited)};

	zm_fetch_add(&about_to_wait, 1);
	return (void *)(intptr_t)error_of(zmalloc_pressure_wait(*(int *)fd, -1, &waited));
}

/* Returns when all of them are inside. */
static void start_waits(pthread_t *thread, size_t count, int *fd)
{
	zm_store(&about_to_wait, 0);
	for (size_t i = 0; i < count; i++)
		thread[i] = start_thread(wait_long, fd);
	while (zm_load(&about_to_wait) < count)
		usleep(1000);
	usleep(20000);
}

START_TEST(test_closing_ends_every_wait)
{
	int before = all_descriptors(), fd = open_quiet(), next;
	pthread_t thread[3];

	start_waits(thread, COUNT_OF(thread), &fd);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
	/* It does not wait until they have gone. */
	next = open_quiet();
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		ck_assert_int_eq((int)(intptr_t)join_thread(thread[i]), EBADF);
	ck_assert_int_eq(zmalloc_pressure_close(next), 0);
	ck_assert_int_eq(all_descriptors(), before);
}
END_TEST

/* A thread that ended in there would be waited for. */
START_TEST(test_a_wait_is_not_cancelled)
{
	int before = all_descriptors(), fd = open_quiet();
	pthread_t thread;

	start_waits(&thread, 1, &fd);
	pthread_cancel(thread);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
	join_thread(thread);
	ck_assert_int_eq(all_descriptors(), before);
}
END_TEST

/* ---- Descriptors that the program closes ---- */

START_TEST(test_who_closes_the_descriptor_ends_the_watch)
{
	int before = all_descriptors(), fd = open_quiet(), other;

	close(fd);
	ck_assert_int_eq(read_event(fd), EBADF);
	/* A queue of the program's under the same number, with an event that is its own. */
	other = epoll_create1(EPOLL_CLOEXEC);
	ck_assert_int_eq(other, fd);
	ck_assert_int_eq(read_event(fd), EBADF);
	ck_assert_int_eq(error_of(zmalloc_pressure_close(fd)), EBADF);
	ck_assert_int_ge(fcntl(other, F_GETFD), 0);
	close(other);
	ck_assert_int_eq(all_descriptors(), before);
}
END_TEST

/*
 * Nobody tells us of that: who waits hears of it with whatever comes next. To close what another thread waits
 * on is what is tried, and what ThreadSanitizer calls a race where it sees the call.
 */
START_TEST(test_who_closes_the_descriptor_ends_the_waits)
{
	int before = all_descriptors(), fd = open_quiet();
	pthread_t thread;

	start_waits(&thread, 1, &fd);
	ck_assert_int_eq((int)syscall(SYS_close, fd), 0);
	ck_assert_int_eq(error_of(zmalloc_pressure_close(fd)), EBADF);
	ck_assert_int_eq((int)(intptr_t)join_thread(thread), EBADF);
	ck_assert_int_eq(all_descriptors(), before);
}
END_TEST

static void close_all_and_go_on(void *unused)
{
	int fd = open_as((struct zm_os_pressure_wish){.tree = ""});
	int mine[40];

	(void)unused;
	for (int each = 3; each < 1400; each++)
		close(each);
	/* All numbers that the watch had are files of the program's now, none of which may be touched. */
	for (size_t i = 0; i < COUNT_OF(mine); i++)
		mine[i] = fcntl(i % 2 == 0 ? eventfd(0, EFD_NONBLOCK) : epoll_create1(0), F_DUPFD,
				1000 + (int)i);
	REQUIRE_EQ(read_event(fd), EBADF);
	zm_pressure_raise(ZMALLOC_PRESSURE_LOW);
	fd = open_quiet();
	zm_pressure_raise(ZMALLOC_PRESSURE_MEDIUM);
	REQUIRE_EQ(read_event(fd), 0);
	REQUIRE_EQ(event.level, ZMALLOC_PRESSURE_MEDIUM);
	REQUIRE_EQ(zmalloc_pressure_close(fd), 0);
	for (size_t i = 0; i < COUNT_OF(mine); i++)
		REQUIRE(fcntl(mine[i], F_GETFD) >= 0);
}

START_TEST(test_who_closes_every_descriptor_may_begin_anew)
{
	if (under_checker()) {
		skip_part("a checker has descriptors of its own");
		return;
	}
	run_child_ok(close_all_and_go_on, NULL);
}
END_TEST

/* ---- Fork ---- */

static int inherited;

static void use_parents_watch(void *before)
{
	int fd;

	REQUIRE_EQ(read_event(inherited), EBADF);
	REQUIRE(fcntl(inherited, F_GETFD) < 0);
	REQUIRE_EQ(all_descriptors(), *(int *)before);
	fd = open_quiet();
	expect_nothing(fd);
	zm_pressure_raise(ZMALLOC_PRESSURE_LOW);
	REQUIRE_EQ(read_event(fd), 0);
	REQUIRE_EQ(zmalloc_pressure_close(fd), 0);
}

START_TEST(test_a_child_has_none_of_it)
{
	int before = all_descriptors();

	inherited = open_as((struct zm_os_pressure_wish){.tree = ""});
	run_child_ok(use_parents_watch, &before);
	zm_pressure_raise(ZMALLOC_PRESSURE_CRITICAL);
	ck_assert_int_eq(read_event(inherited), 0);
	ck_assert_uint_eq(event.source, ZMALLOC_PRESSURE_LIMIT);
	ck_assert_int_eq(zmalloc_pressure_close(inherited), 0);
	ck_assert_int_eq(all_descriptors(), before);
}
END_TEST

/* ---- The service manager ---- */

static char place[4096];

static const char *in_tree(const char *name)
{
	snprintf(place, sizeof(place), "%s/%s", empty_tree, name);
	return place;
}

/* "some 150000 2000000", its end included */
static const char wish_text[] = "c29tZSAxNTAwMDAgMjAwMDAwMAA=";

static int open_service(const char *path, const char *text)
{
	return open_as(
		(struct zm_os_pressure_wish){.tree = empty_tree, .watch = path, .write = text});
}

static void expect_service_in_use(int fd)
{
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_SERVICE).error, 0);
	ck_assert_str_eq(about(fd, ZMALLOC_PRESSURE_SERVICE).place, place);
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_MACHINE_STALLS).error, EALREADY);
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_GROUP_STALLS).error, EALREADY);
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_FIGURES).error, EALREADY);
}

static void expect_bytes(int from)
{
	char bytes[64];

	ck_assert_int_eq(read(from, bytes, sizeof(bytes)), 20);
	ck_assert_int_eq(memcmp(bytes, "some 150000 2000000", 20), 0);
}

START_TEST(test_a_fifo_tells)
{
	int manager, fd;

	ck_assert_int_eq(mkfifo(in_tree("fifo"), 0600), 0);
	manager = open(place, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	fd = open_service(place, wish_text);
	expect_service_in_use(fd);
	expect_bytes(manager);
	expect_nothing(fd);
	ck_assert_int_eq(write(manager, "x", 1), 1);
	expect(fd, ZMALLOC_PRESSURE_SERVICE, ZMALLOC_PRESSURE_MEDIUM, 1);
	expect_nothing(fd);
	/* Nobody that hangs up wakes it. */
	close(manager);
	expect_nothing(fd);
	manager = open(place, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_eq(write(manager, "again", 5), 5);
	close(manager);
	expect(fd, ZMALLOC_PRESSURE_SERVICE, ZMALLOC_PRESSURE_MEDIUM, 1);
	expect_nothing(fd);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
}
END_TEST

START_TEST(test_the_highest_level_comes_first)
{
	int manager, fd;

	ck_assert_int_eq(mkfifo(in_tree("fifo"), 0600), 0);
	manager = open(place, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	fd = open_service(place, NULL);
	zm_pressure_raise(ZMALLOC_PRESSURE_LOW);
	ck_assert_int_eq(write(manager, "x", 1), 1);
	expect(fd, ZMALLOC_PRESSURE_SERVICE, ZMALLOC_PRESSURE_MEDIUM, 1);
	expect(fd, ZMALLOC_PRESSURE_LIMIT, ZMALLOC_PRESSURE_LOW, 1);
	expect_nothing(fd);
	close(manager);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
}
END_TEST

/* A manager that does not read leaves them for us. */
START_TEST(test_our_own_words_in_a_fifo_are_no_event)
{
	int manager, fd;

	ck_assert_int_eq(mkfifo(in_tree("fifo"), 0600), 0);
	fd = open_service(place, wish_text);
	expect_nothing(fd);
	manager = open(place, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_eq(write(manager, "some 150000 2000000", 20), 20);
	expect(fd, ZMALLOC_PRESSURE_SERVICE, ZMALLOC_PRESSURE_MEDIUM, 1);
	close(manager);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
}
END_TEST

START_TEST(test_what_waits_in_a_fifo_is_told_at_once)
{
	int manager, fd;

	ck_assert_int_eq(mkfifo(in_tree("fifo"), 0600), 0);
	manager = open(place, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_eq(write(manager, "x", 1), 1);
	fd = open_service(place, NULL);
	expect(fd, ZMALLOC_PRESSURE_SERVICE, ZMALLOC_PRESSURE_MEDIUM, 1);
	expect_nothing(fd);
	close(manager);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
}
END_TEST

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	return fd;
}

START_TEST(test_a_socket_tells_until_the_manager_hangs_up)
{
	int manager = listen_at(in_tree("socket")), fd = open_service(place, wish_text), end;

	expect_service_in_use(fd);
	end = accept(manager, NULL, NULL);
	ck_assert_int_ge(end, 0);
	expect_bytes(end);
	expect_nothing(fd);
	ck_assert_int_eq(write(end, "now", 3), 3);
	expect(fd, ZMALLOC_PRESSURE_SERVICE, ZMALLOC_PRESSURE_MEDIUM, 1);
	expect_nothing(fd);
	ck_assert_int_eq(write(end, "last", 4), 4);
	close(end);
	expect(fd, ZMALLOC_PRESSURE_SERVICE, ZMALLOC_PRESSURE_MEDIUM, 1);
	expect(fd, ZMALLOC_PRESSURE_SERVICE, ZMALLOC_PRESSURE_GONE, 1);
	expect_nothing(fd);
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_SERVICE).error, ENODEV);
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_FIGURES).error, 0);
	close(manager);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
}
END_TEST

static void expect_refused(const char *path, const char *text, int error)
{
	int fd = open_service(path, text);

	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_SERVICE).error, error);
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_FIGURES).error, 0);
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_MACHINE_STALLS).error, ENOENT);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
}

START_TEST(test_a_service_that_cannot_be_is_left_out)
{
	int before = all_descriptors(), manager;

	expect_refused(NULL, wish_text, ENOENT);
	expect_refused("", NULL, ENOENT);
	expect_refused("relative", NULL, EINVAL);
	expect_refused(in_tree("missing"), NULL, ENOENT);
	expect_refused(empty_tree, NULL, EINVAL);
	tree_file(empty_tree, "file", zm_span_of("text\n"));
	expect_refused(in_tree("file"), NULL, EPERM);
	manager = listen_at(in_tree("dead"));
	close(manager);
	expect_refused(place, NULL, ECONNREFUSED);
	ck_assert_int_eq(mkfifo(in_tree("fifo"), 0600), 0);
	expect_refused(place, "no base64", EINVAL);
	ck_assert_int_eq(all_descriptors(), before);
}
END_TEST

START_TEST(test_the_manager_may_turn_all_off)
{
	int fd = open_quiet();

	for (uint32_t source = ZMALLOC_PRESSURE_SERVICE; source <= ZMALLOC_PRESSURE_FIGURES;
	     source++)
		if (source != ZMALLOC_PRESSURE_SYSTEM)
			ck_assert_int_eq(about(fd, source).error, ECANCELED);
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_LIMIT).error, 0);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
}
END_TEST

START_TEST(test_base64)
{
	static const struct {
		const char *text, *bytes;
	} good[] = {{"", ""},
		    {"Zg==", "f"},
		    {"Zm8=", "fo"},
		    {"Zm9v", "foo"},
		    {"Zm9vYg==", "foob"},
		    {"Zm9vYmE=", "fooba"},
		    {"+/+/", "\xfb\xff\xbf"}};
	static const char *const bad[] = {"Z",    "Zg",       "Zg=",    "Zg=a",
					  "=AAA", "Zg==Zg==", "Zm9v\n", "Z*=="};
	unsigned char bytes[8];
	size_t size = 0;

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		ck_assert_int_eq(zm_base64(good[i].text, bytes, sizeof(bytes), &size), 0);
		ck_assert_uint_eq(size, strlen(good[i].bytes));
		ck_assert_int_eq(memcmp(bytes, good[i].bytes, size), 0);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		ck_assert_int_eq(zm_base64(bad[i], bytes, sizeof(bytes), &size), EINVAL);
	ck_assert_int_eq(zm_base64("Zm9vYmE=", bytes, 5, &size), 0);
	ck_assert_int_eq(zm_base64("Zm9vYmE=", bytes, 4, &size), EMSGSIZE);
}
END_TEST

/* ---- Files of control groups ---- */

static const char group_events[] = "sys/fs/cgroup/app.slice/redis/memory.events";
static const char above_events[] = "sys/fs/cgroup/app.slice/memory.events";

static void write_events(const char *tree, const char *path, const char *text)
{
	tree_file(tree, path, zm_span_of(text));
}

static char *tree_with_events(void)
{
	char *tree = tree_build("v2_leaf");

	write_events(tree, group_events, "low 0\nhigh 5\nmax 0\noom 0\noom_kill 0\n");
	write_events(tree, above_events, "low 0\nhigh 0\nmax 7\noom 0\noom_kill 0\n");
	return tree;
}

START_TEST(test_counters_of_the_group_tell)
{
	char *tree = tree_with_events();
	int fd = open_as((struct zm_os_pressure_wish){.tree = tree});

	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_GROUP_EVENTS).error, 0);
	ck_assert_str_eq(about(fd, ZMALLOC_PRESSURE_GROUP_EVENTS).place,
			 "/sys/fs/cgroup/app.slice/redis/memory.events");
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_FIGURES).error, EALREADY);
	expect_nothing(fd);
	write_events(tree, group_events, "low 0\nhigh 8\nmax 0\noom 0\noom_kill 0\n");
	expect(fd, ZMALLOC_PRESSURE_GROUP_EVENTS, ZMALLOC_PRESSURE_MEDIUM, 3);
	expect_nothing(fd);
	write_events(tree, group_events, "low 2\nhigh 8\nmax 0\noom 0\noom_kill 0\n");
	expect(fd, ZMALLOC_PRESSURE_GROUP_EVENTS, ZMALLOC_PRESSURE_LOW, 2);
	write_events(tree, group_events, "low 2\nhigh 8\nmax 0\noom 0\noom_kill 1\n");
	expect(fd, ZMALLOC_PRESSURE_GROUP_EVENTS, ZMALLOC_PRESSURE_CRITICAL, 1);
	/* The group above ours meets its limit. */
	write_events(tree, above_events, "low 0\nhigh 0\nmax 8\noom 0\noom_kill 0\n");
	expect(fd, ZMALLOC_PRESSURE_GROUP_EVENTS, ZMALLOC_PRESSURE_MEDIUM, 1);
	/* A file that is written anew, or says something else, is no pressure. */
	write_events(tree, group_events, "low 0\nhigh 0\nmax 0\noom 0\nnew_counter 9\n");
	while (read_event(fd) == 0)
		ck_abort_msg("level %u of a counter that fell", event.level);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
	tree_remove(tree);
}
END_TEST

/* Both are taken from the queue by the first look. */
START_TEST(test_what_is_left_keeps_it_readable)
{
	char *tree = tree_with_events();
	int manager, fd;

	ck_assert_int_eq(mkfifo(in_tree("fifo"), 0600), 0);
	manager = open(place, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	fd = open_as((struct zm_os_pressure_wish){.tree = tree, .watch = place});
	ck_assert_int_eq(write(manager, "x", 1), 1);
	write_events(tree, group_events, "low 0\nhigh 5\nmax 0\noom 1\noom_kill 0\n");
	expect(fd, ZMALLOC_PRESSURE_GROUP_EVENTS, ZMALLOC_PRESSURE_CRITICAL, 1);
	expect(fd, ZMALLOC_PRESSURE_SERVICE, ZMALLOC_PRESSURE_MEDIUM, 1);
	expect_nothing(fd);
	close(manager);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
	tree_remove(tree);
}
END_TEST

START_TEST(test_a_group_that_is_removed_is_told_of_once)
{
	int before = all_descriptors();
	char *tree = tree_with_events(), path[4096];
	int fd = open_as((struct zm_os_pressure_wish){.tree = tree});

	snprintf(path, sizeof(path), "%s/%s", tree, group_events);
	ck_assert_int_eq(unlink(path), 0);
	expect(fd, ZMALLOC_PRESSURE_GROUP_EVENTS, ZMALLOC_PRESSURE_GONE, 1);
	expect_nothing(fd);
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_GROUP_EVENTS).error, ENODEV);
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_FIGURES).error, 0);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
	ck_assert_int_eq(all_descriptors(), before);
	tree_remove(tree);
}
END_TEST

/*
 * The folder that ours is in tells of each that is removed from it, which is how the end of a real group is
 * seen: the kernel says nothing of its files.
 */
START_TEST(test_a_group_beside_ours_may_go)
{
	char *tree = tree_with_events();
	int fd;

	tree_file(tree, "sys/fs/cgroup/app.slice/other/file", zm_span_of(""));
	fd = open_as((struct zm_os_pressure_wish){.tree = tree});
	snprintf(place, sizeof(place), "%s/sys/fs/cgroup/app.slice/other/file", tree);
	ck_assert_int_eq(unlink(place), 0);
	*strrchr(place, '/') = '\0';
	ck_assert_int_eq(rmdir(place), 0);
	ck_assert(wait_readable(fd, LONG_MS));
	expect_nothing(fd);
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_GROUP_EVENTS).error, 0);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
	tree_remove(tree);
}
END_TEST

START_TEST(test_a_system_that_tells_nothing_has_its_figures)
{
	int fd = open_as((struct zm_os_pressure_wish){.tree = empty_tree});

	for (uint32_t source = ZMALLOC_PRESSURE_SERVICE; source < ZMALLOC_PRESSURE_FIGURES;
	     source++)
		if (source != ZMALLOC_PRESSURE_SYSTEM)
			ck_assert_int_eq(about(fd, source).error, ENOENT);
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_FIGURES).error, 0);
	/* It ticks, and a look that finds nothing makes it quiet. */
	ck_assert(wait_readable(fd, LONG_MS));
	ck_assert_int_eq(read_event(fd), EAGAIN);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
}
END_TEST

/* Files that no kernel is behind, such as a container's of another kind. */
START_TEST(test_files_that_are_no_triggers_are_refused)
{
	int before = all_descriptors();
	char *tree = tree_build("v2_leaf");
	int fd;

	tree_file(tree, "proc/pressure/memory", zm_span_of("some avg10=0.00 total=0\n"));
	tree_file(tree, "sys/fs/cgroup/app.slice/redis/memory.pressure",
		  zm_span_of("some avg10=0.00 total=0\n"));
	fd = open_as((struct zm_os_pressure_wish){.tree = tree});
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_MACHINE_STALLS).error, EPERM);
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_GROUP_STALLS).error, EPERM);
	ck_assert_int_eq(about(fd, ZMALLOC_PRESSURE_FIGURES).error, 0);
	ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
	ck_assert_int_eq(all_descriptors(), before);
	tree_remove(tree);
}
END_TEST

START_TEST(test_sums_of_stalls_are_read)
{
	static const char text[] = "some avg10=1.00 avg60=0.00 avg300=0.00 total=2531233\n"
				   "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
	uint64_t total_us = 0;

	ck_assert_int_eq(zm_stalls_total(text, strlen(text), "some", &total_us), 0);
	ck_assert_uint_eq(total_us, 2531233);
	ck_assert_int_eq(zm_stalls_total(text, strlen(text), "full", &total_us), 0);
	ck_assert_uint_eq(total_us, 7);
	ck_assert_int_eq(zm_stalls_total(text, 20, "full", &total_us), ENOENT);
	ck_assert_int_eq(zm_stalls_total("some total=\n", 12, "some", &total_us), EINVAL);
}
END_TEST

static void write_stalls(uint64_t some_us)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "some avg10=0.00 avg60=0.00 avg300=0.00 total=%llu\n"
		 "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		 (unsigned long long)some_us);
	tree_file(empty_tree, "memory.pressure", zm_span_of(text));
}

/* In a group all triggers of a file are woken together, another process's too. */
START_TEST(test_sums_tell_whose_wake_up_it_was)
{
	struct zm_os_pressure watch = {.entries = 2};
	struct zm_os_pressure_entry *some = &watch.entry[0], *full = &watch.entry[1];

	some->level = ZM_OS_PRESSURE_MEDIUM;
	full->level = ZM_OS_PRESSURE_CRITICAL;
	write_stalls(1000000);
	zm_watch_keep(&watch.stalls, open(in_tree("memory.pressure"), O_RDONLY | O_CLOEXEC));
	zm_stalls_grew(&watch, some);
	zm_stalls_grew(&watch, full);
	write_stalls(1010000);
	ck_assert(!zm_stalls_grew(&watch, some));
	write_stalls(1110000);
	ck_assert(zm_stalls_grew(&watch, some));
	ck_assert(!zm_stalls_grew(&watch, full));
	zm_watch_drop(&watch.stalls);
	/* Where there is no sum, it is believed. */
	ck_assert(zm_stalls_grew(&watch, full));
}
END_TEST

/* ---- Figures ---- */

static uint32_t level_at(uint64_t rss_bytes, uint64_t limit_bytes)
{
	const struct zm_pressure_figures figures = {.rss_bytes = rss_bytes,
						    .limit_bytes = limit_bytes};

	return zm_pressure_figures_level(&figures);
}

START_TEST(test_figures_have_levels)
{
	ck_assert_uint_eq(level_at(79 * MIB, 100 * MIB), 0);
	ck_assert_uint_eq(level_at(80 * MIB, 100 * MIB), ZMALLOC_PRESSURE_LOW);
	ck_assert_uint_eq(level_at(90 * MIB, 100 * MIB), ZMALLOC_PRESSURE_MEDIUM);
	ck_assert_uint_eq(level_at(95 * MIB, 100 * MIB), ZMALLOC_PRESSURE_CRITICAL);
	ck_assert_uint_eq(level_at(UINT64_MAX, 100 * MIB), ZMALLOC_PRESSURE_CRITICAL);
	ck_assert_uint_eq(level_at(UINT64_MAX / 100 * 81, UINT64_MAX), ZMALLOC_PRESSURE_LOW);
	ck_assert_uint_eq(level_at(MIB, 0), 0);
}
END_TEST

START_TEST(test_a_level_is_said_as_it_rises_and_every_ten_seconds)
{
	struct zm_pressure_ticks ticks = {0, 0};

	ck_assert(!zm_pressure_tick(&ticks, 0));
	ck_assert(zm_pressure_tick(&ticks, 1));
	for (int i = 0; i < 9; i++)
		ck_assert(!zm_pressure_tick(&ticks, 1));
	ck_assert(zm_pressure_tick(&ticks, 1));
	ck_assert(zm_pressure_tick(&ticks, 2));
	ck_assert(!zm_pressure_tick(&ticks, 1));
	ck_assert(!zm_pressure_tick(&ticks, 0));
	ck_assert(zm_pressure_tick(&ticks, 1));
}
END_TEST

/* ---- Purging ---- */

static bool purges_come_to(uint64_t count)
{
	for (int i = 0; i < LONG_MS && zm_pressure_purges() < count; i++)
		usleep(1000);
	return zm_pressure_purges() == count;
}

/* The thread is on its way out of its watch when the call that ends it returns. */
static void expect_descriptors_come_to(int count)
{
	for (int i = 0; i < LONG_MS && all_descriptors() != count; i++)
		usleep(1000);
	ck_assert_int_eq(all_descriptors(), count);
}

START_TEST(test_the_process_is_purged_every_two_seconds_at_most)
{
	int before = all_descriptors();
	uint64_t purges = zm_pressure_purges(), early, raised_ms;

	if (!zmalloc_has(ZMALLOC_CAN_PURGE)) {
		ck_assert_int_eq(error_of(zmalloc_on_pressure(ZMALLOC_PURGE)), ENOTSUP);
		return;
	}
	setenv("MEMORY_PRESSURE_WATCH", "/dev/null", 1);
	ck_assert_int_eq(zmalloc_on_pressure(ZMALLOC_PURGE), 0);
	ck_assert_int_eq(zmalloc_on_pressure(ZMALLOC_PURGE), 0);
	ck_assert_int_eq(zmalloc_on_pressure(ZMALLOC_PRESSURE_IGNORE), 0);
	ck_assert_int_eq(zmalloc_on_pressure(ZMALLOC_PURGE), 0);
	zm_pressure_raise(ZMALLOC_PRESSURE_LOW);
	usleep(50000);
	ck_assert_uint_eq(zm_pressure_purges(), purges);
	raised_ms = zm_now_ns() / 1000000;
	zm_pressure_raise(ZMALLOC_PRESSURE_MEDIUM);
	ck_assert(purges_come_to(purges + 1));
	zm_pressure_raise(ZMALLOC_PRESSURE_CRITICAL);
	usleep(500000);
	early = zm_pressure_purges();
	/* A test that was put off for so long has seen nothing. */
	if (zm_now_ns() / 1000000 - raised_ms < 2000)
		ck_assert_uint_eq(early, purges + 1);
	ck_assert(purges_come_to(purges + 2));
	ck_assert_int_eq(zmalloc_on_pressure(ZMALLOC_PRESSURE_IGNORE), 0);
	ck_assert_int_eq(zmalloc_on_pressure(ZMALLOC_PRESSURE_IGNORE), 0);
	unsetenv("MEMORY_PRESSURE_WATCH");
	expect_descriptors_come_to(before);
	ck_assert_int_eq(error_of(zmalloc_on_pressure(7)), EINVAL);
}
END_TEST

/* The parent's thread is not the child's, which has one of its own if it wants. */
static void purge_in_child(void *unused)
{
	uint64_t purges = zm_pressure_purges();

	(void)unused;
	zm_pressure_raise(ZMALLOC_PRESSURE_CRITICAL);
	REQUIRE_EQ(zmalloc_on_pressure(ZMALLOC_PURGE), 0);
	zm_pressure_raise(ZMALLOC_PRESSURE_CRITICAL);
	REQUIRE(purges_come_to(purges + 1));
}

START_TEST(test_a_child_purges_when_it_asks)
{
	int before = all_descriptors();

	if (!zmalloc_has(ZMALLOC_CAN_PURGE) || !children_start_threads() || emulated()) {
		skip_part("there is nothing to purge, or no thread in a child");
		return;
	}
	setenv("MEMORY_PRESSURE_WATCH", "/dev/null", 1);
	ck_assert_int_eq(zmalloc_on_pressure(ZMALLOC_PURGE), 0);
	run_child_ok(purge_in_child, NULL);
	ck_assert_int_eq(zmalloc_on_pressure(ZMALLOC_PRESSURE_IGNORE), 0);
	expect_descriptors_come_to(before);
	unsetenv("MEMORY_PRESSURE_WATCH");
}
END_TEST

/* ---- Threads ---- */

static ZM_ATOMIC(bool) stop;

static void *open_and_close(void *unused)
{
	const struct zm_os_pressure_wish wish = {"", "/dev/null", NULL};

	(void)unused;
	while (!zm_load(&stop)) {
		struct zmalloc_pressure_event told = {.size = sizeof(told)};
		uintptr_t number;
		int fd;

		REQUIRE_EQ(zm_pressure_open(&wish, false, &fd, &number), 0);
		zmalloc_pressure_read(fd, &told);
		REQUIRE_EQ(zmalloc_pressure_close(fd), 0);
	}
	return NULL;
}

static void do_nothing(void *unused)
{
	(void)unused;
}

START_TEST(test_watches_come_and_go_while_others_raise_and_fork)
{
	int before = all_descriptors();
	pthread_t thread[4];

	zm_store(&stop, false);
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		thread[i] = start_thread(open_and_close, NULL);
	for (size_t i = 0; i < steps(400, 40); i++)
		zm_pressure_raise(ZMALLOC_PRESSURE_LOW);
	for (size_t i = 0; i < steps(40, 4); i++)
		run_child_ok(do_nothing, NULL);
	zm_store(&stop, true);
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		join_thread(thread[i]);
	ck_assert_int_eq(all_descriptors(), before);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("pressure");

	unsetenv("MEMORY_PRESSURE_WATCH");
	unsetenv("MEMORY_PRESSURE_WRITE");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, test_a_watch_leaves_nothing);
	tcase_add_test(tests, test_every_source_says_if_it_is_in_use);
	tcase_add_test(tests, test_there_are_so_many_watches);
	tcase_add_test(tests, test_every_watch_tells_of_a_limit_once);
	tcase_add_test(tests, test_a_soft_limit_that_is_passed_is_told);
	tcase_add_test(tests, test_figures_are_those_of_the_moment);
	tcase_add_test(tests, test_a_struct_of_another_version_is_filled_as_far_as_it_goes);
	tcase_add_test(tests, test_an_event_loop_is_woken);
	tcase_add_test(tests, test_a_wait_ends_in_time_or_by_a_signal);
	tcase_add_test(tests, test_closing_ends_every_wait);
	tcase_add_test(tests, test_a_wait_is_not_cancelled);
	tcase_add_test(tests, test_who_closes_the_descriptor_ends_the_watch);
	tcase_add_test(tests, test_who_closes_the_descriptor_ends_the_waits);
	tcase_add_test(tests, test_who_closes_every_descriptor_may_begin_anew);
	tcase_add_test(tests, test_a_child_has_none_of_it);
	tcase_add_test(tests, test_a_fifo_tells);
	tcase_add_test(tests, test_our_own_words_in_a_fifo_are_no_event);
	tcase_add_test(tests, test_the_highest_level_comes_first);
	tcase_add_test(tests, test_what_waits_in_a_fifo_is_told_at_once);
	tcase_add_test(tests, test_a_socket_tells_until_the_manager_hangs_up);
	tcase_add_test(tests, test_a_service_that_cannot_be_is_left_out);
	tcase_add_test(tests, test_the_manager_may_turn_all_off);
	tcase_add_test(tests, test_base64);
	tcase_add_test(tests, test_counters_of_the_group_tell);
	tcase_add_test(tests, test_what_is_left_keeps_it_readable);
	tcase_add_test(tests, test_a_group_that_is_removed_is_told_of_once);
	tcase_add_test(tests, test_a_group_beside_ours_may_go);
	tcase_add_test(tests, test_a_system_that_tells_nothing_has_its_figures);
	tcase_add_test(tests, test_files_that_are_no_triggers_are_refused);
	tcase_add_test(tests, test_sums_of_stalls_are_read);
	tcase_add_test(tests, test_sums_tell_whose_wake_up_it_was);
	tcase_add_test(tests, test_figures_have_levels);
	tcase_add_test(tests, test_a_level_is_said_as_it_rises_and_every_ten_seconds);
	tcase_add_test(tests, test_the_process_is_purged_every_two_seconds_at_most);
	tcase_add_test(tests, test_a_child_purges_when_it_asks);
	tcase_add_test(tests, test_watches_come_and_go_while_others_raise_and_fork);
	return run_tests(tests);
}
