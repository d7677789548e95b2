/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_os_mapping.c - the code of a process: lines, notes, and this process itself.
 */
#include "config.h"

#include "os/mapping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* ---- Lines ------------------------------------------------------------------------------------ */

static struct zm_maps_line line_of(const char *text)
{
	struct zm_maps_line line;

	ck_assert_int_eq(zm_maps_line(zm_span_of(text), &line), 0);
	return line;
}

START_TEST(test_a_line_of_code)
{
	struct zm_maps_line line = line_of("7f00a000-7f00b000 r-xp 0001f000 fd:01 123    "
					   "/usr/lib/lib a.so.1");

	ck_assert_uint_eq(line.start, 0x7f00a000);
	ck_assert_uint_eq(line.limit, 0x7f00b000);
	ck_assert_uint_eq(line.offset, 0x1f000);
	ck_assert(line.is_code);
	ck_assert(zm_span_is(line.file, "fd:01 123"));
	ck_assert(zm_span_is(line.path, "/usr/lib/lib a.so.1"));
}
END_TEST

START_TEST(test_what_is_no_code_or_no_file)
{
	ck_assert(!line_of("1000-2000 rw-p 00000000 fd:01 1 /a").is_code);
	ck_assert(zm_span_is(line_of("1000-2000 r-xp 00000000 00:00 0").path, ""));
	ck_assert(zm_span_is(line_of("1000-2000 r-xp 00000000 00:00 0 [vdso]").path, "[vdso]"));
	ck_assert(zm_span_is(line_of("1000-2000 r-xp 0 fd:01 1 /a (deleted)").path, "/a"));
	ck_assert(zm_span_is(line_of("ffffffffff600000-ffffffffff601000 --xp 0 0 0 [v]").path,
			     "[v]"));
}
END_TEST

START_TEST(test_other_text_is_no_line)
{
	static const char *const wrong[] = {"",
					    "1000-2000",
					    "1000-2000 r-xp 0 fd:01",
					    "1000 r-xp 0 fd:01 1 /a",
					    "1000-200g r-xp 0 fd:01 1 /a",
					    "-2000 r-xp 0 fd:01 1 /a",
					    "11112222333344445-2000 r-xp 0 fd:01 1 /a",
					    "1000-2000 r- 0 fd:01 1 /a"};
	struct zm_maps_line line;

	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		ck_assert_int_eq(zm_maps_line(zm_span_of(wrong[i]), &line), EINVAL);
}
END_TEST

/* ---- Notes ------------------------------------------------------------------------------------ */

struct notes {
	unsigned char bytes[256];
	size_t size;
};

static void add_note(struct notes *notes, uint32_t type, const char *name, uint32_t id_bytes)
{
	uint32_t head[3] = {(uint32_t)strlen(name) + 1, id_bytes, type};

	memcpy(notes->bytes + notes->size, head, sizeof(head));
	notes->size += sizeof(head);
	strcpy((char *)notes->bytes + notes->size, name);
	notes->size += (head[0] + 3) & ~3u;
	memset(notes->bytes + notes->size, 0xab, id_bytes);
	notes->size += (id_bytes + 3) & ~3u;
}

static unsigned id_of(const struct notes *notes, size_t size)
{
	/* On the heap, where a checker sees a read past the end. */
	unsigned char *copy = malloc(size + 1), id[ZM_OS_BUILD_ID_BYTES];
	unsigned found;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, notes->bytes, size);
	copy = realloc(copy, size != 0 ? size : 1);
	found = zm_build_id_of_notes(copy, size, id);
	for (unsigned i = 0; i < found; i++)
		ck_assert_uint_eq(id[i], 0xab);
	free(copy);
	return found;
}

START_TEST(test_the_build_id_among_other_notes)
{
	struct notes notes = {.size = 0};

	add_note(&notes, 1, "GNU", 16);
	add_note(&notes, 3, "Go", 5);
	add_note(&notes, 3, "GNU", 20);
	ck_assert_uint_eq(id_of(&notes, notes.size), 20);
	/* Cut short anywhere, there is none, and nothing is read past the end. */
	for (size_t size = 0; size < notes.size; size++)
		ck_assert_uint_eq(id_of(&notes, size), 0);
}
END_TEST

START_TEST(test_sizes_in_notes_are_not_believed)
{
	struct notes notes = {.size = 0};
	uint32_t huge = UINT32_MAX;

	add_note(&notes, 3, "GNU", ZM_OS_BUILD_ID_BYTES + 1);
	ck_assert_uint_eq(id_of(&notes, notes.size), 0);
	notes.size = 0;
	add_note(&notes, 3, "GNU", 20);
	memcpy(notes.bytes, &huge, sizeof(huge));
	ck_assert_uint_eq(id_of(&notes, notes.size), 0);
	notes.size = 0;
	add_note(&notes, 3, "GNU", 20);
	memcpy(notes.bytes + sizeof(huge), &huge, sizeof(huge));
	ck_assert_uint_eq(id_of(&notes, notes.size), 0);
}
END_TEST

/* ---- This process ----------------------------------------------------------------------------- */

struct search {
	uintptr_t address;
	unsigned found, with_id;
	uintptr_t last;
	int answer;
};

static int look(const struct zm_os_mapping *mapping, void *context)
{
	struct search *search = context;

	ck_assert_uint_lt(mapping->start, mapping->limit);
	ck_assert_uint_ge(mapping->start, search->last);
	search->last = mapping->limit;
	if (search->address >= mapping->start && search->address < mapping->limit) {
		ck_assert_ptr_nonnull(strstr(mapping->path, "test_os_mapping"));
		search->found++;
		search->with_id = mapping->build_id_bytes;
	}
	return search->answer;
}

START_TEST(test_this_program_is_found)
{
	char buffer[ZM_OS_MAPPINGS_BUFFER_BYTES];
	struct search search = {.address = (uintptr_t)look};
	int files = descriptors(), error = zm_os_mappings_visit(look, &search, buffer);

	if (error == ENOTSUP)
		return;
	ck_assert_int_eq(error, 0);
	ck_assert_int_eq(descriptors(), files);
	if (under_valgrind() || emulated())
		return;
	ck_assert_uint_eq(search.found, 1);
}
END_TEST

static char data[] = "some";

START_TEST(test_data_is_no_code)
{
	char buffer[ZM_OS_MAPPINGS_BUFFER_BYTES];
	struct search search = {.address = (uintptr_t)data};

	zm_os_mappings_visit(look, &search, buffer);
	ck_assert_uint_eq(search.found, 0);
}
END_TEST

START_TEST(test_the_visitor_ends_the_visit)
{
	char buffer[ZM_OS_MAPPINGS_BUFFER_BYTES];
	struct search search = {.answer = 7};
	int files = descriptors(), error = zm_os_mappings_visit(look, &search, buffer);

	ck_assert(error == 7 || error == ENOTSUP);
	ck_assert_int_eq(descriptors(), files);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("os_mapping");

	tcase_add_test(tests, test_a_line_of_code);
	tcase_add_test(tests, test_what_is_no_code_or_no_file);
	tcase_add_test(tests, test_other_text_is_no_line);
	tcase_add_test(tests, test_the_build_id_among_other_notes);
	tcase_add_test(tests, test_sizes_in_notes_are_not_believed);
	tcase_add_test(tests, test_this_program_is_found);
	tcase_add_test(tests, test_data_is_no_code);
	tcase_add_test(tests, test_the_visitor_ends_the_visit);
	return run_tests(tests);
}
