/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_peak.c - the peak against a true one known by construction: never under it, nor under
 * any figure that was told, and over it by at most 64 KiB for each thread.
 */
#include "config.h"

#include "tests/support.h"

#include <zmalloc.h>

#define STEP_BYTES (64 * KIB)

/*
 * The peak of a process only rises: begin where used memory is at it.
 * Returns what brought it there.
 */
static void *rise_to_peak(void)
{
	size_t below = zmalloc_peak_memory() - zmalloc_used_memory();

	return zmalloc(below + MIB);
}

static void check_peak(size_t true_peak, size_t threads)
{
	size_t peak = zmalloc_peak_memory();

	ck_assert_msg(peak >= true_peak, "peak %zu is under the true one, %zu", peak, true_peak);
	ck_assert_msg(peak <= true_peak + threads * STEP_BYTES,
		      "peak %zu is over the true one, %zu, by %zu with %zu threads", peak,
		      true_peak, peak - true_peak, threads);
}

/* ---- One thread ----------------------------------------------------------------------------- */

/* Up and down at random, and up on the whole; nobody looks meanwhile. */
static void rise_and_fall(unsigned bits, bool looks)
{
	enum {
		BLOCKS = 500
	};
	static void *blocks[BLOCKS];
	struct chance chance = chance_of(bits);
	void *base = rise_to_peak();
	size_t used = zmalloc_used_memory(), true_peak = used, count = 0;

	for (size_t i = 0; i < steps(50000, 3000); i++) {
		void **block = &blocks[chance_below(&chance, BLOCKS)];

		used -= zmalloc_size(*block);
		if (chance_below(&chance, 3) == 0) {
			zfree(*block);
			*block = NULL;
		} else {
			zfree(*block);
			*block = zmalloc(chance_size(&chance, bits));
			used += zmalloc_size(*block);
		}
		if (used > true_peak)
			true_peak = used;
		if (looks && ++count % 7 == 0) {
			ck_assert_uint_eq(zmalloc_used_memory(), used);
			check_peak(true_peak, 1);
		}
	}
	check_peak(true_peak, 1);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	for (size_t i = 0; i < BLOCKS; i++) {
		zfree(blocks[i]);
		blocks[i] = NULL;
	}
	zfree(base);
	check_peak(true_peak, 1);
}

START_TEST(test_peak_of_small_blocks)
{
	rise_and_fall(10, false);
}
END_TEST

START_TEST(test_peak_of_large_blocks)
{
	rise_and_fall(20, false);
}
END_TEST

START_TEST(test_peak_under_looks)
{
	rise_and_fall(14, true);
}
END_TEST

static void resize_at_peak(size_t from, size_t to)
{
	void *base = rise_to_peak(), *block = zmalloc(from);
	size_t used = zmalloc_used_memory() - zmalloc_size(block), size;

	block = zrealloc(block, to);
	size = zmalloc_size(block);
	check_peak(used + size, 1);
	zfree(block);
	check_peak(used + size, 1);
	zfree(base);
}

START_TEST(test_peak_of_growing_blocks)
{
	resize_at_peak(100, 10 * MIB);
	resize_at_peak(70000, 75000);
	resize_at_peak(10 * MIB, 11 * MIB);
}
END_TEST

/* ---- Several, each in turn: a baton goes round, so the sum is known at each step ------------ */

#define RUNNERS ((size_t)8)

static struct relay {
	pthread_mutex_t lock;
	pthread_cond_t passed;
	size_t turn, turns_left;
	size_t used, true_peak;
	struct chance chance;
	void *blocks[300];
} relay = {.lock = PTHREAD_MUTEX_INITIALIZER, .passed = PTHREAD_COND_INITIALIZER};

static void take_turn(void)
{
	for (size_t i = 0; i < 20; i++) {
		void **block = &relay.blocks[chance_below(&relay.chance, COUNT_OF(relay.blocks))];

		relay.used -= zmalloc_size(*block);
		zfree(*block);
		*block = NULL;
		if (chance_below(&relay.chance, 4) != 0) {
			*block = zmalloc(chance_size(&relay.chance, 16));
			relay.used += zmalloc_size(*block);
		}
		if (relay.used > relay.true_peak)
			relay.true_peak = relay.used;
	}
}

static void *run_relay(void *number)
{
	size_t mine = *(size_t *)number;

	pthread_mutex_lock(&relay.lock);
	while (relay.turns_left > 0) {
		if (relay.turn % RUNNERS == mine) {
			take_turn();
			relay.turn++;
			relay.turns_left--;
			pthread_cond_broadcast(&relay.passed);
		} else {
			pthread_cond_wait(&relay.passed, &relay.lock);
		}
	}
	pthread_mutex_unlock(&relay.lock);
	return NULL;
}

START_TEST(test_peak_of_threads_in_turn)
{
	size_t numbers[RUNNERS];
	pthread_t threads[RUNNERS];
	void *base = rise_to_peak();

	relay.used = relay.true_peak = zmalloc_used_memory();
	relay.turns_left = steps(2000, 200);
	relay.chance = chance_of(8);
	for (size_t i = 0; i < RUNNERS; i++) {
		numbers[i] = i;
		threads[i] = start_thread(run_relay, &numbers[i]);
	}
	for (size_t i = 0; i < RUNNERS; i++)
		join_thread(threads[i]);
	ck_assert_uint_eq(zmalloc_used_memory(), relay.used);
	check_peak(relay.true_peak, RUNNERS + 1);
	for (size_t i = 0; i < COUNT_OF(relay.blocks); i++)
		zfree(relay.blocks[i]);
	zfree(base);
}
END_TEST

/* ---- Several together: nobody frees, so the last sum is the highest ------------------------- */

static struct barrier together;
#define PHASES 4

struct grower {
	size_t number;
	void *blocks[400];
	size_t count;
};

static void grow(struct grower *grower, struct chance *chance)
{
	size_t blocks = chance_below(chance, COUNT_OF(grower->blocks) - grower->count) / 2;

	for (size_t i = 0; i < blocks; i++)
		grower->blocks[grower->count++] = zmalloc(chance_size(chance, 15));
}

static void shrink(struct grower *grower)
{
	while (grower->count > 0)
		zfree(grower->blocks[--grower->count]);
}

/* All grow; odd ones fall; even ones grow on; and so forth. Between two barriers only one thing. */
static void *grow_together(void *argument)
{
	struct grower *grower = argument;
	struct chance chance = chance_of(grower->number + 50);

	for (size_t phase = 0; phase < PHASES; phase++) {
		grow(grower, &chance);
		barrier_wait(&together);
		barrier_wait(&together);
		if (grower->number % 2 == phase % 2)
			shrink(grower);
		barrier_wait(&together);
	}
	shrink(grower);
	return NULL;
}

START_TEST(test_peak_of_threads_together)
{
	static struct grower growers[RUNNERS];
	pthread_t threads[RUNNERS];
	void *base = rise_to_peak();
	size_t true_peak = zmalloc_used_memory();

	barrier_init(&together, RUNNERS + 1);
	for (size_t i = 0; i < RUNNERS; i++) {
		growers[i] = (struct grower){.number = i};
		threads[i] = start_thread(grow_together, &growers[i]);
	}
	for (size_t phase = 0; phase < PHASES; phase++) {
		size_t used;

		barrier_wait(&together);
		used = zmalloc_used_memory();
		if (used > true_peak)
			true_peak = used;
		check_peak(true_peak, RUNNERS + 1);
		barrier_wait(&together);
		barrier_wait(&together);
	}
	for (size_t i = 0; i < RUNNERS; i++)
		join_thread(threads[i]);
	check_peak(true_peak, RUNNERS + 1);
	zfree(base);
	barrier_done(&together);
}
END_TEST

/* ---- Readers do not raise it ---------------------------------------------------------------- */

static bool stop;

START_TEST(test_peak_is_not_raised_by_looks)
{
	pthread_t threads[4];
	void *base = rise_to_peak(), *like = zmalloc(64 * KIB);
	size_t block = zmalloc_size(like), used = zmalloc_used_memory(), rounds;

	rounds = steps(100000, 100);
	stop = false;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		threads[i] = start_thread(swap_blocks, &stop);
	for (size_t i = 0; i < rounds; i++) {
		size_t now = zmalloc_used_memory();

		ck_assert_uint_ge(zmalloc_peak_memory(), now);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		join_thread(threads[i]);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ck_assert_uint_le(zmalloc_peak_memory(),
			  used + COUNT_OF(threads) * (2 * block + STEP_BYTES) + STEP_BYTES);
	zfree(like);
	zfree(base);
}
END_TEST

/* Threads that came and went leave nothing behind that counts. */
static void *hold_a_little(void *unused)
{
	(void)unused;
	zfree(zmalloc(1000));
	return NULL;
}

START_TEST(test_peak_forgets_threads_that_ended)
{
	void *base = rise_to_peak(), *block;
	size_t used = zmalloc_used_memory();

	for (size_t i = 0; i < steps(1000, 100); i++)
		join_thread(start_thread(hold_a_little, NULL));
	block = zmalloc(8 * MIB);
	check_peak(used + zmalloc_size(block), 2);
	zfree(block);
	zfree(base);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("peak");

	tcase_add_test(tests, test_peak_of_small_blocks);
	tcase_add_test(tests, test_peak_of_large_blocks);
	tcase_add_test(tests, test_peak_under_looks);
	tcase_add_test(tests, test_peak_of_growing_blocks);
	tcase_add_test(tests, test_peak_of_threads_in_turn);
	tcase_add_test(tests, test_peak_of_threads_together);
	tcase_add_test(tests, test_peak_is_not_raised_by_looks);
	tcase_add_test(tests, test_peak_forgets_threads_that_ended);
	return run_tests(tests);
}
