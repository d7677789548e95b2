/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_scope.c - scopes: each byte is credited once, to the innermost scope that the thread
 * is in, and all of them with everything else add up to what is used, to the byte whenever threads
 * are at rest.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/defrag.h>
#include <zmalloc/scope.h>

static struct zmalloc_scope_stats stats_of(const zmalloc_scope *scope)
{
	struct zmalloc_scope_stats stats = {.size = sizeof(stats)};

	REQUIRE(zmalloc_scope_get_stats(scope, &stats) == 0);
	return stats;
}

static int64_t used_in(const zmalloc_scope *scope)
{
	return stats_of(scope).used_bytes;
}

static zmalloc_scope *scope_of(const char *name)
{
	zmalloc_scope *scope = zmalloc_scope_new(name);

	REQUIRE(scope != NULL);
	return scope;
}

struct sum {
	int64_t bytes;
	size_t scopes, rests;
	uint64_t threads;
};

static int add(const struct zmalloc_scope_stats *scope, void *context)
{
	struct sum *sum = context;

	REQUIRE_EQ(scope->size, sizeof(*scope));
	/* Everything else is the last. */
	REQUIRE_EQ(sum->rests, 0);
	sum->bytes += scope->used_bytes;
	sum->threads += scope->threads;
	if (*scope->name == '\0') {
		sum->rests++;
		REQUIRE(scope->peak_bytes == ZMALLOC_STATS_UNKNOWN);
	} else {
		sum->scopes++;
		REQUIRE(scope->used_bytes < 0 || scope->peak_bytes >= (uint64_t)scope->used_bytes);
	}
	return 0;
}

/* At rest. */
static struct sum sum_up(void)
{
	struct sum sum = {0};

	REQUIRE(zmalloc_scope_visit(add, &sum) == 0);
	REQUIRE_EQ(sum.rests, 1);
	REQUIRE_EQ(sum.bytes, zmalloc_used_memory());
	return sum;
}

/* ---- One thread --------------------------------------------------------------------------------- */

START_TEST(test_a_scope_has_what_is_allocated_inside)
{
	zmalloc_scope *scope = scope_of("inside");
	int64_t rest = used_in(NULL), had = used_in(scope), size;
	void *before, *inside, *grown;

	before = zmalloc(1000);
	ck_assert_int_eq(zmalloc_scope_enter(scope), 0);
	inside = zmalloc(3000);
	/* Also while the thread is inside. */
	ck_assert_int_eq(used_in(scope), had + (int64_t)zmalloc_size(inside));
	ck_assert_uint_eq(stats_of(scope).threads, 1);
	ck_assert_int_eq(used_in(NULL), rest + (int64_t)zmalloc_size(before));
	grown = zrealloc(inside, 100000);
	size = (int64_t)zmalloc_size(grown);
	ck_assert_int_eq(used_in(scope), had + size);
	ck_assert_int_eq(zmalloc_scope_leave(scope), 0);
	ck_assert_int_eq(used_in(scope), had + size);
	ck_assert_uint_eq(stats_of(scope).threads, 0);
	ck_assert_int_eq(used_in(NULL), rest + (int64_t)zmalloc_size(before));
	ck_assert_str_eq(stats_of(scope).name, "inside");
	sum_up();

	/* A block goes where it is freed. */
	rest = used_in(NULL);
	zfree(grown);
	ck_assert_int_eq(used_in(scope), had + size);
	ck_assert_int_eq(used_in(NULL), rest - size);
	zmalloc_scope_enter(scope);
	size += (int64_t)zmalloc_size(before);
	zfree(before);
	zmalloc_scope_leave(scope);
	ck_assert_int_lt(used_in(scope), had + size);
	sum_up();
}
END_TEST

START_TEST(test_a_scope_may_be_below_nought)
{
	zmalloc_scope *gives = scope_of("gives"), *takes = scope_of("takes");
	void *block;
	int64_t size;

	zmalloc_scope_enter(gives);
	block = zmalloc(5000);
	size = (int64_t)zmalloc_size(block);
	zmalloc_scope_leave(gives);
	zmalloc_scope_enter(takes);
	zfree(block);
	ck_assert_int_eq(used_in(takes), -size);
	zmalloc_scope_leave(takes);
	ck_assert_int_eq(used_in(takes), -size);
	ck_assert_int_eq(used_in(gives), size);
	ck_assert_uint_eq(stats_of(takes).peak_bytes, 0);
	ck_assert_uint_eq(stats_of(gives).peak_bytes, size);
	sum_up();
}
END_TEST

START_TEST(test_what_is_inside_an_inner_one_is_the_inner_ones)
{
	zmalloc_scope *outer = scope_of("outer"), *inner = scope_of("inner");
	int64_t rest = used_in(NULL), one;
	void *block[6];

	zmalloc_scope_enter(outer);
	block[0] = zmalloc(2000);
	one = (int64_t)zmalloc_size(block[0]);
	zmalloc_scope_enter(inner);
	block[1] = zmalloc(2000);
	ck_assert_uint_eq(stats_of(inner).threads, 1);
	ck_assert_uint_eq(stats_of(outer).threads, 0);
	/* The outer one again, inside of the inner one. */
	zmalloc_scope_enter(outer);
	block[2] = zmalloc(2000);
	/* And once more where the thread is. */
	zmalloc_scope_enter(outer);
	block[3] = zmalloc(2000);
	ck_assert_int_eq(zmalloc_scope_leave(outer), 0);
	zmalloc_scope_enter(NULL);
	block[4] = zmalloc(2000);
	ck_assert_int_eq(used_in(NULL), rest + one);
	ck_assert_int_eq(zmalloc_scope_leave(NULL), 0);
	ck_assert_int_eq(zmalloc_scope_leave(outer), 0);
	block[5] = zmalloc(2000);
	ck_assert_int_eq(used_in(outer), 3 * one);
	ck_assert_int_eq(used_in(inner), 2 * one);
	ck_assert_int_eq(zmalloc_scope_leave(inner), 0);
	ck_assert_int_eq(zmalloc_scope_leave(outer), 0);
	ck_assert_int_eq(used_in(outer), 3 * one);
	ck_assert_int_eq(used_in(inner), 2 * one);
	sum_up();
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
	ck_assert_int_eq(used_in(NULL), rest - 5 * one);
	sum_up();
}
END_TEST

START_TEST(test_everything_else_may_be_entered_first)
{
	zmalloc_scope *scope = scope_of("inside of everything else");
	int64_t rest = used_in(NULL);
	void *block;

	ck_assert_int_eq(zmalloc_scope_enter(NULL), 0);
	ck_assert_int_eq(zmalloc_scope_enter(NULL), 0);
	ck_assert_int_eq(zmalloc_scope_enter(scope), 0);
	ck_assert_int_eq(zmalloc_scope_leave(scope), 0);
	block = zmalloc(600);
	ck_assert_int_eq(used_in(NULL), rest + (int64_t)zmalloc_size(block));
	ck_assert_int_eq(zmalloc_scope_leave(NULL), 0);
	ck_assert_int_eq(zmalloc_scope_leave(NULL), 0);
	ck_assert_int_eq(zmalloc_scope_leave(NULL), -1);
	zfree(block);
}
END_TEST

/* ---- Bad input ----------------------------------------------------------------------------------- */

START_TEST(test_leaving_what_was_not_entered_changes_nothing)
{
	zmalloc_scope *a = scope_of("not entered"), *b = scope_of("entered");
	int64_t size;
	void *block;

	errno = 0;
	ck_assert_int_eq(zmalloc_scope_leave(a), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(zmalloc_scope_leave(NULL), -1);
	zmalloc_scope_enter(b);
	ck_assert_int_eq(zmalloc_scope_leave(a), -1);
	ck_assert_int_eq(zmalloc_scope_leave(NULL), -1);
	block = zmalloc(700);
	size = (int64_t)zmalloc_size(block);
	ck_assert_int_eq(zmalloc_scope_leave(b), 0);
	ck_assert_int_eq(zmalloc_scope_leave(b), -1);
	ck_assert_int_eq(used_in(a), 0);
	ck_assert_int_eq(used_in(b), size);
	zfree(block);
	sum_up();
}
END_TEST

START_TEST(test_leaving_an_outer_one_leaves_the_inner_ones)
{
	zmalloc_scope *a = scope_of("order a"), *b = scope_of("order b"), *c = scope_of("order c");
	int64_t one;
	void *block[4];

	zmalloc_scope_enter(a);
	block[0] = zmalloc(900);
	one = (int64_t)zmalloc_size(block[0]);
	zmalloc_scope_enter(b);
	zmalloc_scope_enter(b);
	zmalloc_scope_enter(c);
	block[1] = zmalloc(900);
	ck_assert_int_eq(zmalloc_scope_leave(b), 1);
	block[2] = zmalloc(900);
	zmalloc_scope_enter(c);
	zmalloc_scope_enter(c);
	ck_assert_int_eq(zmalloc_scope_leave(a), 3);
	block[3] = zmalloc(900);
	ck_assert_int_eq(zmalloc_scope_leave(c), -1);
	ck_assert_int_eq(used_in(a), one);
	ck_assert_int_eq(used_in(b), one);
	ck_assert_int_eq(used_in(c), one);
	sum_up();
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
}
END_TEST

static jmp_buf out;

static void jump_from_inside(zmalloc_scope *inner)
{
	zmalloc_scope_enter(inner);
	longjmp(out, 1);
}

START_TEST(test_a_long_jump_is_made_good_by_the_outer_one)
{
	zmalloc_scope *outer = scope_of("jumped to"), *inner = scope_of("jumped from");

	zmalloc_scope_enter(outer);
	if (setjmp(out) == 0)
		jump_from_inside(inner);
	ck_assert_uint_eq(stats_of(inner).threads, 1);
	ck_assert_int_eq(zmalloc_scope_leave(outer), 1);
	ck_assert_uint_eq(stats_of(inner).threads, 0);
	ck_assert_uint_eq(stats_of(outer).threads, 0);
}
END_TEST

START_TEST(test_too_deep_is_counted)
{
	zmalloc_scope *scope[2] = {scope_of("deep 0"), scope_of("deep 1")};
	void *block[2];

	for (size_t i = 0; i < 1000; i++)
		ck_assert_int_eq(zmalloc_scope_enter(scope[i % 2]), 0);
	block[0] = zmalloc(800);
	for (size_t i = 1000; i-- > 10;)
		ck_assert_int_eq(zmalloc_scope_leave(scope[i % 2]), 0);
	block[1] = zmalloc(800);
	for (size_t i = 10; i-- > 0;)
		ck_assert_int_eq(zmalloc_scope_leave(scope[i % 2]), 0);
	ck_assert_int_eq(zmalloc_scope_leave(scope[0]), -1);
	/* Number 64 is in the second one, and so is number 10. */
	ck_assert_int_eq(used_in(scope[0]), 0);
	ck_assert_int_eq(used_in(scope[1]),
			 (int64_t)(zmalloc_size(block[0]) + zmalloc_size(block[1])));
	zfree(block[0]);
	zfree(block[1]);
	sum_up();
}
END_TEST

START_TEST(test_names_of_any_bytes)
{
	char name[ZMALLOC_SCOPE_NAME_BYTES + 1];

	errno = 0;
	ck_assert_ptr_null(zmalloc_scope_new(NULL));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(zmalloc_scope_new(""));
	memset(name, 'x', sizeof(name));
	name[ZMALLOC_SCOPE_NAME_BYTES] = '\0';
	ck_assert_ptr_null(zmalloc_scope_new(name));
	ck_assert_int_eq(errno, ENAMETOOLONG);
	name[ZMALLOC_SCOPE_NAME_BYTES - 1] = '\0';
	ck_assert_str_eq(stats_of(scope_of(name)).name, name);
	ck_assert_ptr_eq(scope_of("a \"b\"\\"), scope_of("a \"b\"\\"));
	ck_assert_str_eq(stats_of(scope_of("a \"b\"\\")).name, "a \"b\"\\");
	ck_assert_str_eq(stats_of(scope_of("a\nb\x7f")).name, "a?b?");
	ck_assert_ptr_eq(scope_of("a\tb\xff"), scope_of("a?b?"));
	ck_assert_str_eq(stats_of(scope_of("gr\xc3\xb6\xc3\x9f"
					   "e\xc3"))
				 .name,
			 "gr\xc3\xb6\xc3\x9f"
			 "e?");
	/* A character is not cut in two. */
	memset(name, 'x', sizeof(name));
	strcpy(name + ZMALLOC_SCOPE_NAME_BYTES - 2, "\xc3\xb6");
	ck_assert_ptr_null(zmalloc_scope_new(name));
	ck_assert_ptr_ne(scope_of("one"), scope_of("two"));
}
END_TEST

START_TEST(test_sizes_of_structs)
{
	struct zmalloc_scope_stats stats = {.size = 0};
	zmalloc_scope *scope = scope_of("sizes");

	ck_assert_int_eq(zmalloc_scope_get_stats(scope, &stats), -1);
	ck_assert_int_eq(errno, EINVAL);
	stats.size = offsetof(struct zmalloc_scope_stats, peak_bytes);
	stats.peak_bytes = 77;
	ck_assert_int_eq(zmalloc_scope_get_stats(scope, &stats), 0);
	ck_assert_str_eq(stats.name, "sizes");
	ck_assert_uint_eq(stats.peak_bytes, 77);
	ck_assert_int_eq(zmalloc_scope_set_limit(NULL, 1), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

static int stop_at_second(const struct zmalloc_scope_stats *scope, void *seen)
{
	/* A visitor may do anything. */
	zmalloc_scope_new("made by a visitor");
	zfree(zmalloc(strlen(scope->name) + 1));
	return ++*(int *)seen == 2 ? 42 : 0;
}

START_TEST(test_a_visit_may_be_ended)
{
	int seen = 0;

	scope_of("first");
	scope_of("second");
	ck_assert_int_eq(zmalloc_scope_visit(stop_at_second, &seen), 42);
	ck_assert_int_eq(seen, 2);
}
END_TEST

#if defined(__GNUC__)
static void *allocate_in(zmalloc_scope *scope, zmalloc_scope *inner, size_t size)
{
	ZMALLOC_SCOPE(scope);
	for (int i = 0; i < 3; i++) {
		ZMALLOC_SCOPE(inner);
		if (i == 1)
			break;
	}
	return zmalloc(size);
}

START_TEST(test_the_macro_leaves_at_the_end_of_its_block)
{
	zmalloc_scope *scope = scope_of("macro"), *inner = scope_of("macro inside");
	void *block = allocate_in(scope, inner, 1234);

	ck_assert_int_eq(used_in(scope), (int64_t)zmalloc_size(block));
	ck_assert_int_eq(used_in(inner), 0);
	ck_assert_int_eq(zmalloc_scope_leave(scope), -1);
	zfree(block);
}
END_TEST
#endif

/* ---- Everything that moves the account --------------------------------------------------------- */

START_TEST(test_all_of_the_family_counts)
{
	zmalloc_scope *scope = scope_of("family");
	int64_t rest, had;
	void *block[8];

	rest = used_in(NULL);
	zmalloc_scope_enter(scope);
	block[0] = zcalloc(100);
	block[1] = zmalloc_aligned(256, 1000);
	block[2] = zstrdup("hello");
	block[3] = ztrymalloc(3 * MIB);
	block[4] = zrealloc(NULL, 10);
	block[4] = zrealloc(block[4], 5 * MIB);
	block[5] = zmalloc(200000);
	block[5] = zrealloc(block[5], 100);
	block[6] = zmalloc(100);
	zfree_with_size(block[6], 100);
	block[6] = NULL;
	block[7] = zrealloc(zmalloc(10), 0);
	had = 0;
	for (size_t i = 0; i < COUNT_OF(block); i++)
		had += block[i] != NULL ? (int64_t)zmalloc_size(block[i]) : 0;
	ck_assert_int_eq(used_in(scope), had);
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
	ck_assert_int_eq(used_in(scope), 0);
	ck_assert_int_eq(zmalloc_scope_leave(scope), 0);
	ck_assert_int_eq(used_in(scope), 0);
	ck_assert_int_eq(used_in(NULL), rest);
	ck_assert_uint_ge(stats_of(scope).peak_bytes, 8 * MIB);
}
END_TEST

START_TEST(test_an_arena_is_ended_where_it_is_reset)
{
	zmalloc_scope *fills = scope_of("fills an arena"), *ends = scope_of("ends it");
	zarena *arena = zarena_create();
	int64_t bytes;

	ck_assert_ptr_nonnull(arena);
	zmalloc_scope_enter(fills);
	for (int i = 0; i < 100; i++)
		ck_assert_ptr_nonnull(zarena_malloc(arena, 1000));
	zmalloc_scope_leave(fills);
	bytes = used_in(fills);
	ck_assert_int_ge(bytes, 100000);
	sum_up();
	zmalloc_scope_enter(ends);
	ck_assert_int_eq(zarena_reset(arena), 0);
	zmalloc_scope_leave(ends);
	ck_assert_int_eq(used_in(fills), bytes);
	ck_assert_int_eq(used_in(ends), -bytes);
	sum_up();
	zarena_destroy(arena);
}
END_TEST

/* ---- Threads -------------------------------------------------------------------------------------- */

static struct barrier begin;
static zmalloc_scope *shared[4];
static bool stop;

struct part {
	uint64_t seed;
	int64_t bytes[COUNT_OF(shared)]; /* what it was credited, by its own count */
	void *block[100];
};

/* From scope to scope, blocks of one freed in the other; at rest and inside of one at each barrier. */
static void work_in_scopes(struct part *part, size_t turns)
{
	struct chance chance = chance_of(part->seed);

	for (size_t i = 0; i < turns; i++) {
		size_t which = chance_below(&chance, COUNT_OF(shared));
		void **at = &part->block[chance_below(&chance, COUNT_OF(part->block))];

		REQUIRE(zmalloc_scope_enter(shared[which]) == 0);
		if (*at != NULL)
			part->bytes[which] -= (int64_t)zmalloc_size(*at);
		zfree(*at);
		*at = zmalloc(chance_size(&chance, 15));
		part->bytes[which] += (int64_t)zmalloc_size(*at);
		REQUIRE(zmalloc_scope_leave(shared[which]) == 0);
	}
}

static void *work(void *argument)
{
	struct part *part = argument;

	barrier_wait(&begin);
	for (int round = 0; round < 4; round++) {
		zmalloc_scope *home = shared[part->seed % COUNT_OF(shared)];
		void *kept;

		work_in_scopes(part, steps(4000, 300));
		zmalloc_scope_enter(home);
		kept = zmalloc(500);
		part->bytes[part->seed % COUNT_OF(shared)] += (int64_t)zmalloc_size(kept);
		barrier_wait(&begin);
		/* The main thread looks. */
		barrier_wait(&begin);
		part->bytes[part->seed % COUNT_OF(shared)] -= (int64_t)zmalloc_size(kept);
		zfree(kept);
		zmalloc_scope_leave(home);
	}
	return NULL;
}

static void compare(const struct part *part, size_t parts, uint64_t inside)
{
	uint64_t threads = 0;

	for (size_t i = 0; i < COUNT_OF(shared); i++) {
		struct zmalloc_scope_stats stats = stats_of(shared[i]);
		int64_t bytes = 0;

		for (size_t j = 0; j < parts; j++)
			bytes += part[j].bytes[i];
		ck_assert_int_eq(stats.used_bytes, bytes);
		ck_assert(stats.peak_bytes >= (uint64_t)(bytes > 0 ? bytes : 0));
		threads += stats.threads;
	}
	ck_assert_uint_eq(threads, inside);
	sum_up();
}

static int ignore(const struct zmalloc_scope_stats *scope, void *unused)
{
	(void)unused;
	REQUIRE(scope->used_bytes < 0 || scope->peak_bytes >= (uint64_t)scope->used_bytes);
	return 0;
}

static void *look_all_the_time(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		REQUIRE(zmalloc_scope_visit(ignore, NULL) == 0);
	return unused;
}

START_TEST(test_threads_add_up_whenever_they_rest)
{
	static struct part part[8];
	static const char *const names[] = {"shared 0", "shared 1", "shared 2", "shared 3"};
	pthread_t thread[COUNT_OF(part)], looker;

	memset(part, 0, sizeof(part));
	for (size_t i = 0; i < COUNT_OF(shared); i++)
		shared[i] = scope_of(names[i]);
	stop = false;
	barrier_init(&begin, COUNT_OF(part) + 1);
	looker = start_thread(look_all_the_time, NULL);
	for (size_t i = 0; i < COUNT_OF(part); i++) {
		part[i].seed = i + 1;
		thread[i] = start_thread(work, &part[i]);
	}
	barrier_wait(&begin);
	for (int round = 0; round < 4; round++) {
		barrier_wait(&begin);
		compare(part, COUNT_OF(part), COUNT_OF(part));
		barrier_wait(&begin);
	}
	for (size_t i = 0; i < COUNT_OF(part); i++)
		join_thread(thread[i]);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	join_thread(looker);
	compare(part, COUNT_OF(part), 0);
	for (size_t i = 0; i < COUNT_OF(part); i++)
		for (size_t j = 0; j < COUNT_OF(part[i].block); j++)
			zfree(part[i].block[j]);
	sum_up();
	barrier_done(&begin);
}
END_TEST

static void *end_inside(void *scope)
{
	void *block;

	zmalloc_scope_enter(shared[0]);
	/* The one before, whose cells these are, was in it. */
	REQUIRE(zmalloc_scope_leave(scope) == -1);
	zmalloc_scope_enter(scope);
	block = zmalloc(6000);
	return block;
}

START_TEST(test_a_thread_may_end_inside)
{
	zmalloc_scope *scope = scope_of("ended in");
	int64_t size = 0, outer;

	shared[0] = scope_of("ended in, outer");
	outer = used_in(shared[0]);
	for (int i = 0; i < 20; i++) {
		void *block = join_thread(start_thread(end_inside, scope));

		size += (int64_t)zmalloc_size(block);
		ck_assert_int_eq(used_in(scope), size);
		ck_assert_uint_eq(stats_of(scope).threads, 0);
		sum_up();
		zfree(block);
		ck_assert_int_eq(used_in(scope), size);
	}
	ck_assert_int_eq(used_in(shared[0]), outer);
	sum_up();
}
END_TEST

static void *fill_cells(void *unused)
{
	for (size_t i = 0; i < 300; i++) {
		char name[40];

		snprintf(name, sizeof(name), "taken over, %zu", i);
		zmalloc_scope_enter(zmalloc_scope_new(name));
	}
	return unused;
}

/* A thread's cells are two pages. */
START_TEST(test_cells_are_taken_over)
{
	size_t before = 0, after = 0;

	if (under_checker()) {
		skip_part("a checker's own memory comes and goes with threads");
		return;
	}
	for (int i = 0; i < 50; i++)
		join_thread(start_thread(fill_cells, NULL));
	before = zmalloc_get_rss();
	for (int i = 0; i < 300; i++)
		join_thread(start_thread(fill_cells, NULL));
	after = zmalloc_get_rss();
	ck_assert_uint_lt(after, before + 300 * 4 * KIB);
	sum_up();
}
END_TEST

static pthread_key_t late;
static int late_runs;
static void *late_block;

/* At first the key is as old as the library's; set again, it runs in the next round, after ours. */
static void allocate_late(void *scope)
{
	late_runs++;
	if (late_runs < 3) {
		pthread_setspecific(late, scope);
		return;
	}
	errno = 0;
	REQUIRE(zmalloc_scope_leave(scope) == -1 && errno == ENOENT);
	REQUIRE(zmalloc_scope_enter(scope) == -1 && errno == ESRCH);
	zfree(zmalloc(100));
	late_block = ztrymalloc(12345);
	REQUIRE(late_block != NULL);
}

static void *set_late(void *scope)
{
	zmalloc_scope_enter(scope);
	zfree(zmalloc(1));
	pthread_setspecific(late, scope);
	return NULL;
}

START_TEST(test_a_thread_past_its_end_is_in_no_scope)
{
	zmalloc_scope *scope = scope_of("late");
	int64_t rest = used_in(NULL);

	late_runs = 0;
	ck_assert_int_eq(pthread_key_create(&late, allocate_late), 0);
	join_thread(start_thread(set_late, scope));
	ck_assert_int_eq(late_runs, 3);
	ck_assert_int_eq(used_in(scope), 0);
	ck_assert_int_ge(used_in(NULL), rest + 12345);
	sum_up();
	zfree(late_block);
	pthread_key_delete(late);
}
END_TEST

/* ---- Children --------------------------------------------------------------------------------------- */

static void *move_about(void *unused)
{
	for (size_t i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
		void *block;

		zmalloc_scope_enter(shared[1]);
		block = zmalloc(64);
		zmalloc_scope_enter(shared[2]);
		zfree(block);
		zmalloc_scope_leave(shared[2]);
		zmalloc_scope_leave(shared[1]);
	}
	return unused;
}

static void go_on_in_child(void *inside)
{
	zmalloc_scope *scope = inside;
	int64_t had = used_in(scope);
	void *block = zmalloc(777);

	REQUIRE_EQ(used_in(scope), had + (int64_t)zmalloc_size(block));
	REQUIRE_EQ(stats_of(scope).threads, 1);
	REQUIRE_EQ(stats_of(shared[1]).threads + stats_of(shared[2]).threads, 0);
	/* The other thread has a block of 64 bytes in one of its scopes, or has not. */
	REQUIRE(used_in(shared[1]) + used_in(shared[2]) >= 0);
	REQUIRE(used_in(shared[1]) + used_in(shared[2]) < 200);
	sum_up();
	REQUIRE(zmalloc_scope_leave(scope) == 0);
	REQUIRE_EQ(stats_of(scope).threads, 0);
	/* ThreadSanitizer takes a child's thread for one of its parent's. */
	if (!sanitized())
		zfree(join_thread(start_thread(end_inside, scope)));
	sum_up();
	zfree(block);
	sum_up();
}

START_TEST(test_a_fork_inside_of_a_scope)
{
	zmalloc_scope *scope = scope_of("forked in");
	pthread_t other;

	if (under_valgrind() || emulated()) {
		skip_part("valgrind takes a lost thread's blocks for leaked, an emulator's child "
			  "may hang");
		return;
	}
	shared[0] = scope_of("of a child's thread");
	shared[1] = scope_of("lost outer");
	shared[2] = scope_of("lost inner");
	stop = false;
	other = start_thread(move_about, NULL);
	zmalloc_scope_enter(scope);
	for (size_t i = 0; i < steps(200, 10); i++)
		run_child_ok(go_on_in_child, scope);
	zmalloc_scope_leave(scope);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	join_thread(other);
	ck_assert_int_eq(used_in(shared[1]) + used_in(shared[2]), 0);
	sum_up();
}
END_TEST

/* ---- Ten thousand ----------------------------------------------------------------------------------- */

static void *visit_some(void *argument)
{
	zmalloc_scope **scope = argument;

	for (size_t i = 0; i < 10000; i += 37) {
		zmalloc_scope_enter(scope[i]);
		zmalloc_scope_enter(scope[(i + 256) % 10000]);
		zfree(zmalloc(100));
		zmalloc_scope_leave(scope[(i + 256) % 10000]);
		zmalloc_scope_leave(scope[i]);
	}
	return NULL;
}

START_TEST(test_ten_thousand_scopes)
{
	static zmalloc_scope *scope[10000];
	static void *block[COUNT_OF(scope)][2];
	pthread_t thread[4];
	size_t count = sum_up().scopes;
	char name[40];

	for (size_t i = 0; i < COUNT_OF(scope); i++) {
		snprintf(name, sizeof(name), "of many, %zu", i);
		scope[i] = scope_of(name);
	}
	ck_assert_ptr_eq(scope[7], scope_of("of many, 7"));
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		thread[i] = start_thread(visit_some, scope);
	for (size_t i = 0; i < COUNT_OF(scope); i++) {
		zmalloc_scope_enter(scope[i]);
		block[i][0] = zmalloc(100 + i % 1000);
		/* A scope that wants the same cell, and back. */
		zmalloc_scope_enter(scope[(i + 256) % COUNT_OF(scope)]);
		zfree(zmalloc(10));
		zmalloc_scope_leave(scope[(i + 256) % COUNT_OF(scope)]);
		block[i][1] = zmalloc(50);
		zmalloc_scope_leave(scope[i]);
	}
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		join_thread(thread[i]);
	ck_assert_uint_eq(sum_up().scopes, count + COUNT_OF(scope));
	for (size_t i = 0; i < COUNT_OF(scope); i += steps(97, 997)) {
		struct zmalloc_scope_stats stats = stats_of(scope[i]);
		size_t bytes = zmalloc_size(block[i][0]) + zmalloc_size(block[i][1]);

		ck_assert_int_eq(stats.used_bytes, (int64_t)bytes);
		ck_assert(stats.peak_bytes >= bytes);
	}
	for (size_t i = 0; i < COUNT_OF(scope); i++) {
		zmalloc_scope_enter(scope[i]);
		zfree(block[i][0]);
		zfree(block[i][1]);
		zmalloc_scope_leave(scope[i]);
	}
	for (size_t i = 0; i < COUNT_OF(scope); i += steps(97, 997))
		ck_assert_int_eq(used_in(scope[i]), 0);
	sum_up();
}
END_TEST

/* As many as there may be, in a child: a scope is for ever. */
static void make_all(void *unused)
{
	size_t count = sum_up().scopes;
	char name[40];

	for (size_t i = 0; i < ZMALLOC_SCOPES_MAX - count; i++) {
		snprintf(name, sizeof(name), "one of all, %zu", i);
		scope_of(name);
	}
	errno = 0;
	REQUIRE(zmalloc_scope_new("one too many") == NULL && errno == ENOSPC);
	REQUIRE(zmalloc_scope_new("one of all, 5") != NULL);
	REQUIRE_EQ(sum_up().scopes, ZMALLOC_SCOPES_MAX);
	(void)unused;
}

START_TEST(test_there_is_an_end_to_scopes)
{
	run_child_ok(make_all, NULL);
}
END_TEST

/* ---- Peaks -------------------------------------------------------------------------------------------- */

START_TEST(test_a_peak_is_seen_when_it_is_left)
{
	zmalloc_scope *scope = scope_of("peak"), *inner = scope_of("peak inside");
	void *block;
	size_t size;

	block = zmalloc(20 * MIB);
	zfree(block);
	/* Below the process's peak, and nobody looks. */
	zmalloc_scope_enter(scope);
	block = zmalloc(MIB);
	size = zmalloc_size(block);
	zmalloc_scope_leave(scope);
	zmalloc_scope_enter(scope);
	zfree(block);
	block = zmalloc(100);
	zmalloc_scope_leave(scope);
	ck_assert_uint_eq(stats_of(scope).peak_bytes, size);
	ck_assert_int_eq(used_in(scope), (int64_t)zmalloc_size(block));
	/* What the cell has since the last look counts, not what it had once. */
	zmalloc_scope_enter(scope);
	zfree(block);
	block = zmalloc(2 * MIB);
	size = zmalloc_size(block);
	zmalloc_scope_enter(inner);
	zmalloc_scope_leave(inner);
	zfree(block);
	zmalloc_scope_leave(scope);
	ck_assert_uint_eq(stats_of(scope).peak_bytes, size);
	ck_assert_uint_eq(stats_of(inner).peak_bytes, 0);
}
END_TEST

START_TEST(test_a_peak_inside_is_seen_as_memory_grows)
{
	static void *block[1000];
	zmalloc_scope *scope = scope_of("peak as never before");
	size_t count = 0, peak = zmalloc_peak_memory(), most;

	zmalloc_scope_enter(scope);
	while (count < COUNT_OF(block) && zmalloc_used_memory() < peak + 4 * MIB)
		block[count++] = zmalloc(64 * KIB);
	ck_assert_uint_lt(count, COUNT_OF(block));
	most = count * zmalloc_size(block[0]);
	while (count > 0)
		zfree(block[--count]);
	zmalloc_scope_leave(scope);
	ck_assert_uint_ge(stats_of(scope).peak_bytes, most - 192 * KIB);
	ck_assert_uint_le(stats_of(scope).peak_bytes, most);
}
END_TEST

/* By a scope whose number is 256 more, again and again; each time the cell begins at nought. */
START_TEST(test_a_peak_is_kept_when_a_cell_is_taken)
{
	static zmalloc_scope *scope[257];
	static void *block[40];
	char name[40];
	size_t most;
	void *large = zmalloc(20 * MIB);

	zfree(large);
	for (size_t i = 0; i < COUNT_OF(scope); i++) {
		snprintf(name, sizeof(name), "cells, %zu", i);
		scope[i] = scope_of(name);
	}
	for (size_t i = 0; i < COUNT_OF(block); i++) {
		zmalloc_scope_enter(scope[0]);
		block[i] = zmalloc(40 * KIB);
		zmalloc_scope_leave(scope[0]);
		zmalloc_scope_enter(scope[256]);
		zmalloc_scope_leave(scope[256]);
	}
	most = COUNT_OF(block) * zmalloc_size(block[0]);
	zmalloc_scope_enter(scope[0]);
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
	zmalloc_scope_leave(scope[0]);
	ck_assert_int_eq(used_in(scope[0]), 0);
	ck_assert_uint_ge(stats_of(scope[0]).peak_bytes, most - 64 * KIB);
	ck_assert_uint_le(stats_of(scope[0]).peak_bytes, most);
}
END_TEST

static void *rise_and_fall(void *argument)
{
	zmalloc_scope *scope = shared[0];
	void *block;

	barrier_wait(&begin);
	/* By turns: each is high while the other is low, and then both. */
	for (int turn = 0; turn < 3; turn++) {
		bool rises = turn == 2 || turn == (int)(uintptr_t)argument;

		zmalloc_scope_enter(scope);
		block = rises ? zmalloc(MIB) : NULL;
		zmalloc_scope_leave(scope);
		barrier_wait(&begin);
		barrier_wait(&begin);
		zmalloc_scope_enter(scope);
		zfree(block);
		zmalloc_scope_leave(scope);
		barrier_wait(&begin);
	}
	return NULL;
}

START_TEST(test_a_peak_of_two_threads_at_once)
{
	pthread_t thread[2];
	void *large = zmalloc(20 * MIB);

	zfree(large);
	shared[0] = scope_of("peak of two");
	barrier_init(&begin, 3);
	for (uintptr_t i = 0; i < 2; i++)
		thread[i] = start_thread(rise_and_fall, (void *)i);
	barrier_wait(&begin);
	for (int turn = 0; turn < 3; turn++) {
		barrier_wait(&begin);
		barrier_wait(&begin);
		barrier_wait(&begin);
	}
	for (size_t i = 0; i < 2; i++)
		join_thread(thread[i]);
	barrier_done(&begin);
	ck_assert_int_eq(used_in(shared[0]), 0);
	ck_assert_uint_ge(stats_of(shared[0]).peak_bytes, 2 * MIB - 128 * KIB);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("scope");

	tcase_add_test(tests, test_a_scope_has_what_is_allocated_inside);
	tcase_add_test(tests, test_a_scope_may_be_below_nought);
	tcase_add_test(tests, test_what_is_inside_an_inner_one_is_the_inner_ones);
	tcase_add_test(tests, test_everything_else_may_be_entered_first);
	tcase_add_test(tests, test_leaving_what_was_not_entered_changes_nothing);
	tcase_add_test(tests, test_leaving_an_outer_one_leaves_the_inner_ones);
	tcase_add_test(tests, test_a_long_jump_is_made_good_by_the_outer_one);
	tcase_add_test(tests, test_too_deep_is_counted);
	tcase_add_test(tests, test_names_of_any_bytes);
	tcase_add_test(tests, test_sizes_of_structs);
	tcase_add_test(tests, test_a_visit_may_be_ended);
#if defined(__GNUC__)
	tcase_add_test(tests, test_the_macro_leaves_at_the_end_of_its_block);
#endif
	tcase_add_test(tests, test_all_of_the_family_counts);
	tcase_add_test(tests, test_an_arena_is_ended_where_it_is_reset);
	tcase_add_test(tests, test_threads_add_up_whenever_they_rest);
	tcase_add_test(tests, test_a_thread_may_end_inside);
	tcase_add_test(tests, test_cells_are_taken_over);
	tcase_add_test(tests, test_a_thread_past_its_end_is_in_no_scope);
	tcase_add_test(tests, test_a_fork_inside_of_a_scope);
	tcase_add_test(tests, test_ten_thousand_scopes);
	tcase_add_test(tests, test_there_is_an_end_to_scopes);
	tcase_add_test(tests, test_a_peak_is_seen_when_it_is_left);
	tcase_add_test(tests, test_a_peak_inside_is_seen_as_memory_grows);
	tcase_add_test(tests, test_a_peak_is_kept_when_a_cell_is_taken);
	tcase_add_test(tests, test_a_peak_of_two_threads_at_once);
	return run_tests(tests);
}
