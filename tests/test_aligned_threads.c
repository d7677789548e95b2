/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_aligned_threads.c - aligned blocks that other threads free.
 *
 * An allocator may put an aligned block inside a larger one, and then has to find that when the block
 * is freed. mimalloc 3.0 does not where another thread frees at the same moment (m4/zm_allocator.m4
 * warns of it): blocks change their size and overlap.
 */
#include "config.h"

#include "tests/support.h"

#include <zmalloc.h>

#define THREADS 8
#define MAILBOXES 256

/* In front of each block's contents. */
struct parcel {
	size_t size, usable, alignment;
	uint64_t seed;
};

struct worker {
	size_t number, alignment;
};

static struct parcel *mailboxes[MAILBOXES];

static struct parcel *pack(struct chance *chance, size_t alignment)
{
	size_t size = sizeof(struct parcel) + chance_size(chance, 14);
	struct parcel *parcel = zmalloc_aligned(alignment, size);

	REQUIRE((uintptr_t)parcel % alignment == 0);
	parcel->size = size;
	parcel->usable = zmalloc_usable_size(parcel);
	parcel->alignment = alignment;
	parcel->seed = chance_next(chance);
	REQUIRE(parcel->usable >= size);
	fill(parcel + 1, size - sizeof(*parcel), parcel->seed);
	return parcel;
}

static void unpack(struct parcel *parcel)
{
	if (parcel == NULL)
		return;
	REQUIRE(filled(parcel + 1, parcel->size - sizeof(*parcel), parcel->seed));
	REQUIRE_EQ(zmalloc_usable_size(parcel), parcel->usable);
	if (parcel->seed % 2 == 0)
		zfree(parcel);
	else
		zfree_with_size(parcel, parcel->usable);
}

static void *exchange_parcels(void *argument)
{
	const struct worker *worker = argument;
	struct chance chance = chance_of(worker->number + worker->alignment * THREADS);

	for (size_t i = 0; i < steps(15000, 500); i++) {
		struct parcel *parcel = pack(&chance, worker->alignment);
		struct parcel **mailbox = &mailboxes[chance_below(&chance, MAILBOXES)];

		unpack(__atomic_exchange_n(mailbox, parcel, __ATOMIC_ACQ_REL));
	}
	return NULL;
}

static void check_alignment(size_t alignment)
{
	size_t used = zmalloc_used_memory(), sum = 0;
	struct worker workers[THREADS];
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){i, alignment};
		threads[i] = start_thread(exchange_parcels, &workers[i]);
	}
	for (size_t i = 0; i < THREADS; i++)
		join_thread(threads[i]);
	for (size_t i = 0; i < MAILBOXES; i++)
		sum += zmalloc_size(mailboxes[i]);
	ck_assert_uint_eq(zmalloc_used_memory() - used, sum);
	for (size_t i = 0; i < MAILBOXES; i++) {
		unpack(mailboxes[i]);
		mailboxes[i] = NULL;
	}
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}

START_TEST(test_others_free_cache_lines)
{
	check_alignment(64);
	check_alignment(128);
}
END_TEST

/* Few blocks begin at such a place by themselves. */
START_TEST(test_others_free_what_is_aligned_to_more)
{
	check_alignment(256);
	check_alignment(1024);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("aligned_threads");

	tcase_add_test(tests, test_others_free_cache_lines);
	tcase_add_test(tests, test_others_free_what_is_aligned_to_more);
	return run_tests(tests);
}
