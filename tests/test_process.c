/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_process.c - the process as the kernel sees it, measured against what the test did.
 *
 * Reads lib/os beside the public API to know which figures this system has: a system without a
 * figure has its own test, the one of the fallback.
 */
#include "config.h"

#include <zmalloc.h>

#include "os/os.h"
#include "tests/support.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK (64 * MIB)
#define PERCENT_5 (BLOCK / 20)

static void touch(char *block, size_t size)
{
	for (size_t i = 0; i < size; i += 1024)
		((volatile char *)block)[i] = (char)(i / 1024 + 1);
}

static void assert_near(size_t figure, size_t expected, size_t slack, const char *what)
{
	ck_assert_msg(figure + slack >= expected && figure <= expected + slack,
		      "%s: %zu, expected %zu within %zu", what, figure, expected, slack);
}

static bool skip_measuring(void)
{
	size_t bytes;

	if (sanitized() || under_valgrind())
		skip_part("a checker's own memory moves with the program's");
	else if (emulated())
		skip_part("an emulator translates code into memory of the program's");
	else if (zm_os_rss(&bytes) != 0)
		skip_part("this system tells no resident set");
	else
		return false;
	return true;
}

START_TEST(test_touching_64_mib_raises_rss_by_as_much)
{
	size_t before, after;
	char *block;

	if (skip_measuring())
		return;
	before = zmalloc_get_rss();
	block = zmalloc(BLOCK);
	touch(block, BLOCK);
	after = zmalloc_get_rss();
	assert_near(after - before, BLOCK, PERCENT_5, "RSS rose");
	zfree(block);
}
END_TEST

/* Where pages are taken at leisure (MADV_FREE) there is nothing to see; smaps tells Linux apart. */
START_TEST(test_advise_dontneed_lowers_rss_and_keeps_the_block)
{
	size_t charged, before, after, used;
	char *block;

	if (skip_measuring())
		return;
	block = zmalloc(BLOCK);
	charged = zmalloc_size(block);
	touch(block, BLOCK);
	used = zmalloc_used_memory();
	before = zmalloc_get_rss();
	zmalloc_advise_dontneed(block, (size_t)_i ? BLOCK : 0);
	after = zmalloc_get_rss();
	if (access("/proc/self/smaps", R_OK) == 0)
		assert_near(before - after, BLOCK, PERCENT_5, "RSS fell");
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ck_assert_uint_eq(zmalloc_size(block), charged);
	fill(block, BLOCK, 3);
	ck_assert(filled(block, BLOCK, 3));
	zfree(block);
}
END_TEST

/* Neighbours on the first and the last page keep theirs; small blocks are left alone whole. */
START_TEST(test_advise_dontneed_touches_nothing_else)
{
	size_t page = zm_os_page_size();
	size_t sizes[] = {1, 100, page - 1, page, page + 1, 2 * page, 5 * page + 100};
	char *blocks[COUNT_OF(sizes) * 3];

	zmalloc_advise_dontneed(NULL, 0);
	zmalloc_advise_dontneed(NULL, BLOCK);
	for (size_t i = 0; i < COUNT_OF(blocks); i++) {
		blocks[i] = zmalloc(sizes[i / 3]);
		fill(blocks[i], sizes[i / 3], i);
	}
	for (size_t i = 1; i < COUNT_OF(blocks); i += 3) {
		zmalloc_advise_dontneed(blocks[i], 0);
		zmalloc_advise_dontneed(blocks[i], sizes[i / 3]);
	}
	for (size_t i = 0; i < COUNT_OF(blocks); i++) {
		size_t size = sizes[i / 3];

		if (i % 3 != 1)
			ck_assert_msg(filled(blocks[i], size, i), "neighbour of %zu bytes", size);
		else if (zmalloc_usable_size(blocks[i]) < page)
			ck_assert_msg(filled(blocks[i], size, i), "block of %zu bytes", size);
		zfree(blocks[i]);
	}
}
END_TEST

START_TEST(test_private_dirty_rises_by_what_is_touched)
{
	size_t before, after, bytes;
	char *block;

	if (skip_measuring())
		return;
	if (zm_os_smaps_field("Private_Dirty:", -1, &bytes)) {
		skip_part("this system does not tell Private_Dirty");
		return;
	}
	before = zmalloc_get_private_dirty(_i ? (long)getpid() : -1);
	block = zmalloc(BLOCK);
	touch(block, BLOCK);
	after = zmalloc_get_private_dirty(_i ? (long)getpid() : -1);
	assert_near(after - before, BLOCK, PERCENT_5, "Private_Dirty rose");
	zfree(block);
}
END_TEST

START_TEST(test_fields_and_processes_that_are_not_there_are_0)
{
	ck_assert_uint_eq(zmalloc_get_smap_bytes_by_field("No_Such_Field:", -1), 0);
	ck_assert_uint_eq(zmalloc_get_smap_bytes_by_field("Rss:", 999999999), 0);
	ck_assert_uint_eq(zmalloc_get_smap_bytes_by_field("Rss:", -5), 0);
	ck_assert_uint_eq(zmalloc_get_private_dirty(999999999), 0);
}
END_TEST

/* The estimate, where the system tells nothing; and whatever it tells is no less than a page. */
START_TEST(test_rss_is_never_unknown)
{
	void *block = zmalloc(1 * MIB);
	size_t bytes;

	ck_assert_uint_gt(zmalloc_get_rss(), 0);
	if (zm_os_rss(&bytes) != 0)
		ck_assert_uint_eq(zmalloc_get_rss(), zmalloc_used_memory());
	zfree(block);
}
END_TEST

START_TEST(test_memory_limit_and_its_source)
{
	size_t size = zmalloc_get_memory_size(), limit = zmalloc_get_memory_limit();
	char source[256] = "?", cut[4] = "???";

	ck_assert_uint_eq(zmalloc_get_memory_limit_source(source, sizeof(source)), limit);
	if (size != 0) {
		ck_assert_uint_gt(limit, 0);
		ck_assert_uint_le(limit, size);
		ck_assert_uint_gt(strlen(source), 0);
	}
	ck_assert_uint_eq(zmalloc_get_memory_limit_source(cut, sizeof(cut)), limit);
	ck_assert_int_eq(strncmp(cut, source, 3), 0);
	ck_assert_int_eq(cut[3], '\0');
	ck_assert_uint_eq(zmalloc_get_memory_limit_source(NULL, 0), limit);
	ck_assert_uint_eq(zmalloc_get_memory_limit_source(NULL, 100), limit);
	ck_assert_uint_eq(zmalloc_get_memory_limit_source(cut, 0), limit);
}
END_TEST

/* A probe that charged or allocated anything would show here. */
START_TEST(test_asking_changes_no_account)
{
	size_t used = zmalloc_used_memory();

	for (int i = 0; i < 10; i++) {
		(void)zmalloc_get_rss();
		(void)zmalloc_get_private_dirty(-1);
		(void)zmalloc_get_memory_size();
		(void)zmalloc_get_memory_limit();
	}
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("process");

	tcase_add_test(tests, test_touching_64_mib_raises_rss_by_as_much);
	tcase_add_loop_test(tests, test_advise_dontneed_lowers_rss_and_keeps_the_block, 0, 2);
	tcase_add_test(tests, test_advise_dontneed_touches_nothing_else);
	tcase_add_loop_test(tests, test_private_dirty_rises_by_what_is_touched, 0, 2);
	tcase_add_test(tests, test_fields_and_processes_that_are_not_there_are_0);
	tcase_add_test(tests, test_rss_is_never_unknown);
	tcase_add_test(tests, test_memory_limit_and_its_source);
	tcase_add_test(tests, test_asking_changes_no_account);
	return run_tests(tests);
}
