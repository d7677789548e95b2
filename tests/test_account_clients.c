/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_account_clients.c - several clients at once: each has its questions answered, in the order of
 * the table, and threads go the slow way for as long as one of them wants it.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/defrag.h>
#include <zmalloc/limit.h>
#include <zmalloc/redis.h>
#include <zmalloc/stats.h>

#include "lib/account/client.h"
#include "lib/account/state.h"
#include "tests/defrag_blocks.h"

/* ---- Who is asked, and when ---------------------------------------------------------------------- */

static char said[64];

static void say(char letter)
{
	size_t length = strlen(said);

	REQUIRE(length + 1 < sizeof(said));
	said[length] = letter;
	said[length + 1] = '\0';
	errno = 88;
}

static void say_nothing_yet(void)
{
	memset(said, 0, sizeof(said));
	errno = 77;
}

static void *kept;

static bool grow_first(size_t bytes)
{
	(void)bytes;
	say('g');
	return true;
}

static bool refuses;

static bool grow_last(size_t bytes)
{
	(void)bytes;
	say('G');
	return !refuses;
}

static void *born_first(void *ptr)
{
	say('b');
	return ptr;
}

static void *born_last(void *ptr)
{
	say('B');
	return ptr;
}

static bool holds;

static bool died_first(void *ptr, bool held)
{
	REQUIRE_EQ(held, holds);
	(void)ptr;
	say('d');
	return held;
}

/* Comes first, as it is the last to see a new block. */
static bool died_last(void *ptr, bool held)
{
	REQUIRE(!held);
	say('D');
	if (holds)
		kept = ptr;
	return holds;
}

static void pass_first(void)
{
	say('p');
}

static void pass_last(void)
{
	say('P');
}

enum {
	ALL = ZM_CLIENT_EVERY_CALL | ZM_CLIENT_EVERY_RESIZE
};
static const struct zm_client first = {.needs = ALL,
				       .may_grow = grow_first,
				       .born = born_first,
				       .died = died_first,
				       .passed = pass_first};
static const struct zm_client last = {.needs = ALL,
				      .may_grow = grow_last,
				      .born = born_last,
				      .died = died_last,
				      .passed = pass_last};
static const struct zm_client silent = {0};

static void set_both(const struct zm_client *early, const struct zm_client *late)
{
	zm_client_set(ZM_CLIENT_FAILURE, early);
	zm_client_set(ZM_CLIENT_PROFILE, late);
}

/* Used memory at the peak: the next large block passes the threshold. */
static void *go_to_the_peak(void)
{
	return zmalloc(zmalloc_peak_memory() - zmalloc_used_memory() + MIB);
}

START_TEST(test_clients_are_asked_in_the_order_of_the_table)
{
	void *base = go_to_the_peak(), *block;

	set_both(&first, &last);
	say_nothing_yet();
	block = zmalloc(MIB);
	ck_assert_str_eq(said, "gGpPbB");
	ck_assert_int_eq(errno, 77);
	say_nothing_yet();
	zfree(block);
	ck_assert_str_eq(said, "Dd");
	ck_assert_int_eq(errno, 77);
	/* Nobody's threshold. */
	say_nothing_yet();
	block = zmalloc(100);
	ck_assert_str_eq(said, "gGbB");
	ck_assert_int_eq(errno, 77);
	say_nothing_yet();
	block = zrealloc(block, 5000);
	ck_assert_str_eq(said, "gGbBDd");
	say_nothing_yet();
	zfree_with_size(block, 5000);
	ck_assert_str_eq(said, "Dd");
	set_both(NULL, NULL);
	say_nothing_yet();
	zfree(zmalloc(MIB));
	ck_assert_str_eq(said, "");
	zfree(base);
}
END_TEST

START_TEST(test_one_refusal_is_enough)
{
	void *base = go_to_the_peak();

	set_both(&last, &first);
	refuses = true;
	say_nothing_yet();
	ck_assert_ptr_null(ztrymalloc(MIB));
	ck_assert_str_eq(said, "G");
	set_both(&first, &last);
	say_nothing_yet();
	ck_assert_ptr_null(ztrymalloc(MIB));
	ck_assert_str_eq(said, "gG");
	refuses = false;
	set_both(NULL, NULL);
	zfree(base);
}
END_TEST

/* Blocks of an arena are asked about, and are nobody's to replace or to hold. */
START_TEST(test_blocks_of_arenas_pass_unseen)
{
	zarena *arena = zarena_create();
	void *block, *base = go_to_the_peak();
	size_t used = zmalloc_used_memory();

	set_both(&first, &last);
	say_nothing_yet();
	block = zarena_malloc(arena, MIB);
	ck_assert_str_eq(said, "gGpP");
	say_nothing_yet();
	block = zarena_realloc(arena, block, 2 * MIB);
	ck_assert(strncmp(said, "gG", 2) == 0);
	ck_assert_ptr_null(strpbrk(said, "bBdD"));
	zarena_reset(arena);
	set_both(NULL, NULL);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	zarena_destroy(arena);
	zfree(base);
}
END_TEST

/* ---- A block that is held, and one that is replaced ---------------------------------------------- */

START_TEST(test_a_block_that_is_held_is_nobodys)
{
	size_t used = zmalloc_used_memory();
	void *block = zmalloc(1000), *next[100];

	set_both(&first, &last);
	holds = true;
	fill(block, 1000, 5);
	zfree(block);
	ck_assert_ptr_eq(kept, block);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	holds = false;
	for (size_t i = 0; i < COUNT_OF(next); i++) {
		say_nothing_yet();
		next[i] = zmalloc(1000);
		ck_assert_ptr_ne(next[i], block);
	}
	ck_assert(filled(block, 1000, 5));
	for (size_t i = 0; i < COUNT_OF(next); i++) {
		say_nothing_yet();
		zfree(next[i]);
	}
	set_both(NULL, NULL);
	zm_account_raw(-(ptrdiff_t)zm_raw_charged(block));
	zm_raw_free(block);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

static void *replaced_with;

static void *replace(void *ptr)
{
	size_t usable = zm_raw_usable(ptr);

	replaced_with = zm_raw_malloc(usable);
	REQUIRE(replaced_with != NULL && zm_raw_usable(replaced_with) == usable);
	memcpy(replaced_with, ptr, usable);
	zm_account_raw((ptrdiff_t)zm_raw_charged(replaced_with));
	zm_account_raw(-(ptrdiff_t)zm_raw_charged(ptr));
	zm_raw_free(ptr);
	return replaced_with;
}

static void *see_the_other(void *ptr)
{
	REQUIRE(ptr == replaced_with);
	say('B');
	return ptr;
}

START_TEST(test_a_block_is_replaced)
{
	static const struct zm_client replacing = {.needs = ZM_CLIENT_EVERY_CALL, .born = replace};
	static const struct zm_client seeing = {.needs = ZM_CLIENT_EVERY_CALL,
						.born = see_the_other};
	size_t used = zmalloc_used_memory();
	char *block;

	set_both(&replacing, &seeing);
	say_nothing_yet();
	block = zcalloc(1000);
	ck_assert_ptr_eq(block, replaced_with);
	ck_assert_str_eq(said, "B");
	ck_assert(all_zero(block, 1000));
	ck_assert_uint_eq(zmalloc_used_memory(), used + zmalloc_size(block));
	block = zrealloc(block, 3000);
	ck_assert(all_zero(block, 1000));
	zfree(block);
	set_both(NULL, NULL);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

/* ---- For what reason a thread is slow -------------------------------------------------------------- */

static struct barrier ask, answered;
static int other_slow; /* of another thread, or -1: it is to end */

static void *tell_how_slow(void *unused)
{
	zfree(zmalloc(1));
	for (;;) {
		barrier_wait(&ask);
		if (other_slow < 0)
			return unused;
		other_slow = zm_load(&zm_thread.slow);
		barrier_wait(&answered);
	}
}

static void both_are_slow(unsigned char reasons)
{
	unsigned char arenas = zm_load(&zm_account.routed) ? ZM_SLOW_ARENAS : 0;
	bool comes_by = (reasons & (ZM_SLOW_CALLS | ZM_SLOW_TICKS)) != 0;

	other_slow = 0;
	barrier_wait(&ask);
	barrier_wait(&answered);
	ck_assert_int_eq(zm_load(&zm_thread.slow), reasons | arenas);
	ck_assert_int_eq(other_slow, reasons | arenas);
#if ZM_RAW_COUNTS
	ck_assert_int_eq(zm_load(&zm_thread.ceiling_bytes) == PTRDIFF_MIN, comes_by);
#else
	ck_assert_int_eq(zm_load(&zm_thread.counter->ceiling_bytes) == PTRDIFF_MIN, comes_by);
#endif
}

static size_t ticks, more_ticks;

static void tick(void)
{
	ticks++;
}

static void tick_too(void)
{
	more_ticks++;
}

static const struct zm_client clock_client = {.needs = ZM_CLIENT_TICKS, .ticked = tick};
static const struct zm_client other_clock = {.needs = ZM_CLIENT_TICKS, .ticked = tick_too};

START_TEST(test_threads_are_slow_for_as_long_as_a_client_wants_it)
{
	static const struct zm_client calls = {.needs = ZM_CLIENT_EVERY_CALL};
	static const struct zm_client resizes = {.needs = ZM_CLIENT_EVERY_RESIZE};
	pthread_t thread;

	zfree(zmalloc(1));
	barrier_init(&ask, 2);
	barrier_init(&answered, 2);
	thread = start_thread(tell_how_slow, NULL);
	both_are_slow(0);
	set_both(&silent, &silent);
	both_are_slow(0);
	set_both(&calls, &resizes);
	both_are_slow(ZM_SLOW_CALLS | ZM_SLOW_RESIZES);
	set_both(NULL, &resizes);
	both_are_slow(ZM_SLOW_RESIZES);
	set_both(&calls, NULL);
	both_are_slow(ZM_SLOW_CALLS);
	set_both(&calls, &calls);
	set_both(NULL, &calls);
	both_are_slow(ZM_SLOW_CALLS);
	set_both(&clock_client, &calls);
	both_are_slow(ZM_SLOW_CALLS | ZM_SLOW_TICKS);
	set_both(&clock_client, NULL);
	both_are_slow(ZM_SLOW_TICKS);
	set_both(NULL, NULL);
	both_are_slow(0);
	other_slow = -1;
	barrier_wait(&ask);
	join_thread(thread);
	barrier_done(&ask);
	barrier_done(&answered);
}
END_TEST

/* A thread that joins by now is told the same. */
static void *join_late(void *unused)
{
	zfree(zmalloc(1));
	REQUIRE(zm_load(&zm_thread.slow) & ZM_SLOW_CALLS);
	return unused;
}

static void pairs_tick(size_t of_one, size_t of_other)
{
	ticks = more_ticks = 0;
	for (int i = 0; i < 10; i++)
		zfree(opaque(zmalloc(100)));
	ck_assert_uint_eq(ticks, of_one);
	ck_assert_uint_eq(more_ticks, of_other);
}

START_TEST(test_each_call_is_a_tick_to_all_who_go_by_time)
{
	static const struct zm_client calls = {.needs = ZM_CLIENT_EVERY_CALL};

	zfree(zmalloc(1));
	set_both(&clock_client, NULL);
	pairs_tick(20, 0);
	set_both(&clock_client, &other_clock);
	pairs_tick(20, 20);
	set_both(&calls, &other_clock);
	pairs_tick(0, 20);
	set_both(NULL, NULL);
	pairs_tick(0, 0);
}
END_TEST

static void *make_pairs(void *unused)
{
	zfree(opaque(zmalloc(100)));
	barrier_wait(&ask);
	barrier_wait(&answered);
	for (int i = 0; i < 10; i++)
		zfree(opaque(zmalloc(100)));
	barrier_wait(&ask);
	return unused;
}

START_TEST(test_a_tick_waits_for_nobody)
{
	pthread_t thread;

	barrier_init(&ask, 2);
	barrier_init(&answered, 2);
	thread = start_thread(make_pairs, NULL);
	barrier_wait(&ask);
	set_both(&clock_client, NULL);
	ticks = 0;
	zm_lock(&zm_account.lock);
	barrier_wait(&answered);
	barrier_wait(&ask);
	zm_unlock(&zm_account.lock);
	join_thread(thread);
	ck_assert_uint_eq(ticks, 20);
	set_both(NULL, NULL);
	barrier_done(&ask);
	barrier_done(&answered);
}
END_TEST

START_TEST(test_a_thread_that_joins_is_told)
{
	set_both(&first, NULL);
	say_nothing_yet();
	join_thread(start_thread(join_late, NULL));
	ck_assert_str_eq(said, "gbd");
	set_both(NULL, NULL);
}
END_TEST

/* A limit does not make frees slow. */
START_TEST(test_a_free_is_shown_to_who_wants_every_call_alone)
{
	static const struct zm_client growing = {.needs = ZM_CLIENT_EVERY_RESIZE,
						 .died = died_first};
	void *block = zmalloc(100);

	if (zm_load(&zm_account.routed)) {
		skip_part("there was an arena in this process");
		zfree(block);
		return;
	}
	set_both(&growing, NULL);
	say_nothing_yet();
	zfree(block);
	ck_assert_str_eq(said, "");
	set_both(NULL, NULL);
}
END_TEST

/* A block stays where it is if nobody wants it otherwise. */
START_TEST(test_a_resize_moves_for_those_who_see_blocks_alone)
{
	static const struct zm_client growing = {.needs = ALL, .may_grow = grow_first};
	static const struct zm_client seeing = {.needs = ZM_CLIENT_EVERY_CALL, .born = born_first};

	ck_assert(!zm_clients_have_blocks_move());
	set_both(&growing, NULL);
	ck_assert(zm_clients_may_refuse());
	ck_assert(!zm_clients_have_blocks_move());
	set_both(&seeing, NULL);
	ck_assert(!zm_clients_may_refuse());
	ck_assert(!zm_clients_have_blocks_move());
	set_both(&seeing, &last);
	ck_assert(zm_clients_have_blocks_move());
	set_both(&seeing, NULL);
	ck_assert(!zm_clients_have_blocks_move());
	set_both(NULL, NULL);
	ck_assert(zm_client_of(ZM_CLIENT_FAILURE) == NULL && zm_clients_need() == 0);
}
END_TEST

/* ---- Soft limits ------------------------------------------------------------------------------------- */

static size_t soft_calls;

static void count_soft(size_t limit_bytes, size_t used_bytes, void *argument)
{
	(void)limit_bytes, (void)used_bytes, (void)argument;
	REQUIRE(!zm_lock_is_any_mine());
	soft_calls++;
}

/* As inside a step of a defragmentation, or in a handler of fork(): see zm_lock_is_any_mine(). */
START_TEST(test_no_program_is_called_under_a_lock_of_ours)
{
	struct zm_lock lock = ZM_LOCK_INITIALIZER;
	void *base = go_to_the_peak();
	int number = zmalloc_soft_limit_add(zmalloc_used_memory() + MIB, 0, count_soft, NULL);
	void *block, *small[3];

	soft_calls = 0;
	for (size_t i = 0; i < COUNT_OF(small); i++) {
		zm_lock(&lock);
		if (i == 1)
			zm_lock(&lock);
		if (i == 2)
			zm_lock(&zm_account.lock);
		block = zmalloc(2 * MIB);
		zfree(zmalloc(100));
		ck_assert_uint_eq(soft_calls, 0);
		ck_assert_int_ge(zm_load(&zm_account.peak_bytes), zm_account_sum());
		if (i == 1)
			zm_unlock(&lock);
		if (i == 2)
			zm_unlock(&zm_account.lock);
		ck_assert(zm_lock_is_any_mine());
		small[i] = zmalloc(100);
		ck_assert_uint_eq(soft_calls, 0);
		zm_unlock(&lock);
		zfree(small[i]);
		/* The next that grows tells. */
		small[i] = zmalloc(200);
		ck_assert_uint_eq(soft_calls, 1);
		soft_calls = 0;
		zfree(block);
	}
	ck_assert_int_eq(zmalloc_soft_limit_remove(number), 0);
	for (size_t i = 0; i < COUNT_OF(small); i++)
		zfree(small[i]);
	zfree(base);
	ck_assert(zm_client_of(ZM_CLIENT_LIMIT) == NULL && zm_clients_need() == 0);
}
END_TEST

/* ---- Children ---------------------------------------------------------------------------------------- */

static size_t first_calls;
static const struct zm_client of_parent;

static void begin_child(void);

static void *begin_with_block(void *ptr)
{
	begin_child();
	return ptr;
}

static bool begin_with_free(void *ptr, bool held)
{
	(void)ptr;
	begin_child();
	return held;
}

static const struct zm_client of_child = {
	.needs = ZM_CLIENT_EVERY_CALL, .born = begin_with_block, .died = begin_with_free};
static const struct zm_client of_parent = {.in_child = &of_child};

static void begin_child(void)
{
	errno = 88;
	if (zm_client_replace(ZM_CLIENT_PURGE, &of_child, &of_parent))
		__atomic_fetch_add(&first_calls, 1, __ATOMIC_RELAXED);
}

static void go_on(void)
{
	void *block = NULL;

	for (int i = 0; i < 1000; i++) {
		block = zrealloc(block, 100 + (size_t)i);
		zfree(zmalloc(100));
	}
	zfree(block);
	REQUIRE_EQ(first_calls, 1);
	REQUIRE(!(zm_load(&zm_thread.slow) & ZM_SLOW_CALLS));
}

static void call_with_block(void *unused)
{
	(void)unused;
	REQUIRE_EQ(first_calls, 0);
	errno = 77;
	zfree(zmalloc(100));
	REQUIRE_EQ(errno, 77);
	REQUIRE_EQ(first_calls, 1);
	go_on();
}

static void call_with_free(void *block)
{
	REQUIRE_EQ(first_calls, 0);
	errno = 77;
	zfree(block);
	REQUIRE_EQ(errno, 77);
	go_on();
}

/* One that forks before its own first call. */
static void fork_at_once(void *unused)
{
	run_child_ok(call_with_block, unused);
	call_with_block(unused);
	first_calls = 0;
	run_child_ok(call_with_block, unused);
}

static void *call(void *unused)
{
	barrier_wait(&ask);
	zfree(zmalloc(100));
	return unused;
}

static void call_in_threads(void *unused)
{
	pthread_t thread[4];

	(void)unused;
	barrier_init(&ask, COUNT_OF(thread));
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		thread[i] = start_thread(call, NULL);
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		join_thread(thread[i]);
	go_on();
}

START_TEST(test_a_childs_first_call_is_told_once)
{
	void *block = zmalloc(100);

	first_calls = 0;
	zm_client_set(ZM_CLIENT_PURGE, &of_parent);
	run_child_ok(call_with_block, NULL);
	run_child_ok(call_with_free, block);
	run_child_ok(fork_at_once, NULL);
	if (children_start_threads())
		run_child_ok(call_in_threads, NULL);
	ck_assert_ptr_eq(zm_client_of(ZM_CLIENT_PURGE), &of_parent);
	ck_assert(!zm_client_replace(ZM_CLIENT_PURGE, &of_child, NULL));
	zm_client_set(ZM_CLIENT_PURGE, NULL);
	ck_assert_uint_eq(first_calls, 0);
	zfree(block);
}
END_TEST

/* ---- All at once -------------------------------------------------------------------------------------- */

/* A client that has the bytes of each block that lives: what is born less what has died is used memory. */
static ZM_ATOMIC(size_t) live_bytes, births;
static ZM_ATOMIC(size_t) refusals;

static void *count_birth(void *ptr)
{
	zm_fetch_add(&live_bytes, zm_raw_charged(ptr));
	zm_fetch_add(&births, 1);
	return ptr;
}

static bool count_death(void *ptr, bool held)
{
	zm_fetch_add(&live_bytes, -zm_raw_charged(ptr));
	return held;
}

static bool refuse_some(size_t bytes)
{
	if (bytes < MIB)
		return true;
	zm_fetch_add(&refusals, 1);
	return false;
}

static const struct zm_client counting = {.needs = ALL, .born = count_birth, .died = count_death};
static const struct zm_client refusing = {.needs = ALL, .may_grow = refuse_some};

static struct chance chance;

static void churn(struct blocks *blocks, zdefrag *d)
{
	struct held_block *block;
	size_t bytes = 1 + chance_below(&chance, 400);

	(void)d;
	if (chance_below(&chance, 4) != 0)
		return;
	block = &blocks->held[chance_below(&chance, blocks->count)];
	if (chance_below(&chance, 4) == 0) {
		block->at = zrealloc(block->at, bytes);
		block->bytes = (uint32_t)bytes;
		fill(block->at, bytes, block->seed);
		REQUIRE(ztryrealloc(block->at, 2 * MIB) == NULL);
	} else {
		blocks_replace(block, bytes, (uint32_t)chance_next(&chance));
	}
}

static void *churn_elsewhere(void *stop)
{
	struct chance own = chance_of(9);
	void *block[64] = {NULL};

	while (!__atomic_load_n((bool *)stop, __ATOMIC_ACQUIRE)) {
		size_t i = chance_below(&own, COUNT_OF(block));

		zfree(block[i]);
		block[i] = zmalloc(1 + chance_below(&own, 400));
		REQUIRE(ztrymalloc(2 * MIB) == NULL);
	}
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
	return NULL;
}

/* A cycle that holds and steers, a page that is renewed, and two of ours. */
START_TEST(test_publishing_and_defragmentation_and_two_more)
{
	struct blocks blocks = {.after_each = churn};
	struct zdefrag_stats stats;
	bool stop = false, is_published;
	pthread_t thread;
	size_t others, live;
	zdefrag *d;

	if (!zdefrag_supported() || !slabs_are_planned()) {
		skip_part("nothing can be defragmented here");
		return;
	}
	chance = chance_of(1);
	blocks_fill(&blocks, block_steps(200000, 20000), 400, 5);
	blocks_thin(&blocks, 40);
	is_published = zmalloc_stats_publish() == 0;
	d = blocks_driver(&blocks);
	others = zmalloc_used_memory() - blocks_bytes(&blocks);
	zm_store(&live_bytes, blocks_bytes(&blocks));
	zm_client_set(ZM_CLIENT_LIMIT, &refusing);
	zm_client_set(ZM_CLIENT_PROFILE, &counting);
	thread = start_thread(churn_elsewhere, &stop);
	ck_assert_int_eq(zdefrag_run(d), 0);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	join_thread(thread);
	live = zm_load(&live_bytes);
	zm_client_set(ZM_CLIENT_LIMIT, NULL);
	zm_client_set(ZM_CLIENT_PROFILE, NULL);
	blocks_check(&blocks);
	stats = stats_of(d);
	ck_assert_uint_gt(stats.moved, 0);
	ck_assert_uint_gt(stats.held_frees, 0);
	ck_assert_uint_gt(stats.steered, 0);
	ck_assert_uint_gt(zm_load(&births), 1000);
	ck_assert_uint_gt(zm_load(&refusals), 100);
	ck_assert_uint_eq(live, blocks_bytes(&blocks));
	ck_assert_uint_eq(zmalloc_used_memory(), others + blocks_bytes(&blocks));
	ck_assert_uint_eq(zm_account_held(), 0);
	if (is_published)
		zmalloc_stats_unpublish();
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

/* Blocks move while the program is at its hard limit and over a soft one. */
START_TEST(test_defragmentation_beside_limits)
{
	struct blocks blocks = {.after_each = churn};
	struct zdefrag_stats stats;
	size_t others;
	int number;
	zdefrag *d;

	if (!zdefrag_supported() || !slabs_are_planned()) {
		skip_part("nothing can be defragmented here");
		return;
	}
	chance = chance_of(2);
	blocks_fill(&blocks, block_steps(200000, 20000), 400, 5);
	blocks_thin(&blocks, 40);
	d = blocks_driver(&blocks);
	others = zmalloc_used_memory() - blocks_bytes(&blocks);
	soft_calls = 0;
	number = zmalloc_soft_limit_add(zmalloc_used_memory() - KIB, KIB, count_soft, NULL);
	ck_assert_int_eq(zmalloc_limit_set(zmalloc_used_memory() + MIB), 0);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_ge(soft_calls, 1);
	zmalloc_limit_set(0);
	ck_assert_int_eq(zmalloc_soft_limit_remove(number), 0);
	blocks_check(&blocks);
	stats = stats_of(d);
	ck_assert_uint_gt(stats.moved, 0);
	ck_assert_uint_eq(zmalloc_used_memory(), others + blocks_bytes(&blocks));
	ck_assert_uint_eq(zm_account_held(), 0);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("account_clients");

	tcase_add_test(tests, test_clients_are_asked_in_the_order_of_the_table);
	tcase_add_test(tests, test_one_refusal_is_enough);
	tcase_add_test(tests, test_blocks_of_arenas_pass_unseen);
	tcase_add_test(tests, test_a_block_that_is_held_is_nobodys);
	tcase_add_test(tests, test_a_block_is_replaced);
	tcase_add_test(tests, test_threads_are_slow_for_as_long_as_a_client_wants_it);
	tcase_add_test(tests, test_each_call_is_a_tick_to_all_who_go_by_time);
	tcase_add_test(tests, test_a_tick_waits_for_nobody);
	tcase_add_test(tests, test_a_thread_that_joins_is_told);
	tcase_add_test(tests, test_a_free_is_shown_to_who_wants_every_call_alone);
	tcase_add_test(tests, test_a_resize_moves_for_those_who_see_blocks_alone);
	tcase_add_test(tests, test_a_childs_first_call_is_told_once);
	tcase_add_test(tests, test_publishing_and_defragmentation_and_two_more);
	tcase_add_test(tests, test_no_program_is_called_under_a_lock_of_ours);
	tcase_add_test(tests, test_defragmentation_beside_limits);
	return run_tests(tests);
}
