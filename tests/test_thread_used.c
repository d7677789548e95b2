/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_thread_used.c - the difference of two looks at the thread's own figure is what the
 * code between them left allocated, whatever others do.
 */
#include "config.h"

#include "tests/support.h"

#include <zmalloc.h>

static bool stop;

static void *make_noise(void *unused)
{
	struct chance chance = chance_of(5);

	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		zfree(zmalloc(chance_size(&chance, 16)));
	return NULL;
}

static void look_and_compare(uint64_t seed)
{
	struct chance chance = chance_of(seed);
	void *blocks[100] = {NULL};
	int64_t first = zmalloc_thread_used_memory(), expected = 0;

	for (size_t i = 0; i < steps(20000, 1000); i++) {
		void **block = &blocks[chance_below(&chance, COUNT_OF(blocks))];
		int64_t before = zmalloc_thread_used_memory(), change;

		change = -(int64_t)zmalloc_size(*block);
		if (chance_below(&chance, 3) == 0) {
			zfree(*block);
			*block = NULL;
		} else {
			*block = zrealloc(*block, chance_size(&chance, 14) + 1);
			change += (int64_t)zmalloc_size(*block);
		}
		REQUIRE_EQ(zmalloc_thread_used_memory() - before, change);
		expected += change;
	}
	REQUIRE_EQ(zmalloc_thread_used_memory() - first, expected);
	for (size_t i = 0; i < COUNT_OF(blocks); i++)
		zfree(blocks[i]);
	REQUIRE_EQ(zmalloc_thread_used_memory(), first);
}

START_TEST(test_difference_is_what_was_left_allocated)
{
	pthread_t noise[2];

	stop = false;
	for (size_t i = 0; i < COUNT_OF(noise); i++)
		noise[i] = start_thread(make_noise, NULL);
	look_and_compare(1);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < COUNT_OF(noise); i++)
		join_thread(noise[i]);
}
END_TEST

static void *compare_in_thread(void *seed)
{
	look_and_compare(*(uint64_t *)seed);
	return NULL;
}

START_TEST(test_each_thread_has_its_own)
{
	uint64_t seeds[] = {2, 3, 4, 5};
	pthread_t threads[COUNT_OF(seeds)];

	for (size_t i = 0; i < COUNT_OF(seeds); i++)
		threads[i] = start_thread(compare_in_thread, &seeds[i]);
	for (size_t i = 0; i < COUNT_OF(seeds); i++)
		join_thread(threads[i]);
}
END_TEST

static void *leave_some(void *block)
{
	*(void **)block = zmalloc(123456);
	return NULL;
}

/*
 * The first call of a thread may inherit a record with somebody else's past: not a jump to be seen.
 */
static void *look_first(void *unused)
{
	int64_t before = zmalloc_thread_used_memory();
	void *block = zmalloc(100);

	(void)unused;
	REQUIRE_EQ(zmalloc_thread_used_memory() - before, (int64_t)zmalloc_size(block));
	zfree(block);
	REQUIRE_EQ(zmalloc_thread_used_memory(), before);
	return NULL;
}

START_TEST(test_first_look_of_a_thread)
{
	void *left;

	join_thread(start_thread(leave_some, &left));
	join_thread(start_thread(look_first, NULL));
	zfree(left);
}
END_TEST

/* Memory got in one thread and freed in another is on the books of both. */
static void *free_given(void *block)
{
	int64_t before = zmalloc_thread_used_memory(), size = (int64_t)zmalloc_size(block);

	zfree(block);
	REQUIRE_EQ(zmalloc_thread_used_memory() - before, -size);
	return NULL;
}

START_TEST(test_freeing_what_another_allocated)
{
	int64_t before = zmalloc_thread_used_memory();
	void *block = zmalloc(5000);
	int64_t size = (int64_t)zmalloc_size(block);

	join_thread(start_thread(free_given, block));
	ck_assert_int_eq(zmalloc_thread_used_memory() - before, size);
}
END_TEST

/* ---- Past the thread's end ---- */

static struct {
	pthread_key_t key;
	int calls;
	int64_t before;
	void *left, *left_late;
	size_t true_peak;
} past;

/*
 * Destructors that set their key again are called again, once all others have been called: so the
 * library's has run by the second call.
 */
static void look_past_the_end(void *unused)
{
	size_t below;
	void *block;

	if (past.calls++ == 0) {
		pthread_setspecific(past.key, unused);
		return;
	}
	REQUIRE_EQ(zmalloc_thread_used_memory(), past.before);
	past.left_late = zmalloc(5000);
	REQUIRE_EQ(zmalloc_thread_used_memory(),
		   past.before + (int64_t)zmalloc_size(past.left_late));
	below = zmalloc_peak_memory() - zmalloc_used_memory();
	block = zmalloc(below + 8 * MIB);
	past.true_peak = zmalloc_used_memory();
	zfree(block);
}

static void *end_with_a_figure(void *unused)
{
	(void)unused;
	past.left = zmalloc(123456);
	past.before = zmalloc_thread_used_memory();
	REQUIRE_EQ(pthread_setspecific(past.key, &past), 0);
	return NULL;
}

START_TEST(test_a_thread_past_its_end_has_its_figure)
{
	size_t used = zmalloc_used_memory();

	past.calls = 0;
	ck_assert_int_eq(pthread_key_create(&past.key, look_past_the_end), 0);
	join_thread(start_thread(end_with_a_figure, NULL));
	ck_assert_int_eq(past.calls, 2);
	ck_assert_uint_ge(zmalloc_peak_memory(), past.true_peak);
	ck_assert_uint_eq(zmalloc_used_memory(),
			  used + zmalloc_size(past.left) + zmalloc_size(past.left_late));
	zfree(past.left);
	zfree(past.left_late);
	pthread_key_delete(past.key);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

static void *raise_past_the_end(void *unused)
{
	(void)unused;
	zfree(zmalloc(1));
	REQUIRE_EQ(pthread_setspecific(past.key, &past), 0);
	return NULL;
}

/* Nobody looks between the block and its end. */
static void rise_past_the_end(void *unused)
{
	if (past.calls++ == 0) {
		pthread_setspecific(past.key, unused);
		return;
	}
	zfree(zmalloc(past.true_peak));
}

START_TEST(test_a_thread_past_its_end_raises_the_peak)
{
	size_t peak = zmalloc_peak_memory();

	past.calls = 0;
	past.true_peak = peak + 8 * MIB;
	ck_assert_int_eq(pthread_key_create(&past.key, rise_past_the_end), 0);
	join_thread(start_thread(raise_past_the_end, NULL));
	ck_assert_uint_ge(zmalloc_peak_memory(), past.true_peak);
	pthread_key_delete(past.key);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("thread_used");

	tcase_add_test(tests, test_difference_is_what_was_left_allocated);
	tcase_add_test(tests, test_each_thread_has_its_own);
	tcase_add_test(tests, test_first_look_of_a_thread);
	tcase_add_test(tests, test_freeing_what_another_allocated);
	tcase_add_test(tests, test_a_thread_past_its_end_has_its_figure);
	tcase_add_test(tests, test_a_thread_past_its_end_raises_the_peak);
	return run_tests(tests);
}
