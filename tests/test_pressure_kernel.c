/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_pressure_kernel.c - what the kernel tells of memory that is really short: control
 * groups with a limit, and in them a process that reads a mapped file larger than that, over and
 * over.
 *
 * With ZMALLOC_TEST_PRESS_S in the environment it presses so many seconds (`make check-pressure`), with the
 * library's own thread purging, and says how often who was told.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/pressure.h>

#include "base/clock.h"
#include "pressure/pressure.h"

#define LIMIT_BYTES (64 * MIB)
#define FILE_BYTES (192 * MIB)

enum {
	PATIENCE_MS = 90000
};

/* "some 150000 2000000", its end included. */
static const char wish_text[] = "c29tZSAxNTAwMDAgMjAwMDAwMAA=";

/* ---- Groups ---- */

struct group {
	char mount[256];  /* empty: there is no such hierarchy */
	char path[320];   /* empty: none was made */
	char before[512]; /* where we were */
	bool limits;
};

/* Mount points with blanks are written with backslashes, and passed over. */
static void find_mount(const char *type, const char *option, char *mount, size_t size)
{
	char line[4096], point[256], kind[32], options[256];
	FILE *mounts = fopen("/proc/self/mountinfo", "r");
	bool found = false;

	*mount = '\0';
	while (mounts != NULL && !found && fgets(line, sizeof(line), mounts) != NULL) {
		const char *rest = strstr(line, " - ");

		found = rest != NULL && sscanf(line, "%*s %*s %*s %*s %255s", point) == 1 &&
			sscanf(rest, " - %31s %*s %255s", kind, options) == 2 &&
			strcmp(kind, type) == 0 && strstr(options, option) != NULL &&
			strchr(point, '\\') == NULL;
	}
	if (mounts != NULL)
		fclose(mounts);
	if (found)
		snprintf(mount, size, "%s", point);
}

static bool write_to(const char *folder, const char *name, const char *text)
{
	char path[512];
	bool written;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return written;
}

static void make_group(struct group *group, const char *limit_file)
{
	char text[32];

	group->path[0] = '\0';
	if (group->mount[0] == '\0')
		return;
	snprintf(group->path, sizeof(group->path), "%s/zmalloc-press.%ld", group->mount,
		 (long)getpid());
	if (mkdir(group->path, 0755) != 0) {
		group->path[0] = '\0';
		return;
	}
	snprintf(text, sizeof(text), "%zu", LIMIT_BYTES);
	group->limits = write_to(group->path, limit_file, text);
}

static void remove_group(struct group *group)
{
	for (int try = 0; group->path[0] != '\0' && rmdir(group->path) != 0; try++) {
		if (errno != EBUSY || try == PATIENCE_MS)
			break;
		usleep(1000);
	}
	group->path[0] = '\0';
}

static struct group v1, v2;

static bool make_groups(void)
{
	find_mount("cgroup", "memory", v1.mount, sizeof(v1.mount));
	find_mount("cgroup2", "", v2.mount, sizeof(v2.mount));
	make_group(&v1, "memory.limit_in_bytes");
	make_group(&v2, "memory.max");
	if (v1.limits || v2.limits)
		return true;
	remove_group(&v1);
	remove_group(&v2);
	return false;
}

static void enter(const struct group *group)
{
	if (group->path[0] != '\0')
		REQUIRE(write_to(group->path, "cgroup.procs", "0"));
}

static void leave(const struct group *group)
{
	if (group->path[0] != '\0')
		REQUIRE(write_to(group->mount, "cgroup.procs", "0"));
}

/* ---- Pressing ---- */

/* On a disk: the pages of a file in memory have nowhere to go. */
static void read_for_ever(void)
{
	char name[] = "test-pressure.XXXXXX";
	int fd = mkstemp(name);
	const volatile char *at;

	unlink(name);
	if (fd < 0 || ftruncate(fd, (off_t)FILE_BYTES) != 0)
		_exit(1);
	at = mmap(NULL, FILE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		_exit(1);
	for (;;)
		for (size_t i = 0; i < FILE_BYTES; i += 4096)
			(void)at[i];
}

static pid_t press(void)
{
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (pid == 0)
		read_for_ever();
	return pid;
}

static void relieve(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- Listening ---- */

static uint64_t told[2][ZMALLOC_PRESSURE_FIGURES + 1];
static uint32_t highest[ZMALLOC_PRESSURE_FIGURES + 1];
static uint64_t gone, reads;

static void read_all(int fd, int watch)
{
	struct zmalloc_pressure_event event = {.size = sizeof(event)};

	reads++;
	while (zmalloc_pressure_read(fd, &event) == 0) {
		if (event.level == ZMALLOC_PRESSURE_GONE)
			gone |= UINT64_C(1) << event.source;
		else
			told[watch][event.source] += event.count;
		if (highest[event.source] < event.level)
			highest[event.source] = event.level;
	}
	REQUIRE_EQ(errno, EAGAIN);
}

/* In a loop of the program's, whose poll of our queue polls what is in it. */
static void listen_once(int loop, const int fd[2], int timeout_ms)
{
	struct epoll_event event[2];
	int count = epoll_wait(loop, event, 2, timeout_ms);

	for (int i = 0; i < count; i++)
		read_all(fd[event[i].data.u32], (int)event[i].data.u32);
}

static int make_loop(const int fd[2])
{
	int loop = epoll_create1(EPOLL_CLOEXEC);

	for (uint32_t i = 0; i < 2; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		REQUIRE_EQ(epoll_ctl(loop, EPOLL_CTL_ADD, fd[i], &event), 0);
	}
	return loop;
}

static int say(const struct zmalloc_pressure_about *about, void *watch)
{
	fprintf(stderr, "%d: source %u: %s %s%s; told %llu times, up to level %u\n", *(int *)watch,
		about->source, about->error == 0 ? "in use" : strerror(about->error), about->place,
		about->why, (unsigned long long)told[*(int *)watch][about->source],
		highest[about->source]);
	return 0;
}

static int is_used(const struct zmalloc_pressure_about *about, void *source)
{
	return about->source == *(uint32_t *)source && about->error == 0 ? 1 : 0;
}

static bool uses(int fd, uint32_t source)
{
	return zmalloc_pressure_visit(fd, is_used, &source) == 1;
}

/* Every source of the kernel's that is in use, but the group's counters where there is no limit to meet. */
static bool all_told(const int fd[2])
{
	return (!uses(fd[0], ZMALLOC_PRESSURE_GROUP_STALLS) ||
		told[0][ZMALLOC_PRESSURE_GROUP_STALLS] > 0) &&
	       (!uses(fd[0], ZMALLOC_PRESSURE_MACHINE_STALLS) ||
		told[0][ZMALLOC_PRESSURE_MACHINE_STALLS] > 0) &&
	       (!uses(fd[0], ZMALLOC_PRESSURE_GROUP_LEVEL) ||
		told[0][ZMALLOC_PRESSURE_GROUP_LEVEL] > 0) &&
	       (!v2.limits || told[0][ZMALLOC_PRESSURE_GROUP_EVENTS] > 0) &&
	       (!uses(fd[1], ZMALLOC_PRESSURE_SERVICE) || told[1][ZMALLOC_PRESSURE_SERVICE] > 0);
}

/* Nothing else wakes it, so that each trigger's event meets the program's poll of our queue. */
static int open_service(void)
{
	const struct zm_os_pressure_wish wish = {"/nowhere", "/proc/pressure/memory", wish_text};
	uintptr_t number;
	int fd;

	REQUIRE_EQ(zm_pressure_open(&wish, false, &fd, &number), 0);
	return fd;
}

static uint64_t pressed_s(void)
{
	const char *seconds = getenv("ZMALLOC_TEST_PRESS_S");

	return seconds != NULL ? (uint64_t)atoi(seconds) : 0;
}

static uint64_t cpu_ms(void)
{
	return zm_clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1000000;
}

static void listen_under_pressure(const int fd[2], int loop)
{
	uint64_t begun_ms = zm_now_ns() / 1000000, begun_cpu_ms = cpu_ms(), at_ms = 0;
	pid_t pressing = press();

	if (pressed_s() != 0)
		REQUIRE(zmalloc_on_pressure(ZMALLOC_PURGE) == 0 || errno == ENOTSUP);
	while (at_ms < PATIENCE_MS && (!all_told(fd) || at_ms < pressed_s() * 1000)) {
		listen_once(loop, fd, 1000);
		at_ms = zm_now_ns() / 1000000 - begun_ms;
	}
	relieve(pressing);
	fprintf(stderr, "%llu ms, of which listening took %llu; %llu looks, %llu purges\n",
		(unsigned long long)at_ms, (unsigned long long)(cpu_ms() - begun_cpu_ms),
		(unsigned long long)reads, (unsigned long long)zm_pressure_purges());
	for (int watch = 0; watch < 2; watch++)
		zmalloc_pressure_visit(fd[watch], say, &watch);
	REQUIRE(all_told(fd));
	/* Ten times a second by the level, as often by its pace, and by the others. */
	REQUIRE(reads <= at_ms / 40 + 20);
	REQUIRE(zm_pressure_purges() <= at_ms / 2000 + 1);
	if (pressed_s() != 0 && zmalloc_has(ZMALLOC_CAN_PURGE))
		REQUIRE(zm_pressure_purges() >= 1);
	zmalloc_on_pressure(ZMALLOC_PRESSURE_IGNORE);
}

static uint64_t bit_of(int fd, uint32_t source)
{
	return uses(fd, source) ? UINT64_C(1) << source : 0;
}

/* The groups go while they are watched. What is gone is told of once, and then it is quiet. */
static void lose_groups(const int fd[2], int loop)
{
	uint64_t expected = bit_of(fd[0], ZMALLOC_PRESSURE_GROUP_STALLS) |
			    bit_of(fd[0], ZMALLOC_PRESSURE_GROUP_LEVEL) |
			    bit_of(fd[0], ZMALLOC_PRESSURE_GROUP_EVENTS);

	leave(&v1);
	leave(&v2);
	remove_group(&v1);
	remove_group(&v2);
	for (int try = 0; gone != expected && try < PATIENCE_MS / 1000; try++)
		listen_once(loop, fd, 1000);
	REQUIRE_EQ(gone, expected);
	REQUIRE(!uses(fd[0], ZMALLOC_PRESSURE_GROUP_STALLS));
	REQUIRE(!uses(fd[0], ZMALLOC_PRESSURE_GROUP_LEVEL));
	/* Stalls of the machine may still be on their way. */
	listen_once(loop, fd, 0);
	reads = 0;
	for (int i = 0; i < 20; i++)
		listen_once(loop, fd, 10);
	REQUIRE(reads <= 4);
}

static void run_in_groups(void *unused)
{
	int fd[2], loop;

	(void)unused;
	enter(&v1);
	enter(&v2);
	fd[0] = zmalloc_pressure_open();
	REQUIRE(fd[0] >= 0);
	fd[1] = open_service();
	loop = make_loop(fd);
	listen_under_pressure(fd, loop);
	lose_groups(fd, loop);
	REQUIRE_EQ(zmalloc_pressure_close(fd[0]), 0);
	REQUIRE_EQ(zmalloc_pressure_close(fd[1]), 0);
}

START_TEST(test_every_source_tells_of_real_pressure_and_of_its_end)
{
	static struct child child;

	if (!make_groups()) {
		skip_part("no control group whose memory this user may limit");
		return;
	}
	run_child(&child, run_in_groups, NULL);
	remove_group(&v1);
	remove_group(&v2);
	if (pressed_s() != 0 || child.status != 0)
		fputs(child.output, stderr);
	ck_assert_int_eq(child.status, 0);
}
END_TEST

/* ---- Without rights ---- */

static int check_refusal(const struct zmalloc_pressure_about *about, void *any)
{
	*(bool *)any |= about->error == 0 && about->source != ZMALLOC_PRESSURE_LIMIT;
	if (about->source == ZMALLOC_PRESSURE_GROUP_LEVEL ||
	    about->source == ZMALLOC_PRESSURE_GROUP_STALLS)
		REQUIRE(about->error == ENOENT || about->error == EACCES || about->error == EROFS ||
			about->error == EPERM || about->error == EOPNOTSUPP);
	if (about->source == ZMALLOC_PRESSURE_MACHINE_STALLS)
		fprintf(stderr, "machine: %s\n", about->error == 0 ? "in use" : about->why);
	return 0;
}

static void be_nobody(void *unused)
{
	struct zmalloc_pressure_event event = {.size = sizeof(event)};
	bool any = false;
	int fd;

	(void)unused;
	REQUIRE_EQ(setgid(65534), 0);
	REQUIRE_EQ(setuid(65534), 0);
	fd = zmalloc_pressure_open();
	REQUIRE(fd >= 0);
	REQUIRE_EQ(zmalloc_pressure_visit(fd, check_refusal, &any), 0);
	REQUIRE(any);
	REQUIRE(zmalloc_pressure_read(fd, &event) == 0 || errno == EAGAIN);
	REQUIRE_EQ(zmalloc_pressure_close(fd), 0);
}

START_TEST(test_without_rights_there_are_fewer_sources)
{
	if (geteuid() != 0) {
		skip_part("only root can become somebody with fewer rights");
		return;
	}
	run_child_ok(be_nobody, NULL);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("pressure_kernel");

	if (under_checker() || emulated())
		skip_program("a checker's memory does not fit in a small group, nor an emulator's");
	unsetenv("MEMORY_PRESSURE_WATCH");
	tcase_set_timeout(tests, 200);
	tcase_add_test(tests, test_every_source_tells_of_real_pressure_and_of_its_end);
	tcase_add_test(tests, test_without_rights_there_are_fewer_sources);
	return run_tests(tests);
}
