/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_profile_live.c - the heap profile of a process that shows itself: begun and ended from outside, and read
 * from it, from one whose library is older, and from one that answers what cannot be.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/process.h>
#include <zmalloc/profile.h>

#include "live/ask.h"
#include "os/shared.h"

enum {
	LONG_MS = 60000,
	BITS = 10,
	STACKS_MOST = 1 << (BITS + 1)
};

/* What was seen of a profile; only that of frames which tells stacks apart. */
struct seen {
	struct zmalloc_profile_stack stack[STACKS_MOST];
	uintptr_t frames[STACKS_MOST][ZMALLOC_PROFILE_DEPTH_MAX];
	size_t count;
};

static struct seen here, there;

static int keep(const struct zmalloc_profile_stack *stack, void *context)
{
	struct seen *seen = context;

	ck_assert_uint_lt(seen->count, STACKS_MOST);
	ck_assert_uint_le(stack->depth, ZMALLOC_PROFILE_DEPTH_MAX);
	seen->stack[seen->count] = *stack;
	memcpy(seen->frames[seen->count++], stack->frames, stack->depth * sizeof(uintptr_t));
	return 0;
}

static int count(const struct zmalloc_profile_stack *stack, void *context)
{
	ck_assert_uint_le(stack->depth, ZMALLOC_PROFILE_DEPTH_MAX);
	++*(size_t *)context;
	return 0;
}

/* Where all tests are of one process, each begins without a profile that is on. */
static void tear_down(void)
{
	zmalloc_profile_stop();
	here.count = there.count = 0;
}

static bool shows_itself(void)
{
	struct zm_ask ask;
	bool answers;

	if (zmalloc_stats_publish() != 0 || zm_ask_open(getpid(), &ask) != 0)
		return false;
	answers = ask.page != NULL;
	zm_ask_close(&ask);
	if (!answers)
		skip_part("there are no sealed memory files here");
	return answers;
}

static int error_of(int result)
{
	return result == 0 ? 0 : errno;
}

/* ---- Asked ---- */

static void *block[1 << BITS];
static volatile unsigned turns;

/* A stack of its own for each number: the calls of the two branches return to different places. */
static __attribute__((__noinline__)) void allocate(unsigned number, unsigned bits)
{
	if (bits == 0) {
		block[number] = zmalloc(100 + number);
		turns++;
	} else if (number & 1u << (bits - 1)) {
		allocate(number, bits - 1);
		turns += 2;
	} else {
		allocate(number, bits - 1);
		turns += 3;
	}
}

static struct zmalloc_profile_info info_of(int64_t pid)
{
	struct zmalloc_profile_info info = {.size = sizeof(info)};

	ck_assert_int_eq(zmalloc_process_get_profile_info(pid, LONG_MS, &info), 0);
	return info;
}

START_TEST(test_a_profile_is_begun_and_ended_from_outside)
{
	struct zmalloc_profile_info info = {.size = sizeof(info)}, own = {.size = sizeof(own)};
	int64_t pid = getpid();
	size_t stacks = 0;

	if (!shows_itself())
		return;
	ck_assert_int_eq(error_of(zmalloc_process_get_profile_info(pid, LONG_MS, &info)), ENODATA);
	ck_assert_int_eq(error_of(zmalloc_process_visit_profile(pid, LONG_MS, count, &stacks)),
			 ENODATA);
	ck_assert_int_eq(error_of(zmalloc_process_profile_stop(pid, LONG_MS)), 0);
	ck_assert_int_eq(error_of(zmalloc_process_profile_start(pid, (uint64_t)1 << 41, LONG_MS)),
			 EINVAL);
	ck_assert_int_eq(error_of(zmalloc_process_profile_start(pid, 4096, LONG_MS)), 0);
	ck_assert_int_eq(error_of(zmalloc_process_profile_start(pid, 4096, LONG_MS)), EALREADY);
	info = info_of(pid);
	ck_assert_int_eq(zmalloc_profile_get_info(&own), 0);
	ck_assert_uint_eq(info.mean_bytes, 4096);
	ck_assert_uint_eq(info.is_on, 1);
	ck_assert_uint_eq(info.started_ns, own.started_ns);
	ck_assert_uint_eq(info.lost_samples, 0);
	ck_assert_uint_eq(info.memory_bytes, own.memory_bytes);
	ck_assert_uint_le(info.duration_ns, own.duration_ns);
	ck_assert_int_eq(zmalloc_process_profile_stop(pid, LONG_MS), 0);
	ck_assert_uint_eq(info_of(pid).is_on, 0);
	ck_assert_int_eq(error_of(zmalloc_process_profile_start(pid, 0, LONG_MS)), 0);
	ck_assert_uint_eq(info_of(pid).mean_bytes, ZMALLOC_PROFILE_MEAN_BYTES);
	info.size = 0;
	ck_assert_int_eq(error_of(zmalloc_process_get_profile_info(pid, LONG_MS, &info)), EINVAL);
	info.size = offsetof(struct zmalloc_profile_info, is_on);
	info.is_on = 77;
	ck_assert_int_eq(zmalloc_process_get_profile_info(pid, LONG_MS, &info), 0);
	ck_assert_uint_eq(info.size, offsetof(struct zmalloc_profile_info, is_on));
	ck_assert_uint_eq(info.is_on, 77);
}
END_TEST

/* More than one answer has room for; in the same order and with the same figures. */
START_TEST(test_stacks_of_a_process)
{
	if (!shows_itself())
		return;
	ck_assert_int_eq(zmalloc_process_profile_start(getpid(), 1, LONG_MS), 0);
	for (unsigned i = 0; i < COUNT_OF(block); i++)
		allocate(i, BITS);
	zfree(block[3]);
	ck_assert_int_eq(zmalloc_process_visit_profile(getpid(), LONG_MS, keep, &there), 0);
	ck_assert_int_eq(zmalloc_profile_visit(keep, &here), 0);
	ck_assert_uint_eq(there.count, here.count);
	for (size_t i = 0; i < here.count; i++) {
		const struct zmalloc_profile_stack *ours = &here.stack[i],
						   *theirs = &there.stack[i];

		ck_assert_uint_eq(theirs->depth, ours->depth);
		ck_assert_mem_eq(there.frames[i], here.frames[i], ours->depth * sizeof(uintptr_t));
		ck_assert_mem_eq(theirs, ours, offsetof(struct zmalloc_profile_stack, frames));
	}
	/* A system whose stacks cannot be taken has one for all. */
	if (here.count < COUNT_OF(block))
		skip_part("stacks cannot be told apart here");
	zmalloc_profile_stop();
	for (unsigned i = 0; i < COUNT_OF(block); i++)
		if (i != 3)
			zfree(block[i]);
}
END_TEST

static int end_at_once(const struct zmalloc_profile_stack *stack, void *context)
{
	(void)stack;
	++*(int *)context;
	return 42;
}

START_TEST(test_a_visit_ends_when_it_is_told_to)
{
	int visits = 0;

	if (!shows_itself())
		return;
	ck_assert_int_eq(zmalloc_profile_start(1), 0);
	block[0] = zmalloc(100);
	ck_assert_int_eq(zmalloc_process_visit_profile(getpid(), LONG_MS, end_at_once, &visits),
			 42);
	ck_assert_int_eq(visits, 1);
	zfree(block[0]);
}
END_TEST

static int begin_anew(const struct zmalloc_profile_stack *stack, void *context)
{
	(void)stack;
	if ((*(int *)context)++ != 0)
		return 0;
	ck_assert_int_eq(zmalloc_profile_stop(), 0);
	return zmalloc_profile_start(1);
}

/* Stacks of two profiles are not taken for those of one. */
START_TEST(test_a_new_profile_between_two_questions_is_noticed)
{
	int visits = 0;

	if (!shows_itself())
		return;
	ck_assert_int_eq(zmalloc_profile_start(1), 0);
	for (unsigned i = 0; i < COUNT_OF(block); i++)
		allocate(i, BITS);
	zmalloc_profile_visit(keep, &here);
	if (here.count < COUNT_OF(block)) {
		skip_part("stacks cannot be told apart here");
		return;
	}
	errno = 0;
	ck_assert_int_eq(zmalloc_process_visit_profile(getpid(), LONG_MS, begin_anew, &visits), -1);
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(test_a_process_that_is_older_than_profiles)
{
	struct zmalloc_profile_info info = {.size = sizeof(info)};
	int64_t pid = getpid();
	size_t stacks = 0;
	struct zm_ask ask;

	if (!shows_itself())
		return;
	ck_assert_int_eq(zm_ask_open(pid, &ask), 0);
	ask.page->commands = ZM_COMMAND_PROFILE_START - 1;
	ck_assert_int_eq(error_of(zmalloc_process_profile_start(pid, 0, LONG_MS)), ENOTSUP);
	ck_assert_int_eq(error_of(zmalloc_process_profile_stop(pid, LONG_MS)), ENOTSUP);
	ck_assert_int_eq(error_of(zmalloc_process_get_profile_info(pid, LONG_MS, &info)), ENOTSUP);
	ck_assert_int_eq(error_of(zmalloc_process_visit_profile(pid, LONG_MS, count, &stacks)),
			 ENOTSUP);
	ask.page->commands = ZM_COMMANDS;
	zm_ask_close(&ask);
}
END_TEST

/* ---- Answered by whoever likes ---- */

/* A page of this process that a thread of the test's answers on. */
struct liar {
	struct zm_page *page;
	pthread_t thread;
	ZM_ATOMIC(uint32_t) ended;
	pthread_mutex_t lock; /* of the answer */
	struct zm_page_answer answer;
};

static struct zm_page_answer answer_of(struct liar *liar)
{
	struct zm_page_answer answer;

	pthread_mutex_lock(&liar->lock);
	answer = liar->answer;
	pthread_mutex_unlock(&liar->lock);
	return answer;
}

static void set_answer(struct liar *liar, struct zm_page_answer answer)
{
	pthread_mutex_lock(&liar->lock);
	liar->answer = answer;
	pthread_mutex_unlock(&liar->lock);
}

static void *lie(void *context)
{
	struct liar *liar = context;
	struct zm_page *page = liar->page;

	while (zm_load(&liar->ended) == 0) {
		uint32_t request = zm_load_acquire(&page->request);
		uint32_t sequence = zm_load_acquire(&page->question.sequence);

		zm_store_release(&page->reply, request);
		zm_os_word_wake(&page->reply);
		if (sequence % 2 == 0 && sequence != zm_load(&page->answer.done)) {
			struct zm_page_answer answer = answer_of(liar);

			page->answer.error = answer.error;
			page->answer.value = answer.value;
			page->answer.records = answer.records;
			page->answer.record_bytes = answer.record_bytes;
			page->answer.left_off = answer.left_off;
			zm_store_release(&page->answer.done, sequence);
			zm_os_word_wake(&page->answer.done);
		} else {
			zm_os_word_wait(&page->request, request, 20);
		}
	}
	return NULL;
}

/* All of its records are full of `fill`. */
static void start_lying(struct liar *liar, int fill)
{
	struct zm_ask ask;
	int fd = (int)syscall(SYS_memfd_create, ZM_PAGE_NAME, 3u);
	void *page;

	ck_assert_int_eq(zmalloc_stats_publish(), 0);
	ck_assert_int_eq(zm_ask_open(getpid(), &ask), 0);
	ck_assert_int_eq(zm_ask_figures(&ask, LONG_MS), 0);
	zm_ask_close(&ask);
	ck_assert_int_eq(zmalloc_stats_unpublish(), 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, ZM_PAGE_BYTES), 0);
	ck_assert_int_eq(pwrite(fd, &ask.copy, sizeof(ask.copy), 0), (int)sizeof(ask.copy));
	ck_assert_int_eq(fcntl(fd, 1033 /* F_ADD_SEALS */, 7), 0);
	ck_assert_int_eq(zm_os_shared_map(fd, ZM_PAGE_BYTES, &page), 0);
	memset((char *)page + ZM_PAGE_RECORDS_AT, fill, ZM_PAGE_RECORDS_BYTES);
	*liar = (struct liar){.page = page, .lock = PTHREAD_MUTEX_INITIALIZER};
	liar->page->way = ZMALLOC_PROCESS_ANSWERS;
	liar->page->commands = ZM_COMMANDS;
	ck_assert_int_eq(pthread_create(&liar->thread, NULL, lie, liar), 0);
}

static void stop_lying(struct liar *liar)
{
	zm_store(&liar->ended, 1);
	pthread_join(liar->thread, NULL);
}

static int error_of_stacks(struct liar *liar, struct zm_page_answer answer, size_t *stacks)
{
	*stacks = 0;
	set_answer(liar, answer);
	return error_of(zmalloc_process_visit_profile(getpid(), LONG_MS, count, stacks));
}

static int see_depth(const struct zmalloc_profile_stack *stack, void *context)
{
	*(unsigned *)context = stack->depth;
	return 0;
}

static unsigned depth_of(struct liar *liar, uint32_t record_bytes)
{
	unsigned depth = 77;

	set_answer(liar, (struct zm_page_answer){.records = 1, .record_bytes = record_bytes});
	ck_assert_int_eq(zmalloc_process_visit_profile(getpid(), LONG_MS, see_depth, &depth), 0);
	return depth;
}

START_TEST(test_what_cannot_be_is_not_believed)
{
	const uint32_t whole = sizeof(struct zm_profile_record),
		       before = offsetof(struct zm_profile_record, frame);
	struct zmalloc_profile_info info = {.size = sizeof(info)};
	struct liar liar;
	size_t stacks;

	if (!shows_itself())
		return;
	start_lying(&liar, 0xff);
	/* Four thousand million frames; of records that are shorter there are as many as fit. */
	ck_assert_uint_eq(depth_of(&liar, whole), sizeof(uintptr_t) == 8 ? 64 : 0);
	ck_assert_uint_eq(depth_of(&liar, whole + 4096), sizeof(uintptr_t) == 8 ? 64 : 0);
	ck_assert_uint_eq(depth_of(&liar, before + 17), sizeof(uintptr_t) == 8 ? 2 : 0);
	ck_assert_uint_eq(depth_of(&liar, before), 0);
	ck_assert_uint_eq(depth_of(&liar, 1), 0);
	/* Counts that have no room, or none but by an overflow, or that are of nothing. */
	ck_assert_int_eq(error_of_stacks(&liar,
					 (struct zm_page_answer){.records = UINT32_MAX,
								 .record_bytes = whole},
					 &stacks),
			 EBADMSG);
	ck_assert_int_eq(error_of_stacks(&liar,
					 (struct zm_page_answer){.records = UINT32_MAX,
								 .record_bytes = UINT32_MAX},
					 &stacks),
			 EBADMSG);
	ck_assert_int_eq(
		error_of_stacks(&liar, (struct zm_page_answer){.records = UINT32_MAX}, &stacks),
		EBADMSG);
	ck_assert_int_eq(error_of_stacks(&liar, (struct zm_page_answer){.error = -1}, &stacks),
			 EBADMSG);
	ck_assert_int_eq(error_of_stacks(&liar, (struct zm_page_answer){.left_off = 7}, &stacks),
			 0);
	ck_assert_uint_eq(stacks, 0);
	/* There is always more. */
	ck_assert_int_eq(
		error_of_stacks(
			&liar,
			(struct zm_page_answer){.records = 1, .record_bytes = whole, .left_off = 1},
			&stacks),
		EBADMSG);
	ck_assert_uint_le(stacks, 10000);
	ck_assert_int_eq(error_of_stacks(&liar,
					 (struct zm_page_answer){.records = 200000,
								 .record_bytes = 1,
								 .left_off = 1},
					 &stacks),
			 EBADMSG);
	ck_assert_uint_le(stacks, 2000000);
	/* A profile of nothing, and one of another version. */
	set_answer(&liar, (struct zm_page_answer){.records = 0});
	ck_assert_int_eq(error_of(zmalloc_process_get_profile_info(getpid(), LONG_MS, &info)),
			 EBADMSG);
	set_answer(&liar, (struct zm_page_answer){.records = 1, .record_bytes = 8});
	info.size = sizeof(info);
	ck_assert_int_eq(zmalloc_process_get_profile_info(getpid(), LONG_MS, &info), 0);
	ck_assert_uint_eq(info.memory_bytes, UINT64_MAX);
	stop_lying(&liar);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("profiles, live");

	tcase_add_checked_fixture(tests, NULL, tear_down);
	tcase_add_test(tests, test_a_profile_is_begun_and_ended_from_outside);
	tcase_add_test(tests, test_stacks_of_a_process);
	tcase_add_test(tests, test_a_visit_ends_when_it_is_told_to);
	tcase_add_test(tests, test_a_new_profile_between_two_questions_is_noticed);
	tcase_add_test(tests, test_a_process_that_is_older_than_profiles);
	tcase_add_test(tests, test_what_cannot_be_is_not_believed);
	return run_tests(tests);
}
