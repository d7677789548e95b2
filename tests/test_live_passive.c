/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_live_passive.c - a process that shows itself without a thread that answers: how old its figures
 * are while it works, and while it does not.
 */
#include "config.h"

#include "tests/support.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zmalloc/arena.h>
#include <zmalloc/limit.h>
#include <zmalloc/process.h>
#include <zmalloc/redis.h>

#include "account/client.h"
#include "live/ask.h"
#include "live/page.h"
#include "live/publish.h"
#include "tests/refuse.h"

enum {
	PACE_MS = 90,    /* publish.c */
	LATEST_MS = 100, /* what zmalloc/stats.h says */
	TRY_MS = 250,
	TRIES = 40,
	THREADS = 4
};

static void publish_passively(void)
{
	setenv("ZMALLOC_PUBLISH", "passive", 1);
	zm_publish_at_start();
}

/* ---- Looking at the own page ---- */

static struct zm_ask own;

static void open_own(void)
{
	publish_passively();
	REQUIRE_EQ(zm_ask_open(getpid(), &own), 0);
	REQUIRE(own.page != NULL && own.way == ZMALLOC_PROCESS_PASSIVE);
}

static struct zm_published look(void)
{
	REQUIRE_EQ(zm_published_copy(own.fd, &own.copy), 0);
	return own.copy;
}

static uint32_t sequence_of_page(void)
{
	look();
	return zm_load(&own.copy.sequence);
}

static void pair(size_t bytes)
{
	zfree(opaque(zmalloc(bytes)));
}

/* ---- A time of the test's own ---- */

/* clock_gettime() shows it to the library, on the thread that has it: it moves when the test says so. */
static _Thread_local bool has_own_time;
static uint64_t own_ms;

#if defined(HAVE_DLADDR) && defined(RTLD_NEXT) && !SANITIZED

static bool is_monotonic(clockid_t clock)
{
	return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE;
}

static int ask_the_system(clockid_t clock, struct timespec *now)
{
	static int (*the_systems)(clockid_t clock, struct timespec * now);

	if (the_systems == NULL)
		*(void **)&the_systems = dlsym(RTLD_NEXT, "clock_gettime");
	return the_systems(clock, now);
}

__attribute__((__visibility__("default"))) int clock_gettime(clockid_t clock, struct timespec *now)
{
	int answer = ask_the_system(clock, now);

	if (has_own_time && (is_monotonic(clock) || clock == CLOCK_THREAD_CPUTIME_ID)) {
		now->tv_sec = (time_t)(own_ms / 1000);
		now->tv_nsec = (long)(own_ms % 1000) * 1000000;
	}
	return answer;
}

#endif

/* False: the library's calls cannot be stood in for. */
static bool begin_own_time(void)
{
	uint32_t before;

	own_ms = UINT64_C(3600) * 24 * 1000 * 1000;
	has_own_time = true;
	REQUIRE_EQ(zmalloc_stats_publish(), 0);
	before = sequence_of_page();
	own_ms += PACE_MS;
	pair(16);
	if (sequence_of_page() != before && !under_checker())
		return true;
	skip_part("the library's clock cannot be stood in for");
	has_own_time = false;
	return false;
}

/* ---- Every call looks whether it is time ---- */

static void *block;

static void take(void)
{
	block = zmalloc(100);
}

/* Blocks that begin a page may be freed by another way than others (lib/allocator). */
static void take_inside_a_page(void)
{
	void *other = zmalloc(100);

	block = zmalloc(100);
	if ((uintptr_t)block % 4096 == 0) {
		void *first = block;

		block = other;
		other = first;
	}
	zfree(other);
}

static void take_none(void)
{
	block = NULL;
}

static void let_go(void)
{
	zfree(block);
	block = NULL;
}

static void get(void)
{
	block = zmalloc(100);
}

static void get_much(void)
{
	block = ztrymalloc(3 * MIB);
}

static void get_zeroed(void)
{
	block = zcalloc(1);
}

static void get_aligned(void)
{
	block = zmalloc_aligned(64, 100);
}

static void get_with_flags(void)
{
	block = zmalloc_with_flags(100, 0);
}

static void get_with_usable(void)
{
	size_t usable;

	block = zmalloc_usable(100, &usable);
}

static void get_string(void)
{
	block = zstrdup("a string");
}

static void resize_in_place(void)
{
	block = zrealloc(block, 101);
}

static void resize(void)
{
	block = ztryrealloc(block, 5000);
}

static void resize_with_flags(void)
{
	block = zrealloc_with_flags(block, 5000, 0);
}

static void let_go_with_size(void)
{
	zfree_with_size(block, 100);
	block = NULL;
}

static void let_go_with_usable(void)
{
	size_t usable;

	zfree_usable(block, &usable);
	block = NULL;
}

static void let_go_with_flags(void)
{
	zfree_with_flags(block, 0);
	block = NULL;
}

static zarena *arena;

static void fill_arena(void)
{
	if (arena == NULL)
		arena = zarena_create();
	opaque(zarena_malloc(arena, 100));
}

static void reset_arena(void)
{
	REQUIRE_EQ(zarena_reset(arena), 0);
}

static void end_arena(void)
{
	REQUIRE_EQ(zarena_destroy(arena), 0);
	arena = NULL;
}

struct call {
	const char *name;
	void (*before)(void), (*call)(void);
};

static const struct call calls[] = {
	{"zmalloc", take_none, get},
	{"ztrymalloc", take_none, get_much},
	{"zcalloc", take_none, get_zeroed},
	{"zmalloc_aligned", take_none, get_aligned},
	{"zmalloc_with_flags", take_none, get_with_flags},
	{"zmalloc_usable", take_none, get_with_usable},
	{"zstrdup", take_none, get_string},
	{"zrealloc", take, resize_in_place},
	{"ztryrealloc", take, resize},
	{"zrealloc_with_flags", take, resize_with_flags},
	{"zfree", take, let_go},
	{"zfree_with_size", take, let_go_with_size},
	{"zfree_with_size, inside a page", take_inside_a_page, let_go_with_size},
	{"zfree_usable", take, let_go_with_usable},
	{"zfree_with_flags", take, let_go_with_flags},
};

static const struct call of_arenas[] = {
	{"zarena_reset", fill_arena, reset_arena},
	{"zarena_destroy", fill_arena, end_arena},
};

/* So many milliseconds after the page was renewed. */
static unsigned renewals_after(unsigned ms, const struct call *call)
{
	unsigned renewals;
	uint32_t sequence;

	call->before();
	REQUIRE_EQ(zmalloc_stats_publish(), 0);
	sequence = sequence_of_page();
	own_ms += ms;
	errno = 77;
	call->call();
	/* A free keeps it. */
	REQUIRE(call->before != take || block != NULL || errno == 77);
	renewals = (sequence_of_page() - sequence) / 2;
	let_go();
	return renewals;
}

static void renew_by(const struct call *call)
{
	if (renewals_after(PACE_MS - 1, call) == 0 && renewals_after(PACE_MS, call) == 1)
		return;
	fprintf(stderr, "by %s() ", call->name);
	REQUIRE(!"the page is renewed when it is time");
}

static void renew_by_each_call(void)
{
	for (size_t i = 0; i < COUNT_OF(calls); i++)
		renew_by(&calls[i]);
}

static void *renew_on_another_thread(void *unused)
{
	has_own_time = true;
	renew_by_each_call();
	return unused;
}

static void renew_in_time(void *unused)
{
	pthread_t thread;

	(void)unused;
	open_own();
	if (!begin_own_time())
		return;
	renew_by_each_call();
	thread = start_thread(renew_on_another_thread, NULL);
	pthread_join(thread, NULL);
	/* From here on threads free by another way. */
	fill_arena();
	renew_by(&of_arenas[0]);
	renew_by(&of_arenas[1]);
	renew_by_each_call();
}

START_TEST(test_the_first_call_after_the_pace_renews_the_figures)
{
	run_child_ok(renew_in_time, NULL);
}
END_TEST

/* ---- As time goes ---- */

/*
 * Ages are compared by the kernel's coarse clock, which the library goes by too: then neither a thread nor a
 * whole machine that was put aside makes a figure look late that is not. What still may is a renewal
 * that another thread was put aside in, or that took so long that the next is due later. So some work
 * is right if in one of many tries no call of it was late; a fault makes each try late.
 */
static ZM_ATOMIC(unsigned) late;
static ZM_ATOMIC(bool) stop;

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Of figures that a call left which began at that time. The word is read in one piece. */
static void expect_fresh(uint64_t begun_ms)
{
	const ZM_ATOMIC(uint64_t) *updated_ms =
		(const ZM_ATOMIC(uint64_t) *)&own.page->front.published.updated_ms;

	if (begun_ms > zm_load(updated_ms) + LATEST_MS)
		zm_fetch_add(&late, 1);
}

static void *work_until_stopped(void *bytes)
{
	while (!zm_load(&stop)) {
		uint64_t begun_ms = clock_ms();

		pair((size_t)(uintptr_t)bytes);
		expect_fresh(begun_ms);
	}
	return NULL;
}

/* Tiny blocks and large ones: no thread's figure goes anywhere. */
static void try_with_threads(size_t threads)
{
	pthread_t thread[THREADS];

	zm_store(&stop, false);
	zm_store(&late, 0);
	REQUIRE_EQ(zmalloc_stats_publish(), 0);
	for (size_t i = 0; i < threads; i++)
		thread[i] = start_thread(work_until_stopped,
					 (void *)(uintptr_t)(i % 2 == 0 ? 20 : 100 * KIB));
	usleep(TRY_MS * 1000);
	zm_store(&stop, true);
	for (size_t i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
}

static void work_with_threads(void *threads)
{
	open_own();
	for (int i = 0; i < TRIES; i++) {
		try_with_threads(*(size_t *)threads);
		if (zm_load(&late) == 0)
			return;
	}
	REQUIRE_EQ(zm_load(&late), 0);
}

START_TEST(test_who_works_shows_figures_of_the_last_tenth_of_a_second)
{
	size_t one = 1, some = THREADS;

	/* A renewal takes milliseconds there, and the next is due a hundred times later. */
	if (under_checker()) {
		skip_part("figures take long here, and are renewed accordingly");
		return;
	}
	run_child_ok(work_with_threads, &one);
	run_child_ok(work_with_threads, &some);
}
END_TEST

/* ---- What the figures are ---- */

/* Slow machines and checkers: until it is renewed, for a minute at most. */
static void work_until_renewed(uint64_t updated_ms)
{
	for (int i = 0; i < 600 && look().updated_ms == updated_ms; i++) {
		usleep(100000);
		pair(16);
	}
	REQUIRE(look().updated_ms > updated_ms);
}

static void idle_then_work(void *unused)
{
	struct zmalloc_process seen = {.size = sizeof(seen)};
	uint64_t updated_ms;

	(void)unused;
	open_own();
	updated_ms = look().updated_ms;
	usleep(300000);
	/* Nobody has worked, so nobody has renewed it; who looks is told how old it is. */
	REQUIRE_EQ(zmalloc_process_ask(getpid(), 1000, &seen), 0);
	REQUIRE_EQ(seen.updated_ms, updated_ms);
	REQUIRE(clock_ms() >= seen.updated_ms + 280);
	/* Far from any threshold. The one block that is larger is told from pairs. */
	block = zmalloc(1000);
	work_until_renewed(updated_ms);
	REQUIRE_EQ(zmalloc_process_ask(getpid(), 1000, &seen), 0);
	REQUIRE(seen.stats.used_bytes >= zmalloc_used_memory());
	REQUIRE(seen.stats.used_bytes <= zmalloc_used_memory() + 64);
	zfree(block);
}

START_TEST(test_who_is_idle_shows_how_old_its_figures_are)
{
	run_child_ok(idle_then_work, NULL);
}
END_TEST

static void be_exact(void *unused)
{
	ptrdiff_t before = zmalloc_thread_used_memory();

	(void)unused;
	publish_passively();
	take();
	REQUIRE_EQ(zmalloc_thread_used_memory() - before, zmalloc_size(block));
	resize();
	REQUIRE_EQ(zmalloc_thread_used_memory() - before, zmalloc_size(block));
	errno = 77;
	let_go();
	REQUIRE_EQ(errno, 77);
	REQUIRE_EQ(zmalloc_thread_used_memory(), before);
	/* A limit is told from what goes by time. */
	REQUIRE_EQ(zmalloc_limit_set(zmalloc_used_memory() + MIB), 0);
	REQUIRE(ztrymalloc(2 * MIB) == NULL);
	block = ztrymalloc(MIB / 2);
	REQUIRE(block != NULL);
	REQUIRE(ztryrealloc(block, 2 * MIB) == NULL);
	let_go();
	REQUIRE_EQ(zmalloc_thread_used_memory(), before);
}

START_TEST(test_the_account_is_as_exact)
{
	run_child_ok(be_exact, NULL);
}
END_TEST

static void give_it_up(void *unused)
{
	(void)unused;
	publish_passively();
	REQUIRE_EQ(zm_clients_need(), ZM_CLIENT_TICKS);
	REQUIRE(zm_load(&zm_clients_tick) != NULL);
	REQUIRE_EQ(zmalloc_stats_unpublish(), 0);
	REQUIRE_EQ(zm_clients_need(), 0);
	REQUIRE(zm_load(&zm_clients_tick) == NULL);
}

START_TEST(test_who_shows_nothing_more_pays_nothing_more)
{
	run_child_ok(give_it_up, NULL);
}
END_TEST

/* ---- Fork, and closed descriptors ---- */

static bool shows_itself(void)
{
	struct zmalloc_process seen = {.size = sizeof(seen)};

	return zmalloc_process_ask(getpid(), 1000, &seen) == 0;
}

/* Most children run another program: one that does little has no page made for it. */
static void pass_a_threshold_first(void *unused)
{
	(void)unused;
	for (int i = 0; i < 10; i++)
		pair(16);
	REQUIRE(!shows_itself());
	block = zmalloc(64 * MIB);
	REQUIRE(shows_itself());
	REQUIRE_EQ(zm_ask_open(getpid(), &own), 0);
	work_until_renewed(look().updated_ms);
	zfree(block);
}

static void have_a_child(void *unused)
{
	(void)unused;
	publish_passively();
	run_child_ok(pass_a_threshold_first, NULL);
	REQUIRE(shows_itself());
}

START_TEST(test_a_child_shows_itself_in_time_too)
{
	run_child_ok(have_a_child, NULL);
}
END_TEST

static void close_all(void *unused)
{
	(void)unused;
	publish_passively();
	for (int fd = 3; fd < 4096; fd++)
		close(fd);
	REQUIRE(!shows_itself());
	for (int i = 0; i < 600 && !shows_itself(); i++) {
		usleep(100000);
		pair(16);
	}
	REQUIRE(shows_itself());
}

START_TEST(test_who_closes_all_descriptors_is_seen_again)
{
	run_child_ok(close_all, NULL);
}
END_TEST

/* ---- As a file ---- */

static uint64_t updated_ms_of_file(void)
{
	struct zmalloc_process seen = {.size = sizeof(seen)};

	REQUIRE_EQ(zmalloc_process_read(getpid(), &seen), 0);
	return seen.updated_ms;
}

/* Without memory files a process is passive, whatever it asks for. */
static void work_with_a_file(void *unused)
{
	uint64_t updated_ms;

	(void)unused;
	if (!refuse_memory_files())
		return;
	REQUIRE_EQ(zmalloc_stats_publish(), 0);
	updated_ms = updated_ms_of_file();
	for (int i = 0; i < 600 && updated_ms_of_file() == updated_ms; i++) {
		usleep(100000);
		pair(16);
	}
	REQUIRE(updated_ms_of_file() > updated_ms);
	REQUIRE_EQ(zmalloc_stats_unpublish(), 0);
}

START_TEST(test_a_file_is_renewed_in_time_too)
{
	run_child_ok(work_with_a_file, NULL);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("live_passive");

	if (access("/proc/self/fd", R_OK) != 0)
		skip_program("there is no /proc here, in which to look");
	if (zmalloc_stats_publish() != 0)
		skip_program("this system has no memory that other processes find");
	zmalloc_stats_unpublish();
	tcase_add_test(tests, test_the_first_call_after_the_pace_renews_the_figures);
	tcase_add_test(tests, test_who_works_shows_figures_of_the_last_tenth_of_a_second);
	tcase_add_test(tests, test_who_is_idle_shows_how_old_its_figures_are);
	tcase_add_test(tests, test_the_account_is_as_exact);
	tcase_add_test(tests, test_who_shows_nothing_more_pays_nothing_more);
	tcase_add_test(tests, test_a_child_shows_itself_in_time_too);
	tcase_add_test(tests, test_who_closes_all_descriptors_is_seen_again);
	tcase_add_test(tests, test_a_file_is_renewed_in_time_too);
	return run_tests(tests);
}
