/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_info.c - the library and the allocator behind it, as they tell of themselves.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmalloc.h>
#include <zmalloc/pressure.h>

START_TEST(test_version_is_the_headers)
{
	char version[32];

	snprintf(version, sizeof(version), "%d.%d.%d", ZMALLOC_VERSION_MAJOR, ZMALLOC_VERSION_MINOR,
		 ZMALLOC_VERSION_PATCH);
	ck_assert_str_eq(zmalloc_version(), version);
	ck_assert_str_eq(zmalloc_version(), PACKAGE_VERSION);
}
END_TEST

/*
 * The name is that of --with-malloc. A C library goes by its own, if it tells one; but a sanitizer's
 * malloc() stands before glibc's, and goes by the file that has it.
 */
static const char *start_of_name(void)
{
	if (strcmp(ZM_ALLOCATOR_NAME, "libc") != 0)
		return ZM_ALLOCATOR_NAME "-";
#if defined(HAVE_GNU_GET_LIBC_VERSION)
	return sanitized() ? "malloc-" : "glibc-";
#else
	return "libc";
#endif
}

START_TEST(test_allocator_names_the_configured_one)
{
	const char *name = zmalloc_allocator(), *start = start_of_name();

	ck_assert_msg(strncmp(name, start, strlen(start)) == 0, "%s does not start with %s", name,
		      start);
	if (strchr(start, '-') != NULL && strcmp(start, "malloc-") != 0)
		ck_assert_msg(strpbrk(name + strlen(start), "0123456789") != NULL,
			      "no version in %s", name);
	ck_assert_ptr_eq(zmalloc_allocator(), name);
}
END_TEST

START_TEST(test_unknown_capabilities_are_absent)
{
	static const int unknown[] = {0, -1, 1000000, -1000000};

	for (size_t i = 0; i < COUNT_OF(unknown); i++)
		ck_assert_int_eq(zmalloc_has(unknown[i]), 0);
	for (int capability = ZMALLOC_CAN_DEFRAG; capability <= ZMALLOC_CAN_ARENA; capability++) {
		int has = zmalloc_has(capability);

		ck_assert(has == 0 || has == 1);
		ck_assert_int_eq(zmalloc_has(capability), has);
	}
}
END_TEST

/* What the library says it can do it does; what it cannot is ENOTSUP. */
static void check_answer(int capability, int answer)
{
	if (zmalloc_has(capability)) {
		ck_assert_int_eq(answer, 0);
	} else {
		ck_assert_int_eq(answer, -1);
		ck_assert_int_eq(errno, ENOTSUP);
	}
}

START_TEST(test_purge_answers_as_promised)
{
	size_t used = zmalloc_used_memory();
	void *block = zmalloc(MIB);

	zfree(block);
	errno = 0;
	check_answer(ZMALLOC_CAN_PURGE, zmalloc_purge());
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

START_TEST(test_background_purge_answers_as_promised)
{
	errno = 0;
	check_answer(ZMALLOC_CAN_BACKGROUND_PURGE, zmalloc_set_background_purge(1));
	errno = 0;
	check_answer(ZMALLOC_CAN_BACKGROUND_PURGE, zmalloc_set_background_purge(0));
}
END_TEST

START_TEST(test_ctl_answers_as_promised)
{
	size_t value = 77, bytes = sizeof(value);
	int answer;

	errno = 0;
	answer = zmalloc_ctl("no.such.name", &value, &bytes, NULL, 0);
	ck_assert_int_eq(answer, -1);
	ck_assert_int_eq(errno, zmalloc_has(ZMALLOC_CAN_CTL) ? ENOENT : ENOTSUP);
	ck_assert_uint_eq(value, 77);
}
END_TEST

static const struct {
	const char *allocator, *name;
} size_controls[] = {
	{"jemalloc", "arenas.page"},
	{"tcmalloc", "generic.heap_size"},
	{"tcmalloc_minimal", "generic.heap_size"},
};

START_TEST(test_ctl_reaches_the_allocator)
{
	char wrong[3];
	size_t value, bytes;
	void *block = zmalloc(3 * MIB);

	for (size_t i = 0; i < COUNT_OF(size_controls); i++) {
		if (strcmp(size_controls[i].allocator, ZM_ALLOCATOR_NAME) != 0)
			continue;
		ck_assert_int_eq(zmalloc_has(ZMALLOC_CAN_CTL), 1);
		value = 0;
		bytes = sizeof(value);
		ck_assert_int_eq(zmalloc_ctl(size_controls[i].name, &value, &bytes, NULL, 0), 0);
		ck_assert_uint_gt(value, 0);
		bytes = sizeof(wrong);
		errno = 0;
		ck_assert_int_eq(zmalloc_ctl(size_controls[i].name, wrong, &bytes, NULL, 0), -1);
		ck_assert_int_eq(errno, EINVAL);
		errno = 0;
		ck_assert_int_eq(
			zmalloc_ctl(size_controls[i].name, NULL, NULL, &value, sizeof(value)), -1);
		ck_assert_int_eq(errno, EPERM);
	}
	zfree(block);
}
END_TEST

START_TEST(test_allocator_info_follows_allocation)
{
	size_t before = 0, after = 0, active, resident, retained, muzzy, frag;
	void *block;
	int known = zmalloc_get_allocator_info(1, &before, &active, &resident, &retained, &muzzy,
					       &frag);

	ck_assert_int_eq(known, zmalloc_has(ZMALLOC_CAN_ALLOCATOR_INFO));
	block = zmalloc(32 * MIB);
	fill(block, 32 * MIB, 1);
	ck_assert_int_eq(zmalloc_get_allocator_info(1, &after, NULL, NULL, NULL, NULL, NULL),
			 known);
	/* Not every allocator knows what is allocated. */
	if (known && before + after != 0 && !under_checker())
		ck_assert_uint_ge(after, before + 32 * MIB);
	zfree(block);
	ck_assert_int_eq(zmalloc_get_allocator_info(0, NULL, NULL, NULL, NULL, NULL, NULL), known);
}
END_TEST

/* ---- Sizes ---------------------------------------------------------------------------------- */

START_TEST(test_good_size_is_what_zmalloc_gives)
{
	/* Without a figure of the allocator's it is a lower bound. */
	bool exact = strcmp(ZM_ALLOCATOR_NAME, "jemalloc") == 0;

	for (size_t size = 0; size < 5 * MIB; size += 1 + size / 9) {
		size_t good = zmalloc_good_size(size);
		void *block = zmalloc(size);

		ck_assert_uint_ge(good, size);
		if (exact)
			ck_assert_uint_eq(zmalloc_usable_size(block), good);
		else
			ck_assert_msg(zmalloc_usable_size(block) >= good,
				      "zmalloc(%zu) gave %zu, good size %zu", size,
				      zmalloc_usable_size(block), good);
		zfree(block);
	}
	ck_assert_uint_eq(zmalloc_good_size((size_t)PTRDIFF_MAX + 1), (size_t)PTRDIFF_MAX + 1);
	ck_assert_uint_eq(zmalloc_good_size(SIZE_MAX - 100), SIZE_MAX - 100);
	ck_assert_uint_eq(zmalloc_good_size(SIZE_MAX), SIZE_MAX);
}
END_TEST

/* The one kind of build in which what is charged is more than what may be used. */
START_TEST(test_charged_is_usable_but_for_a_prefix)
{
	for (size_t size = 0; size < 5 * MIB; size += 1 + size / 3) {
		void *block = zmalloc(size);
		size_t over = zmalloc_size(block) - zmalloc_usable_size(block);

		if (zmalloc_has(ZMALLOC_CAN_USABLE_SIZE))
			ck_assert_uint_eq(over, 0);
		else
			ck_assert_uint_eq(over, 2 * sizeof(size_t));
		zfree(block);
	}
}
END_TEST

/* A system tells of pressure or says that it does not; who asks for what is not there is told so on all. */
START_TEST(test_pressure_answers_as_promised)
{
	struct zmalloc_pressure_event event = {.size = sizeof(event)};
	int fd = zmalloc_pressure_open();

	if (fd < 0) {
		ck_assert_int_eq(errno, ENOTSUP);
		ck_assert_int_eq(zmalloc_on_pressure(ZMALLOC_PURGE), -1);
		ck_assert_int_eq(errno, ENOTSUP);
	} else {
		ck_assert_int_eq(zmalloc_pressure_close(fd), 0);
	}
	ck_assert_int_eq(zmalloc_pressure_read(fd, &event), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(zmalloc_on_pressure(ZMALLOC_PRESSURE_IGNORE), 0);
	ck_assert_int_eq(zmalloc_on_pressure(-1), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* ---- Beside the library --------------------------------------------------------------------- */

/* Memory that the C library allocated: it goes back there, and no account moves. */
START_TEST(test_zlibc_free_takes_what_libc_gave)
{
	size_t used = zmalloc_used_memory(), room = 0;
	char *line = NULL, *copy = strdup("a line that the C library holds");
	FILE *file = tmpfile();

	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 1000; i++)
		fputs("long enough to be worth a block of its own\n", file);
	rewind(file);
	while (getline(&line, &room, file) > 0)
		;
	ck_assert_ptr_nonnull(line);
	zlibc_free(line);
	zlibc_free(copy);
	zlibc_free(malloc(100 * KIB));
	zlibc_free(NULL);
	fclose(file);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

/* More than is live: free() of what it gets must be the right one, or a block is lost each time. */
START_TEST(test_zlibc_free_frees)
{
	for (size_t i = 0; i < steps(2000, 200); i++) {
		char *block = malloc(64 * MIB);

		ck_assert_msg(block != NULL, "after %zu blocks of 64 MiB", i);
		block[0] = 1;
		zlibc_free(opaque(block));
	}
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("info");

	tcase_add_test(tests, test_version_is_the_headers);
	tcase_add_test(tests, test_allocator_names_the_configured_one);
	tcase_add_test(tests, test_unknown_capabilities_are_absent);
	tcase_add_test(tests, test_purge_answers_as_promised);
	tcase_add_test(tests, test_background_purge_answers_as_promised);
	tcase_add_test(tests, test_ctl_answers_as_promised);
	tcase_add_test(tests, test_ctl_reaches_the_allocator);
	tcase_add_test(tests, test_allocator_info_follows_allocation);
	tcase_add_test(tests, test_good_size_is_what_zmalloc_gives);
	tcase_add_test(tests, test_charged_is_usable_but_for_a_prefix);
	tcase_add_test(tests, test_pressure_answers_as_promised);
	tcase_add_test(tests, test_zlibc_free_takes_what_libc_gave);
	tcase_add_test(tests, test_zlibc_free_frees);
	return run_tests(tests);
}
