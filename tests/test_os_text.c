/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_os_text.c - pieces of text, numbers and lines: lib/base/text.c and lib/os/lines.c.
 */
#include "config.h"

#include "os/file.h"
#include "os/lines.h"
#include "tests/support.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void assert_span(struct zm_span span, const char *expected)
{
	ck_assert_msg(zm_span_is(span, expected), "\"%.*s\" instead of \"%s\"",
		      (int)zm_span_size(span), span.at, expected);
}

START_TEST(test_cut_gives_every_piece_and_then_ends)
{
	struct zm_span text = zm_span_of("a::b:"), piece;

	ck_assert(zm_span_cut(&text, ':', &piece));
	assert_span(piece, "a");
	ck_assert(zm_span_cut(&text, ':', &piece));
	assert_span(piece, "");
	ck_assert(zm_span_cut(&text, ':', &piece));
	assert_span(piece, "b");
	ck_assert(!zm_span_cut(&text, ':', &piece));
}
END_TEST

START_TEST(test_words_are_split_by_any_number_of_blanks)
{
	struct zm_span text = zm_span_of(" \tone  two\t "), word;

	ck_assert(zm_span_word(&text, &word));
	assert_span(word, "one");
	ck_assert(zm_span_word(&text, &word));
	assert_span(word, "two");
	ck_assert(!zm_span_word(&text, &word));
}
END_TEST

START_TEST(test_a_list_holds_whole_words_only)
{
	ck_assert(zm_span_lists(zm_span_of("rw,memory,cpu"), "memory"));
	ck_assert(zm_span_lists(zm_span_of("memory"), "memory"));
	ck_assert(!zm_span_lists(zm_span_of("rw,xmemory,memory_x,name=memory"), "memory"));
	ck_assert(!zm_span_lists(zm_span_of(""), "memory"));
}
END_TEST

static const struct {
	const char *text;
	int error;
	uint64_t number;
	const char *rest;
} numbers[] = {
	{"0", 0, 0, ""},
	{"42 kB", 0, 42, " kB"},
	{"007x", 0, 7, "x"},
	{"18446744073709551615", 0, UINT64_MAX, ""},
	{"18446744073709551616", ERANGE, 0, ""},
	{"184467440737095516150,", ERANGE, 0, ","},
	{"99999999999999999999999999999999999999", ERANGE, 0, ""},
	{"", EINVAL, 0, ""},
	{"-1", EINVAL, 0, "-1"},
	{" 1", EINVAL, 0, " 1"},
	{"+1", EINVAL, 0, "+1"},
};

START_TEST(test_number)
{
	struct zm_span text = zm_span_of(numbers[_i].text);
	uint64_t number = 77;

	ck_assert_int_eq(zm_span_number(&text, &number), numbers[_i].error);
	ck_assert_uint_eq(number, numbers[_i].error ? 77 : numbers[_i].number);
	assert_span(text, numbers[_i].rest);
}
END_TEST

START_TEST(test_multiply_refuses_what_does_not_fit)
{
	uint64_t product = 0;

	ck_assert_int_eq(zm_multiply(UINT64_MAX / 1024, 1024, &product), 0);
	ck_assert_uint_eq(product, UINT64_MAX / 1024 * 1024);
	ck_assert_int_eq(zm_multiply(UINT64_MAX / 1024 + 1, 1024, &product), ERANGE);
	ck_assert_int_eq(zm_multiply(0, UINT64_MAX, &product), 0);
	ck_assert_uint_eq(product, 0);
}
END_TEST

START_TEST(test_size_is_stored_without_error_only_and_never_wraps)
{
	size_t size = 77;

	ck_assert_int_eq(zm_store_size(EIO, 1, &size), EIO);
	ck_assert_uint_eq(size, 77);
	ck_assert_int_eq(zm_store_size(0, UINT64_MAX, &size), 0);
	ck_assert_uint_eq(size, SIZE_MAX);
}
END_TEST

START_TEST(test_path_takes_whole_pieces_or_nothing)
{
	char buffer[8];
	struct zm_path path;

	zm_path_init(&path, buffer, sizeof(buffer));
	ck_assert_str_eq(buffer, "");
	ck_assert(zm_path_add(&path, zm_span_of("/a")));
	ck_assert(!zm_path_add(&path, zm_span_of("/toolong")));
	ck_assert_str_eq(buffer, "/a");
	ck_assert(zm_path_add_number(&path, 12345));
	ck_assert_str_eq(buffer, "/a12345");
	ck_assert(!zm_path_add(&path, zm_span_of("6")));
	ck_assert(zm_path_add(&path, zm_span_of("")));
	zm_path_cut(&path, 2);
	ck_assert_str_eq(buffer, "/a");
}
END_TEST

START_TEST(test_path_takes_the_largest_number)
{
	char buffer[32];
	struct zm_path path;

	zm_path_init(&path, buffer, sizeof(buffer));
	ck_assert(zm_path_add_number(&path, UINT64_MAX));
	ck_assert_str_eq(buffer, "18446744073709551615");
}
END_TEST

#define TEXT "first\n\nsomewhat longer\n0123456789abcdef0123\nlast"

/* A buffer of 16: the third line just fits, the fourth does not. */
static void assert_lines(struct zm_lines *lines)
{
	static const char *const expected[] = {"first", "", "somewhat longer", "0123456789abcdef",
					       "last"};
	struct zm_span line;

	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(zm_lines_next(lines, &line), 0);
		assert_span(line, expected[i]);
		ck_assert_int_eq(lines->cut, i == 3);
	}
	ck_assert_int_eq(zm_lines_next(lines, &line), ENOENT);
	ck_assert_int_eq(zm_lines_next(lines, &line), ENOENT);
}

START_TEST(test_lines_are_the_same_however_the_text_arrives)
{
	char buffer[16];
	struct zm_lines lines;

	zm_lines_of_text(&lines, zm_span_of(TEXT), (size_t)_i, buffer, sizeof(buffer));
	assert_lines(&lines);
}
END_TEST

START_TEST(test_lines_of_a_descriptor)
{
	char buffer[16];
	struct zm_lines lines;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], TEXT, strlen(TEXT)), (int)strlen(TEXT));
	close(ends[1]);
	zm_lines_of_fd(&lines, ends[0], buffer, sizeof(buffer));
	assert_lines(&lines);
	close(ends[0]);
}
END_TEST

START_TEST(test_lines_of_nothing)
{
	char buffer[1];
	struct zm_lines lines;
	struct zm_span line;

	zm_lines_of_text(&lines, zm_span(NULL, 0), 1, buffer, sizeof(buffer));
	ck_assert_int_eq(zm_lines_next(&lines, &line), ENOENT);
}
END_TEST

START_TEST(test_lines_say_what_reading_said)
{
	char buffer[16];
	struct zm_lines lines;
	struct zm_span line;
	int fd;

	ck_assert_int_eq(zm_file_open("/", &fd), 0);
	zm_lines_of_fd(&lines, fd, buffer, sizeof(buffer));
	ck_assert_int_eq(zm_lines_next(&lines, &line), EISDIR);
	zm_file_close(fd);
}
END_TEST

START_TEST(test_a_file_that_is_not_there)
{
	char buffer[16];
	size_t got = 77;

	ck_assert_int_eq(zm_file_slurp("/nonexistent/file", buffer, sizeof(buffer), &got), ENOENT);
	ck_assert_int_eq(zm_file_slurp("/", buffer, sizeof(buffer), &got), EISDIR);
	ck_assert_uint_eq(got, 77);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("os_text");

	tcase_add_test(tests, test_cut_gives_every_piece_and_then_ends);
	tcase_add_test(tests, test_words_are_split_by_any_number_of_blanks);
	tcase_add_test(tests, test_a_list_holds_whole_words_only);
	tcase_add_loop_test(tests, test_number, 0, (int)COUNT_OF(numbers));
	tcase_add_test(tests, test_multiply_refuses_what_does_not_fit);
	tcase_add_test(tests, test_size_is_stored_without_error_only_and_never_wraps);
	tcase_add_test(tests, test_path_takes_whole_pieces_or_nothing);
	tcase_add_test(tests, test_path_takes_the_largest_number);
	tcase_add_loop_test(tests, test_lines_are_the_same_however_the_text_arrives, 1, 20);
	tcase_add_test(tests, test_lines_of_a_descriptor);
	tcase_add_test(tests, test_lines_of_nothing);
	tcase_add_test(tests, test_lines_say_what_reading_said);
	tcase_add_test(tests, test_a_file_that_is_not_there);
	return run_tests(tests);
}
