/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_account_edges.c - what happens in windows that no clock can hit: a thread caught past its
 * ceiling, a second arena before all threads know of the first, a beginning in a beginning.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/profile.h>

#if defined(HAVE_DLADDR)
#include <dlfcn.h>
#endif

#include "lib/account/client.h"
#include "lib/account/growth.h"
#include "lib/account/state.h"
#include "lib/base/fork.h"
#include "lib/base/lock.h"

enum {
	CHILD_ALARM = 60
};

/* ---- Past the ceiling ----------------------------------------------------------------------- */

#define UNSEEN ((ptrdiff_t)(300 * MIB))

static struct barrier there, done;

/*
 * The thread's figure is as after an allocation whose compare was with a ceiling that has been lowered
 * since: it has not come by the cold path.
 */
static void *get_past_the_ceiling(void *unused)
{
	void *block = zmalloc(1000);

	zm_store(&zm_thread.counter->net_bytes, zm_load(&zm_thread.counter->net_bytes) + UNSEEN);
	barrier_wait(&there);
	barrier_wait(&done);
	zm_store(&zm_thread.counter->net_bytes, zm_load(&zm_thread.counter->net_bytes) - UNSEEN);
	zfree(block);
	return unused;
}

static pthread_t begin(void)
{
	pthread_t thread;

	barrier_init(&there, 2);
	barrier_init(&done, 2);
	thread = start_thread(get_past_the_ceiling, NULL);
	barrier_wait(&there);
	return thread;
}

static void end(pthread_t thread)
{
	barrier_wait(&done);
	join_thread(thread);
	barrier_done(&there);
	barrier_done(&done);
}

static void be_right_at_once(void *expected)
{
	size_t used = *(size_t *)expected, peak;
	void *small, *large;

	alarm(CHILD_ALARM);
	peak = zm_load(&zm_account.peak_bytes) > 0 ? (size_t)zm_load(&zm_account.peak_bytes) : 0;
	REQUIRE(peak >= used);
	REQUIRE(peak <= used + 64 * KIB || peak == zmalloc_peak_memory());
	REQUIRE_EQ(zmalloc_used_memory(), used);
	small = zmalloc(100);
	REQUIRE_EQ(zmalloc_used_memory(), used + zmalloc_size(small));
	large = zmalloc(30000);
	REQUIRE_EQ(zmalloc_used_memory(), used + zmalloc_size(small) + zmalloc_size(large));
}

START_TEST(test_a_child_counts_a_lost_thread_past_its_ceiling)
{
	size_t used = zmalloc_used_memory();
	void *probe = zmalloc(1000);
	size_t expected = used + zmalloc_size(probe) + (size_t)UNSEEN;
	pthread_t thread;

	if (under_checker()) {
		skip_part("a child loses threads' stacks and locks, which checkers mind");
		zfree(probe);
		return;
	}
	zfree(probe);
	thread = begin();
	run_child_ok(be_right_at_once, &expected);
	end(thread);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

START_TEST(test_used_memory_is_right_when_a_thread_got_past_its_ceiling)
{
	size_t used = zmalloc_used_memory();
	pthread_t thread = begin();

	ck_assert_uint_ge(zmalloc_used_memory(), used + (size_t)UNSEEN + 1000);
	ck_assert_uint_ge(zmalloc_peak_memory(), zmalloc_used_memory());
	end(thread);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

START_TEST(test_the_peak_is_right_when_a_thread_got_past_its_ceiling)
{
	size_t used = zmalloc_used_memory();
	pthread_t thread = begin();

	ck_assert_uint_ge(zmalloc_peak_memory(), used + (size_t)UNSEEN + 1000);
	end(thread);
}
END_TEST

/* ---- Between a record and its owner ---------------------------------------------------------- */

#if defined(HAVE_DLADDR) && defined(RTLD_NEXT) && !SANITIZED

/*
 * pthread_setspecific() may call malloc(), which may be built on ours: the thread has a record by then, and
 * is not its owner yet.
 */
static void (*while_not_an_owner)(void);

int pthread_setspecific(pthread_key_t key, const void *value)
{
	static int (*function)(pthread_key_t, const void *);
	void (*act)(void) = while_not_an_owner;

	if (function == NULL)
		*(void **)&function = dlsym(RTLD_NEXT, "pthread_setspecific");
	/* An allocator has a key of its own. */
	if (act != NULL && key == zm_account.key) {
		while_not_an_owner = NULL;
		act();
	}
	return function(key, value);
}

enum {
	PIECES = 100
};

static void *piece[PIECES], *in_between;

static void fill_pieces(void)
{
	for (size_t i = 0; i < PIECES; i++)
		piece[i] = zmalloc(MIB);
}

static void *free_pieces(void *unused)
{
	for (size_t i = 0; i < PIECES; i++)
		zfree(piece[i]);
	return unused;
}

static void allocate_in_between(void)
{
	in_between = zmalloc(300 * KIB);
}

static void *join_the_account(void *own)
{
	while_not_an_owner = allocate_in_between;
	*(void **)own = zmalloc(100);
	while_not_an_owner = NULL;
	return NULL;
}

/* The record that the second thread takes is of one that freed 100 MiB of others. */
START_TEST(test_a_record_on_its_way_to_an_owner_is_no_memory_in_use)
{
	/* Other tests of this process may have raised the peak: it begins where used memory is at it. */
	void *base = zmalloc(zmalloc_peak_memory() - zmalloc_used_memory()), *own = NULL;
	size_t before = zmalloc_used_memory();

	fill_pieces();
	join_thread(start_thread(free_pieces, NULL));
	fill_pieces();
	join_thread(start_thread(join_the_account, &own));
	ck_assert_ptr_nonnull(in_between);
	ck_assert_uint_eq(zmalloc_used_memory(), before + PIECES * zmalloc_size(piece[0]) +
							 zmalloc_size(in_between) +
							 zmalloc_size(own));
	ck_assert_uint_le(zmalloc_peak_memory(), zmalloc_used_memory() + MIB);
	free_pieces(NULL);
	zfree(in_between);
	zfree(own);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
	zfree(base);
}
END_TEST

#else

START_TEST(test_a_record_on_its_way_to_an_owner_is_no_memory_in_use)
{
	skip_part("pthread_setspecific() cannot be stood in for");
}
END_TEST

#endif

/* ---- Records ---------------------------------------------------------------------------------- */

static void *use_and_end(void *unused)
{
	zfree(zmalloc(1000));
	return unused;
}

/* threshold.c: what is committed is the ceilings of the owned and the figures of the idle. */
static void check_invariant(void)
{
	ptrdiff_t committed = 0, room;

	zm_lock(&zm_account.lock);
	for (struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load(&chunk->next))
		for (size_t i = 0; i < ZM_CHUNK_COUNTERS; i++)
			committed += chunk->counters[i].owner != NULL
					     ? zm_load(&chunk->counters[i].granted_bytes)
					     : zm_load(&chunk->counters[i].net_bytes);
	committed -= zm_account.committed_bytes;
	room = zm_load(&zm_account.peak_bytes) - zm_load(&zm_account.ended_bytes) -
	       zm_account.committed_bytes;
	zm_unlock(&zm_account.lock);
	ck_assert_int_eq(committed, 0);
	ck_assert_int_ge(room, 0);
}

static void *leave_a_block(void *block)
{
	*(void **)block = zmalloc(100 * KIB);
	return NULL;
}

static void *free_and_leave(void *block)
{
	zfree(*(void **)block);
	return NULL;
}

START_TEST(test_records_that_change_hands_stay_committed)
{
	size_t used = zmalloc_used_memory();
	void *block[3], *large = zmalloc(3 * MIB);

	check_invariant();
	for (size_t i = 0; i < COUNT_OF(block); i++) {
		join_thread(start_thread(leave_a_block, &block[i]));
		check_invariant();
	}
	zfree(large);
	for (size_t i = 0; i < COUNT_OF(block); i++) {
		join_thread(start_thread(free_and_leave, &block[i]));
		check_invariant();
	}
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

static size_t records_taken(void)
{
	size_t taken = 0;

	for (struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load(&chunk->next))
		taken += zm_load(&chunk->used);
	return taken;
}

START_TEST(test_threads_that_come_and_go_share_a_record)
{
	size_t taken;

	join_thread(start_thread(use_and_end, NULL));
	taken = records_taken();
	for (int i = 0; i < 2 * ZM_CHUNK_COUNTERS; i++)
		join_thread(start_thread(use_and_end, NULL));
	ck_assert_uint_eq(records_taken(), taken);
}
END_TEST

/*
 * A sum whose figures are of different moments may have a block twice, or a free without its block.
 * An idle record, which no one else moves, stands in for both.
 */
START_TEST(test_used_memory_is_between_nought_and_the_peak)
{
	void *block = zmalloc(100 * KIB);
	struct zm_counter *idle;
	ptrdiff_t net;

	join_thread(start_thread(use_and_end, NULL));
	idle = zm_account.idle;
	ck_assert_ptr_nonnull(idle);
	net = zm_load(&idle->net_bytes);
	zm_store(&idle->net_bytes, net + zm_load(&zm_account.peak_bytes) + (ptrdiff_t)MIB);
	ck_assert_uint_eq(zmalloc_used_memory(), zmalloc_peak_memory());
	zm_store(&idle->net_bytes, net - zm_load(&zm_account.peak_bytes) - (ptrdiff_t)MIB);
	ck_assert_uint_eq(zmalloc_used_memory(), 0);
	zm_store(&idle->net_bytes, net);
	ck_assert_uint_ge(zmalloc_used_memory(), 100 * KIB);
	zfree(block);
}
END_TEST

/* ---- How often ---------------------------------------------------------------------------------- */

static size_t passes;

static void count_pass(void)
{
	passes++;
}

/* What comes by there takes a lock: each visit has to last for a good many blocks. */
START_TEST(test_the_cold_path_is_rare)
{
	static const struct zm_client client = {.passed = count_pass};
	static void *block[4096];
	size_t below = zmalloc_peak_memory() - zmalloc_used_memory();
	void *base = zmalloc(below + MIB);

	passes = 0;
	zm_client_set(ZM_CLIENT_PUBLISH, &client);
	for (size_t i = 0; i < COUNT_OF(block); i++)
		block[i] = zmalloc(KIB);
	zm_client_set(ZM_CLIENT_PUBLISH, NULL);
	ck_assert_uint_ge(passes, COUNT_OF(block) * KIB / (128 * KIB));
	ck_assert_uint_le(passes, COUNT_OF(block) * KIB / (32 * KIB));
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
	zfree(base);
}
END_TEST

/* ---- The first arena ------------------------------------------------------------------------ */

/* The library may be compiled otherwise than this file: only the first member is known to be where it is. */
static struct zm_thread *unreachable;
static size_t page;
static bool second_returned, second_may_end;

/* The first maker is held here, on its way through the threads; the second has all the time it needs. */
static void hold_the_first(int signal, siginfo_t *info, void *context)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	(void)signal, (void)context;
	if ((char *)info->si_addr < (char *)unreachable ||
	    (char *)info->si_addr >= (char *)unreachable + page)
		_exit(98);
	__atomic_store_n(&second_may_end, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 50; i++) {
		if (__atomic_load_n(&second_returned, __ATOMIC_ACQUIRE))
			_exit(97);
		nanosleep(&pause, NULL);
	}
	mprotect(unreachable, page, PROT_READ | PROT_WRITE);
}

static void *make_first(void *unused)
{
	REQUIRE(zarena_create() != NULL);
	return unused;
}

static void *make_second(void *unused)
{
	while (!__atomic_load_n(&second_may_end, __ATOMIC_ACQUIRE))
		sched_yield();
	REQUIRE(zarena_create() != NULL);
	__atomic_store_n(&second_returned, true, __ATOMIC_RELEASE);
	return unused;
}

static void make_two_arenas(void *unused)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO};
	size_t last = 5;
	pthread_t first, second;

	(void)unused;
	alarm(CHILD_ALARM);
	action.sa_sigaction = hold_the_first;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	zfree(zmalloc(1));
	page = (size_t)sysconf(_SC_PAGESIZE);
	unreachable = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE((void *)unreachable != MAP_FAILED);
	unreachable->counter = &zm_no_counter;
	/* A thread of the account whose own memory cannot be written yet. */
	zm_account.first.counters[last].owner = unreachable;
	mprotect(unreachable, page, PROT_NONE);
	second = start_thread(make_second, NULL);
	first = start_thread(make_first, NULL);
	join_thread(first);
	join_thread(second);
	REQUIRE(second_may_end && second_returned);
	zm_account.first.counters[last].owner = NULL;
}

START_TEST(test_nobody_has_an_arena_before_all_threads_are_told)
{
	if (under_checker())
		skip_part("the checker minds a fault");
	else if (zm_load(&zm_account.routed))
		skip_part("there was an arena in this process");
	else
		run_child_ok(make_two_arenas, NULL);
}
END_TEST

/* ---- Once ----------------------------------------------------------------------------------- */

static struct zm_once once;
static int made;
static bool inner_answer;
static struct barrier in_the_middle;

static void make_within(void)
{
	inner_answer = zm_once(&once, make_within);
	made++;
}

START_TEST(test_a_call_out_of_what_is_made_once_comes_back)
{
	once = (struct zm_once){0};
	made = 0;
	inner_answer = true;
	ck_assert(zm_once(&once, make_within));
	ck_assert(!inner_answer);
	ck_assert(zm_once(&once, make_within));
	ck_assert_int_eq(made, 1);
}
END_TEST

static void make_slowly(void)
{
	const struct timespec pause = {.tv_nsec = 200000000};

	barrier_wait(&in_the_middle);
	nanosleep(&pause, NULL);
	made++;
}

static void *make(void *unused)
{
	REQUIRE(zm_once(&once, make_slowly));
	return unused;
}

static void find_it_made(void *unused)
{
	(void)unused;
	alarm(CHILD_ALARM);
	REQUIRE_EQ(made, 1);
	REQUIRE(zm_once(&once, make_within));
	REQUIRE_EQ(made, 1);
}

START_TEST(test_a_fork_waits_for_what_is_made_once)
{
	pthread_t thread;

	if (under_checker()) {
		skip_part("a child loses threads' stacks and locks, which checkers mind");
		return;
	}
	once = (struct zm_once){0};
	made = 0;
	zfree(zmalloc(1));
	barrier_init(&in_the_middle, 2);
	thread = start_thread(make, NULL);
	barrier_wait(&in_the_middle);
	run_child_ok(find_it_made, NULL);
	join_thread(thread);
	barrier_done(&in_the_middle);
}
END_TEST

/* What the adaptor found out at the beginning stays as it is: changed by hand here, to tell. */
START_TEST(test_the_allocator_begins_once)
{
#if defined(ZM_ALLOCATOR_SIZE_MAP_H)
	bool before = zm_size_map.known;

	zm_size_map.known = !before;
	zm_allocator_init();
	ck_assert(zm_size_map.known != before);
	zm_size_map.known = before;
#elif defined(ZM_LIBC_CHUNKS)
	bool before = zm_libc_chunks_known;

	zm_libc_chunks_known = !before;
	zm_allocator_init();
	ck_assert(zm_libc_chunks_known != before);
	zm_libc_chunks_known = before;
#else
	zm_allocator_init();
#endif
}
END_TEST

/* ---- Frees that have to be seen ----------------------------------------------------------------- */

#if ZM_RAW_WATCHES

/* Blocks of one size, until one of them begins in the same page as the first, which a free of either tells. */
struct neighbours {
	void *first, *second;
};

static struct neighbours make_neighbours(void)
{
	struct neighbours pair = {.first = zmalloc(100)};
	void *others[1000];
	size_t count = 0;

	while ((pair.second = zmalloc(100),
		((uintptr_t)pair.first ^ (uintptr_t)pair.second) >= ZM_WATCH_BYTES)) {
		ck_assert(count < 1000);
		others[count++] = pair.second;
	}
	while (count != 0)
		zfree(others[--count]);
	return pair;
}

static bool is_quick(const void *ptr)
{
	size_t bytes;
	bool quick = zm_raw_charged_quickly(ptr, &bytes);

	ck_assert(!quick || bytes == zm_raw_charged(ptr));
	return quick;
}

static void expect_watched(const void *ptr)
{
	size_t bytes;

	ck_assert(!is_quick(ptr));
	ck_assert(zm_raw_charged_watched(ptr, &bytes));
	ck_assert_uint_eq(bytes, zm_raw_charged(ptr));
}

#endif

START_TEST(test_what_is_noted_ends_no_watch)
{
#if ZM_RAW_WATCHES
	struct neighbours pair = make_neighbours();

	ck_assert(is_quick(pair.first));
	zm_mark(pair.first);
	zm_mark(pair.second);
	expect_watched(pair.first);
	zfree(zmalloc(100));
	zm_raw_charged(pair.second);
	expect_watched(pair.first);
	zm_unmark(pair.first);
	if (zm_is_marked(pair.second)) {
		expect_watched(pair.first);
		zm_unmark(pair.second);
	}
	ck_assert(is_quick(pair.first));
	zfree(pair.first);
	zfree(pair.second);
#endif
}
END_TEST

#if ZM_RAW_WATCHES

/* No block need be there: marks and what is watched go by addresses. */
static bool is_watched(const char *address)
{
	return zm_size_map_is_watched(zm_load(zm_size_map_at(address)));
}

#endif

/* Marks come round sooner than what is watched: 256 MiB away another page has the same. */
START_TEST(test_who_shares_marks_is_not_left_watched)
{
#if ZM_RAW_WATCHES
	const char *first = (const char *)((uintptr_t)1 << 40) + ZM_WATCH_BYTES,
		   *second = first + ((uintptr_t)1 << (ZM_MARK_BITS + ZM_MARK_SHIFT)) + 1024;

	zm_mark(first);
	zm_mark(second);
	zm_unmark(first);
	ck_assert(is_watched(second));
	zm_unmark(second);
	ck_assert(!is_watched(second));
	ck_assert(!is_watched(first));
#endif
}
END_TEST

START_TEST(test_nothing_is_watched_after_a_profile)
{
#if ZM_RAW_WATCHES
	void *ptr;

	ck_assert_int_eq(zmalloc_profile_start(1), 0);
	ptr = zmalloc(100);
	expect_watched(ptr);
	ck_assert_int_eq(zmalloc_profile_stop(), 0);
	ck_assert(is_quick(ptr));
	zfree(ptr);
#endif
}
END_TEST

/* ---- Sizes -------------------------------------------------------------------------------------- */

/* Else every size would be asked for by a call. */
START_TEST(test_glibcs_sizes_are_read)
{
#if defined(ZM_LIBC_CHUNKS)
	if (under_checker() || !malloc_is_the_c_librarys())
		skip_part("another malloc() stands before glibc's");
	else
		ck_assert(zm_libc_chunks_known);
#endif
}
END_TEST

/* ---- A room that joins while a fork takes the others ----------------------------------------- */

static int taken, let_go;

static void take(void)
{
	taken++;
}

static void let_go_of(void)
{
	let_go++;
}

static void join_late(void)
{
	static const struct zm_fork_room room = {take, let_go_of, let_go_of};

	zm_fork_join(ZM_FORK_PUBLISH, &room);
}

static void join_within(void)
{
	static struct zm_once late;

	zm_once(&late, join_late);
}

static void nothing(void)
{
}

static void look_in_child(void *unused)
{
	(void)unused;
	REQUIRE_EQ(taken, let_go);
}

/* FIGURES comes after PUBLISH, which has been passed by then. */
static void join_figures(void)
{
	static const struct zm_fork_room joining = {join_within, nothing, nothing};

	zm_fork_join(ZM_FORK_FIGURES, &joining);
}

START_TEST(test_a_room_that_joins_in_a_fork_is_of_it)
{
	static struct zm_once joined;

	zm_once(&joined, join_figures);
	run_child_ok(look_in_child, NULL);
	ck_assert_int_eq(taken, let_go);
	ck_assert_int_gt(taken, 0);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("account_edges");

	tcase_add_test(tests, test_nobody_has_an_arena_before_all_threads_are_told);
	tcase_add_test(tests, test_a_child_counts_a_lost_thread_past_its_ceiling);
	tcase_add_test(tests, test_used_memory_is_right_when_a_thread_got_past_its_ceiling);
	tcase_add_test(tests, test_the_peak_is_right_when_a_thread_got_past_its_ceiling);
	tcase_add_test(tests, test_a_record_on_its_way_to_an_owner_is_no_memory_in_use);
	tcase_add_test(tests, test_records_that_change_hands_stay_committed);
	tcase_add_test(tests, test_threads_that_come_and_go_share_a_record);
	tcase_add_test(tests, test_used_memory_is_between_nought_and_the_peak);
	tcase_add_test(tests, test_the_cold_path_is_rare);
	tcase_add_test(tests, test_what_is_noted_ends_no_watch);
	tcase_add_test(tests, test_who_shares_marks_is_not_left_watched);
	tcase_add_test(tests, test_nothing_is_watched_after_a_profile);
	tcase_add_test(tests, test_glibcs_sizes_are_read);
	tcase_add_test(tests, test_a_call_out_of_what_is_made_once_comes_back);
	tcase_add_test(tests, test_a_fork_waits_for_what_is_made_once);
	tcase_add_test(tests, test_the_allocator_begins_once);
	tcase_add_test(tests, test_a_room_that_joins_in_a_fork_is_of_it);
	return run_tests(tests);
}
