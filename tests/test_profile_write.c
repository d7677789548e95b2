/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_profile_write.c - profiles in each format, from sheets that are known to the last byte. That real
 * readers see the same is for tests/check_profile_formats.sh.
 */
#include "config.h"

#include "profile/write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile/gzip.h"
#include "profile_sheet.h"
#include "support.h"

struct text {
	char *bytes;
	size_t size, room;
	size_t fail_at; /* 0: never */
};

static int keep(void *context, const char *bytes, size_t size)
{
	struct text *text = context;

	if (text->fail_at != 0 && text->size + size >= text->fail_at)
		return ENOSPC;
	if (text->size + size + 1 > text->room) {
		text->room = 2 * (text->size + size + 1);
		text->bytes = realloc(text->bytes, text->room);
		ck_assert_ptr_nonnull(text->bytes);
	}
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
	text->bytes[text->size] = '\0';
	return 0;
}

static int write_sheet(const struct zm_profile_sheet *sheet, enum zmalloc_profile_format format,
		       struct text *text)
{
	struct zm_builder out;
	int error, end;

	zm_builder_start_writer(&out, keep, text);
	error = zm_profile_write(sheet, format, &out);
	end = zm_builder_finish(&out);
	return error != 0 ? error : end;
}

static void write_text(const struct made_sheet *made, enum zmalloc_profile_format format,
		       struct text *text)
{
	struct zm_profile_sheet sheet = sheet_of(made);

	memset(text, 0, sizeof(*text));
	ck_assert_int_eq(write_sheet(&sheet, format, text), 0);
}

static const uintptr_t frames_a[] = {0x5001, 0x1101, 0x1201};
static const uintptr_t frames_b[] = {0x1101, 0x9001};
static const uintptr_t frames_c[] = {0x1201};

static const struct zmalloc_profile_stack stacks[] = {
	{.live_blocks = 10,
	 .live_bytes = 1000,
	 .total_blocks = 20,
	 .total_bytes = 2000,
	 .live_samples = 1,
	 .live_sample_bytes = 100,
	 .total_samples = 2,
	 .total_sample_bytes = 200,
	 .frames = frames_a,
	 .depth = 3},
	{.total_blocks = 7,
	 .total_bytes = 700,
	 .total_samples = 3,
	 .total_sample_bytes = 300,
	 .frames = frames_c,
	 .depth = 1},
	{.live_blocks = 1,
	 .live_bytes = 5,
	 .total_blocks = 1,
	 .total_bytes = 5,
	 .live_samples = 1,
	 .live_sample_bytes = 5,
	 .total_samples = 1,
	 .total_sample_bytes = 5,
	 .frames = frames_b,
	 .depth = 2},
	{.live_blocks = 2,
	 .live_bytes = 6,
	 .total_blocks = 2,
	 .total_bytes = 6,
	 .live_samples = 1,
	 .live_sample_bytes = 3,
	 .total_samples = 1,
	 .total_sample_bytes = 3,
	 .frames = frames_c,
	 .depth = 0},
};

static const struct zm_profile_mapping mappings[] = {
	{.start = 0x5000, .limit = 0x6000, .offset = 0, .path = "/lib/a b;c\x01.so"},
	{.start = 0x1000, .limit = 0x2000, .offset = 0x400, .path = "/usr/bin/program"},
};

static const struct made_sheet made = {stacks, COUNT_OF(stacks), mappings, COUNT_OF(mappings)};

START_TEST(test_collapsed_lines_are_outermost_first_and_live_only)
{
	struct text text;

	write_text(&made, ZMALLOC_PROFILE_COLLAPSED, &text);
	ck_assert_str_eq(text.bytes, "program+0x600;program+0x500;a_b_c_.so+0x0 1000\n"
				     "0x9000;program+0x500 5\n"
				     "unknown 6\n");
	free(text.bytes);
}
END_TEST

START_TEST(test_heap_text_has_the_samples_as_they_are)
{
	struct text text;

	write_text(&made, ZMALLOC_PROFILE_HEAP_V2, &text);
	ck_assert_str_eq(text.bytes, "heap profile: 3: 108 [7: 508] @ heap_v2/524288\n"
				     "1: 100 [2: 200] @ 0x5000 0x1101 0x1201\n"
				     "0: 0 [3: 300] @ 0x1200\n"
				     "1: 5 [1: 5] @ 0x1100 0x9001\n"
				     "1: 3 [1: 3] @ 0x0\n"
				     "\nMAPPED_LIBRARIES:\n"
				     "00005000-00006000 r-xp 00000000 00:00 0 /lib/a b;c\x01.so\n"
				     "00001000-00002000 r-xp 00000400 00:00 0 /usr/bin/program\n");
	free(text.bytes);
}
END_TEST

START_TEST(test_pprof_is_gzip_where_there_is_zlib)
{
	struct text text;

	write_text(&made, ZMALLOC_PROFILE_PPROF, &text);
	ck_assert_uint_gt(text.size, 100);
	ck_assert_int_eq(memcmp(text.bytes, "\x1f\x8b", 2) == 0, zm_gzip_is_there());
	ck_assert_str_eq(zm_profile_suffix(ZMALLOC_PROFILE_PPROF),
			 zm_gzip_is_there() ? ".pb.gz" : ".pb");
	free(text.bytes);
}
END_TEST

START_TEST(test_a_sheet_without_anything_is_written_in_each_format)
{
	const struct made_sheet nothing = {NULL, 0, NULL, 0};
	struct text text;

	for (int format = ZMALLOC_PROFILE_PPROF; format <= ZMALLOC_PROFILE_COLLAPSED; format++) {
		struct zm_profile_sheet sheet = sheet_of(&nothing);

		sheet.each_mapping = NULL;
		memset(&text, 0, sizeof(text));
		ck_assert_int_eq(write_sheet(&sheet, format, &text), 0);
		ck_assert_int_eq(text.size == 0, format == ZMALLOC_PROFILE_COLLAPSED);
		free(text.bytes);
	}
}
END_TEST

START_TEST(test_no_other_format_is_written)
{
	struct zm_profile_sheet sheet = sheet_of(&made);
	struct text text = {0};

	ck_assert_int_eq(write_sheet(&sheet, 0, &text), EINVAL);
	ck_assert_int_eq(write_sheet(&sheet, ZMALLOC_PROFILE_COLLAPSED + 1, &text), EINVAL);
	ck_assert_uint_eq(text.size, 0);
}
END_TEST

/* Enough of them that every format writes more than one piece. */
static struct zmalloc_profile_stack *many_stacks(size_t count, unsigned depth)
{
	struct zmalloc_profile_stack *many = calloc(count, sizeof(*many));
	uintptr_t *frames = calloc(count * depth, sizeof(*frames));

	ck_assert_ptr_nonnull(many);
	ck_assert_ptr_nonnull(frames);
	for (size_t i = 0; i < count; i++) {
		many[i] = stacks[0];
		many[i].frames = frames + i * depth;
		many[i].depth = depth;
		for (unsigned j = 0; j < depth; j++)
			frames[i * depth + j] = 0x100000 + 16 * (i * depth + j);
	}
	return many;
}

static void free_stacks(struct zmalloc_profile_stack *many)
{
	free((void *)(uintptr_t)many[0].frames);
	free(many);
}

START_TEST(test_what_the_receiver_says_is_what_the_writer_says)
{
	struct zmalloc_profile_stack *many = many_stacks(3000, 20);
	const struct made_sheet large = {many, 3000, mappings, COUNT_OF(mappings)};

	for (int format = ZMALLOC_PROFILE_PPROF; format <= ZMALLOC_PROFILE_COLLAPSED; format++)
		for (size_t fail_at = 1; fail_at < 70000; fail_at += 1111) {
			struct zm_profile_sheet sheet = sheet_of(&large);
			struct text text = {.fail_at = fail_at};

			ck_assert_int_eq(write_sheet(&sheet, format, &text), ENOSPC);
			free(text.bytes);
		}
	free_stacks(many);
}
END_TEST

static int stop_at_the_second(const struct zm_profile_sheet *sheet, zm_profile_stack_visit visit,
			      void *context)
{
	(void)sheet;
	return visit(&stacks[0], context) != 0 ? ECANCELED : ESRCH;
}

START_TEST(test_what_the_sheet_says_is_what_the_writer_says)
{
	for (int format = ZMALLOC_PROFILE_PPROF; format <= ZMALLOC_PROFILE_COLLAPSED; format++) {
		struct zm_profile_sheet sheet = sheet_of(&made);
		struct text text = {0};

		sheet.each_stack = stop_at_the_second;
		ck_assert_int_eq(write_sheet(&sheet, format, &text), ESRCH);
		free(text.bytes);
	}
}
END_TEST

START_TEST(test_the_same_sheet_gives_the_same_bytes_in_any_scratch)
{
	struct zmalloc_profile_stack *many = many_stacks(500, 10);
	const struct made_sheet large = {many, 500, mappings, COUNT_OF(mappings)};
	struct zm_profile_scratch *scratch;

	ck_assert_int_eq(zm_profile_scratch_take(&scratch), 0);
	memset(scratch, 0xa5, sizeof(*scratch));
	for (int format = ZMALLOC_PROFILE_PPROF; format <= ZMALLOC_PROFILE_COLLAPSED; format++) {
		struct zm_profile_sheet sheet = sheet_of(&large);
		struct text fresh = {0}, used = {0};

		ck_assert_int_eq(write_sheet(&sheet, format, &fresh), 0);
		sheet.scratch = scratch;
		for (int i = 0; i < 2; i++) {
			used.size = 0;
			ck_assert_int_eq(write_sheet(&sheet, format, &used), 0);
			ck_assert_uint_eq(used.size, fresh.size);
			ck_assert_int_eq(memcmp(used.bytes, fresh.bytes, fresh.size), 0);
		}
		free(fresh.bytes);
		free(used.bytes);
	}
	/* zlib has got its memory there, and not of the heap. */
	ck_assert_int_eq(scratch->gzip_memory[0] != 0xa5 || scratch->gzip_memory[5000] != 0xa5,
			 zm_gzip_is_there());
	zm_profile_scratch_give(scratch);
	free_stacks(many);
}
END_TEST

START_TEST(test_a_depth_that_cannot_be_is_not_believed)
{
	uintptr_t frames[ZMALLOC_PROFILE_DEPTH_MAX];
	struct zmalloc_profile_stack hostile = stacks[0];
	const struct made_sheet one = {&hostile, 1, NULL, 0};
	struct text text;

	for (unsigned i = 0; i < ZMALLOC_PROFILE_DEPTH_MAX; i++)
		frames[i] = UINTPTR_MAX - i;
	hostile.frames = frames;
	hostile.depth = UINT32_MAX;
	hostile.live_bytes = hostile.total_bytes = hostile.total_blocks = UINT64_MAX;
	for (int format = ZMALLOC_PROFILE_PPROF; format <= ZMALLOC_PROFILE_COLLAPSED; format++) {
		write_text(&one, format, &text);
		free(text.bytes);
	}
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("profile_write");

	tcase_add_test(tests, test_collapsed_lines_are_outermost_first_and_live_only);
	tcase_add_test(tests, test_heap_text_has_the_samples_as_they_are);
	tcase_add_test(tests, test_pprof_is_gzip_where_there_is_zlib);
	tcase_add_test(tests, test_a_sheet_without_anything_is_written_in_each_format);
	tcase_add_test(tests, test_no_other_format_is_written);
	tcase_add_test(tests, test_what_the_receiver_says_is_what_the_writer_says);
	tcase_add_test(tests, test_what_the_sheet_says_is_what_the_writer_says);
	tcase_add_test(tests, test_the_same_sheet_gives_the_same_bytes_in_any_scratch);
	tcase_add_test(tests, test_a_depth_that_cannot_be_is_not_believed);
	return run_tests(tests);
}
