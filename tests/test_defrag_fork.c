/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_defrag_fork.c - fork in the middle of a cycle: parent and child each have a whole one.
 */
#include "config.h"

#include "tests/support.h"

#include <sys/wait.h>
#include <unistd.h>

#include <zmalloc.h>

#include "tests/defrag_blocks.h"

static struct blocks blocks;
static zdefrag *driver;
static size_t used;

static void to_the_middle(void)
{
	blocks_fill(&blocks, block_steps(200000, 20000), 300, 1);
	blocks_thin(&blocks, 40);
	driver = blocks_driver(&blocks);
	used = zmalloc_used_memory();
	step_until_held(driver);
}

static void to_the_end(void)
{
	REQUIRE_EQ(zmalloc_used_memory(), used);
	REQUIRE(zdefrag_run(driver) == 0);
	REQUIRE_EQ(zmalloc_used_memory(), used);
	REQUIRE_EQ(stats_of(driver).held_bytes, 0);
	REQUIRE(stats_of(driver).slabs_released > 0);
	blocks_check(&blocks);
}

static void finish(void *argument)
{
	(void)argument;
	to_the_end();
}

static void abandon(void *argument)
{
	(void)argument;
	zdefrag_abandon(driver);
	REQUIRE_EQ(stats_of(driver).held_bytes, 0);
	REQUIRE_EQ(zmalloc_used_memory(), used);
	blocks_check(&blocks);
	blocks_free(&blocks);
	zdefrag_free(driver);
}

static void just_free(void *argument)
{
	(void)argument;
	for (size_t i = 0; i < blocks.count; i++)
		zfree(blocks.held[i].at);
	zdefrag_free(driver);
}

static void tidy(void)
{
	zdefrag_free(driver);
	blocks_free(&blocks);
}

START_TEST(both_go_on)
{
	to_the_middle();
	run_child_ok(finish, NULL);
	run_child_ok(abandon, NULL);
	run_child_ok(just_free, NULL);
	to_the_end();
	tidy();
}
END_TEST

/* From inside the walk, whose thread holds the cycle. */
static void fork_now(struct blocks *walked, zdefrag *d)
{
	static int forks;
	pid_t child;
	int status;

	if (stats_of(d).phase != ZDEFRAG_MOVING || walked->cursor % 1000 != 0 || forks == 3)
		return;
	forks++;
	child = fork();
	REQUIRE(child >= 0);
	if (child == 0) {
		for (size_t i = 0; i < walked->count; i++)
			zfree(walked->held[i].at);
		_exit(0);
	}
	REQUIRE(waitpid(child, &status, 0) == child && status == 0);
}

START_TEST(from_inside_the_walk)
{
	blocks.after_each = fork_now;
	to_the_middle();
	to_the_end();
	tidy();
	blocks.after_each = NULL;
}
END_TEST

/* While another thread steps and a third allocates. */
static int stop;

static void *step_on(void *argument)
{
	(void)argument;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		if (zdefrag_run(driver) != 0)
			break;
	return NULL;
}

static void *churn(void *argument)
{
	void *own[100] = {NULL};
	struct chance chance = chance_of(9);

	(void)argument;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		void **at = &own[chance_below(&chance, COUNT_OF(own))];

		zfree(*at);
		*at = zmalloc(1 + chance_below(&chance, 300));
	}
	for (size_t i = 0; i < COUNT_OF(own); i++)
		zfree(own[i]);
	return NULL;
}

static void use_the_heap(void *argument)
{
	void *own[1000];

	(void)argument;
	alarm(60);
	for (size_t i = 0; i < COUNT_OF(own); i++)
		own[i] = zmalloc(1 + i % 300);
	for (size_t i = 0; i < COUNT_OF(own); i++)
		zfree(own[i]);
	zdefrag_abandon(driver);
}

START_TEST(while_other_threads_are_at_it)
{
	pthread_t stepping, churning;

	to_the_middle();
	stop = 0;
	stepping = start_thread(step_on, NULL);
	churning = start_thread(churn, NULL);
	for (int i = 0; i < 20; i++)
		run_child_ok(use_the_heap, NULL);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	join_thread(stepping);
	join_thread(churning);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	blocks_check(&blocks);
	tidy();
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("defrag_fork");

	need_planning();
	tcase_add_test(tests, both_go_on);
	tcase_add_test(tests, from_inside_the_walk);
	/*
	 * The allocator's locks are not instrumented: blocks that change threads look like races.
	 */
	if (under_checker())
		skip_part("other threads, whose blocks a checker cannot follow through this "
			  "allocator");
	else
		tcase_add_test(tests, while_other_threads_are_at_it);
	return run_tests(tests);
}
