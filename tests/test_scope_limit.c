/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_scope_limit.c - limits of scopes: to the byte where one thread grows, over by no more than one
 * block for each thread where many do, and nobody outside of the scope knows of it.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/limit.h>
#include <zmalloc/scope.h>

static struct zmalloc_scope_stats stats_of(const zmalloc_scope *scope)
{
	struct zmalloc_scope_stats stats = {.size = sizeof(stats)};

	REQUIRE(zmalloc_scope_get_stats(scope, &stats) == 0);
	return stats;
}

static zmalloc_scope *scope_of(const char *name)
{
	zmalloc_scope *scope = zmalloc_scope_new(name);

	REQUIRE(scope != NULL);
	return scope;
}

/* ---- One thread --------------------------------------------------------------------------------- */

START_TEST(test_the_limit_is_exact)
{
	zmalloc_scope *scope = scope_of("exact");
	void *first = zmalloc(1000), *held[10], *block;
	size_t size = zmalloc_size(first), refused = 0, count;

	ck_assert(stats_of(scope).limit_bytes == ZMALLOC_STATS_UNKNOWN);
	for (size_t short_by = 0; short_by < 3; short_by++) {
		ck_assert_int_eq(zmalloc_scope_set_limit(scope, 10 * size - short_by), 0);
		ck_assert_uint_eq(stats_of(scope).limit_bytes, 10 * size - short_by);
		zmalloc_scope_enter(scope);
		for (size_t i = 0; i < 1000; i++) {
			block = ztrymalloc(1000);
			ck_assert_ptr_nonnull(block);
			zfree(block);
		}
		errno = 0;
		for (count = 0; count < COUNT_OF(held); count++)
			if ((held[count] = ztrymalloc(1000)) == NULL)
				break;
		ck_assert_uint_eq(count, short_by == 0 ? 10 : 9);
		ck_assert_int_eq(errno, short_by == 0 ? 0 : ENOMEM);
		ck_assert_ptr_null(ztrymalloc(1000));
		refused += short_by == 0 ? 1 : 2;
		ck_assert_int_eq(stats_of(scope).used_bytes, (int64_t)(count * size));
		/* What is freed can be had at once. */
		zfree(held[0]);
		held[0] = ztrymalloc(1000);
		ck_assert_ptr_nonnull(held[0]);
		/* Outside of the scope, and in an inner one, there is no limit. */
		zmalloc_scope_enter(NULL);
		zfree(zmalloc(10 * MIB));
		zmalloc_scope_leave(NULL);
		zmalloc_scope_enter(scope_of("inner, without"));
		zfree(zmalloc(10 * MIB));
		zmalloc_scope_leave(scope_of("inner, without"));
		ck_assert_ptr_null(ztrymalloc(1000));
		refused++;
		while (count > 0)
			zfree(held[--count]);
		zmalloc_scope_leave(scope);
		ck_assert_int_eq(stats_of(scope).used_bytes, 0);
		ck_assert_uint_eq(stats_of(scope).refusals, refused);
		zfree(zmalloc(10 * MIB));
	}
	ck_assert_int_eq(zmalloc_scope_set_limit(scope, 0), 0);
	zmalloc_scope_enter(scope);
	zfree(zmalloc(10 * MIB));
	zmalloc_scope_leave(scope);
	zfree(first);
}
END_TEST

START_TEST(test_a_limit_below_what_it_has)
{
	zmalloc_scope *scope = scope_of("below");
	void *block[4];
	size_t used = zmalloc_used_memory();

	zmalloc_scope_enter(scope);
	for (size_t i = 0; i < COUNT_OF(block); i++)
		block[i] = zmalloc(MIB);
	/* Set while a thread is inside, which had room under the one before. */
	ck_assert_int_eq(zmalloc_scope_set_limit(scope, 100 * MIB), 0);
	zfree(zmalloc(10));
	ck_assert_int_eq(zmalloc_scope_set_limit(scope, 2 * MIB + MIB / 2), 1);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_ptr_null(ztrymalloc(1));
		ck_assert_ptr_null(ztryrealloc(block[3], 2 * MIB));
		ck_assert_uint_ge(zmalloc_usable_size(block[3]), MIB);
		zfree(block[i]);
	}
	block[3] = ztryrealloc(block[3], 1000);
	ck_assert_ptr_nonnull(block[3]);
	block[0] = ztrymalloc(MIB);
	ck_assert_ptr_nonnull(block[0]);
	ck_assert_ptr_null(ztrymalloc(MIB));
	ck_assert_ptr_null(ztryrealloc(block[0], 3 * MIB));
	/* More than can be reached is none. */
	ck_assert_int_eq(zmalloc_scope_set_limit(scope, SIZE_MAX), 0);
	ck_assert(stats_of(scope).limit_bytes == ZMALLOC_STATS_UNKNOWN);
	block[1] = zmalloc(8 * MIB);
	zfree(block[0]);
	zfree(block[1]);
	zfree(block[2]);
	zfree(block[3]);
	zmalloc_scope_leave(scope);
	ck_assert_int_eq(stats_of(scope).used_bytes, 0);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

START_TEST(test_inner_and_outer_have_limits_of_their_own)
{
	zmalloc_scope *outer = scope_of("limited outer"), *inner = scope_of("limited inner");
	void *a, *b;

	zmalloc_scope_set_limit(outer, 2 * MIB);
	zmalloc_scope_set_limit(inner, 1 * MIB);
	zmalloc_scope_enter(outer);
	a = ztrymalloc(MIB * 3 / 2);
	ck_assert_ptr_nonnull(a);
	zmalloc_scope_enter(inner);
	b = ztrymalloc(MIB * 3 / 4);
	ck_assert_ptr_nonnull(b);
	ck_assert_ptr_null(ztrymalloc(MIB / 2));
	zmalloc_scope_leave(inner);
	ck_assert_ptr_null(ztrymalloc(MIB));
	/* Who frees what the inner one has makes room here. */
	zfree(b);
	b = ztrymalloc(MIB);
	ck_assert_ptr_nonnull(b);
	zfree(a);
	zfree(b);
	zmalloc_scope_leave(outer);
	zmalloc_scope_set_limit(outer, 0);
	zmalloc_scope_set_limit(inner, 0);
}
END_TEST

START_TEST(test_back_to_an_outer_one_with_a_limit)
{
	zmalloc_scope *outer = scope_of("limited later"), *inner = scope_of("limits it");

	zmalloc_scope_enter(outer);
	zmalloc_scope_enter(inner);
	zmalloc_scope_set_limit(outer, MIB);
	zfree(zmalloc(2 * MIB));
	zmalloc_scope_leave(inner);
	ck_assert_ptr_null(ztrymalloc(2 * MIB));
	zmalloc_scope_set_limit(outer, 0);
	zfree(zmalloc(2 * MIB));
	zmalloc_scope_leave(outer);
}
END_TEST

START_TEST(test_the_hard_limit_counts_as_well)
{
	zmalloc_scope *scope = scope_of("with a hard limit");
	void *block;

	zmalloc_scope_set_limit(scope, 4 * MIB);
	zmalloc_limit_set(zmalloc_used_memory() + 2 * MIB);
	zmalloc_scope_enter(scope);
	ck_assert_ptr_null(ztrymalloc(3 * MIB));
	block = ztrymalloc(MIB);
	ck_assert_ptr_nonnull(block);
	zmalloc_limit_set(0);
	ck_assert_ptr_null(ztrymalloc(4 * MIB));
	ck_assert_uint_eq(stats_of(scope).refusals, 1);
	zfree(block);
	zmalloc_scope_leave(scope);
	zmalloc_scope_set_limit(scope, 0);
}
END_TEST

START_TEST(test_an_arena_in_a_limited_scope)
{
	zmalloc_scope *scope = scope_of("limited arena");
	zarena *arena = zarena_create();
	size_t count;

	zmalloc_scope_set_limit(scope, MIB);
	zmalloc_scope_enter(scope);
	for (int round = 0; round < 3; round++) {
		for (count = 0; zarena_trymalloc(arena, 10000) != NULL; count++)
			;
		ck_assert_uint_gt(count, 60);
		ck_assert_uint_lt(count, 106);
		ck_assert_ptr_null(ztrymalloc(10000));
		ck_assert_int_eq(zarena_reset(arena), 0);
		ck_assert_int_eq(stats_of(scope).used_bytes, 0);
	}
	zmalloc_scope_leave(scope);
	zmalloc_scope_set_limit(scope, 0);
	zarena_destroy(arena);
}
END_TEST

/* The default handler says which scope it was, and which have the most. */
static void run_out(void *unused)
{
	zmalloc_scope *scope = scope_of("too \"small\"");

	(void)unused;
	zmalloc_scope_enter(scope_of("has less"));
	REQUIRE(zmalloc(opaque_size(MIB)) != NULL);
	zmalloc_scope_enter(scope_of("has most"));
	REQUIRE(zmalloc(opaque_size(5 * MIB)) != NULL);
	zmalloc_scope_set_limit(scope, 2 * MIB);
	zmalloc_scope_enter(scope);
	zfree(zmalloc(opaque_size(3 * MIB)));
}

START_TEST(test_the_report_names_scopes)
{
	static struct child child;
	const char *most, *less;

	run_child(&child, run_out, NULL);
	ck_assert_int_ne(child.status, 0);
	ck_assert_msg(strstr(child.output, "scope \"too \\\"small\\\"\" has a limit of 2097152 "
					   "bytes, which refused it\n") != NULL,
		      "%s", child.output);
	most = strstr(child.output, "zmalloc: scope \"has most\": ");
	less = strstr(child.output, "zmalloc: scope \"has less\": ");
	ck_assert_msg(most != NULL && less != NULL && most < less, "%s", child.output);
}
END_TEST

/* ---- Threads that race to it ---------------------------------------------------------------------- */

static struct barrier begin, full;
static size_t block_bytes;
static zmalloc_scope *raced;

struct link {
	struct link *next;
};

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

static void *race(void *unused)
{
	struct link *first, *next;

	barrier_wait(&begin);
	REQUIRE(zmalloc_scope_enter(raced) == 0);
	first = take_all();
	barrier_wait(&full);
	barrier_wait(&begin);
	for (; first != NULL; first = next) {
		next = first->next;
		zfree(first);
	}
	REQUIRE(zmalloc_scope_leave(raced) == 0);
	/* Outside nobody is held up. */
	zfree(zmalloc(MIB));
	return unused;
}

static ptrdiff_t overshoot(size_t threads, size_t bytes, size_t limit)
{
	static pthread_t thread[16];
	size_t size, at_limit, used = zmalloc_used_memory();
	void *block = zmalloc(bytes);

	size = zmalloc_size(block);
	zfree(block);
	block_bytes = bytes;
	barrier_init(&begin, threads + 1);
	barrier_init(&full, threads + 1);
	for (size_t i = 0; i < threads; i++)
		thread[i] = start_thread(race, NULL);
	ck_assert_int_eq(zmalloc_scope_set_limit(raced, limit), 0);
	barrier_wait(&begin);
	barrier_wait(&full);
	ck_assert_uint_eq(stats_of(raced).threads, threads);
	at_limit = (size_t)stats_of(raced).used_bytes;
	barrier_wait(&begin);
	for (size_t i = 0; i < threads; i++)
		join_thread(thread[i]);
	zmalloc_scope_set_limit(raced, 0);
	barrier_done(&begin);
	barrier_done(&full);
	ck_assert_int_eq(stats_of(raced).used_bytes, 0);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	/* Nothing that would have fitted was refused for good. glibc may give a block some bytes more. */
	ck_assert_uint_ge(at_limit + size + 32, limit);
	ck_assert_uint_le(at_limit, limit + threads * size);
	return (ptrdiff_t)(at_limit - limit);
}

START_TEST(test_sixteen_threads_race_to_the_limit)
{
	static const size_t bytes[] = {64, 100 * KIB};

	raced = scope_of("raced to");
	for (size_t i = 0; i < COUNT_OF(bytes); i++) {
		size_t room = i == 0 ? steps(2 * MIB, MIB / 8) : steps(40, 10) * MIB;
		ptrdiff_t most = PTRDIFF_MIN;

		for (size_t round = 0; round < steps(5, 1); round++) {
			ptrdiff_t over = overshoot(16, bytes[i], room + round * 13);

			if (over > most)
				most = over;
		}
		printf("16 threads, blocks of %6zu bytes: over the scope's limit by %td\n",
		       bytes[i], most);
	}
}
END_TEST

/* Half of them ask for more than the scope can have, half for what there always is. */
static void *ask_beside_others(void *index)
{
	bool asks_too_much = (uintptr_t)index % 2 == 0;

	barrier_wait(&begin);
	REQUIRE(zmalloc_scope_enter(raced) == 0);
	for (size_t i = 0; i < steps(10000, 500); i++) {
		void *block = ztrymalloc(opaque_size(asks_too_much ? 300000 : 100));

		REQUIRE((block == NULL) == asks_too_much);
		zfree(block);
	}
	REQUIRE(zmalloc_scope_leave(raced) == 0);
	return NULL;
}

START_TEST(test_who_is_refused_changes_nothing_for_others)
{
	pthread_t thread[16];
	size_t base_bytes = zmalloc_peak_memory() - zmalloc_used_memory() + MIB, used;
	void *base = zmalloc(base_bytes);

	raced = scope_of("raced to");
	used = zmalloc_used_memory();
	barrier_init(&begin, COUNT_OF(thread));
	ck_assert_int_eq(zmalloc_scope_set_limit(raced, 200000), 0);
	for (uintptr_t i = 0; i < COUNT_OF(thread); i++)
		thread[i] = start_thread(ask_beside_others, opaque((void *)i));
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		join_thread(thread[i]);
	barrier_done(&begin);
	ck_assert_int_eq(stats_of(raced).used_bytes, 0);
	ck_assert_uint_le(zmalloc_peak_memory(), used + 200000 + 17 * 64 * KIB);
	zmalloc_scope_set_limit(raced, 0);
	zfree(base);
}
END_TEST

/* Limits come and go while threads come and go. */
static bool stop;
static size_t refused;

static void *come_and_go(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		void *block[10];

		REQUIRE(zmalloc_scope_enter(raced) == 0);
		for (size_t i = 0; i < COUNT_OF(block); i++)
			block[i] = ztrymalloc(5000);
		for (size_t i = 0; i < COUNT_OF(block); i++) {
			void *moved = block[i] != NULL ? ztryrealloc(block[i], 9000) : NULL;

			if (moved == NULL)
				__atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED);
			else
				block[i] = moved;
		}
		for (size_t i = 0; i < COUNT_OF(block); i++)
			zfree(block[i]);
		REQUIRE(zmalloc_scope_leave(raced) == 0);
	}
	return unused;
}

START_TEST(test_limits_come_and_go)
{
	pthread_t thread[4];
	size_t used = zmalloc_used_memory();

	raced = scope_of("come and go");
	stop = false;
	refused = 0;
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		thread[i] = start_thread(come_and_go, NULL);
	for (size_t i = 0; i < steps(200, 20) || __atomic_load_n(&refused, __ATOMIC_RELAXED) == 0;
	     i++) {
		zmalloc_scope_set_limit(raced, (i % 5 + 1) * 20000);
		if (i % 3 == 0)
			zmalloc_scope_set_limit(raced, 0);
		/* A page of the system's is no limit of the scope's. */
		ck_assert_int_le(stats_of(raced).used_bytes, (int64_t)(4 * 10 * 2 * 20000));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		join_thread(thread[i]);
	zmalloc_scope_set_limit(raced, 0);
	ck_assert_int_eq(stats_of(raced).used_bytes, 0);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

/* ---- Children --------------------------------------------------------------------------------------- */

static void grow_in_child(void *unused)
{
	void *block = ztrymalloc(MIB / 2);

	(void)unused;
	REQUIRE(block != NULL);
	REQUIRE(ztrymalloc(MIB) == NULL);
	REQUIRE(zmalloc_scope_leave(raced) == 0);
	zfree(zmalloc(4 * MIB));
	REQUIRE(zmalloc_scope_enter(raced) == 0);
	REQUIRE(ztrymalloc(MIB) == NULL);
	zfree(block);
	zmalloc_scope_leave(raced);
}

static void *wait_inside(void *unused)
{
	void *block;

	zmalloc_scope_enter(raced);
	block = ztrymalloc(1000);
	barrier_wait(&begin);
	barrier_wait(&begin);
	zfree(block);
	return unused;
}

START_TEST(test_a_child_has_the_limit_for_itself)
{
	pthread_t other;

	if (under_valgrind() || emulated()) {
		skip_part("valgrind takes a lost thread's blocks for leaked, an emulator's child "
			  "may hang");
		return;
	}
	raced = scope_of("limited, forked");
	zmalloc_scope_set_limit(raced, MIB);
	barrier_init(&begin, 2);
	other = start_thread(wait_inside, NULL);
	barrier_wait(&begin);
	zmalloc_scope_enter(raced);
	run_child_ok(grow_in_child, NULL);
	zmalloc_scope_leave(raced);
	barrier_wait(&begin);
	join_thread(other);
	barrier_done(&begin);
	ck_assert_int_eq(stats_of(raced).used_bytes, 0);
	zmalloc_scope_set_limit(raced, 0);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("scope limit");

	tcase_add_test(tests, test_the_limit_is_exact);
	tcase_add_test(tests, test_a_limit_below_what_it_has);
	tcase_add_test(tests, test_inner_and_outer_have_limits_of_their_own);
	tcase_add_test(tests, test_back_to_an_outer_one_with_a_limit);
	tcase_add_test(tests, test_the_hard_limit_counts_as_well);
	tcase_add_test(tests, test_an_arena_in_a_limited_scope);
	tcase_add_test(tests, test_the_report_names_scopes);
	tcase_add_test(tests, test_sixteen_threads_race_to_the_limit);
	tcase_add_test(tests, test_who_is_refused_changes_nothing_for_others);
	tcase_add_test(tests, test_limits_come_and_go);
	tcase_add_test(tests, test_a_child_has_the_limit_for_itself);
	return run_tests(tests);
}
