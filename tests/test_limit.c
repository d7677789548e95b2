/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_limit.c - the hard limit: to the byte where one thread grows, over by no more than one block for
 * each thread where many do, and nothing is lost at it.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/limit.h>
#include <zmalloc/stats.h>

static struct zmalloc_stats stats_now(void)
{
	struct zmalloc_stats stats = {.size = sizeof(stats)};

	ck_assert_int_eq(zmalloc_stats_get(&stats, 0), 0);
	return stats;
}

/* ---- One thread --------------------------------------------------------------------------------- */

START_TEST(test_the_limit_is_exact)
{
	void *first = zmalloc(1000), *block;
	size_t size = zmalloc_size(first), used = zmalloc_used_memory();

	for (size_t short_by = 0; short_by < 3; short_by++) {
		ck_assert_int_eq(zmalloc_limit_set(used + 10 * size - short_by), 0);
		ck_assert_uint_eq(zmalloc_limit_get(), used + 10 * size - short_by);
		block = ztrymalloc(9 * size);
		zfree(block);
		for (size_t i = 0; i < 1000; i++) {
			block = ztrymalloc(1000);
			ck_assert_ptr_nonnull(block);
			zfree(block);
		}
		void *held[10];
		size_t count = 0;

		errno = 0;
		while (count < COUNT_OF(held) && (held[count] = ztrymalloc(1000)) != NULL)
			count++;
		ck_assert_uint_eq(count, short_by == 0 ? 10 : 9);
		ck_assert_int_eq(errno, short_by == 0 ? 0 : ENOMEM);
		ck_assert_ptr_null(short_by == 0 ? ztrymalloc(1) : ztrymalloc(1000));
		ck_assert_uint_eq(zmalloc_used_memory(), used + count * size);
		/* What is freed can be had at once. */
		zfree(held[0]);
		held[0] = ztrymalloc(1000);
		ck_assert_ptr_nonnull(held[0]);
		while (count > 0)
			zfree(held[--count]);
	}
	ck_assert_int_eq(zmalloc_limit_set(0), 0);
	ck_assert_uint_eq(zmalloc_limit_get(), 0);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	zfree(first);
}
END_TEST

/* The peak is far above: what threads were promised under it is taken back. */
START_TEST(test_a_limit_below_the_peak_counts_at_once)
{
	void *large = zmalloc(64 * MIB);
	size_t used;

	zfree(large);
	used = zmalloc_used_memory();
	ck_assert_int_eq(zmalloc_limit_set(used + MIB), 0);
	ck_assert_ptr_null(ztrymalloc(2 * MIB));
	large = ztrymalloc(MIB / 2);
	ck_assert_ptr_nonnull(large);
	ck_assert_ptr_null(ztrymalloc(MIB * 3 / 4));
	ck_assert_ptr_null(ztryrealloc(large, 2 * MIB));
	large = ztryrealloc(large, MIB * 3 / 4);
	ck_assert_ptr_nonnull(large);
	zfree(large);
	zmalloc_limit_set(0);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

static struct barrier begin, full;

static void *join_and_wait(void *unused)
{
	zfree(zmalloc(1));
	barrier_wait(&begin);
	barrier_wait(&begin);
	return unused;
}

START_TEST(test_a_limit_below_what_is_used_refuses_growth)
{
	size_t used, before = zmalloc_used_memory(), refusals = stats_now().hard_limit_refusals;
	void *block[10];
	pthread_t other;

	/* A second thread, whose ceiling counts as well. */
	barrier_init(&begin, 2);
	other = start_thread(join_and_wait, NULL);
	barrier_wait(&begin);
	for (size_t i = 0; i < COUNT_OF(block); i++)
		block[i] = zmalloc(MIB);
	used = zmalloc_used_memory();
	ck_assert_int_eq(zmalloc_limit_set(used - 5 * MIB), 1);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_ptr_null(ztrymalloc(1));
		ck_assert_ptr_null(ztryrealloc(block[9], 2 * MIB));
		ck_assert_uint_eq(zmalloc_used_memory(), used - i * zmalloc_size(block[9]));
		/* What shrinks may. */
		zfree(block[i]);
	}
	block[9] = ztryrealloc(block[9], 1000);
	ck_assert_ptr_nonnull(block[9]);
	block[0] = ztrymalloc(MIB / 2);
	ck_assert_ptr_nonnull(block[0]);
	ck_assert_ptr_null(ztrymalloc(MIB));
	ck_assert_uint_eq(stats_now().hard_limit_refusals, refusals + 11);
	ck_assert_int_eq(zmalloc_limit_set(SIZE_MAX), 0);
	ck_assert_uint_eq(zmalloc_limit_get(), 0);
	zfree(block[0]);
	for (size_t i = 5; i < COUNT_OF(block); i++)
		zfree(block[i]);
	barrier_wait(&begin);
	join_thread(other);
	barrier_done(&begin);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
}
END_TEST

START_TEST(test_a_limit_past_memory_is_kept)
{
	size_t used = zmalloc_used_memory();

	ck_assert_int_eq(zmalloc_limit_set(PTRDIFF_MAX), 0);
	ck_assert_uint_eq(zmalloc_limit_get(), PTRDIFF_MAX);
	for (size_t i = 0; i < 100; i++)
		zfree(zmalloc(i * 10000));
	ck_assert_uint_eq(stats_now().hard_limit_bytes, PTRDIFF_MAX);
	ck_assert_int_eq(zmalloc_limit_set((size_t)PTRDIFF_MAX + 1), 0);
	ck_assert_uint_eq(zmalloc_limit_get(), 0);
	ck_assert(stats_now().hard_limit_bytes == ZMALLOC_STATS_UNKNOWN);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

START_TEST(test_nought_is_no_limit)
{
	void *block;

	ck_assert_int_eq(zmalloc_limit_set(1), zmalloc_used_memory() > 1);
	ck_assert_ptr_null(ztrymalloc(100));
	ck_assert_int_eq(zmalloc_limit_set(0), 0);
	ck_assert_uint_eq(zmalloc_limit_get(), 0);
	ck_assert(stats_now().hard_limit_bytes == ZMALLOC_STATS_UNKNOWN);
	block = ztrymalloc(10 * MIB);
	ck_assert_ptr_nonnull(block);
	zfree(block);
}
END_TEST

/* The default handler says which limit it was. */
static void run_out(void *unused)
{
	zmalloc_limit_set(zmalloc_used_memory() + MIB);
	zfree(zmalloc(2 * MIB));
	(void)unused;
}

static void run_out_resizing(void *block)
{
	zmalloc_limit_set(zmalloc_used_memory() + MIB);
	zfree(zrealloc(block, 3 * MIB));
}

static void ask_for_more_than_there_is(void *unused)
{
	(void)unused;
	zmalloc_limit_set(zmalloc_used_memory() + 100 * MIB);
	zfree(zmalloc(opaque_size((size_t)PTRDIFF_MAX + 1)));
}

START_TEST(test_the_report_names_the_limit)
{
	static struct child child;
	char expected[100];
	void *block = zmalloc(100);

	snprintf(expected, sizeof(expected),
		 "hard limit %zu bytes (zmalloc_limit_set()), which refused it\n",
		 zmalloc_used_memory() + MIB);
	run_child(&child, run_out, NULL);
	ck_assert_int_ne(child.status, 0);
	ck_assert_msg(strstr(child.output, expected) != NULL, "%s", child.output);
	run_child(&child, run_out_resizing, block);
	ck_assert_msg(strstr(child.output, expected) != NULL, "%s", child.output);
	run_child(&child, ask_for_more_than_there_is, NULL);
	ck_assert_msg(strstr(child.output, "bytes (zmalloc_limit_set())\n") != NULL, "%s",
		      child.output);
	zfree(block);
}
END_TEST

/* ---- Threads that race to it ---------------------------------------------------------------------- */

static size_t block_bytes, most_seen, all_got;
static bool stop;

struct link {
	struct link *next;
};

/* Until nothing is left: whoever is refused often enough has been so with all others at the limit too. */
static struct link *take_all(void)
{
	struct link *first = NULL, *block;
	size_t refused = 0;

	while (refused < 20) {
		block = ztrymalloc(block_bytes);
		if (block == NULL) {
			refused++;
			continue;
		}
		block->next = first;
		first = block;
	}
	return first;
}

static size_t free_all(struct link *first)
{
	size_t bytes = 0;

	for (struct link *next; first != NULL; first = next) {
		next = first->next;
		bytes += zmalloc_size(first);
		zfree(first);
	}
	return bytes;
}

static void *race(void *bytes)
{
	struct link *first;

	barrier_wait(&begin);
	first = take_all();
	barrier_wait(&full);
	barrier_wait(&begin);
	*(size_t *)bytes += free_all(first);
	return NULL;
}

/* Returns by how much the threads are over the limit when all of them are refused. */
static ptrdiff_t overshoot(size_t threads, size_t bytes, size_t room)
{
	static pthread_t thread[64];
	static size_t got[64];
	size_t used = zmalloc_used_memory(), size, limit, at_limit, all = 0;
	void *block = zmalloc(bytes);

	size = zmalloc_size(block);
	zfree(block);
	memset(got, 0, sizeof(got));
	block_bytes = bytes;
	barrier_init(&begin, threads + 1);
	barrier_init(&full, threads + 1);
	for (size_t i = 0; i < threads; i++)
		thread[i] = start_thread(race, &got[i]);
	limit = zmalloc_used_memory() + room;
	ck_assert_int_eq(zmalloc_limit_set(limit), 0);
	barrier_wait(&begin);
	barrier_wait(&full);
	at_limit = zmalloc_used_memory();
	barrier_wait(&begin);
	for (size_t i = 0; i < threads; i++)
		join_thread(thread[i]);
	zmalloc_limit_set(0);
	barrier_done(&begin);
	barrier_done(&full);
	for (size_t i = 0; i < threads; i++)
		all += got[i];
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	/* Nothing that would have fitted was refused for good. glibc may give a block some bytes more. */
	ck_assert_uint_ge(all + size + 32, room);
	ck_assert_uint_le(at_limit, limit + threads * size);
	return (ptrdiff_t)(at_limit - limit);
}

START_TEST(test_threads_race_to_the_limit)
{
	static const size_t threads[] = {2, 16, 64}, bytes[] = {64, MIB};

	for (size_t i = 0; i < COUNT_OF(threads); i++)
		for (size_t j = 0; j < COUNT_OF(bytes); j++) {
			size_t room =
				bytes[j] == 64 ? steps(4 * MIB, MIB / 4) : steps(200, 70) * MIB;
			ptrdiff_t most = PTRDIFF_MIN;

			for (size_t round = 0; round < steps(5, 1); round++) {
				ptrdiff_t over = overshoot(threads[i], bytes[j], room + round * 13);

				if (over > most)
					most = over;
			}
			printf("%2zu threads, blocks of %7zu bytes: over the limit by %td\n",
			       threads[i], bytes[j], most);
		}
}
END_TEST

/* ---- Threads that are refused -------------------------------------------------------------------- */

enum {
	ROOM = 200000
};

/* Half of them ask for more than there can be, half for what there always is. */
static void *ask_beside_others(void *index)
{
	bool asks_too_much = (uintptr_t)index % 2 == 0;

	barrier_wait(&begin);
	for (size_t i = 0; i < steps(10000, 500); i++) {
		void *block = ztrymalloc(opaque_size(asks_too_much ? ROOM * 3 / 2 : 100));

		REQUIRE((block == NULL) == asks_too_much);
		zfree(block);
	}
	return NULL;
}

START_TEST(test_who_is_refused_changes_nothing_for_others)
{
	pthread_t thread[16];
	size_t base_bytes = zmalloc_peak_memory() - zmalloc_used_memory() + MIB, limit;
	void *base = zmalloc(base_bytes);

	barrier_init(&begin, COUNT_OF(thread));
	limit = zmalloc_used_memory() + ROOM;
	zmalloc_limit_set(limit);
	for (uintptr_t i = 0; i < COUNT_OF(thread); i++)
		thread[i] = start_thread(ask_beside_others, opaque((void *)i));
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		join_thread(thread[i]);
	barrier_done(&begin);
	ck_assert_uint_le(zmalloc_peak_memory(), limit);
	zmalloc_limit_set(0);
	zfree(base);
}
END_TEST

/* ---- Resizes ------------------------------------------------------------------------------------- */

/* With good sizes that are lower bounds, too: what a block comes out as is what counts. */
static void resize_with_room_for_the_good_size(zarena *arena, size_t bytes)
{
	void *block = arena != NULL ? zarena_malloc(arena, 16) : zmalloc(16), *moved;
	size_t limit =
		zmalloc_used_memory() - zmalloc_usable_size(block) + zmalloc_good_size(bytes);

	ck_assert_int_eq(zmalloc_limit_set(limit), 0);
	moved = arena != NULL ? zarena_tryrealloc(arena, block, bytes) : ztryrealloc(block, bytes);
	ck_assert_uint_le(zmalloc_used_memory(), limit);
	zmalloc_limit_set(0);
	zfree(moved != NULL ? moved : block);
}

START_TEST(test_resizes_are_exact)
{
	static const size_t bytes[] = {50, 100, 5000, 60000, 120000, 400000, 900000};
	struct chance chance = chance_of(17);
	zarena *arena = zarena_create();
	size_t granted = 0, refused = 0, limit;
	void *base = zmalloc(zmalloc_peak_memory() - zmalloc_used_memory() + MIB),
	     *block[4] = {NULL};

	ck_assert_ptr_nonnull(arena);
	for (size_t i = 0; i < COUNT_OF(bytes); i++) {
		resize_with_room_for_the_good_size(NULL, bytes[i]);
		resize_with_room_for_the_good_size(arena, bytes[i]);
	}
	zarena_destroy(arena);
	limit = zmalloc_used_memory() + 1000000;
	zmalloc_limit_set(limit);
	for (size_t i = 0; i < steps(4000, 400); i++) {
		void **at = &block[chance_below(&chance, COUNT_OF(block))], *moved;
		size_t wanted = bytes[chance_below(&chance, COUNT_OF(bytes))];
		size_t before = zmalloc_used_memory();

		moved = ztryrealloc(*at, wanted);
		if (moved == NULL)
			ck_assert_uint_eq(zmalloc_used_memory(), before);
		else
			*at = moved;
		granted += moved != NULL;
		refused += moved == NULL;
		ck_assert_uint_le(zmalloc_used_memory(), limit);
	}
	ck_assert_uint_le(zmalloc_peak_memory(), limit);
	ck_assert_uint_gt(granted, 100);
	ck_assert_uint_gt(refused, 10);
	zmalloc_limit_set(0);
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
	zfree(base);
}
END_TEST

/* ---- Life at it ---------------------------------------------------------------------------------- */

/* At the limit all the time, while others free: everybody goes on, and nobody sees more than may be. */
static void *churn(void *seed)
{
	struct chance chance = chance_of((uintptr_t)seed);
	void *block[50] = {NULL};
	size_t got = 0;

	barrier_wait(&begin);
	for (size_t i = 0; i < steps(20000, 1000); i++) {
		void **at = &block[chance_below(&chance, COUNT_OF(block))];
		size_t bytes = chance_size(&chance, 14);

		switch (chance_below(&chance, 4)) {
		case 0:
			zfree(*at);
			*at = NULL;
			break;
		case 1:
			if (*at != NULL && bytes != 0) {
				void *moved = ztryrealloc(*at, bytes);

				got += moved != NULL;
				*at = moved != NULL ? moved : *at;
			}
			break;
		default:
			zfree(*at);
			*at = ztrymalloc(bytes);
			got += *at != NULL;
		}
	}
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
	__atomic_fetch_add(&all_got, got, __ATOMIC_RELAXED);
	return NULL;
}

static void *look(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		size_t used = zmalloc_used_memory();

		if (used > most_seen)
			most_seen = used;
		REQUIRE(zmalloc_peak_memory() >= used);
	}
	return unused;
}

START_TEST(test_life_at_the_limit)
{
	pthread_t thread[8], looker;
	size_t used = zmalloc_used_memory(), limit;
	uint64_t refusals = stats_now().hard_limit_refusals;

	most_seen = all_got = 0;
	stop = false;
	limit = used + 20 * KIB;
	barrier_init(&begin, COUNT_OF(thread) + 1);
	looker = start_thread(look, NULL);
	for (uintptr_t i = 0; i < COUNT_OF(thread); i++)
		thread[i] = start_thread(churn, (void *)(i + 1));
	ck_assert_int_eq(zmalloc_limit_set(limit), 0);
	barrier_wait(&begin);
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		join_thread(thread[i]);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	join_thread(looker);
	barrier_done(&begin);
	/* One that is put aside with blocks of its own may leave the others little, but somebody goes on. */
	ck_assert_uint_gt(all_got, 100);
	ck_assert_uint_gt(stats_now().hard_limit_refusals, refusals);
	zmalloc_limit_set(0);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	/* One block a thread is in flight, and a resize has two. */
	ck_assert_uint_le(most_seen, limit + COUNT_OF(thread) * 2 * 40 * KIB);
}
END_TEST

/* ---- Arenas ---------------------------------------------------------------------------------------- */

START_TEST(test_an_arenas_blocks_count_until_it_is_reset)
{
	zarena *arena = zarena_create();
	size_t used = zmalloc_used_memory(), count = 0;

	ck_assert_ptr_nonnull(arena);
	ck_assert_int_eq(zmalloc_limit_set(used + MIB), 0);
	for (int round = 0; round < 5; round++) {
		for (count = 0; zarena_trymalloc(arena, 10000) != NULL; count++)
			;
		ck_assert_uint_gt(count, 60);
		ck_assert_uint_lt(count, 106);
		ck_assert_ptr_null(ztrymalloc(10000));
		ck_assert_int_eq(zarena_reset(arena), 0);
		ck_assert_uint_eq(zmalloc_used_memory(), used);
	}
	zmalloc_limit_set(0);
	zarena_destroy(arena);
}
END_TEST

/* ---- Children --------------------------------------------------------------------------------------- */

static void grow_in_child(void *limit)
{
	size_t room = (uintptr_t)limit - zmalloc_used_memory();
	void *block;

	REQUIRE_EQ(zmalloc_limit_get(), (uintptr_t)limit);
	REQUIRE(ztrymalloc(room + 100000) == NULL);
	block = ztrymalloc(room / 2);
	REQUIRE(block != NULL);
	REQUIRE(ztrymalloc(room) == NULL);
	zmalloc_limit_set(0);
	zfree(zmalloc(room * 2));
	zfree(block);
}

START_TEST(test_a_child_has_the_limit_for_itself)
{
	pthread_t swapper;
	bool ends = false;
	size_t limit = zmalloc_used_memory() + 10 * MIB;
	void *block;

	if (under_valgrind()) {
		skip_part("in the child valgrind takes a lost thread's blocks for leaked");
		return;
	}
	swapper = start_thread(swap_blocks, &ends);
	ck_assert_int_eq(zmalloc_limit_set(limit), 0);
	run_child_ok(grow_in_child, (void *)(uintptr_t)limit);
	ck_assert_uint_eq(zmalloc_limit_get(), limit);
	/* What the child did is not the parent's. */
	block = ztrymalloc(7 * MIB);
	ck_assert_ptr_nonnull(block);
	ck_assert_ptr_null(ztrymalloc(5 * MIB));
	run_child_ok(grow_in_child, (void *)(uintptr_t)limit);
	__atomic_store_n(&ends, true, __ATOMIC_RELEASE);
	join_thread(swapper);
	zfree(block);
	zmalloc_limit_set(0);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("limit");

	tcase_add_test(tests, test_the_limit_is_exact);
	tcase_add_test(tests, test_a_limit_below_the_peak_counts_at_once);
	tcase_add_test(tests, test_a_limit_below_what_is_used_refuses_growth);
	tcase_add_test(tests, test_a_limit_past_memory_is_kept);
	tcase_add_test(tests, test_nought_is_no_limit);
	tcase_add_test(tests, test_the_report_names_the_limit);
	tcase_add_test(tests, test_threads_race_to_the_limit);
	tcase_add_test(tests, test_who_is_refused_changes_nothing_for_others);
	tcase_add_test(tests, test_resizes_are_exact);
	tcase_add_test(tests, test_life_at_the_limit);
	tcase_add_test(tests, test_an_arenas_blocks_count_until_it_is_reset);
	tcase_add_test(tests, test_a_child_has_the_limit_for_itself);
	return run_tests(tests);
}
