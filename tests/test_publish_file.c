/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_publish_file.c - figures published in a file, where the system has no memory that others find:
 * right, private, gone with their process, and harmless whatever is found in their place.
 *
 * On Linux a filter of this program's calls (seccomp(2)) refuses such memory, as a container's may.
 */
#include "config.h"

#include "tests/support.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zmalloc/stats.h>

#include "live/published.h"
#include "tests/refuse.h"

/* A user that is not us. */
#define NOBODY 65534

static char runtime[64], directory[80], page_path[120];

/* Each test has a runtime directory of its own. */
static void set_up(void)
{
	strcpy(runtime, "/tmp/zmalloc-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(runtime));
	ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", runtime, 1), 0);
	snprintf(directory, sizeof(directory), "%s/zmalloc", runtime);
	snprintf(page_path, sizeof(page_path), "%s/%ld", directory, (long)getpid());
}

static void tear_down(void)
{
	zmalloc_stats_unpublish();
	unlink(page_path);
	unlink(directory);
	rmdir(directory);
	rmdir(runtime);
}

static struct zmalloc_process read_own(void)
{
	struct zmalloc_process process = {.size = sizeof(process)};

	ck_assert_msg(zmalloc_process_read(getpid(), &process) == 0, "%s", strerror(errno));
	return process;
}

static int error_of_reading(int64_t pid)
{
	struct zmalloc_process process = {.size = sizeof(process)};

	return zmalloc_process_read(pid, &process) == 0 ? 0 : errno;
}

static int count_one(const struct zmalloc_process *process, void *count)
{
	if (process->pid == getpid())
		++*(int *)count;
	return 0;
}

static int times_listed(void)
{
	int count = 0;

	ck_assert_int_eq(zmalloc_process_visit(count_one, &count), 0);
	return count;
}

/* ---- The page ---- */

START_TEST(test_a_page_says_what_the_process_knows)
{
	void *block = memset(zmalloc(3 * MIB), 1, 3 * MIB);
	struct zmalloc_process process;
	struct stat about;

	ck_assert_int_eq(error_of_reading(getpid()), ENOENT);
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	process = read_own();
	ck_assert_int_eq(process.pid, getpid());
	ck_assert_uint_eq(process.stats.used_bytes, zmalloc_used_memory());
	ck_assert_uint_ge(process.stats.rss_bytes, 3 * MIB);
	ck_assert_str_eq(process.allocator, zmalloc_allocator());
	ck_assert_str_eq(process.version, zmalloc_version());
	ck_assert_int_eq(times_listed(), 1);
	ck_assert_int_eq(stat(page_path, &about), 0);
	ck_assert_int_eq(about.st_mode, S_IFREG | 0600);
	ck_assert_int_eq(stat(directory, &about), 0);
	ck_assert_int_eq(about.st_mode, S_IFDIR | 0700);
	zfree(block);
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	ck_assert_uint_eq(read_own().stats.used_bytes, zmalloc_used_memory());
	ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
	ck_assert_int_eq(error_of_reading(getpid()), ENOENT);
	ck_assert_int_eq(access(page_path, F_OK), -1);
}
END_TEST

START_TEST(test_growth_shows_without_being_asked)
{
	void *block[1000];
	size_t count = 0;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	/* At most every 100 ms, and as rarely as it takes to be one hundredth of the time. */
	do {
		usleep(10000);
		block[count++] = zmalloc(MIB);
	} while (read_own().stats.used_bytes < zmalloc_used_memory() && count < COUNT_OF(block));
	ck_assert_uint_ge(read_own().stats.used_bytes, zmalloc_used_memory());
	while (count > 0)
		zfree(block[--count]);
}
END_TEST

static void *publish_often(void *unused)
{
	for (int i = 0; i < 2000; i++) {
		zfree(zmalloc(100));
		REQUIRE_EQ(zmalloc_stats_publish(), 0);
	}
	return unused;
}

START_TEST(test_readers_see_whole_pages_while_threads_write)
{
	pthread_t thread[3];
	struct zmalloc_process process;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		thread[i] = start_thread(publish_often, NULL);
	for (int i = 0; i < 2000; i++) {
		process = read_own();
		ck_assert_uint_ge(process.stats.peak_bytes, process.stats.used_bytes);
		ck_assert_uint_lt(process.stats.threads, 1000);
	}
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		join_thread(thread[i]);
}
END_TEST

/* ---- Whose it is ---- */

static void publish_and_die(void *unused)
{
	(void)unused;
	REQUIRE_EQ(zmalloc_stats_publish(), 0);
	REQUIRE_EQ(error_of_reading(getpid()), 0);
	kill(getpid(), SIGKILL);
}

static void leave_parents_page_alone(void *unused)
{
	(void)unused;
	zmalloc_stats_unpublish();
	exit(EXIT_SUCCESS);
}

static void publish_and_exit(void *unused)
{
	(void)unused;
	REQUIRE_EQ(zmalloc_stats_publish(), 0);
	REQUIRE_EQ(access(page_path, F_OK), -1);
	REQUIRE_EQ(error_of_reading(getpid()), 0);
	exit(EXIT_SUCCESS);
}

/* Nobody who looks has to clear it away. */
START_TEST(test_a_page_goes_as_its_process_exits)
{
	run_child_ok(publish_and_exit, NULL);
	ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(test_pages_end_with_their_process_and_not_with_its_child)
{
	struct child child;
	char left[160];
	int listed = 0;

	run_child(&child, publish_and_die, NULL);
	ck_assert(WIFSIGNALED(child.status));
	ck_assert_int_eq(zmalloc_process_visit(count_one, &listed), 0);
	ck_assert_int_eq(listed, 0);
	snprintf(left, sizeof(left), "rm -f %s/*", directory);
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	run_child_ok(leave_parents_page_alone, NULL);
	ck_assert_int_eq(error_of_reading(getpid()), 0);
	ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
	ck_assert_int_eq(system(left), 0);
}
END_TEST

/* What a process leaves that had our number before us. */
START_TEST(test_a_page_of_an_earlier_process_is_no_page_of_ours)
{
	struct zm_published page;
	int fd;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	fd = open(page_path, O_RDWR);
	ck_assert_int_eq(read(fd, &page, sizeof(page)), (int)sizeof(page));
	page.start--;
	ck_assert_int_eq(pwrite(fd, &page, sizeof(page), 0), (int)sizeof(page));
	ck_assert_int_eq(error_of_reading(getpid()), ENOENT);
	ck_assert_int_eq(times_listed(), 0);
	close(fd);
}
END_TEST

static void read_parent(void *parent)
{
	REQUIRE_EQ(setgid(NOBODY), 0);
	REQUIRE_EQ(setuid(NOBODY), 0);
	REQUIRE_EQ(error_of_reading(*(pid_t *)parent), EACCES);
}

START_TEST(test_another_users_figures_are_refused)
{
	pid_t parent = getpid(), other;
	int ends[2];
	char byte;

	if (geteuid() != 0) {
		skip_part("only root can be two users");
		return;
	}
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	run_child_ok(read_parent, &parent);
	ck_assert_int_eq(pipe(ends), 0);
	other = fork();
	if (other == 0) {
		if (setuid(NOBODY) != 0 || write(ends[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	/* Root may look at its memory, and finds none: its file is in a directory that is not ours. */
	ck_assert_int_eq(error_of_reading(other), ENOENT);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}
END_TEST

START_TEST(test_a_process_that_is_not_there_is_said_to_be_none)
{
	struct child child;

	run_child(&child, publish_and_die, NULL);
	ck_assert_int_eq(error_of_reading(INT32_MAX), ESRCH);
	ck_assert_int_eq(error_of_reading(0), ESRCH);
	ck_assert_int_eq(error_of_reading(-1), ESRCH);
	ck_assert_int_ne(error_of_reading(getppid()), 0);
}
END_TEST

/* ---- A thread that is put off the processor ---- */

/*
 * clock_gettime() stands in for a scheduler: the thread that asked for it stays there until it is let
 * go on, and for it an hour has passed, so that any page is due to be renewed.
 */
static _Thread_local bool to_be_put_off;
static struct barrier put_off, let_go_on;

/*
 * Or it shows the library a time of the test's own, which goes on by so much at each look. It counts
 * the looks.
 */
static _Thread_local bool has_own_time;
static _Thread_local uint64_t own_us, own_step_us;
static _Thread_local size_t looks;

#if defined(HAVE_DLADDR) && defined(RTLD_NEXT)

static int ask_the_system(clockid_t clock, struct timespec *now)
{
	static int (*the_systems)(clockid_t clock, struct timespec * now);

	if (the_systems == NULL)
		*(void **)&the_systems = dlsym(RTLD_NEXT, "clock_gettime");
	return the_systems(clock, now);
}

/* The library itself, and not the allocator behind it. */
static bool is_the_librarys(void *code)
{
	void *(*function)(size_t) = zmalloc;
	Dl_info asking, library;

	return dladdr(code, &asking) != 0 && dladdr(*(void **)&function, &library) != 0 &&
	       asking.dli_fbase == library.dli_fbase;
}

static bool is_coarse(clockid_t clock)
{
#if defined(CLOCK_MONOTONIC_COARSE)
	return clock == CLOCK_MONOTONIC_COARSE;
#else
	(void)clock;
	return false;
#endif
}

/* Of the time that passes, the thread has the processor all the time. */
static bool is_shown(clockid_t clock)
{
	return is_coarse(clock) || clock == CLOCK_MONOTONIC || clock == CLOCK_THREAD_CPUTIME_ID;
}

/* A look at the coarse clock takes no time: a jemalloc inside the library looks as well. */
static void show_own_time(clockid_t clock, struct timespec *now)
{
	now->tv_sec = (time_t)(own_us / 1000000);
	now->tv_nsec = (long)(own_us % 1000000) * 1000;
	if (!is_coarse(clock))
		own_us += own_step_us;
	looks++;
}

__attribute__((__visibility__("default"))) int clock_gettime(clockid_t clock, struct timespec *now)
{
	int answer = ask_the_system(clock, now);

	if (has_own_time && is_shown(clock) && is_the_librarys(__builtin_return_address(0)))
		show_own_time(clock, now);
	if (!to_be_put_off || !is_the_librarys(__builtin_return_address(0)))
		return answer;
	to_be_put_off = false;
	now->tv_sec += 3600;
	barrier_wait(&put_off);
	barrier_wait(&let_go_on);
	return answer;
}

#endif

/* More at once than any ceiling leaves: each block passes it, and so comes by the page's hook. */
static void *grow_until_put_off(void *unused)
{
	void *block[64];
	size_t count = 0;

	to_be_put_off = true;
	while (to_be_put_off && count < COUNT_OF(block))
		block[count++] = zmalloc(MIB);
	while (count > 0)
		zfree(block[--count]);
	/* Where the library's calls cannot be stood in for, nobody has been put off. */
	if (to_be_put_off) {
		skip_part("the library's clock cannot be stood in for");
		to_be_put_off = false;
		barrier_wait(&put_off);
		barrier_wait(&let_go_on);
	}
	return unused;
}

static pthread_t start_thread_to_be_put_off(void)
{
	pthread_t thread;

	barrier_init(&put_off, 2);
	barrier_init(&let_go_on, 2);
	thread = start_thread(grow_until_put_off, NULL);
	barrier_wait(&put_off);
	return thread;
}

static void let_it_go_on(pthread_t thread)
{
	barrier_wait(&let_go_on);
	join_thread(thread);
	barrier_done(&put_off);
	barrier_done(&let_go_on);
}

START_TEST(test_a_page_given_up_does_not_come_back)
{
	pthread_t thread;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	thread = start_thread_to_be_put_off();
	ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
	let_it_go_on(thread);
	ck_assert_int_eq(access(page_path, F_OK), -1);
	ck_assert_int_eq(error_of_reading(getpid()), ENOENT);
	/* It is made anew for who asks, and then goes on as any. */
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	thread = start_thread_to_be_put_off();
	ck_assert_int_eq(error_of_reading(getpid()), 0);
	let_it_go_on(thread);
	ck_assert_int_eq(error_of_reading(getpid()), 0);
}
END_TEST

/* ---- How often it is renewed ---- */

static uint32_t sequence_of_page(void)
{
	struct zm_published page;
	int fd = open(page_path, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, &page, sizeof(page)), (int)sizeof(page));
	close(fd);
	return page.sequence;
}

/* How often it has been written since. */
static uint32_t renewals_since(uint32_t sequence)
{
	return (sequence_of_page() - sequence) / 2;
}

/* False: the library's calls cannot be stood in for. */
static bool begin_own_time(uint64_t step_us)
{
	own_us = UINT64_C(1000) * 3600 * 24 * 1000;
	own_step_us = step_us;
	looks = 0;
	has_own_time = true;
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	if (looks != 0)
		return true;
	has_own_time = false;
	skip_part("the library's clock cannot be stood in for");
	return false;
}

START_TEST(test_a_page_is_renewed_once_in_90_ms_at_most)
{
	uint32_t sequence;

	if (!begin_own_time(0))
		return;
	sequence = sequence_of_page();
	for (int i = 0; i < 89; i++) {
		own_us += 1000;
		pass_the_threshold();
	}
	ck_assert_uint_eq(renewals_since(sequence), 0);
	own_us += 1000;
	pass_the_threshold();
	ck_assert_uint_eq(renewals_since(sequence), 1);
	pass_the_threshold();
	ck_assert_uint_eq(renewals_since(sequence), 1);
	has_own_time = false;
	free_what_passed();
}
END_TEST

/*
 * From one look at the thread's own clock to the next it takes 20 ms. Once is nothing, as after an interrupt;
 * twice, and it is due again after 2 s.
 */
START_TEST(test_a_page_takes_one_hundredth_of_the_time_at_most)
{
	uint32_t sequence;
	uint64_t begun_us;

	if (!begin_own_time(0))
		return;
	own_step_us = 20000;
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	sequence = sequence_of_page();
	own_us += 90000;
	begun_us = own_us;
	pass_the_threshold();
	ck_assert_uint_eq(renewals_since(sequence), 1);
	own_step_us = 0;
	sequence = sequence_of_page();
	own_us = begun_us + 1999000;
	pass_the_threshold();
	ck_assert_uint_eq(renewals_since(sequence), 0);
	own_us = begun_us + 2000000;
	pass_the_threshold();
	ck_assert_uint_eq(renewals_since(sequence), 1);
	has_own_time = false;
	free_what_passed();
}
END_TEST

/* Not even to see that there is nothing to do. */
START_TEST(test_nobody_looks_at_the_clock_after_unpublish)
{
	if (!begin_own_time(1000000))
		return;
	looks = 0;
	pass_the_threshold();
	ck_assert_uint_gt(looks, 0);
	ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
	looks = 0;
	pass_the_threshold();
	ck_assert_uint_eq(looks, 0);
	has_own_time = false;
	free_what_passed();
}
END_TEST

/* ---- What is left behind ---- */

/* 0 where the system does not tell. */
static size_t mappings_of_pages(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096];
	size_t count = 0;

	if (maps == NULL)
		return 0;
	while (fgets(line, sizeof(line), maps) != NULL)
		count += strstr(line, directory) != NULL;
	fclose(maps);
	return count;
}

START_TEST(test_publishing_leaves_nothing_behind)
{
	int open_before = descriptors();

	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(zmalloc_stats_publish(), 0);
		ck_assert_int_eq(zmalloc_stats_publish(), 0);
		ck_assert_int_eq(error_of_reading(getpid()), 0);
		ck_assert_int_eq(times_listed(), 1);
		ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
		ck_assert_int_eq(error_of_reading(getpid()), ENOENT);
		ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
	}
	ck_assert_int_eq(descriptors(), open_before);
	ck_assert_uint_eq(mappings_of_pages(), 0);
}
END_TEST

/* ---- What the environment asks for ---- */

/* This program anew, with another task than its tests: see main(). */
static int status_of_task(const char *task, const char *wish)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setenv("ZMALLOC_PUBLISH", wish, 1);
		execl("/proc/self/exe", "test_publish_file", task, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

static int is_published(void)
{
	return error_of_reading(getpid()) == 0;
}

static void grow_and_be_published(void *unused)
{
	REQUIRE(!is_published());
	pass_the_threshold();
	REQUIRE(is_published());
	(void)unused;
}

static int child_publishes_too(void)
{
	static struct child child;

	if (!is_published())
		return 2;
	run_child(&child, grow_and_be_published, NULL);
	fputs(child.output, stderr);
	return child.status == 0 && is_published() ? 0 : 3;
}

static const struct {
	const char *name;
	int (*run)(void);
} tasks[] = {
	{"is-published", is_published},
	{"child-publishes", child_publishes_too},
};

static int run_task(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(tasks); i++)
		if (strcmp(tasks[i].name, name) == 0)
			return tasks[i].run();
	return 126;
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
	ck_assert_int_eq(status_of_task("is-published", "1"), 1);
	ck_assert_int_eq(status_of_task("is-published", "passive"), 1);
	ck_assert_int_eq(status_of_task("is-published", "0"), 0);
	ck_assert_int_eq(status_of_task("is-published", ""), 0);
}
END_TEST

START_TEST(test_children_of_a_program_told_to_publish_do_so_too)
{
	if (can_start_anew())
		ck_assert_int_eq(status_of_task("child-publishes", "1"), 0);
}
END_TEST

/* ---- A process as others see it ---- */

START_TEST(test_a_process_has_its_name_and_its_memory_of_now)
{
	struct zmalloc_process process;
	uint64_t before;
	char name[32] = "";
	FILE *file = fopen("/proc/self/comm", "r");
	void *block;

	if (file == NULL || under_checker()) {
		skip_part("no name to compare with, or memory that is a checker's");
		return;
	}
	ck_assert_ptr_nonnull(fgets(name, sizeof(name), file));
	fclose(file);
	name[strcspn(name, "\n")] = '\0';
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	process = read_own();
	ck_assert_str_eq(process.name, name);
	before = process.stats.rss_bytes;
	/* Not the library's, so that nobody renews the page. */
	block = memset(malloc(64 * MIB), 1, 64 * MIB);
	ck_assert_uint_ge(read_own().stats.rss_bytes, before + 60 * MIB);
	free(opaque(block));
}
END_TEST

/* ---- What else may lie in its place ---- */

static void write_page(const void *bytes, size_t size)
{
	int fd = open(page_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, size), (int)size);
	close(fd);
}

static struct zm_published good_page(void)
{
	struct zm_published page;
	int fd;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	fd = open(page_path, O_RDONLY);
	ck_assert_int_eq(read(fd, &page, sizeof(page)), (int)sizeof(page));
	close(fd);
	ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
	return page;
}

/* Where a program with another environment would put it. */
START_TEST(test_a_process_with_two_pages_is_listed_once)
{
	struct zm_published page = good_page();
	char other_directory[64], other_path[100], first_path[sizeof(page_path)];

	snprintf(other_directory, sizeof(other_directory), "/tmp/zmalloc-%ld", (long)geteuid());
	snprintf(other_path, sizeof(other_path), "%s/%ld", other_directory, (long)getpid());
	if (mkdir(other_directory, 0700) != 0 && errno != EEXIST) {
		skip_part("no second directory");
		return;
	}
	write_page(&page, sizeof(page));
	memcpy(first_path, page_path, sizeof(page_path));
	memcpy(page_path, other_path, sizeof(other_path));
	write_page(&page, sizeof(page));
	memcpy(page_path, first_path, sizeof(page_path));
	ck_assert_int_eq(times_listed(), 1);
	unlink(other_path);
	rmdir(other_directory);
}
END_TEST

START_TEST(test_pages_cut_short_are_damaged)
{
	struct zm_published page = good_page();

	for (size_t size = 0; size < sizeof(page); size += 7) {
		write_page(&page, size);
		ck_assert_int_eq(error_of_reading(getpid()), EBADMSG);
	}
	write_page(&page, sizeof(page));
	ck_assert_int_eq(error_of_reading(getpid()), 0);
}
END_TEST

/* As a library writes it that does not count threads yet, and one that has many more figures. */
START_TEST(test_a_page_says_how_many_figures_it_has)
{
	struct {
		struct zm_published page;
		uint64_t more[100];
	} larger;
	struct zm_published page = good_page();
	struct zmalloc_process process;

	page.figures = ZM_PUBLISHED_threads;
	page.size = (uint32_t)offsetof(struct zm_published, figure[ZM_PUBLISHED_threads]);
	write_page(&page, page.size);
	process = read_own();
	ck_assert_uint_eq(process.stats.peak_bytes, page.figure[ZM_PUBLISHED_peak_bytes]);
	ck_assert_uint_eq(process.stats.threads, ZMALLOC_STATS_UNKNOWN);
	page = good_page();
	memset(&larger, 0xab, sizeof(larger));
	larger.page = page;
	larger.page.figures += COUNT_OF(larger.more);
	larger.page.size = sizeof(larger);
	write_page(&larger, sizeof(larger));
	process = read_own();
	ck_assert_uint_eq(process.stats.threads, page.figure[ZM_PUBLISHED_threads]);
	ck_assert_uint_eq(process.stats.size, sizeof(process.stats));
	write_page(&larger, sizeof(larger) - 1);
	ck_assert_int_eq(error_of_reading(getpid()), EBADMSG);
}
END_TEST

START_TEST(test_a_page_that_contradicts_itself_is_damaged)
{
	const struct zm_published good = good_page();
	struct zm_published page = good;

	page.form++;
	write_page(&page, sizeof(page));
	ck_assert_int_eq(error_of_reading(getpid()), EBADMSG);
	page = good;
	page.figures++;
	write_page(&page, sizeof(page));
	ck_assert_int_eq(error_of_reading(getpid()), EBADMSG);
	/* Times eight it would be nothing, with 32 bits. */
	page.figures = UINT32_C(0x20000000);
	write_page(&page, sizeof(page));
	ck_assert_int_eq(error_of_reading(getpid()), EBADMSG);
	page = good;
	page.size++;
	write_page(&page, sizeof(page));
	ck_assert_int_eq(error_of_reading(getpid()), EBADMSG);
	page.size = 0;
	write_page(&page, sizeof(page));
	ck_assert_int_eq(error_of_reading(getpid()), EBADMSG);
	write_page(&good, sizeof(good));
	ck_assert_int_eq(error_of_reading(getpid()), 0);
}
END_TEST

/* The struct of a program that was compiled before the last figures were added. */
START_TEST(test_figures_end_with_the_callers_struct)
{
	struct zmalloc_process process;
	size_t least = offsetof(struct zmalloc_process, stats) + sizeof(size_t);

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	for (size_t size = least; size <= sizeof(process); size += sizeof(uint64_t)) {
		memset(&process, 0xff, sizeof(process));
		process.size = size;
		ck_assert_int_eq(zmalloc_process_read(getpid(), &process), 0);
		ck_assert_uint_eq(process.size, size);
		ck_assert_uint_eq(process.stats.size,
				  size - offsetof(struct zmalloc_process, stats));
	}
}
END_TEST

START_TEST(test_any_bytes_are_survived)
{
	struct zm_published good = good_page(), page;
	struct zmalloc_process process;
	struct chance chance = chance_of(1);

	for (int round = 0; round < 300; round++) {
		page = good;
		for (size_t i = 0; i < sizeof(page); i++)
			if (i >= offsetof(struct zm_published, updated_ms) ||
			    chance_below(&chance, 40) == 0)
				((unsigned char *)&page)[i] = (unsigned char)chance_next(&chance);
		write_page(&page, sizeof(page));
		process.size = sizeof(process);
		if (zmalloc_process_read(getpid(), &process) != 0)
			continue;
		ck_assert_uint_lt(strnlen(process.name, sizeof(process.name)),
				  sizeof(process.name));
		for (const char *at = process.name; *at != '\0'; at++)
			ck_assert(*at >= ' ' && *at <= '~');
		ck_assert_int_eq(process.pid, getpid());
	}
}
END_TEST

START_TEST(test_a_page_that_never_comes_to_rest_is_damaged)
{
	struct zm_published page = good_page();

	page.sequence = 7;
	write_page(&page, sizeof(page));
	ck_assert_int_eq(error_of_reading(getpid()), EBADMSG);
	/* Not written whole even once. */
	page.sequence = 0;
	write_page(&page, sizeof(page));
	ck_assert_int_eq(error_of_reading(getpid()), EBADMSG);
	page.sequence = 8;
	page.magic[0] = 'x';
	write_page(&page, sizeof(page));
	ck_assert_int_eq(error_of_reading(getpid()), EBADMSG);
}
END_TEST

START_TEST(test_links_and_other_files_are_not_followed)
{
	struct zm_published page = good_page();
	char target[140];

	write_page(&page, sizeof(page));
	snprintf(target, sizeof(target), "%s.target", page_path);
	ck_assert_int_eq(rename(page_path, target), 0);
	ck_assert_int_eq(symlink(target, page_path), 0);
	ck_assert_int_eq(error_of_reading(getpid()), EPERM);
	/* Publishing puts a page in its place, and leaves what it pointed to. */
	ck_assert_int_eq(truncate(target, 10), 0);
	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	ck_assert_int_eq(error_of_reading(getpid()), 0);
	{
		struct stat about;

		ck_assert_int_eq(stat(target, &about), 0);
		ck_assert_int_eq(about.st_size, 10);
		ck_assert_int_eq(lstat(page_path, &about), 0);
		ck_assert(S_ISREG(about.st_mode));
	}
	ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
	unlink(target);
	ck_assert_int_eq(mkfifo(page_path, 0600), 0);
	ck_assert_int_eq(error_of_reading(getpid()), EPERM);
	unlink(page_path);
	write_page(&page, sizeof(page));
	ck_assert_int_eq(chmod(page_path, 0644), 0);
	ck_assert_int_eq(error_of_reading(getpid()), EPERM);
}
END_TEST

START_TEST(test_a_directory_that_others_may_enter_is_refused)
{
	struct zm_published page = good_page();
	char elsewhere[100];

	write_page(&page, sizeof(page));
	ck_assert_int_eq(chmod(directory, 0755), 0);
	ck_assert_int_eq(error_of_reading(getpid()), EPERM);
	ck_assert_int_eq(chmod(directory, 0700), 0);
	ck_assert_int_eq(error_of_reading(getpid()), 0);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", runtime);
	ck_assert_int_eq(rename(directory, elsewhere), 0);
	ck_assert_int_eq(symlink(elsewhere, directory), 0);
	ck_assert_int_eq(error_of_reading(getpid()), EPERM);
	ck_assert_int_eq(unlink(directory), 0);
	ck_assert_int_eq(rename(elsewhere, directory), 0);
}
END_TEST

/* Closed to others, but whose it is may put there what it likes. */
START_TEST(test_a_directory_of_another_user_is_refused)
{
	struct zm_published page = good_page();

	if (geteuid() != 0) {
		skip_part("only root can give a directory away");
		return;
	}
	write_page(&page, sizeof(page));
	ck_assert_int_eq(chown(directory, NOBODY, NOBODY), 0);
	ck_assert_int_eq(error_of_reading(getpid()), EPERM);
	ck_assert_int_eq(chown(directory, geteuid(), getegid()), 0);
	ck_assert_int_eq(error_of_reading(getpid()), 0);
}
END_TEST

int main(int argc, char **argv)
{
	TCase *tests;
	struct zmalloc_process process = {.size = sizeof(process)};

	if (!refuse_memory_files())
		skip_program("memory files cannot be refused to this program");
	if (argc > 1)
		return run_task(argv[1]);
	tests = tests_named("publish-file");
	if (zmalloc_process_read(getpid(), &process) != 0 && errno == ENOTSUP)
		skip_program("this system does not tell processes apart");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, test_a_page_says_what_the_process_knows);
	tcase_add_test(tests, test_growth_shows_without_being_asked);
	tcase_add_test(tests, test_readers_see_whole_pages_while_threads_write);
	tcase_add_test(tests, test_a_page_goes_as_its_process_exits);
	tcase_add_test(tests, test_pages_end_with_their_process_and_not_with_its_child);
	tcase_add_test(tests, test_a_page_of_an_earlier_process_is_no_page_of_ours);
	tcase_add_test(tests, test_another_users_figures_are_refused);
	tcase_add_test(tests, test_a_process_that_is_not_there_is_said_to_be_none);
	tcase_add_test(tests, test_a_page_given_up_does_not_come_back);
	tcase_add_test(tests, test_a_page_is_renewed_once_in_90_ms_at_most);
	tcase_add_test(tests, test_a_page_takes_one_hundredth_of_the_time_at_most);
	tcase_add_test(tests, test_nobody_looks_at_the_clock_after_unpublish);
	tcase_add_test(tests, test_publishing_leaves_nothing_behind);
	tcase_add_test(tests, test_the_environment_is_asked);
	tcase_add_test(tests, test_children_of_a_program_told_to_publish_do_so_too);
	tcase_add_test(tests, test_a_process_has_its_name_and_its_memory_of_now);
	tcase_add_test(tests, test_a_process_with_two_pages_is_listed_once);
	tcase_add_test(tests, test_pages_cut_short_are_damaged);
	tcase_add_test(tests, test_a_page_says_how_many_figures_it_has);
	tcase_add_test(tests, test_a_page_that_contradicts_itself_is_damaged);
	tcase_add_test(tests, test_figures_end_with_the_callers_struct);
	tcase_add_test(tests, test_any_bytes_are_survived);
	tcase_add_test(tests, test_a_page_that_never_comes_to_rest_is_damaged);
	tcase_add_test(tests, test_links_and_other_files_are_not_followed);
	tcase_add_test(tests, test_a_directory_that_others_may_enter_is_refused);
	tcase_add_test(tests, test_a_directory_of_another_user_is_refused);
	return run_tests(tests);
}
