/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_profile_file.c - a profile gets a new file or none: whatever stands in its way stays as it was.
 */
#include "config.h"

#include "profile/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "profile/scratch.h"
#include "profile_sheet.h"
#include "support.h"

static const char *folder;
static char path[FOLDER_PATH_BYTES];

static void make_folder(void)
{
	folder = folder_make();
	folder_path("profile", path);
}

enum {
	STACKS = 2000
};

static uintptr_t frames[STACKS];
static struct zmalloc_profile_stack stacks[STACKS];
static const struct made_sheet made = {stacks, STACKS, NULL, 0};

static void make_stacks(void)
{
	for (size_t i = 0; i < STACKS; i++) {
		frames[i] = 0x1000 + i * 0x8765;
		stacks[i] = (struct zmalloc_profile_stack){
			.live_bytes = i + 1, .live_blocks = 1, .frames = &frames[i], .depth = 1};
	}
}

static struct zm_profile_scratch *scratch;

static struct zm_profile_sheet sheet_here(void)
{
	struct zm_profile_sheet sheet = sheet_of(&made);

	if (scratch == NULL)
		ck_assert_int_eq(zm_profile_scratch_take(&scratch), 0);
	sheet.scratch = scratch;
	return sheet;
}

static int write_here(const char *to)
{
	struct zm_profile_sheet sheet = sheet_here();
	int files = descriptors(), error;

	error = zm_profile_write_file(&sheet, ZMALLOC_PROFILE_COLLAPSED, to);
	ck_assert_int_eq(descriptors(), files);
	return error;
}

START_TEST(test_a_new_file_is_its_owners_alone)
{
	struct stat about;
	mode_t mask = umask(0);

	make_folder();
	ck_assert_int_eq(write_here(path), 0);
	umask(mask);
	ck_assert_int_eq(lstat(path, &about), 0);
	ck_assert(S_ISREG(about.st_mode));
	ck_assert_uint_eq(about.st_mode & 0777, 0600);
	ck_assert_int_gt(about.st_size, STACKS);
	ck_assert_int_eq(folder_remove(), 1);
}
END_TEST

START_TEST(test_what_is_there_stays_as_it_is)
{
	struct stat about;
	int fd;

	make_folder();
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	ck_assert_int_eq(write(fd, "mine", 4), 4);
	close(fd);
	ck_assert_int_eq(write_here(path), EEXIST);
	ck_assert_int_eq(stat(path, &about), 0);
	ck_assert_int_eq(about.st_size, 4);
	ck_assert_int_eq(folder_remove(), 1);
}
END_TEST

START_TEST(test_no_link_is_followed)
{
	char target[sizeof(path) + 16];
	struct stat about;

	make_folder();
	snprintf(target, sizeof(target), "%s.target", path);
	ck_assert_int_eq(symlink(target, path), 0);
	ck_assert_int_eq(write_here(path), EEXIST);
	ck_assert_int_ne(stat(target, &about), 0);
	close(open(target, O_WRONLY | O_CREAT, 0644));
	ck_assert_int_eq(write_here(path), EEXIST);
	ck_assert_int_eq(stat(target, &about), 0);
	ck_assert_int_eq(about.st_size, 0);
	ck_assert_int_eq(folder_remove(), 2);
}
END_TEST

START_TEST(test_a_fifo_is_not_waited_for)
{
	make_folder();
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(write_here(path), EEXIST);
	ck_assert_int_eq(folder_remove(), 1);
}
END_TEST

START_TEST(test_a_folder_that_is_not_there_or_is_none)
{
	char inside[sizeof(path) + 16];

	make_folder();
	snprintf(inside, sizeof(inside), "%s/inside", path);
	ck_assert_int_eq(write_here(inside), ENOENT);
	close(open(path, O_WRONLY | O_CREAT, 0644));
	ck_assert_int_eq(write_here(inside), ENOTDIR);
	ck_assert_int_eq(write_here(""), ENOENT);
	ck_assert_int_eq(folder_remove(), 1);
}
END_TEST

START_TEST(test_a_folder_that_nobody_may_write_in)
{
	make_folder();
	ck_assert_int_eq(chmod(folder, 0500), 0);
	/* Root may. */
	if (geteuid() != 0)
		ck_assert_int_eq(write_here(path), EACCES);
	chmod(folder, 0700);
	ck_assert_int_eq(folder_remove(), 0);
}
END_TEST

/* A program that does not expect it would be ended by SIGXFSZ. */
START_TEST(test_a_file_that_may_not_grow_is_removed)
{
	struct rlimit before, small;
	sigset_t pending;

	make_folder();
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 5000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_assert_int_eq(write_here(path), EFBIG);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	sigpending(&pending);
	ck_assert_int_eq(sigismember(&pending, SIGXFSZ), 0);
	ck_assert_int_eq(folder_remove(), 0);
}
END_TEST

static int put_another_in_place(const struct zm_profile_sheet *sheet, zm_profile_stack_visit visit,
				void *context)
{
	(void)sheet;
	(void)visit;
	(void)context;
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	return ECANCELED;
}

START_TEST(test_what_took_its_place_is_not_removed)
{
	struct zm_profile_sheet sheet = sheet_here();

	make_folder();
	sheet.each_stack = put_another_in_place;
	ck_assert_int_eq(zm_profile_write_file(&sheet, ZMALLOC_PROFILE_COLLAPSED, path), ECANCELED);
	ck_assert_int_eq(folder_remove(), 1);
}
END_TEST

START_TEST(test_no_file_is_left_of_no_format)
{
	struct zm_profile_sheet sheet = sheet_here();

	make_folder();
	ck_assert_int_eq(zm_profile_write_file(&sheet, 9, path), EINVAL);
	ck_assert_int_eq(folder_remove(), 0);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("profile_file");

	make_stacks();
	tcase_add_test(tests, test_a_new_file_is_its_owners_alone);
	tcase_add_test(tests, test_what_is_there_stays_as_it_is);
	tcase_add_test(tests, test_no_link_is_followed);
	tcase_add_test(tests, test_a_fifo_is_not_waited_for);
	tcase_add_test(tests, test_a_folder_that_is_not_there_or_is_none);
	tcase_add_test(tests, test_a_folder_that_nobody_may_write_in);
	tcase_add_test(tests, test_a_file_that_may_not_grow_is_removed);
	tcase_add_test(tests, test_what_took_its_place_is_not_removed);
	tcase_add_test(tests, test_no_file_is_left_of_no_format);
	return run_tests(tests);
}
