/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_top_list.c - which rows `zmalloc top` shows, in which order, and what is in their cells.
 */
#include "tests/support.h"
#include "tests/top_rows.h"
#include "tools/top/layout.h"
#include "tools/top/pick.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
	MANY = 3000
};

static struct rows rows;
static struct pick pick;

static void begin(size_t count)
{
	rows = made_up_rows(count);
	pick_start(&pick);
	ck_assert(pick_rows(&pick, &rows));
}

static void end(void)
{
	pick_free(&pick);
	rows_free(&rows);
}

static const struct column *column_of(const char *heading)
{
	size_t count;
	const struct column *column = columns_all(&count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(column[i].heading, heading) == 0)
			return &column[i];
	ck_abort_msg("no column %s", heading);
	return NULL;
}

/* ---- Order ---- */

static void assert_in_order(bool downwards)
{
	char text[CELL_BYTES];
	bool ended = false, is_unknown;

	ck_assert_uint_eq(pick.count, rows.count);
	for (size_t i = 1; i < pick.count; i++) {
		const struct row *a = pick.row[i - 1], *b = pick.row[i];
		int answer = column_compare(pick.by, a, b, &is_unknown);

		ended |= strcmp(column_text(pick.by, a, 0, text), "-") == 0;
		ck_assert_msg(!ended || strcmp(column_text(pick.by, b, 0, text), "-") == 0,
			      "%s: a known one follows one that is unknown", pick.by->heading);
		if (answer == 0)
			ck_assert_int_lt(a->pid, b->pid);
		else
			ck_assert_msg(is_unknown || (answer > 0) == downwards,
				      "%s: row %zu is in the wrong order", pick.by->heading, i);
	}
}

START_TEST(test_thousands_are_sorted_by_every_column_both_ways)
{
	size_t count;
	const struct column *column = columns_all(&count);

	begin(MANY);
	for (size_t i = 0; i < count; i++) {
		if (column[i].cell == CELL_BAR)
			continue;
		pick.by = &column[i];
		for (int reversed = 0; reversed < 2; reversed++) {
			pick.is_reversed = reversed;
			ck_assert(pick_rows(&pick, &rows));
			assert_in_order(pick_is_downwards(&pick));
		}
	}
	end();
}
END_TEST

START_TEST(test_every_key_sorts_by_a_column_of_its_own)
{
	size_t count;
	const struct column *column = columns_all(&count);

	begin(2);
	for (size_t i = 0; i < count; i++) {
		if (column[i].key == 0)
			continue;
		ck_assert_ptr_null(strchr("qhPR", column[i].key));
		pick.by = column_of("");
		ck_assert(pick_key(&pick, column[i].key));
		ck_assert_ptr_eq(pick.by, &column[i]);
		ck_assert(!pick.is_reversed);
		ck_assert(pick_key(&pick, column[i].key));
		ck_assert(pick.is_reversed);
	}
	ck_assert(!pick_key(&pick, 'q'));
	ck_assert(!pick_key(&pick, 0));
	end();
}
END_TEST

START_TEST(test_all_columns_can_be_reached_to_both_sides)
{
	for (int by = -1; by <= 1; by += 2) {
		size_t count, seen = 0;
		const struct column *first;

		columns_all(&count);
		begin(2);
		first = pick.by;
		do {
			ck_assert_int_ne(pick.by->cell, CELL_BAR);
			pick_next_column(&pick, by);
			seen++;
		} while (pick.by != first && seen <= count);
		ck_assert_uint_eq(seen, count - 1);
		end();
	}
}
END_TEST

/* ---- Filter ---- */

static size_t filtered(const char *filter)
{
	snprintf(pick.filter, sizeof(pick.filter), "%s", filter);
	ck_assert(pick_rows(&pick, &rows));
	return pick.count;
}

START_TEST(test_a_filter_is_part_of_name_user_or_number)
{
	size_t expected = 0;

	begin(MANY);
	for (size_t i = 0; i < rows.count; i++)
		expected += strstr(rows.row[i]->process.name, "program17") != NULL;
	ck_assert_uint_gt(expected, 0);
	ck_assert_uint_eq(filtered("PROGRAM17"), expected);
	ck_assert_uint_eq(filtered("gram17"), expected);
	ck_assert_uint_eq(filtered("user"), MANY);
	ck_assert_uint_eq(filtered("2999"), 1);
	ck_assert_int_eq(pick.row[0]->pid, 2999);
	ck_assert_uint_eq(filtered("no such"), 0);
	ck_assert_ptr_null(pick_chosen(&pick));
	pick_move(&pick, 1);
	pick_move(&pick, -1);
	ck_assert_ptr_null(pick_chosen(&pick));
	ck_assert_uint_eq(filtered(""), MANY);
	ck_assert_ptr_nonnull(pick_chosen(&pick));
	end();
}
END_TEST

/* ---- The chosen one ---- */

START_TEST(test_the_choice_goes_with_its_process)
{
	const struct row *chosen;

	begin(MANY);
	pick_move(&pick, 1234);
	chosen = pick_chosen(&pick);
	ck_assert_ptr_eq(chosen, pick.row[1234]);
	for (const char *key = "nwplmrfgau"; *key != '\0'; key++) {
		ck_assert(pick_key(&pick, *key));
		ck_assert(pick_rows(&pick, &rows));
		ck_assert_ptr_eq(pick_chosen(&pick), chosen);
	}
	end();
}
END_TEST

START_TEST(test_the_next_one_is_chosen_where_one_is_gone)
{
	int64_t next;

	begin(10);
	pick_move(&pick, 4);
	next = pick.row[5]->pid;
	pick_chosen(&pick)->is_gone = true;
	rows_sweep(&rows);
	ck_assert(pick_rows(&pick, &rows));
	ck_assert_int_eq(pick_chosen(&pick)->pid, next);
	pick_move(&pick, 100);
	ck_assert_uint_eq(pick.chosen, 8);
	pick_chosen(&pick)->is_gone = true;
	rows_sweep(&rows);
	ck_assert(pick_rows(&pick, &rows));
	ck_assert_uint_eq(pick.chosen, 7);
	pick_move(&pick, -100);
	ck_assert_uint_eq(pick.chosen, 0);
	end();
}
END_TEST

START_TEST(test_the_choice_is_always_on_the_screen)
{
	size_t first = 0;
	struct chance chance = chance_of(3);

	begin(MANY);
	for (int i = 0; i < 2000; i++) {
		size_t lines = 1 + chance_below(&chance, 60);

		pick_move(&pick, (long)chance_below(&chance, 4000) - 2000);
		first = pick_first(&pick, first, lines);
		ck_assert_uint_ge(pick.chosen, first);
		ck_assert_uint_lt(pick.chosen, first + lines);
		ck_assert_uint_le(first + lines, MANY);
	}
	ck_assert_uint_eq(pick_first(&pick, 5, 0), 0);
	ck_assert_uint_eq(pick_first(&pick, 5, MANY + 1), 0);
	end();
}
END_TEST

/* ---- Columns on a line ---- */

static bool has_place(const struct layout *layout, const char *heading)
{
	for (size_t i = 0; i < layout->count; i++)
		if (strcmp(layout->place[i].column->heading, heading) == 0)
			return true;
	return false;
}

START_TEST(test_columns_fit_every_width_and_names_have_twelve_cells)
{
	for (int width = 1; width < 300; width++) {
		struct layout layout;
		int sum = 0;

		layout_make(&layout, width);
		ck_assert_int_eq(layout.place[0].column->cell, CELL_NAME);
		if (width > NAME_LEAST)
			ck_assert_int_gt(layout.place[0].width, NAME_LEAST);
		for (size_t i = 0; i < layout.count; i++)
			sum += layout.place[i].width;
		ck_assert_int_le(sum, width);
	}
}
END_TEST

START_TEST(test_a_narrow_screen_keeps_what_matters)
{
	struct layout layout;
	size_t count;

	columns_all(&count);
	layout_make(&layout, 40);
	ck_assert(has_place(&layout, "PID"));
	ck_assert(has_place(&layout, "USED"));
	ck_assert(has_place(&layout, "%LIM"));
	layout_make(&layout, 80);
	ck_assert_uint_eq(layout.count, count);
}
END_TEST

START_TEST(test_every_text_fits_its_cell)
{
	size_t count;
	const struct column *column = columns_all(&count);
	char text[CELL_BYTES];

	begin(MANY);
	for (size_t c = 0; c < count; c++)
		for (size_t i = 0; column[c].cell != CELL_NAME && i < rows.count; i++) {
			column_text(&column[c], rows.row[i], 1ULL << (i % 50), text);
			ck_assert_msg((int)strlen(text) < column[c].width, "%s: '%s'",
				      column[c].heading, text);
		}
	end();
}
END_TEST

START_TEST(test_bytes_are_short)
{
	char text[CELL_BYTES];

	ck_assert_str_eq(compact_bytes(0, text), "0B");
	ck_assert_str_eq(compact_bytes(999, text), "999B");
	ck_assert_str_eq(compact_bytes(1000, text), "1.0K");
	ck_assert_str_eq(compact_bytes(1024 * 1023, text), "1.0M");
	ck_assert_str_eq(compact_bytes(64 * MIB, text), "64.0M");
	ck_assert_str_eq(compact_bytes((uint64_t)1 << 50, text), "1.0P");
	ck_assert_str_eq(compact_bytes(ZMALLOC_STATS_UNKNOWN - 1, text), "16.0E");
	ck_assert_str_eq(compact_bytes(ZMALLOC_STATS_UNKNOWN, text), "-");
	for (uint64_t bytes = 1; bytes < ZMALLOC_STATS_UNKNOWN / 3; bytes += bytes / 99 + 1)
		ck_assert_uint_le(strlen(compact_bytes(bytes, text)), 6);
}
END_TEST

START_TEST(test_a_name_is_cut_and_leaves_room_for_its_mark)
{
	char cell[CELL_BYTES];

	layout_cell(column_of("NAME"), 13, "postgres: a very long name", cell);
	ck_assert_str_eq(cell, "postgres: a  ");
	layout_cell(column_of("NAME"), 13, "exactly-12-c", cell);
	ck_assert_str_eq(cell, "exactly-12-c ");
	layout_cell(column_of("USER"), 9, "www-data-of-others", cell);
	ck_assert_str_eq(cell, " www-data");
	layout_cell(column_of("USED"), 7, "1.0K", cell);
	ck_assert_str_eq(cell, "   1.0K");
}
END_TEST

START_TEST(test_ages_are_told_and_marked)
{
	char text[CELL_BYTES];
	const struct column *age = column_of("AGE");
	struct row row = {.process = {.updated_ms = 1000}};

	ck_assert_str_eq(column_text(age, &row, 500, text), "0s");
	ck_assert_str_eq(column_text(age, &row, 100999, text), "99s");
	ck_assert_str_eq(column_text(age, &row, 101000, text), "1m");
	row.missed = 2;
	ck_assert_str_eq(column_text(age, &row, 13000, text), "12s!");
	ck_assert_str_eq(column_text(age, &row, 3600000 * 50, text), "49h!");
	ck_assert_str_eq(column_text(age, &row, UINT64_MAX, text), "99d!");
}
END_TEST

START_TEST(test_a_bar_is_full_length_for_the_largest_only)
{
	begin(MANY);
	ck_assert_int_eq(bar_cells(0, 100, 16), 0);
	ck_assert_int_eq(bar_cells(1, 100, 16), 1);
	ck_assert_int_eq(bar_cells(99, 100, 16), 15);
	ck_assert_int_eq(bar_cells(100, 100, 16), 16);
	ck_assert_int_eq(bar_cells(ZMALLOC_STATS_UNKNOWN, 100, 16), 0);
	ck_assert_int_eq(bar_cells(5, 0, 16), 0);
	ck_assert_uint_ne(bar_full_bytes(pick.row, pick.count), ZMALLOC_STATS_UNKNOWN);
	end();
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("top_list");

	tcase_add_test(tests, test_thousands_are_sorted_by_every_column_both_ways);
	tcase_add_test(tests, test_every_key_sorts_by_a_column_of_its_own);
	tcase_add_test(tests, test_all_columns_can_be_reached_to_both_sides);
	tcase_add_test(tests, test_a_filter_is_part_of_name_user_or_number);
	tcase_add_test(tests, test_the_choice_goes_with_its_process);
	tcase_add_test(tests, test_the_next_one_is_chosen_where_one_is_gone);
	tcase_add_test(tests, test_the_choice_is_always_on_the_screen);
	tcase_add_test(tests, test_columns_fit_every_width_and_names_have_twelve_cells);
	tcase_add_test(tests, test_a_narrow_screen_keeps_what_matters);
	tcase_add_test(tests, test_every_text_fits_its_cell);
	tcase_add_test(tests, test_bytes_are_short);
	tcase_add_test(tests, test_a_name_is_cut_and_leaves_room_for_its_mark);
	tcase_add_test(tests, test_ages_are_told_and_marked);
	tcase_add_test(tests, test_a_bar_is_full_length_for_the_largest_only);
	return run_tests(tests);
}
