/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_fork_purge.c - background purging that was set before a fork goes on in the child, as a
 * daemon needs it whose parent set it up.
 */
#include "config.h"

#include "tests/support.h"

#include <time.h>
#include <unistd.h>

#include <zmalloc.h>

enum {
	BLOCKS = 16 * 1024,
	BLOCK_BYTES = 4 * KIB,
	CHILD_ALARM = 120
};

static char *block[BLOCKS];

static void take_blocks(void)
{
	for (size_t i = 0; i < BLOCKS; i++) {
		block[i] = zmalloc(BLOCK_BYTES);
		fill(block[i], BLOCK_BYTES, i);
	}
}

/* Idle, but for a look now and then. 16 MiB: what caches and the rest of the process may keep. */
static bool shrinks_by_itself(size_t from)
{
	const struct timespec pause = {.tv_nsec = 20000000};

	for (int i = 0; i < 2000; i++) {
		if (zmalloc_get_rss() + (size_t)BLOCKS * BLOCK_BYTES < from + 16 * MIB)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void free_and_be_idle(void *unused)
{
	size_t rss;

	(void)unused;
	alarm(CHILD_ALARM);
	rss = zmalloc_get_rss();
	for (size_t i = 0; i < BLOCKS; i++)
		zfree(block[i]);
	REQUIRE(shrinks_by_itself(rss));
}

static void do_the_same_in_a_child(void *unused)
{
	(void)unused;
	run_child_ok(free_and_be_idle, NULL);
}

START_TEST(test_a_child_gives_memory_back_by_itself)
{
	/* Where the allocator has a curve, it is over in a tenth of a second. */
	intptr_t decay_ms = 100;

	zmalloc_ctl("arenas.dirty_decay_ms", NULL, NULL, &decay_ms, sizeof(decay_ms));
	zmalloc_ctl("arenas.muzzy_decay_ms", NULL, NULL, &decay_ms, sizeof(decay_ms));
	zmalloc_ctl("arena.0.dirty_decay_ms", NULL, NULL, &decay_ms, sizeof(decay_ms));
	ck_assert_int_eq(zmalloc_set_background_purge(1), 0);
	take_blocks();
	run_child_ok(free_and_be_idle, NULL);
	run_child_ok(do_the_same_in_a_child, NULL);
	for (size_t i = 0; i < BLOCKS; i++)
		zfree(block[i]);
	ck_assert_int_eq(zmalloc_set_background_purge(0), 0);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("fork_purge");

	if (!zmalloc_has(ZMALLOC_CAN_BACKGROUND_PURGE))
		skip_program("the allocator does not purge in the background");
	if (under_checker() || emulated())
		skip_program("memory is the checker's or the emulator's here");
	tcase_add_test(tests, test_a_child_gives_memory_back_by_itself);
	return run_tests(tests);
}
