/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_top_gather.c - a round of asking, by `zmalloc top`: made-up processes on a made-up clock.
 */
#include "tests/support.h"
#include "tests/top_rows.h"
#include "tools/top/gather.h"

#include <errno.h>
#include <string.h>

enum {
	MANY = 3000,
	NEVER = 1000000
};

/* How each of the processes 1 to MANY behaves. */
static struct {
	bool is_there;
	int error;            /* what asking it says, but for 0 and ETIMEDOUT */
	unsigned answers_ms;  /* after so long; NEVER: it is stopped */
	uint64_t answered_ms; /* when its figures are of */
	const char *name;
	unsigned asked, told;
} other[MANY + 1];

static uint64_t now_ms;
static uint64_t waited_ms;    /* for those that did not answer */
static unsigned late_to_list; /* so many come into being between two calls */

static uint64_t clock_of_ours(void)
{
	return now_ms;
}

static int list(int64_t *pids, size_t room, size_t *count)
{
	*count = 0;
	for (int64_t pid = 1; pid <= MANY; pid++) {
		if (!other[pid].is_there)
			continue;
		if (*count < room)
			pids[*count] = pid;
		++*count;
	}
	for (; late_to_list != 0; late_to_list--)
		other[late_to_list].is_there = true;
	return 0;
}

static int ask(int64_t pid, unsigned timeout_ms, struct zmalloc_process *process)
{
	bool answers = timeout_ms != 0 && other[pid].answers_ms <= timeout_ms;

	ck_assert_uint_eq(process->size, sizeof(*process));
	other[pid].asked += timeout_ms != 0;
	if (other[pid].error != 0) {
		errno = other[pid].error;
		return -1;
	}
	now_ms += answers ? other[pid].answers_ms : timeout_ms;
	if (answers)
		other[pid].answered_ms = now_ms;
	else
		waited_ms += timeout_ms;
	*process = made_up(pid, other[pid].name, MIB, other[pid].answered_ms);
	if (answers || timeout_ms == 0)
		return 0;
	errno = ETIMEDOUT;
	return -1;
}

static int about(int64_t pid, unsigned timeout_ms, struct zmalloc_process_info *info)
{
	/* Not for the price of a walk through page tables. */
	ck_assert_uint_eq(info->size, offsetof(struct zmalloc_process_info, swap_bytes));
	now_ms += other[pid].answers_ms <= timeout_ms ? other[pid].answers_ms + 1 : timeout_ms;
	other[pid].told++;
	info->user = 0;
	info->limit_bytes = other[pid].answers_ms <= timeout_ms ? 4 * MIB : ZMALLOC_STATS_UNKNOWN;
	return 0;
}

static struct gather gather;
static struct rows rows;

static void begin(int64_t count)
{
	memset(other, 0, sizeof(other));
	for (int64_t pid = 1; pid <= count; pid++) {
		other[pid].is_there = true;
		other[pid].name = "program";
	}
	now_ms = 5000;
	late_to_list = 0;
	gather = gather_live();
	gather.source = (struct gather_source){list, ask, about, clock_of_ours};
}

static void end(void)
{
	rows_free(&rows);
}

static void look(void)
{
	waited_ms = 0;
	ck_assert_int_eq(gather_round(&gather, &rows), 0);
	now_ms += 1000;
}

START_TEST(test_everybody_is_asked)
{
	begin(MANY);
	look();
	ck_assert_uint_eq(rows.count, MANY);
	for (size_t i = 0; i < MANY; i++) {
		ck_assert_int_eq(rows.row[i]->pid, (int64_t)i + 1);
		ck_assert_uint_eq(rows.row[i]->process.stats.used_bytes, MIB);
		ck_assert(!row_is_silent(rows.row[i]));
	}
	end();
}
END_TEST

START_TEST(test_rows_stay_and_go_with_their_processes)
{
	struct row *second;

	begin(3);
	look();
	second = rows.row[1];
	other[1].is_there = false;
	other[7].is_there = true;
	other[7].name = "seven";
	look();
	ck_assert_uint_eq(rows.count, 3);
	ck_assert_ptr_eq(rows.row[0], second);
	ck_assert_int_eq(rows.row[2]->pid, 7);
	/* Between list and question. */
	other[2].error = ESRCH;
	/* A page that is damaged now is none. */
	other[3].error = EBADMSG;
	look();
	ck_assert_uint_eq(rows.count, 1);
	end();
}
END_TEST

START_TEST(test_an_error_of_ours_leaves_the_last_figures)
{
	begin(2);
	look();
	other[1].error = EMFILE;
	look();
	ck_assert_uint_eq(rows.count, 2);
	ck_assert_uint_eq(rows.row[0]->process.stats.used_bytes, MIB);
	end();
}
END_TEST

START_TEST(test_those_that_come_meanwhile_are_listed)
{
	begin(0);
	for (int64_t pid = 1; pid <= MANY; pid++)
		other[pid].name = "late";
	other[MANY].is_there = true;
	look();
	ck_assert_uint_eq(rows.count, 1);
	for (int64_t pid = 1; pid < 500; pid++)
		other[pid].is_there = true;
	late_to_list = 1500;
	look();
	ck_assert_uint_eq(rows.count, 1501);
	end();
}
END_TEST

START_TEST(test_who_is_stopped_is_marked_and_costs_little_from_then_on)
{
	uint64_t stopped_at;

	begin(3);
	look();
	stopped_at = other[2].answered_ms;
	other[2].answers_ms = NEVER;
	look();
	ck_assert(row_is_silent(rows.row[1]));
	ck_assert(!row_is_silent(rows.row[0]) && !row_is_silent(rows.row[2]));
	ck_assert_uint_le(waited_ms, gather.first_ms + gather.second_ms);
	for (int round = 0; round < 10; round++) {
		look();
		ck_assert_uint_le(waited_ms, 1);
		ck_assert_uint_eq(rows.row[1]->process.updated_ms, stopped_at);
	}
	ck_assert_uint_eq(row_age_ms(rows.row[1], stopped_at + 7000), 7000);
	other[2].answers_ms = 0;
	look();
	ck_assert(!row_is_silent(rows.row[1]));
	ck_assert_uint_gt(rows.row[1]->process.updated_ms, stopped_at);
	end();
}
END_TEST

START_TEST(test_who_is_slow_has_a_second_chance)
{
	begin(3);
	other[2].answers_ms = gather.second_ms;
	look();
	ck_assert(!row_is_silent(rows.row[1]));
	ck_assert_uint_eq(rows.row[1]->process.updated_ms, other[2].answered_ms);
	ck_assert_uint_ne(other[2].answered_ms, 0);
	end();
}
END_TEST

START_TEST(test_thousands_that_are_stopped_hold_nobody_up)
{
	uint64_t longest_ms = 0;
	size_t silent = 0;

	begin(MANY);
	for (int64_t pid = 1; pid < MANY; pid++)
		other[pid].answers_ms = NEVER;
	for (int round = 0; round < 120; round++) {
		look();
		longest_ms = waited_ms > longest_ms ? waited_ms : longest_ms;
	}
	ck_assert_uint_le(longest_ms, gather.wait_ms);
	/* All had their turn, and the one that answers was heard. */
	for (size_t i = 0; i < rows.count; i++) {
		ck_assert_uint_ne(other[i + 1].asked, 0);
		silent += row_is_silent(rows.row[i]);
	}
	ck_assert_uint_eq(silent, MANY - 1);
	ck_assert_uint_ge(other[MANY].asked, 2);
	ck_assert_uint_ne(rows.row[MANY - 1]->process.updated_ms, 0);
	end();
}
END_TEST

START_TEST(test_a_round_ends_although_all_are_slow)
{
	uint64_t began, last;

	begin(MANY);
	for (int64_t pid = 1; pid <= MANY; pid++)
		other[pid].answers_ms = 2;
	for (int round = 0; round < MANY * 2 / 400 + 2; round++) {
		began = now_ms;
		look();
		last = now_ms - 1000 - began;
		ck_assert_uint_le(last, gather.round_ms + gather.about_ms + 10);
	}
	for (int64_t pid = 1; pid <= MANY; pid++)
		ck_assert_uint_ne(other[pid].asked, 0);
	end();
}
END_TEST

START_TEST(test_users_and_limits_are_found_out_in_time)
{
	size_t told = 0;

	begin(MANY);
	look();
	for (size_t i = 0; i < MANY; i++)
		told += rows.row[i]->limit_bytes == 4 * MIB;
	ck_assert_uint_le(told, gather.about_ms + 1);
	ck_assert_uint_ge(told, gather.about_ms / 2);
	for (unsigned round = 0; round < MANY / told + 2; round++)
		look();
	for (size_t i = 0; i < MANY; i++)
		ck_assert_uint_eq(rows.row[i]->limit_bytes, 4 * MIB);
	end();
}
END_TEST

START_TEST(test_a_limit_is_asked_for_again_and_kept_while_there_is_no_answer)
{
	begin(1);
	look();
	look();
	ck_assert_uint_eq(other[1].told, 1);
	ck_assert_str_ne(rows.row[0]->user, "");
	other[1].answers_ms = NEVER;
	now_ms += 20000;
	look();
	ck_assert_uint_eq(other[1].told, 2);
	ck_assert_uint_eq(rows.row[0]->limit_bytes, 4 * MIB);
	/* Another program under the same number. */
	other[1].answers_ms = 0;
	other[1].name = "another";
	look();
	ck_assert_uint_eq(other[1].told, 3);
	end();
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("top_gather");

	tcase_add_test(tests, test_everybody_is_asked);
	tcase_add_test(tests, test_rows_stay_and_go_with_their_processes);
	tcase_add_test(tests, test_an_error_of_ours_leaves_the_last_figures);
	tcase_add_test(tests, test_those_that_come_meanwhile_are_listed);
	tcase_add_test(tests, test_who_is_stopped_is_marked_and_costs_little_from_then_on);
	tcase_add_test(tests, test_who_is_slow_has_a_second_chance);
	tcase_add_test(tests, test_thousands_that_are_stopped_hold_nobody_up);
	tcase_add_test(tests, test_a_round_ends_although_all_are_slow);
	tcase_add_test(tests, test_users_and_limits_are_found_out_in_time);
	tcase_add_test(tests, test_a_limit_is_asked_for_again_and_kept_while_there_is_no_answer);
	return run_tests(tests);
}
