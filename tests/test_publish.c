/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_publish.c - published figures: right, private, gone with their process, and harmless
 * whatever is found in their place.
 */
#include "config.h"

#include "tests/support.h"

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

#include "page.h"

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
	struct zm_page page;
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
	ck_assert_int_eq(error_of_reading(other), EACCES);
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

__attribute__((__visibility__("default"))) int clock_gettime(clockid_t clock, struct timespec *now)
{
	int answer = ask_the_system(clock, now);

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

/* ---- What else may lie in its place ---- */

static void write_page(const void *bytes, size_t size)
{
	int fd = open(page_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, size), (int)size);
	close(fd);
}

static struct zm_page good_page(void)
{
	struct zm_page page;
	int fd;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	fd = open(page_path, O_RDONLY);
	ck_assert_int_eq(read(fd, &page, sizeof(page)), (int)sizeof(page));
	close(fd);
	ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
	return page;
}

START_TEST(test_pages_cut_short_are_damaged)
{
	struct zm_page page = good_page();

	for (size_t size = 0; size < sizeof(page); size += 7) {
		write_page(&page, size);
		ck_assert_int_eq(error_of_reading(getpid()), EBADMSG);
	}
	write_page(&page, sizeof(page));
	ck_assert_int_eq(error_of_reading(getpid()), 0);
}
END_TEST

START_TEST(test_any_bytes_are_survived)
{
	struct zm_page good = good_page(), page;
	struct zmalloc_process process;
	struct chance chance = chance_of(1);

	for (int round = 0; round < 300; round++) {
		page = good;
		for (size_t i = 0; i < sizeof(page); i++)
			if (i >= offsetof(struct zm_page, updated_ms) ||
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
	struct zm_page page = good_page();

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
	struct zm_page page = good_page();
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
	struct zm_page page = good_page();
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

int main(void)
{
	TCase *tests = tests_named("publish");
	struct zmalloc_process process = {.size = sizeof(process)};

	if (zmalloc_process_read(getpid(), &process) != 0 && errno == ENOTSUP)
		skip_program("this system does not tell processes apart");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, test_a_page_says_what_the_process_knows);
	tcase_add_test(tests, test_growth_shows_without_being_asked);
	tcase_add_test(tests, test_readers_see_whole_pages_while_threads_write);
	tcase_add_test(tests, test_pages_end_with_their_process_and_not_with_its_child);
	tcase_add_test(tests, test_a_page_of_an_earlier_process_is_no_page_of_ours);
	tcase_add_test(tests, test_another_users_figures_are_refused);
	tcase_add_test(tests, test_a_process_that_is_not_there_is_said_to_be_none);
	tcase_add_test(tests, test_a_page_given_up_does_not_come_back);
	tcase_add_test(tests, test_pages_cut_short_are_damaged);
	tcase_add_test(tests, test_any_bytes_are_survived);
	tcase_add_test(tests, test_a_page_that_never_comes_to_rest_is_damaged);
	tcase_add_test(tests, test_links_and_other_files_are_not_followed);
	tcase_add_test(tests, test_a_directory_that_others_may_enter_is_refused);
	return run_tests(tests);
}
