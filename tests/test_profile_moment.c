/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_profile_moment.c - at a limit, without memory and under pressure the profile is in a file before the
 * program can do anything about it; once, and whatever may be wrong with the folder, the program goes on.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if defined(HAVE_UNSHARE)
#include <sched.h>
#include <sys/mount.h>
#endif

#include <zmalloc.h>
#include <zmalloc/limit.h>
#include <zmalloc/pressure.h>
#include <zmalloc/profile.h>

#include "profile/moment.h"
#include "profile/moment_name.h"
#include "tests/folder.h"
#include "tests/own_time.h"
#include "tests/support.h"

static const char *folder;
static struct child child;

/* ---- In a child: a profile with something in it ------------------------------------------------ */

enum {
	BLOCKS = 40
};

static void *block[BLOCKS];

static void begin(const char *where)
{
	if (where != NULL)
		setenv("ZMALLOC_PROFILE_DIR", where, 1);
	REQUIRE_EQ(zmalloc_profile_start(1), 0);
	for (int i = 0; i < BLOCKS; i++)
		block[i] = zmalloc(10000);
}

static void refuse(void)
{
	zmalloc_limit_set(zmalloc_used_memory() + 1000);
	for (int i = 0; i < 20; i++) {
		errno = 0;
		REQUIRE(ztrymalloc(opaque_size(1000000)) == NULL);
		REQUIRE_EQ(errno, ENOMEM);
		REQUIRE(ztryrealloc(block[0], opaque_size(1000000)) == NULL);
	}
	zmalloc_limit_set(0);
}

static void be_refused(void *where)
{
	begin(where);
	refuse();
	zfree(zmalloc(10));
}

static void run_refused(const char *where)
{
	run_child(&child, be_refused, opaque((void *)(uintptr_t)where));
	ck_assert_msg(child.status == 0, "status %d: %s", child.status, child.output);
}

/* What is in a file that a decoder would read; the decoders are in check_profile_formats.sh. */
static void expect_profile(const char *path)
{
	struct stat about;

	ck_assert_int_eq(lstat(path, &about), 0);
	ck_assert(S_ISREG(about.st_mode));
	ck_assert_uint_eq(about.st_mode & 0777, 0600);
	ck_assert_int_gt(about.st_size, 100);
}

static int lines_of(const char *text)
{
	int lines = 0;

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

/* ---- The hard limit ---------------------------------------------------------------------------- */

START_TEST(test_many_refusals_write_one_profile)
{
	char path[FOLDER_PATH_BYTES];

	folder = folder_make();
	run_refused(folder);
	ck_assert_str_eq(child.output, "");
	ck_assert_int_eq(folder_count("-limit-", path), 1);
	ck_assert_ptr_nonnull(strstr(path, "/zmalloc-"));
	ck_assert_ptr_nonnull(strstr(path, ".pb"));
	expect_profile(path);
	ck_assert_int_eq(folder_remove(), 1);
}
END_TEST

static void be_refused_without_profile(void *where)
{
	setenv("ZMALLOC_PROFILE_DIR", where, 1);
	for (int i = 0; i < BLOCKS; i++)
		block[i] = zmalloc(10);
	refuse();
}

START_TEST(test_nothing_is_written_without_a_profile_or_a_folder)
{
	folder = folder_make();
	run_child(&child, be_refused_without_profile, opaque((void *)(uintptr_t)folder));
	ck_assert_int_eq(child.status, 0);
	run_refused(NULL);
	ck_assert_str_eq(child.output, "");
	run_refused("");
	ck_assert_str_eq(child.output, "");
	ck_assert_int_eq(folder_remove(), 0);
}
END_TEST

static void pass_on_to_child(void *where)
{
	int status;
	pid_t pid;

	begin(where);
	refuse();
	pid = fork();
	REQUIRE(pid >= 0);
	if (pid == 0) {
		refuse();
		_exit(0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	REQUIRE_EQ(status, 0);
	refuse();
}

START_TEST(test_the_child_of_a_fork_has_a_minute_of_its_own)
{
	folder = folder_make();
	run_child_ok(pass_on_to_child, opaque((void *)(uintptr_t)folder));
	ck_assert_int_eq(folder_count("-limit-", NULL), 2);
	ck_assert_int_eq(folder_remove(), 2);
}
END_TEST

static void *refuse_in_thread(void *barrier)
{
	barrier_wait(barrier);
	for (int i = 0; i < 20; i++)
		REQUIRE(ztrymalloc(opaque_size(1000000)) == NULL);
	return NULL;
}

static void be_refused_in_threads(void *where)
{
	struct barrier barrier;
	pthread_t thread[8];

	begin(where);
	zmalloc_limit_set(zmalloc_used_memory() + 10000);
	barrier_init(&barrier, COUNT_OF(thread));
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		thread[i] = start_thread(refuse_in_thread, &barrier);
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		join_thread(thread[i]);
	barrier_done(&barrier);
}

START_TEST(test_threads_that_are_refused_at_once_write_one_profile)
{
	folder = folder_make();
	run_child_ok(be_refused_in_threads, opaque((void *)(uintptr_t)folder));
	ck_assert_int_eq(folder_remove(), 1);
}
END_TEST

#if defined(HAVE_DLADDR) && !SANITIZED
static void be_refused_for_minutes(void *where)
{
	const struct timespec almost = {.tv_sec = 59}, rest = {.tv_sec = 2};

	own_time_begin();
	begin(where);
	refuse();
	nanosleep(&almost, NULL);
	refuse();
	REQUIRE_EQ(folder_count("-limit-", NULL), 1);
	nanosleep(&rest, NULL);
	refuse();
	REQUIRE_EQ(folder_count("-limit-", NULL), 2);
	own_time_end();
}

/* The clock of the day, which names have, goes on as it does: both may be of one second. */
START_TEST(test_a_minute_later_it_is_written_anew)
{
	folder = folder_make();
	run_child(&child, be_refused_for_minutes, opaque((void *)(uintptr_t)folder));
	ck_assert_msg(child.status == 0, "status %d: %s", child.status, child.output);
	ck_assert_int_eq(folder_remove(), 2);
}
END_TEST
#endif

/* ---- Soft limits ------------------------------------------------------------------------------- */

static int files_at_callback;

static void see_passed(size_t limit_bytes, size_t used_bytes, void *argument)
{
	(void)limit_bytes, (void)used_bytes, (void)argument;
	files_at_callback = folder_count("-soft-limit-", NULL);
}

static void pass_soft_limit(bool marked)
{
	size_t used = zmalloc_used_memory();
	int number = zmalloc_soft_limit_add(used + 100000, 50000, see_passed, NULL);

	REQUIRE(number > 0);
	REQUIRE_EQ(zmalloc_soft_limit_set_profile(number, 1), 0);
	REQUIRE_EQ(zmalloc_soft_limit_set_profile(number, marked), 0);
	files_at_callback = -1;
	zfree(zmalloc(opaque_size(1000000)));
	REQUIRE_EQ(files_at_callback, marked);
	REQUIRE_EQ(zmalloc_soft_limit_remove(number), 0);
	REQUIRE_EQ(zmalloc_soft_limit_set_profile(number, 1), -1);
	REQUIRE_EQ(errno, ENOENT);
	REQUIRE_EQ(zmalloc_soft_limit_set_profile(-1, 1), -1);
}

/* A mark goes with its limit, and not with the place that it had. */
static void pass_another_in_its_place(void)
{
	size_t used = zmalloc_used_memory();
	int number = zmalloc_soft_limit_add(2 * used + MIB, 0, see_passed, NULL);

	REQUIRE(number > 0);
	REQUIRE_EQ(zmalloc_soft_limit_set_profile(number, 1), 0);
	REQUIRE_EQ(zmalloc_soft_limit_remove(number), 0);
	number = zmalloc_soft_limit_add(used + 100000, 0, see_passed, NULL);
	REQUIRE(number > 0);
	files_at_callback = -1;
	zfree(zmalloc(opaque_size(1000000)));
	REQUIRE_EQ(files_at_callback, 0);
	REQUIRE_EQ(zmalloc_soft_limit_remove(number), 0);
}

static void pass_soft_limits(void *where)
{
	begin(where);
	pass_another_in_its_place();
	pass_soft_limit(false);
	pass_soft_limit(true);
}

START_TEST(test_a_soft_limit_writes_before_its_callback_if_it_is_marked)
{
	folder = folder_make();
	run_child_ok(pass_soft_limits, opaque((void *)(uintptr_t)folder));
	ck_assert_int_eq(folder_remove(), 1);
}
END_TEST

/* ---- Pressure ---------------------------------------------------------------------------------- */

static void ignore_passed(size_t limit_bytes, size_t used_bytes, void *argument)
{
	(void)limit_bytes, (void)used_bytes, (void)argument;
}

static void be_pressed(void *where)
{
	struct zmalloc_pressure_event event = {.size = sizeof(event)};
	int fd, number;

	begin(where);
	fd = zmalloc_pressure_open();
	if (fd < 0)
		_exit(77);
	number = zmalloc_soft_limit_add(zmalloc_used_memory() + 100000, 0, ignore_passed, NULL);
	REQUIRE(number > 0);
	zfree(zmalloc(opaque_size(1000000)));
	REQUIRE_EQ(folder_count("-pressure-", NULL), 0);
	/* What the machine says may come before it. */
	do
		REQUIRE_EQ(zmalloc_pressure_wait(fd, 10000, &event), 0);
	while (event.source != ZMALLOC_PRESSURE_LIMIT);
	REQUIRE(event.level >= ZMALLOC_PRESSURE_MEDIUM);
	zmalloc_pressure_close(fd);
}

START_TEST(test_pressure_writes_before_the_program_hears_of_it)
{
	folder = folder_make();
	run_child(&child, be_pressed, opaque((void *)(uintptr_t)folder));
	if (!WIFEXITED(child.status) || WEXITSTATUS(child.status) != 77) {
		ck_assert_msg(child.status == 0, "status %d: %s", child.status, child.output);
		ck_assert_int_eq(folder_count("-pressure-", NULL), 1);
	}
	folder_remove();
}
END_TEST

/* ---- No memory left ---------------------------------------------------------------------------- */

static void run_out(void *where)
{
	begin(where);
	zmalloc_set_oom_handler(NULL);
	zfree(zmalloc(opaque_size((size_t)PTRDIFF_MAX + 1)));
}

START_TEST(test_the_report_has_the_largest_stacks_and_names_the_file)
{
	char path[FOLDER_PATH_BYTES], expected[FOLDER_PATH_BYTES + 32];
	char *largest, *file, *end;

	folder = folder_make();
	run_child(&child, run_out, opaque((void *)(uintptr_t)folder));
	ck_assert(WIFSIGNALED(child.status));
	ck_assert_int_eq(WTERMSIG(child.status), SIGABRT);
	ck_assert_int_eq(folder_count("-oom-", path), 1);
	expect_profile(path);
	snprintf(expected, sizeof(expected), "zmalloc: profile %s\n", path);
	largest = strstr(child.output, "zmalloc: about ");
	end = strstr(child.output, "zmalloc: what failed was asked for by\n");
	file = strstr(child.output, expected);
	ck_assert_msg(largest != NULL && end != NULL && file != NULL, "%s", child.output);
	ck_assert(largest < file && file < end);
	/* All blocks of the test are of one call, so of one stack. */
	ck_assert_msg(strtoul(largest + strlen("zmalloc: about "), NULL, 10) >= BLOCKS * 10000,
		      "%s", child.output);
	ck_assert_int_eq(folder_remove(), 1);
}
END_TEST

/* Of as many stacks as there are lines; the largest comes last. */
static void run_out_of_seven(void *where)
{
	begin(where);
	zmalloc_set_oom_handler(NULL);
	opaque(zmalloc(700000));
	opaque(zmalloc(1000000));
	opaque(zmalloc(2000000));
	opaque(zmalloc(3000000));
	opaque(zmalloc(4000000));
	opaque(zmalloc(5000000));
	opaque(zmalloc(6000000));
	zfree(zmalloc(opaque_size((size_t)PTRDIFF_MAX + 1)));
}

START_TEST(test_the_five_largest_are_told_of_the_largest_first)
{
	const char *about = child.output;
	unsigned long bytes;

	folder = folder_make();
	run_child(&child, run_out_of_seven, opaque((void *)(uintptr_t)folder));
	for (unsigned long least = 6000000; least >= 2000000; least -= 1000000) {
		about = strstr(about, "zmalloc: about ");
		ck_assert_msg(about != NULL, "%lu: %s", least, child.output);
		about += strlen("zmalloc: about ");
		bytes = strtoul(about, NULL, 10);
		ck_assert_msg(bytes >= least && bytes < least + 1000000, "%s", child.output);
	}
	ck_assert_msg(strstr(about, "zmalloc: about ") == NULL, "%s", child.output);
	folder_remove();
}
END_TEST

static size_t calls;

static void count_call(size_t size)
{
	(void)size;
	calls++;
	REQUIRE_EQ(folder_count("-oom-", NULL), 1);
}

static void run_out_with_handler(void *where)
{
	begin(where);
	zmalloc_set_oom_handler(count_call);
	for (int i = 0; i < 3; i++)
		REQUIRE(zmalloc(opaque_size((size_t)PTRDIFF_MAX + 1)) == NULL);
	REQUIRE_EQ(calls, 3);
}

START_TEST(test_a_handler_of_the_programs_comes_after_the_profile)
{
	folder = folder_make();
	run_child(&child, run_out_with_handler, opaque((void *)(uintptr_t)folder));
	ck_assert_msg(child.status == 0, "status %d: %s", child.status, child.output);
	ck_assert_int_eq(folder_remove(), 1);
}
END_TEST

/* In a process that can do nothing else. */
static void count_only(size_t size)
{
	(void)size;
	calls++;
}

/* Address space to the last page, so that nothing can be had of the system. */
static void exhaust(void *where)
{
	size_t size = 64 * MIB;

	begin(where);
	zmalloc_set_oom_handler(count_only);
	if (!limit_address_space(32 * MIB))
		_exit(77);
	for (; size >= 64; size /= 2)
		while (opaque(ztrymalloc(size)) != NULL)
			;
	REQUIRE(zmalloc(opaque_size(MIB)) == NULL);
	REQUIRE_EQ(calls, 1);
}

START_TEST(test_an_exhausted_process_writes_all_the_same)
{
	char path[FOLDER_PATH_BYTES];

	folder = folder_make();
	run_child(&child, exhaust, opaque((void *)(uintptr_t)folder));
	if (!WIFEXITED(child.status) || WEXITSTATUS(child.status) != 77) {
		ck_assert_msg(child.status == 0, "status %d: %s", child.status, child.output);
		ck_assert_int_eq(folder_count("-oom-", path), 1);
		expect_profile(path);
	}
	folder_remove();
}
END_TEST

/* ---- Folders ----------------------------------------------------------------------------------- */

static void expect_one_line(const char *words)
{
	ck_assert_msg(
		strstr(child.output, "zmalloc: ZMALLOC_PROFILE_DIR: no profile (limit) in ") ==
			child.output,
		"%s", child.output);
	ck_assert_msg(strstr(child.output, words) != NULL, "%s", child.output);
	ck_assert_int_eq(lines_of(child.output), 1);
}

START_TEST(test_a_folder_that_is_not_there_is_told_once)
{
	char path[FOLDER_PATH_BYTES];

	folder = folder_make();
	run_refused(folder_path("missing", path));
	expect_one_line("/missing\": there is no such folder\n");
	ck_assert_int_eq(folder_remove(), 0);
}
END_TEST

START_TEST(test_what_is_no_folder_is_told_once)
{
	char path[FOLDER_PATH_BYTES];

	folder = folder_make();
	ck_assert_int_eq(mkfifo(folder_path("fifo", path), 0600), 0);
	run_refused(path);
	expect_one_line("that is no folder\n");
	ck_assert_int_eq(folder_remove(), 1);
}
END_TEST

START_TEST(test_a_folder_that_nobody_may_write_in_is_told_once)
{
	folder = folder_make();
	ck_assert_int_eq(chmod(folder, 0500), 0);
	run_refused(folder);
	if (geteuid() != 0)
		expect_one_line("this process may not write there\n");
	chmod(folder, 0700);
	ck_assert_int_eq(folder_remove(), geteuid() == 0);
}
END_TEST

static void be_refused_without_room(void *where)
{
	struct rlimit room = {.rlim_cur = 20, .rlim_max = RLIM_INFINITY};

	begin(where);
	REQUIRE_EQ(getrlimit(RLIMIT_FSIZE, &room), 0);
	room.rlim_cur = 20;
	REQUIRE_EQ(setrlimit(RLIMIT_FSIZE, &room), 0);
	refuse();
}

START_TEST(test_a_file_that_may_not_grow_is_told_once_and_leaves_none)
{
	folder = folder_make();
	run_child(&child, be_refused_without_room, opaque((void *)(uintptr_t)folder));
	ck_assert_msg(child.status == 0, "status %d: %s", child.status, child.output);
	expect_one_line("the process's limit on the size of files is lower\n");
	ck_assert_int_eq(folder_remove(), 0);
}
END_TEST

#if defined(HAVE_UNSHARE)

/* A file system of two pages, which ends with the process. */
static bool put_on_small_disk(const char *where)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", where, "tmpfs", 0, "size=8k") == 0;
}

static void be_refused_on_full_disk(void *where)
{
	char name[FOLDER_PATH_BYTES];
	FILE *filler;

	REQUIRE(put_on_small_disk(where));
	filler = fopen(folder_path("filler", name), "w");
	REQUIRE(filler != NULL);
	while (fputs("0123456789abcdef", filler) >= 0 && fflush(filler) == 0)
		;
	REQUIRE_EQ(errno, ENOSPC);
	fclose(filler);
	be_refused(where);
	REQUIRE_EQ(folder_count("", NULL), 1);
}

static void try_namespace(void *where)
{
	REQUIRE(put_on_small_disk(where));
}

START_TEST(test_a_full_disk_is_told_once_and_nothing_is_left_on_it)
{
	folder = folder_make();
	run_child(&child, try_namespace, opaque((void *)(uintptr_t)folder));
	if (child.status != 0) {
		folder_remove();
		skip_part("this process may not mount a file system");
		return;
	}
	run_child(&child, be_refused_on_full_disk, opaque((void *)(uintptr_t)folder));
	ck_assert_msg(child.status == 0, "status %d: %s", child.status, child.output);
	expect_one_line("the disk is full\n");
	ck_assert_int_eq(folder_remove(), 0);
}
END_TEST

#endif

START_TEST(test_a_name_of_a_folder_that_is_too_long_is_told_at_the_start)
{
	static char longest[5000];

	memset(longest, 'x', sizeof(longest) - 1);
	run_refused(longest);
	ck_assert_str_eq(child.output,
			 "zmalloc: ZMALLOC_PROFILE_DIR: the name is too long; no profile "
			 "will be written there\n");
}
END_TEST

/* ---- Names ------------------------------------------------------------------------------------- */

static void expect_name(uint64_t now_s, unsigned again, const char *end)
{
	struct zm_moment_name name = {"/a", "oom", ZMALLOC_PROFILE_COLLAPSED, now_s, again};
	char text[256], expected[256];

	ck_assert(zm_moment_name(&name, text, sizeof(text)));
	snprintf(expected, sizeof(expected), "-%ld-oom-%s", (long)getpid(), end);
	ck_assert_int_eq(strncmp(text, "/a/zmalloc-", strlen("/a/zmalloc-")), 0);
	ck_assert_msg(strcmp(text + strlen(text) - strlen(expected), expected) == 0, "%s", text);
}

START_TEST(test_names_have_the_time_and_are_never_the_same)
{
	struct zm_moment_name name = {"/a", "oom", ZMALLOC_PROFILE_PPROF, 0, 0};
	char text[20];

	expect_name(0, 0, "19700101T000000Z.collapsed");
	expect_name(951782399, 0, "20000228T235959Z.collapsed");
	expect_name(951782400, 1, "20000229T000000Z-1.collapsed");
	expect_name(951868800, 99, "20000301T000000Z-99.collapsed");
	expect_name(1795741103, 0, "20261127T005823Z.collapsed");
	expect_name(4107542400, 0, "21000301T000000Z.collapsed");
	ck_assert(!zm_moment_name(&name, text, sizeof(text)));
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("profile_moment");

	tcase_add_test(tests, test_many_refusals_write_one_profile);
	tcase_add_test(tests, test_nothing_is_written_without_a_profile_or_a_folder);
	tcase_add_test(tests, test_the_child_of_a_fork_has_a_minute_of_its_own);
	tcase_add_test(tests, test_threads_that_are_refused_at_once_write_one_profile);
#if defined(HAVE_DLADDR) && !SANITIZED
	tcase_add_test(tests, test_a_minute_later_it_is_written_anew);
#endif
	tcase_add_test(tests, test_a_soft_limit_writes_before_its_callback_if_it_is_marked);
	tcase_add_test(tests, test_pressure_writes_before_the_program_hears_of_it);
	tcase_add_test(tests, test_the_report_has_the_largest_stacks_and_names_the_file);
	tcase_add_test(tests, test_the_five_largest_are_told_of_the_largest_first);
	tcase_add_test(tests, test_a_handler_of_the_programs_comes_after_the_profile);
	if (!under_checker())
		tcase_add_test(tests, test_an_exhausted_process_writes_all_the_same);
	tcase_add_test(tests, test_a_folder_that_is_not_there_is_told_once);
	tcase_add_test(tests, test_what_is_no_folder_is_told_once);
	tcase_add_test(tests, test_a_folder_that_nobody_may_write_in_is_told_once);
	tcase_add_test(tests, test_a_file_that_may_not_grow_is_told_once_and_leaves_none);
#if defined(HAVE_UNSHARE)
	tcase_add_test(tests, test_a_full_disk_is_told_once_and_nothing_is_left_on_it);
#endif
	tcase_add_test(tests, test_a_name_of_a_folder_that_is_too_long_is_told_at_the_start);
	tcase_add_test(tests, test_names_have_the_time_and_are_never_the_same);
	return run_tests(tests);
}
