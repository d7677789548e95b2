/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_defrag_driver.c - when the driver works and when not, how long, and how it stops.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zmalloc.h>
#include <zmalloc/stats.h>

#include "tests/defrag_blocks.h"
#include "tests/own_time.h"

static int scan_nothing(zdefrag *d, int begin, void *context)
{
	(void)d, (void)begin, (void)context;
	return 1;
}

START_TEST(not_supported_is_said)
{
	const void *ptr = &errno;
	unsigned char hint = 7;
	struct zdefrag_stats stats = {.size = sizeof(stats)};

	ck_assert_int_eq(zdefrag_supported(), zmalloc_has(ZMALLOC_CAN_DEFRAG));
	if (zdefrag_supported())
		return;
	errno = 0;
	ck_assert_ptr_null(zdefrag_new(scan_nothing, NULL, NULL));
	ck_assert_int_eq(errno, ENOTSUP);
	ck_assert_int_eq(zdefrag_hint(ptr), 0);
	ck_assert_uint_eq(zdefrag_hints(&ptr, &hint, 1), 0);
	ck_assert_int_eq(hint, 0);
	zdefrag_hint_end();
	ck_assert_int_eq(zdefrag_hint_get_stats(&stats), 0);
	ck_assert_int_eq(stats.phase, ZDEFRAG_IDLE);
	ck_assert_int_eq(stats.reason, ZDEFRAG_REASON_UNSUPPORTED);
	zdefrag_free(NULL);
}
END_TEST

START_TEST(past_the_cache_without_hints)
{
	size_t before = zmalloc_used_memory(), sizes[] = {0, 1, 100, 5000, 20000, MIB};

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		void *block = zmalloc_no_tcache(sizes[i]);

		ck_assert_ptr_nonnull(block);
		fill(block, sizes[i], i);
		ck_assert_uint_eq(zmalloc_used_memory(), before + zmalloc_size(block));
		errno = 1234;
		zfree_no_tcache(block);
		ck_assert_int_eq(errno, 1234);
		ck_assert_uint_eq(zmalloc_used_memory(), before);
	}
	zfree_no_tcache(NULL);
}
END_TEST

START_TEST(bad_settings_are_refused)
{
	struct zdefrag_settings good, bad;
	struct zdefrag_stats stats = {.size = sizeof(stats.size) - 1};
	zdefrag *d;

	if (!zdefrag_supported())
		return;
	zdefrag_settings_init(&good);
	ck_assert_uint_eq(good.ignore_bytes, 100 * MIB);
	ck_assert_uint_eq(good.lower_percent, 10);
#define REFUSED(member, value)                                                                     \
	do {                                                                                       \
		bad = good;                                                                        \
		bad.member = (value);                                                              \
		errno = 0;                                                                         \
		ck_assert_ptr_null(zdefrag_new(scan_nothing, NULL, &bad));                         \
		ck_assert_int_eq(errno, EINVAL);                                                   \
	} while (0)
	REFUSED(size, 0);
	REFUSED(lower_percent, 0);
	REFUSED(upper_percent, 9);
	REFUSED(cpu_min_percent, 0);
	REFUSED(cpu_max_percent, 101);
	REFUSED(cpu_min_percent, 26);
	REFUSED(slice_us, 49);
	REFUSED(slice_us, 1000001);
	REFUSED(check_ms, 0);
	ck_assert_ptr_null(zdefrag_new(NULL, NULL, NULL));
	ck_assert_int_eq(errno, EINVAL);
	d = zdefrag_new(scan_nothing, NULL, &good);
	ck_assert_ptr_nonnull(d);
	ck_assert_int_eq(zdefrag_configure(d, &bad), -1);
	ck_assert_int_eq(zdefrag_configure(d, &good), 0);
	ck_assert_int_eq(zdefrag_get_stats(d, &stats), -1);
	ck_assert_int_eq(errno, EINVAL);
	zdefrag_free(d);
}
END_TEST

/* A program compiled against a smaller or larger struct. */
START_TEST(structs_of_other_sizes)
{
	struct {
		struct zdefrag_stats stats;
		char more[64];
	} larger;
	zdefrag *d;

	if (!zdefrag_supported())
		return;
	d = zdefrag_new(scan_nothing, NULL, NULL);
	memset(&larger, 0x55, sizeof(larger));
	larger.stats.size = sizeof(larger);
	ck_assert_int_eq(zdefrag_get_stats(d, &larger.stats), 0);
	ck_assert(all_zero(larger.more, sizeof(larger.more)));
	memset(&larger, 0x55, sizeof(larger));
	larger.stats.size = sizeof(size_t) + 2 * sizeof(int);
	ck_assert_int_eq(zdefrag_get_stats(d, &larger.stats), 0);
	ck_assert_int_eq(larger.stats.phase, ZDEFRAG_IDLE);
	ck_assert_int_eq(larger.stats.permille, 0x55555555);
	zdefrag_free(d);
}
END_TEST

START_TEST(names_for_people)
{
	for (int i = -1; i < 10; i++) {
		ck_assert_ptr_nonnull(zdefrag_phase_name(i));
		ck_assert_ptr_nonnull(zdefrag_reason_text(i));
	}
	ck_assert_str_eq(zdefrag_phase_name(ZDEFRAG_MOVING), "moving");
	ck_assert_str_eq(zdefrag_phase_name(99), "unknown");
}
END_TEST

START_TEST(a_tight_heap_is_left_alone)
{
	struct blocks blocks = {0};
	zdefrag *d;

	blocks_fill(&blocks, block_steps(50000, 5000), 300, 1);
	d = blocks_driver(&blocks);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_eq(stats_of(d).moved, 0);
	/* The last slab of each bin has room, and nothing is won by emptying it. */
	if (slabs_are_planned())
		ck_assert_uint_le(stats_of(d).attainable_bytes, stats_of(d).frag_bytes / 4);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

/* Fragmented, but not enough: the walk is not even begun. */
START_TEST(under_the_mark_nothing_begins)
{
	struct blocks blocks = {0};
	struct zdefrag_settings settings;
	zdefrag *d;

	blocks_fill(&blocks, block_steps(50000, 5000), 300, 2);
	blocks_thin(&blocks, 50);
	zdefrag_settings_init(&settings);
	d = zdefrag_new(blocks_scan, &blocks, &settings);
	ck_assert_int_eq(zdefrag_step(d), ZDEFRAG_IDLE);
	ck_assert_int_eq(stats_of(d).reason, ZDEFRAG_REASON_LOW);
	ck_assert_uint_gt(zdefrag_next_delay_ms(d), 900);
	ck_assert_uint_le(zdefrag_next_delay_ms(d), 1000);
	ck_assert_uint_eq(blocks.walks, 0);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

/* ---- What it tells ---- */

START_TEST(it_sees_what_the_allocator_tells)
{
	struct blocks blocks = {0};
	struct zdefrag_settings settings;
	size_t allocated = 0, frag = 0;
	struct zdefrag_stats stats;
	zdefrag *d;

	blocks_fill(&blocks, block_steps(50000, 5000), 300, 11);
	blocks_thin(&blocks, 40);
	zdefrag_settings_init(&settings);
	settings.ignore_bytes = 0;
	settings.lower_percent = settings.upper_percent = 1000000;
	d = zdefrag_new(blocks_scan, &blocks, &settings);
	ck_assert_int_eq(zdefrag_step(d), ZDEFRAG_IDLE);
	stats = stats_of(d);
	ck_assert_int_eq(stats.reason, ZDEFRAG_REASON_LOW);
	ck_assert_uint_eq(blocks.walks, 0);
	zmalloc_get_allocator_info(0, &allocated, NULL, NULL, NULL, NULL, &frag);
	ck_assert_uint_eq(stats.live_bytes, allocated);
	ck_assert_uint_eq(stats.frag_bytes, frag);
	ck_assert_uint_eq(stats.percent_x100, (uint64_t)((double)frag * 10000 / (double)allocated));
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

static int add_free(const struct zmalloc_bin_stats *bin, void *bytes)
{
	*(uint64_t *)bytes += bin->free_bytes;
	return 0;
}

START_TEST(new_settings_are_those_of_the_next_run)
{
	struct blocks blocks = {0};
	struct zdefrag_settings settings;
	zdefrag *d;

	blocks_fill(&blocks, block_steps(60000, 20000), 300, 12);
	blocks_thin(&blocks, 40);
	d = blocks_driver(&blocks);
	zdefrag_settings_init(&settings);
	settings.lower_percent = settings.upper_percent = 10000;
	ck_assert_int_eq(zdefrag_configure(d, &settings), 0);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_eq(stats_of(d).moved, 0);
	settings.lower_percent = 1;
	ck_assert_int_eq(zdefrag_configure(d, &settings), 0);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_gt(stats_of(d).moved, 0);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

/* What a cycle holds is nobody's block, and its counts are told while it runs. */
START_TEST(a_running_cycle_is_told)
{
	struct blocks blocks = {0};
	struct zdefrag_stats stats;
	struct zmalloc_stats figures = {.size = sizeof(figures)};
	size_t allocated = 0, bytes = sizeof(allocated);
	uint64_t free_bytes = 0;
	zdefrag *d;

	blocks_fill(&blocks, block_steps(200000, 60000), 300, 12);
	blocks_thin(&blocks, 40);
	d = blocks_driver(&blocks);
	step_until_held(d);
	for (int i = 0; i < 1000 && stats_of(d).moved == 0; i++)
		zdefrag_step(d);
	stats = stats_of(d);
	ck_assert_int_eq(stats.phase, ZDEFRAG_MOVING);
	ck_assert_uint_gt(stats.moved, 0);
	ck_assert_uint_gt(stats.moved_bytes, 100 * stats.moved);
	ck_assert_int_eq(zmalloc_stats_get(&figures, 1), 0);
	ck_assert_int_eq(zmalloc_ctl("stats.allocated", &allocated, &bytes, NULL, 0), 0);
	ck_assert_uint_eq(figures.allocated_bytes, allocated - stats.held_bytes);
	ck_assert_int_eq(
		zmalloc_stats_visit_bins(ZMALLOC_STATS_ALL_ARENAS, 0, add_free, &free_bytes), 0);
	ck_assert_uint_eq(figures.frag_smallbins_bytes, free_bytes + stats.held_bytes);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

struct progress {
	size_t calls, within;
	unsigned last;
	int phase;
};

static void note_progress(zdefrag *d, void *context)
{
	struct progress *progress = context;
	struct zdefrag_stats stats = stats_of(d);

	ck_assert_uint_le(stats.permille, 1000);
	if (stats.phase == ZDEFRAG_COUNTING && progress->phase == ZDEFRAG_COUNTING)
		ck_assert_uint_ge(stats.permille, progress->last);
	progress->calls++;
	progress->within += stats.permille > 100 && stats.permille < 900;
	progress->last = stats.permille;
	progress->phase = stats.phase;
}

START_TEST(progress_is_told)
{
	struct blocks blocks = {0};
	struct progress progress = {0};
	zdefrag *d;

	blocks_fill(&blocks, block_steps(200000, 50000), 300, 13);
	blocks_thin(&blocks, 40);
	d = blocks_driver(&blocks);
	zdefrag_set_progress(d, note_progress, &progress);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_ge(progress.calls, stats_of(d).slices);
	ck_assert_uint_gt(progress.within, 0);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

static int step_until(zdefrag *d, int phase)
{
	for (int i = 0; i < 1000000; i++)
		if (zdefrag_step(d) == phase)
			return 1;
	return 0;
}

START_TEST(abandoned_midway_all_is_released)
{
	struct blocks blocks = {0};
	struct zdefrag_stats stats;
	zdefrag *d;
	size_t used;

	blocks_fill(&blocks, block_steps(200000, 20000), 300, 3);
	blocks_thin(&blocks, 40);
	d = blocks_driver(&blocks);
	used = zmalloc_used_memory();
	step_until_held(d);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	zdefrag_abandon(d);
	stats = stats_of(d);
	ck_assert_uint_eq(stats.held_bytes, 0);
	ck_assert_int_eq(stats.phase, ZDEFRAG_IDLE);
	ck_assert_int_eq(stats.reason, ZDEFRAG_REASON_ABANDONED);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	blocks_check(&blocks);
	/* And again, to the end. */
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_gt(stats_of(d).slabs_released, stats.slabs_released);
	blocks_check(&blocks);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

START_TEST(one_cycle_at_a_time)
{
	struct blocks blocks = {0}, none = {0};
	zdefrag *d, *other;

	blocks_fill(&blocks, block_steps(100000, 10000), 300, 4);
	blocks_thin(&blocks, 40);
	d = blocks_driver(&blocks);
	other = blocks_driver(&none);
	ck_assert(step_until(d, ZDEFRAG_MOVING));
	errno = 0;
	ck_assert_int_eq(zdefrag_run(other), -1);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_int_eq(stats_of(other).reason, ZDEFRAG_REASON_BUSY);
	ck_assert_int_eq(zdefrag_hint(blocks.held[0].at), 0);
	zdefrag_free(other);
	ck_assert_int_eq(stats_of(d).phase, ZDEFRAG_MOVING);
	zdefrag_free(d);
	blocks_check(&blocks);
	blocks_free(&blocks);
}
END_TEST

/* ---- Giving back ---- */

static ssize_t decay_ms(void)
{
	ssize_t ms = -2;
	size_t bytes = sizeof(ms);

	ck_assert_int_eq(zmalloc_ctl("arena.0.dirty_decay_ms", &ms, &bytes, NULL, 0), 0);
	return ms;
}

START_TEST(the_allocators_own_pace_comes_back)
{
	struct blocks blocks = {0};
	ssize_t before = decay_ms();
	zdefrag *d;

	blocks_fill(&blocks, block_steps(100000, 10000), 300, 8);
	blocks_thin(&blocks, 40);
	d = blocks_driver(&blocks);
	ck_assert(step_until(d, ZDEFRAG_MOVING));
	ck_assert_int_eq(decay_ms(), -1);
	zdefrag_abandon(d);
	ck_assert_int_eq(decay_ms(), before);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_gt(stats_of(d).slabs_released, 0);
	ck_assert_int_eq(decay_ms(), before);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

START_TEST(without_purge_ms_the_allocators_pace_stays)
{
	struct blocks blocks = {0};
	struct zdefrag_settings settings;
	ssize_t before = decay_ms();
	zdefrag *d;

	blocks_fill(&blocks, block_steps(100000, 10000), 300, 14);
	blocks_thin(&blocks, 40);
	zdefrag_settings_init(&settings);
	settings.ignore_bytes = 0;
	settings.lower_percent = 1;
	settings.purge_ms = 0;
	d = zdefrag_new(blocks_scan, &blocks, &settings);
	ck_assert(step_until(d, ZDEFRAG_MOVING));
	ck_assert_int_eq(decay_ms(), before);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_eq(stats_of(d).purge_ns, 0);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

START_TEST(time_of_giving_back_is_cpu_time)
{
	struct blocks blocks = {0};
	struct zdefrag_stats before, after;
	zdefrag *d;

	blocks_fill(&blocks, block_steps(100000, 10000), 300, 15);
	blocks_thin(&blocks, 40);
	d = blocks_driver(&blocks);
	ck_assert(step_until(d, ZDEFRAG_PURGING));
	before = stats_of(d);
	do {
		zdefrag_step(d);
		after = stats_of(d);
	} while (after.phase == ZDEFRAG_PURGING && after.purge_ns == before.purge_ns);
	ck_assert_uint_gt(after.purge_ns, before.purge_ns);
	ck_assert_uint_eq(after.cpu_ns - before.cpu_ns, after.purge_ns - before.purge_ns);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

/* 160 MB, of which 90 are to be released: over 64 MiB. */
static void give_back_in_between(void)
{
	struct blocks blocks = {0};
	struct zdefrag_settings settings;
	size_t resident, pauses = 0;
	int phase, last = ZDEFRAG_IDLE;
	zdefrag *d;

	blocks_fill(&blocks, 600000, 500, 9);
	blocks_thin(&blocks, 40);
	zmalloc_purge();
	resident = zmalloc_get_rss();
	zdefrag_settings_init(&settings);
	settings.ignore_bytes = 0;
	settings.lower_percent = 1;
	settings.purge_ms = 50;
	d = zdefrag_new(blocks_scan, &blocks, &settings);
	do {
		phase = zdefrag_step(d);
		if (phase == ZDEFRAG_MOVING && last == ZDEFRAG_PURGING) {
			pauses++;
			if (resident != 0)
				ck_assert_uint_lt(zmalloc_get_rss(), resident - 32 * MIB);
		}
		last = phase;
	} while (phase != ZDEFRAG_IDLE);
	ck_assert_uint_ge(pauses, 1);
	if (resident != 0)
		ck_assert_uint_lt(zmalloc_get_rss(), resident - 64 * MIB);
	blocks_check(&blocks);
	zdefrag_free(d);
	blocks_free(&blocks);
}

START_TEST(a_long_cycle_gives_back_in_between)
{
	own_time_begin();
	give_back_in_between();
	own_time_end();
}
END_TEST

/* Of each 23 ms this program has 3, so that many a step comes 20 ms late. */
START_TEST(so_does_one_on_a_loaded_machine)
{
	own_time_begin_loaded(3000000, 20000000);
	give_back_in_between();
	own_time_end();
}
END_TEST

/* Threads of the allocator's that give back are no obstacle. */
START_TEST(memory_goes_back_in_the_background_too)
{
	struct blocks blocks = {0};
	struct timespec pause = {.tv_sec = 0, .tv_nsec = 100000000};
	size_t resident, wanted;
	zdefrag *d;

	blocks_fill(&blocks, block_steps(200000, 50000), 500, 10);
	blocks_thin(&blocks, 40);
	ck_assert_int_eq(zmalloc_set_background_purge(1), 0);
	zmalloc_purge();
	resident = zmalloc_get_rss();
	d = blocks_driver(&blocks);
	ck_assert_int_eq(zdefrag_run(d), 0);
	wanted = resident - (size_t)stats_of(d).released_bytes / 2;
	/* Ten seconds of the allocator's own pace, and as long as its thread has to wait for a processor. */
	for (int i = 0; i < 1000 && zmalloc_get_rss() > wanted; i++)
		nanosleep(&pause, NULL);
	ck_assert_uint_le(zmalloc_get_rss(), wanted);
	ck_assert_int_eq(zmalloc_set_background_purge(0), 0);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

/* A walk that shows nothing: no gain, so the next one waits longer and longer. */
START_TEST(a_vain_cycle_backs_off)
{
	struct blocks blocks = {0};
	struct zdefrag_settings settings;
	zdefrag *d;
	unsigned delay;

	blocks_fill(&blocks, block_steps(50000, 5000), 300, 5);
	blocks_thin(&blocks, 40);
	zdefrag_settings_init(&settings);
	settings.ignore_bytes = 0;
	settings.purge_ms = 0;
	settings.check_ms = 100000;
	d = zdefrag_new(scan_nothing, NULL, &settings);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_int_eq(stats_of(d).reason, ZDEFRAG_REASON_BACKOFF);
	delay = zdefrag_next_delay_ms(d);
	ck_assert_uint_gt(delay, 190000);
	ck_assert_int_eq(zdefrag_run(d), 0);
	ck_assert_uint_gt(zdefrag_next_delay_ms(d), 390000);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

/* ---- Budget ---- */

static int stop_burning;

static void *burn(void *argument)
{
	(void)argument;
	while (!__atomic_load_n(&stop_burning, __ATOMIC_RELAXED))
		;
	return NULL;
}

/*
 * CPU time, so that a machine that runs others in between does not show;
 * what it does to caches does.
 */
START_TEST(slices_keep_their_budget_on_a_loaded_machine)
{
	struct blocks blocks = {0};
	pthread_t threads[3];
	struct zdefrag_stats stats;
	zdefrag *d;

	blocks_fill(&blocks, 300000, 300, 6);
	blocks_thin(&blocks, 40);
	d = blocks_driver(&blocks);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		threads[i] = start_thread(burn, NULL);
	ck_assert_int_eq(zdefrag_run(d), 0);
	__atomic_store_n(&stop_burning, 1, __ATOMIC_RELAXED);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		join_thread(threads[i]);
	stats = stats_of(d);
	ck_assert_uint_gt(stats.slices, 20);
	/*
	 * One in fifty may have met something that no budget can foresee,
	 * such as a page fault of the host's.
	 */
	ck_assert_uint_le(stats.slices_over, stats.slices / 50);
	zdefrag_free(d);
	blocks_free(&blocks);
}
END_TEST

static uint64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/*
 * Between slices it asks for the rest that keeps its share, whatever the machine made of the slice:
 * at 5 %, 19 times its CPU time. What has passed of the rest by the time we ask is time that we
 * measure too. Returns the fragmentation in percent.
 */
static unsigned check_share(struct blocks *blocks, unsigned upper_percent, unsigned share)
{
	struct zdefrag_settings settings;
	uint64_t cpu, begin, delay, passed, rest;
	unsigned percent;
	zdefrag *d;

	zdefrag_settings_init(&settings);
	settings.ignore_bytes = 0;
	settings.lower_percent = 1;
	settings.upper_percent = upper_percent;
	settings.cpu_min_percent = 5;
	settings.cpu_max_percent = 45;
	settings.slice_us = 500;
	d = zdefrag_new(blocks_scan, blocks, &settings);
	ck_assert_int_eq(zdefrag_step(d), ZDEFRAG_COUNTING);
	cpu = stats_of(d).cpu_ns;
	begin = wall_ns();
	ck_assert_int_ne(zdefrag_step(d), ZDEFRAG_IDLE);
	delay = zdefrag_next_delay_ms(d) * (uint64_t)1000000;
	passed = wall_ns() - begin;
	rest = (stats_of(d).cpu_ns - cpu) * (100 - share) / share;
	ck_assert_uint_gt(rest, 0);
	ck_assert_uint_le(delay, rest + 1000000);
	ck_assert_uint_ge(delay + passed, rest);
	percent = stats_of(d).percent_x100 / 100;
	zdefrag_free(d);
	return percent;
}

/* The least at the lower mark, the most at the upper one, and in between in proportion. */
START_TEST(rest_is_in_proportion)
{
	struct blocks blocks = {0};
	unsigned percent;

	blocks_fill(&blocks, 300000, 300, 7);
	blocks_thin(&blocks, 40);
	percent = check_share(&blocks, 1, 45);
	ck_assert_uint_gt(percent, 20);
	check_share(&blocks, percent * 1000, 5);
	check_share(&blocks, 1 + (percent - 1) * 4, 15);
	blocks_free(&blocks);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("defrag_driver");

	tcase_add_test(tests, not_supported_is_said);
	tcase_add_test(tests, past_the_cache_without_hints);
	tcase_add_test(tests, bad_settings_are_refused);
	tcase_add_test(tests, structs_of_other_sizes);
	tcase_add_test(tests, names_for_people);
	if (zdefrag_supported()) {
		tcase_add_test(tests, a_tight_heap_is_left_alone);
		tcase_add_test(tests, under_the_mark_nothing_begins);
		tcase_add_test(tests, a_vain_cycle_backs_off);
		tcase_add_test(tests, progress_is_told);
		if (!under_checker())
			tcase_add_test(tests, slices_keep_their_budget_on_a_loaded_machine);
	}
	if (zdefrag_supported() && slabs_are_planned()) {
		tcase_add_test(tests, abandoned_midway_all_is_released);
		tcase_add_test(tests, one_cycle_at_a_time);
		tcase_add_test(tests, the_allocators_own_pace_comes_back);
		tcase_add_test(tests, without_purge_ms_the_allocators_pace_stays);
		tcase_add_test(tests, time_of_giving_back_is_cpu_time);
		tcase_add_test(tests, it_sees_what_the_allocator_tells);
		tcase_add_test(tests, new_settings_are_those_of_the_next_run);
		tcase_add_test(tests, a_running_cycle_is_told);
		if (!under_checker()) {
			tcase_add_test(tests, a_long_cycle_gives_back_in_between);
			tcase_add_test(tests, so_does_one_on_a_loaded_machine);
			if (zmalloc_has(ZMALLOC_CAN_BACKGROUND_PURGE))
				tcase_add_test(tests, memory_goes_back_in_the_background_too);
			tcase_add_test(tests, rest_is_in_proportion);
		}
	}
	return run_tests(tests);
}
