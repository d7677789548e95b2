/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_threads.c - threads that hand blocks to one another, die holding some and are
 * replaced.
 *
 * There are always as many threads as lines; each is one life of its line, works, leaves the blocks
 * that it holds to its line, starts its successor and ends. Blocks that travel lie in mailboxes:
 * who puts one in takes out what was there. Every tenth life all lines meet, at rest, and used
 * memory is what lines and mailboxes add up to.
 */
#include "config.h"

#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmalloc.h>

#define LINES_MAX 256
#define LIVES_BETWEEN_RESTS 10
#define MAILBOXES 512
#define HELD 24

/* In front of each block's contents. */
struct parcel {
	size_t size;
	uint64_t seed;
};

struct line {
	size_t number, life;
	pthread_t predecessor, last;
	bool has_predecessor;
	struct parcel *held[HELD];
};

static struct line lines[LINES_MAX];
static struct parcel *mailboxes[MAILBOXES];
static size_t line_count, lives_each;
static struct barrier all_at_rest, go_on;
static pthread_attr_t small_stack;

/* ---- Parcels -------------------------------------------------------------------------------- */

static struct parcel *pack(struct chance *chance)
{
	size_t size = sizeof(struct parcel) + chance_size(chance, 12);
	struct parcel *parcel;

	switch (chance_below(chance, 4)) {
	case 0:
		parcel = zcalloc(size);
		break;
	case 1:
		parcel = zmalloc_aligned(64, size);
		break;
	default:
		parcel = zmalloc(size);
		break;
	}
	parcel->size = size;
	parcel->seed = chance_next(chance);
	fill(parcel + 1, size - sizeof(*parcel), parcel->seed);
	return parcel;
}

static void check_parcel(const struct parcel *parcel)
{
	REQUIRE(filled(parcel + 1, parcel->size - sizeof(*parcel), parcel->seed));
}

static struct parcel *repack(struct parcel *parcel, struct chance *chance)
{
	check_parcel(parcel);
	parcel->size = sizeof(*parcel) + chance_size(chance, 12);
	parcel = zrealloc(parcel, parcel->size);
	fill(parcel + 1, parcel->size - sizeof(*parcel), parcel->seed);
	return parcel;
}

static void unpack(struct parcel *parcel, struct chance *chance)
{
	if (parcel == NULL)
		return;
	check_parcel(parcel);
	if (chance_below(chance, 2) == 0)
		zfree(parcel);
	else
		zfree_with_size(parcel, zmalloc_usable_size(parcel));
}

static struct parcel *exchange(struct parcel *parcel, struct chance *chance)
{
	struct parcel **mailbox = &mailboxes[chance_below(chance, MAILBOXES)];

	return __atomic_exchange_n(mailbox, parcel, __ATOMIC_ACQ_REL);
}

/* ---- A life --------------------------------------------------------------------------------- */

static size_t step_of_life(struct line *line, struct chance *chance)
{
	struct parcel **held = &line->held[chance_below(chance, HELD)];

	switch (chance_below(chance, 4)) {
	case 0:
		*held = exchange(*held, chance);
		break;
	case 1:
		if (*held != NULL)
			*held = repack(*held, chance);
		break;
	default:
		unpack(*held, chance);
		*held = pack(chance);
		break;
	}
	return 1;
}

static void *live(void *argument);

static void start_successor(struct line *line)
{
	pthread_t successor;

	line->predecessor = pthread_self();
	line->has_predecessor = true;
	line->life++;
	REQUIRE_EQ(pthread_create(&successor, &small_stack, live, line), 0);
}

static void *live(void *argument)
{
	struct line *line = argument;
	struct chance chance = chance_of(line->number * 100003 + line->life);

	if (line->has_predecessor)
		join_thread(line->predecessor);
	for (size_t i = 0; i < 40; i++)
		step_of_life(line, &chance);
	if (line->life == lives_each)
		line->last = pthread_self();
	if (line->life % LIVES_BETWEEN_RESTS == 0) {
		barrier_wait(&all_at_rest);
		barrier_wait(&go_on);
	}
	if (line->life < lives_each)
		start_successor(line);
	return NULL;
}

/* ---- The whole ------------------------------------------------------------------------------ */

static size_t sum_of_parcels(void)
{
	size_t sum = 0;

	for (size_t i = 0; i < line_count; i++)
		for (size_t j = 0; j < HELD; j++)
			sum += zmalloc_size(lines[i].held[j]);
	for (size_t i = 0; i < MAILBOXES; i++)
		sum += zmalloc_size(mailboxes[i]);
	return sum;
}

static void free_parcels(void)
{
	struct chance chance = chance_of(77);

	for (size_t i = 0; i < line_count; i++)
		for (size_t j = 0; j < HELD; j++)
			unpack(lines[i].held[j], &chance);
	for (size_t i = 0; i < MAILBOXES; i++)
		unpack(mailboxes[i], &chance);
	memset(mailboxes, 0, sizeof(mailboxes));
}

static void start_lines(void)
{
	memset(lines, 0, sizeof(lines));
	for (size_t i = 0; i < line_count; i++) {
		pthread_t first;

		lines[i].number = i;
		lines[i].life = 1;
		REQUIRE_EQ(pthread_create(&first, &small_stack, live, &lines[i]), 0);
		/* Its successor joins it. */
	}
}

START_TEST(test_ten_thousand_lives_are_charged_exactly)
{
	size_t used = zmalloc_used_memory();

	line_count = steps(LINES_MAX, 24);
	lives_each = steps(40, 10);
	barrier_init(&all_at_rest, line_count + 1);
	barrier_init(&go_on, line_count + 1);
	pthread_attr_init(&small_stack);
	start_lines();
	for (size_t life = LIVES_BETWEEN_RESTS; life <= lives_each; life += LIVES_BETWEEN_RESTS) {
		size_t sum;

		barrier_wait(&all_at_rest);
		sum = sum_of_parcels();
		ck_assert_uint_gt(sum, 0);
		ck_assert_uint_eq(zmalloc_used_memory() - used, sum);
		ck_assert_uint_ge(zmalloc_peak_memory(), used + sum);
		barrier_wait(&go_on);
	}
	/* The last of each line are on their way out, with nothing more to count. */
	ck_assert_uint_eq(zmalloc_used_memory() - used, sum_of_parcels());
	for (size_t i = 0; i < line_count; i++)
		join_thread(lines[i].last);
	free_parcels();
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

/* ---- Each thread by itself ------------------------------------------------------------------ */

#define GIVEN 50

static void *allocate_only(void *blocks)
{
	int64_t before = zmalloc_thread_used_memory(), sum = 0;

	for (size_t i = 0; i < GIVEN; i++) {
		((void **)blocks)[i] = zmalloc(i * 37);
		sum += (int64_t)zmalloc_size(((void **)blocks)[i]);
	}
	REQUIRE_EQ(zmalloc_thread_used_memory() - before, sum);
	return NULL;
}

static void *free_only(void *blocks)
{
	int64_t before = zmalloc_thread_used_memory(), sum = 0;

	for (size_t i = 0; i < GIVEN; i++) {
		sum += (int64_t)zmalloc_size(((void **)blocks)[i]);
		zfree(((void **)blocks)[i]);
	}
	REQUIRE_EQ(before - zmalloc_thread_used_memory(), sum);
	return NULL;
}

/* Counters go below zero one by one; their sum does not. */
START_TEST(test_one_allocates_another_frees)
{
	size_t used = zmalloc_used_memory(), pairs = steps(300, 30);
	void *blocks[GIVEN];

	for (size_t i = 0; i < pairs; i++) {
		join_thread(start_thread(allocate_only, blocks));
		ck_assert_uint_gt(zmalloc_used_memory(), used);
		join_thread(start_thread(free_only, blocks));
		ck_assert_uint_eq(zmalloc_used_memory(), used);
	}
}
END_TEST

static void *call_nothing(void *unused)
{
	return unused;
}

/* More threads at once than any table of fixed size would hold: each at work, none at rest. */
#define MANY ((size_t)600)
static struct barrier many_barrier;

static void *hold_one(void *block)
{
	*(void **)block = zmalloc(100);
	barrier_wait(&many_barrier);
	barrier_wait(&many_barrier);
	return NULL;
}

START_TEST(test_any_number_of_threads_at_once)
{
	static pthread_t threads[MANY];
	static void *blocks[MANY];
	size_t used = zmalloc_used_memory(), sum = 0, count = steps(MANY, 150);

	join_thread(start_thread(call_nothing, NULL));
	barrier_init(&many_barrier, count + 1);
	for (size_t i = 0; i < count; i++)
		threads[i] = start_thread(hold_one, &blocks[i]);
	barrier_wait(&many_barrier);
	for (size_t i = 0; i < count; i++)
		sum += zmalloc_size(blocks[i]);
	ck_assert_uint_eq(zmalloc_used_memory() - used, sum);
	barrier_wait(&many_barrier);
	for (size_t i = 0; i < count; i++) {
		join_thread(threads[i]);
		zfree(blocks[i]);
	}
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	barrier_done(&many_barrier);
}
END_TEST

/* ---- A reader while others write ------------------------------------------------------------ */

static bool stop;

#define SWAPPERS ((size_t)4)

/* A figure read while threads work is never absurd: not below what nobody frees. */
START_TEST(test_figures_read_at_work_are_sane)
{
	pthread_t threads[SWAPPERS];
	size_t used = zmalloc_used_memory();
	void *floor = zmalloc(8 * MIB);
	size_t charged = zmalloc_size(floor), rounds = steps(20000, 50);

	stop = false;
	for (size_t i = 0; i < SWAPPERS; i++)
		threads[i] = start_thread(swap_blocks, &stop);
	for (size_t i = 0; i < rounds; i++) {
		size_t now = zmalloc_used_memory();

		/* A reader may see a free before the allocation that went before it. */
		ck_assert_uint_ge(now + SWAPPERS * 256 * KIB, used + charged);
		ck_assert_uint_le(now, used + charged + SWAPPERS * 8 * MIB);
		ck_assert_uint_ge(zmalloc_peak_memory(), now);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < SWAPPERS; i++)
		join_thread(threads[i]);
	ck_assert_uint_eq(zmalloc_used_memory(), used + charged);
	zfree(floor);
}
END_TEST

/* ---- Beside the C library's malloc() ------------------------------------------------------------ */

/* Where the heap ends that sbrk(3) moves; 0: the system does not tell. */
static unsigned long end_of_heap(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long begin, end = 0;
	char line[512];

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
		if (strstr(line, "[heap]") != NULL)
			sscanf(line, "%lx-%lx", &begin, &end);
	if (maps != NULL)
		fclose(maps);
	return end;
}

/* sbrk() is not made for two at once, and malloc(), which serves the rest of the process, calls it. */
START_TEST(test_the_heaps_end_is_the_c_librarys_to_move)
{
	static void *block[4000];
	unsigned long before = end_of_heap(), after;

	if (before == 0 || strcmp(ZM_ALLOCATOR_NAME, "libc") == 0) {
		skip_part("the heap is the allocator's own, or nobody tells where it ends");
		return;
	}
	for (size_t i = 0; i < COUNT_OF(block); i++)
		block[i] = zmalloc(16 * KIB);
	after = end_of_heap();
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
	ck_assert_uint_lt(after - before, 8 * MIB);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("threads");

	tcase_add_test(tests, test_ten_thousand_lives_are_charged_exactly);
	tcase_add_test(tests, test_one_allocates_another_frees);
	tcase_add_test(tests, test_any_number_of_threads_at_once);
	tcase_add_test(tests, test_figures_read_at_work_are_sane);
	tcase_add_test(tests, test_the_heaps_end_is_the_c_librarys_to_move);
	return run_tests(tests);
}
