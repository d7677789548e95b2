/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_stats.c - figures, held against what the test itself allocated.
 *
 * Threads' caches and slabs stand between a free and a figure: each test does with blocks of one
 * size enough to make these small, and empties the cache where the allocator lets it.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(HAVE_MALLINFO2)
#include <malloc.h>
#endif

#include <zmalloc/stats.h>

static struct zmalloc_stats now(void)
{
	struct zmalloc_stats stats = {.size = sizeof(stats)};

	/* jemalloc alone needs it, and has the name. */
	zmalloc_ctl("thread.tcache.flush", NULL, NULL, NULL, 0);
	ck_assert_int_eq(zmalloc_stats_get(&stats, 1), 0);
	return stats;
}

static bool is_known(uint64_t figure)
{
	return figure != ZMALLOC_STATS_UNKNOWN;
}

static bool behind_us(const char *name)
{
	return strncmp(zmalloc_allocator(), name, strlen(name)) == 0;
}

static void *touched(size_t size)
{
	return memset(zmalloc(size), 1, size);
}

/* Small and large, as they take other ways. Leaves nothing allocated. */
static void use_and_free(size_t bytes, size_t size)
{
	size_t count = bytes / size;
	void **block = malloc(count * sizeof(*block));

	for (size_t i = 0; i < count; i++)
		block[i] = touched(size);
	for (size_t i = 0; i < count; i++)
		zfree(block[i]);
	free(block);
}

struct bin_sum {
	size_t region_bytes, free_bytes;
};

#if defined(HAVE_MALLINFO2)

static int add_any_bin(const struct zmalloc_bin_stats *bin, void *sum)
{
	((struct bin_sum *)sum)->free_bytes += bin->free_bytes;
	return 0;
}

/* glibc tells sizes of chunks that it has sorted, as it does when it looks for a large one. */
static void sort_free_chunks(void)
{
	zfree(touched(64 * KIB));
}

#endif

/* ---- Sums ---- */

START_TEST(test_sums_hold)
{
	static void *block[1000];
	struct zmalloc_stats stats;

	for (size_t i = 0; i < COUNT_OF(block); i++)
		block[i] = touched(1 + i * 37 % 9000);
	stats = now();
	ck_assert_uint_eq(stats.size, sizeof(stats));
	ck_assert_uint_eq(stats.used_bytes, zmalloc_used_memory());
	ck_assert_uint_ge(stats.peak_bytes, stats.used_bytes);
	ck_assert_uint_ge(stats.allocated_bytes, stats.used_bytes);
	ck_assert_uint_ge(stats.threads, 1);
	if (is_known(stats.active_bytes))
		ck_assert_uint_ge(stats.active_bytes, stats.allocated_bytes);
	if (is_known(stats.resident_bytes))
		ck_assert_uint_ge(stats.resident_bytes, stats.active_bytes);
	if (is_known(stats.frag_smallbins_bytes))
		ck_assert_uint_le(stats.frag_smallbins_bytes,
				  stats.active_bytes - stats.allocated_bytes + MIB);
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
}
END_TEST

START_TEST(test_allocated_follows_what_is_allocated)
{
	const size_t large = 4 * MIB, count = steps(2000, 200);
	struct zmalloc_stats before = now(), during, after;
	size_t bytes = 0;
	void **block = malloc(count * sizeof(*block)), *big = touched(large);

	for (size_t i = 0; i < count; i++) {
		block[i] = touched(1000);
		bytes += zmalloc_size(block[i]);
	}
	bytes += zmalloc_size(big);
	during = now();
	ck_assert_uint_eq(during.used_bytes - before.used_bytes, bytes);
	ck_assert_uint_ge(during.allocated_bytes - before.allocated_bytes, bytes);
	/* glibc: a header of a word for each block, and the caller's array. */
	ck_assert_uint_le(during.allocated_bytes - before.allocated_bytes,
			  bytes + count * 16 + 16 * KIB + MIB / 16);
	for (size_t i = 0; i < count; i++)
		zfree(block[i]);
	zfree(big);
	free(block);
	after = now();
	ck_assert_uint_eq(after.used_bytes, before.used_bytes);
	ck_assert_uint_le(after.allocated_bytes, before.allocated_bytes + 64 * KIB);
	ck_assert_uint_ge(after.peak_bytes, during.used_bytes);
}
END_TEST

START_TEST(test_rss_grows_with_touched_memory)
{
	struct zmalloc_stats before = now(), during;
	void *block = touched(64 * MIB);

	during = now();
	if (!is_known(during.rss_bytes) || under_checker())
		skip_part("no resident set to look at");
	else
		ck_assert_uint_ge(during.rss_bytes, before.rss_bytes + 60 * MIB);
	if (is_known(during.rss_bytes) && !under_checker())
		ck_assert_uint_le(during.rss_bytes, before.rss_bytes + 80 * MIB);
	zfree(block);
}
END_TEST

/* ---- The allocator's own figures ---- */

/* As jemalloc tells it of its last look. */
static size_t told(const char *name)
{
	size_t value = 0, bytes = sizeof(value);

	ck_assert_msg(zmalloc_ctl(name, &value, &bytes, NULL, 0) == 0, "%s", name);
	return value;
}

static size_t told_of(unsigned arena, const char *figure)
{
	char name[64];

	snprintf(name, sizeof(name), "stats.arenas.%u.%s", arena, figure);
	return told(name);
}

/* Fills jemalloc with all that it tells apart: pages in use, dirty, muzzy and given back. */
static void make_figures_differ(void)
{
	intptr_t keep_ms = -1;
	void *large = touched(3 * MIB);

	use_and_free(64 * MIB, 32 * KIB);
	zmalloc_purge();
	ck_assert_int_eq(
		zmalloc_ctl("arena.0.dirty_decay_ms", NULL, NULL, &keep_ms, sizeof(keep_ms)), 0);
	use_and_free(4 * MIB, 32 * KIB);
	zfree(large);
}

static void check_figures_of_all(void)
{
	const unsigned all = 4096; /* jemalloc's MALLCTL_ARENAS_ALL */
	struct zmalloc_stats stats = now();
	size_t page = told("arenas.page");

	ck_assert_uint_eq(stats.allocated_bytes, told("stats.allocated"));
	ck_assert_uint_eq(stats.active_bytes, told("stats.active"));
	ck_assert_uint_eq(stats.resident_bytes, told("stats.resident"));
	ck_assert_uint_eq(stats.retained_bytes, told("stats.retained"));
	ck_assert_uint_eq(stats.metadata_bytes, told("stats.metadata"));
	ck_assert_uint_eq(stats.muzzy_bytes, told_of(all, "pmuzzy") * page);
	ck_assert_uint_gt(told_of(all, "pdirty"), told_of(all, "pmuzzy"));
}

static void check_figures_of_arena(unsigned arena)
{
	struct zmalloc_stats stats = {.size = sizeof(stats)};
	size_t allocated, active, resident, frag, page = told("arenas.page");

	ck_assert_int_eq(zmalloc_stats_get_arena(arena, 0, &stats), 0);
	ck_assert_uint_eq(stats.allocated_bytes,
			  told_of(arena, "small.allocated") + told_of(arena, "large.allocated"));
	ck_assert_uint_eq(stats.active_bytes, told_of(arena, "pactive") * page);
	ck_assert_uint_eq(stats.resident_bytes, told_of(arena, "resident"));
	ck_assert_uint_eq(stats.retained_bytes, told_of(arena, "retained"));
	ck_assert_uint_eq(stats.muzzy_bytes, told_of(arena, "pmuzzy") * page);
	ck_assert_uint_eq(stats.metadata_bytes,
			  told_of(arena, "base") + told_of(arena, "internal"));
	ck_assert_int_ne(zmalloc_get_allocator_info_by_arena(arena, 0, &allocated, &active,
							     &resident, &frag),
			 0);
	ck_assert_uint_eq(allocated, stats.allocated_bytes);
	ck_assert_uint_eq(active, stats.active_bytes);
	ck_assert_uint_eq(resident, stats.resident_bytes);
	ck_assert_uint_eq(frag, stats.frag_smallbins_bytes);
}

START_TEST(test_figures_are_jemallocs_own)
{
	ssize_t decay_ms = 0;
	size_t bytes = sizeof(decay_ms);

	if (!behind_us("jemalloc")) {
		skip_part("figures of jemalloc");
		return;
	}
	ck_assert_int_eq(zmalloc_ctl("arena.0.dirty_decay_ms", &decay_ms, &bytes, NULL, 0), 0);
	make_figures_differ();
	check_figures_of_all();
	check_figures_of_arena(0);
	ck_assert_int_eq(
		zmalloc_ctl("arena.0.dirty_decay_ms", NULL, NULL, &decay_ms, sizeof(decay_ms)), 0);
}
END_TEST

#if defined(HAVE_MALLINFO2)

START_TEST(test_figures_are_glibcs_own)
{
	static void *block[200];
	struct bin_sum bins = {0, 0};
	struct zmalloc_stats stats;
	struct mallinfo2 own;
	void *mapped, *top;

	if (!behind_us("glibc") || under_checker() || !malloc_is_the_c_librarys()) {
		skip_part("figures of glibc");
		return;
	}
	mapped = touched(8 * MIB);
	top = touched(100 * KIB);
	for (size_t i = 0; i < COUNT_OF(block); i++)
		block[i] = touched(5000);
	zfree(top);
	for (size_t i = 0; i < COUNT_OF(block); i += 2)
		zfree(block[i]);
	sort_free_chunks();
	zmalloc_stats_visit_bins(ZMALLOC_STATS_ALL_ARENAS, 1, add_any_bin, &bins);
	stats = now();
	own = mallinfo2();
	ck_assert_uint_eq(stats.allocated_bytes, own.uordblks + own.hblkhd);
	ck_assert_uint_eq(stats.active_bytes, own.arena + own.hblkhd - own.keepcost);
	ck_assert_uint_eq(stats.frag_smallbins_bytes, own.fordblks - own.keepcost);
	ck_assert_uint_gt(own.keepcost, 0);
	ck_assert_uint_ge(own.hblkhd, 8 * MIB);
	ck_assert_uint_ge(bins.free_bytes, (COUNT_OF(block) / 2 - 4) * 5000);
	ck_assert_uint_le(bins.free_bytes, stats.frag_smallbins_bytes);
	zfree(mapped);
	for (size_t i = 1; i < COUNT_OF(block); i += 2)
		zfree(block[i]);
}
END_TEST

#endif

/* ---- Threads ---- */

static struct barrier there, done;

static void *hold_a_block(void *unused)
{
	void *block = zmalloc(3000);

	barrier_wait(&there);
	barrier_wait(&done);
	zfree(block);
	return unused;
}

static void be_the_only_thread(void *used)
{
	REQUIRE_EQ(now().threads, 1);
	REQUIRE_EQ(zmalloc_used_memory(), *(size_t *)used);
}

/* More of them than have their records in one page. */
START_TEST(test_threads_are_those_that_live)
{
	pthread_t thread[70];
	void *like = zmalloc(3000);
	size_t before = now().threads, size = zmalloc_size(like), used;

	zfree(like);
	used = zmalloc_used_memory();
	barrier_init(&there, COUNT_OF(thread) + 1);
	barrier_init(&done, COUNT_OF(thread) + 1);
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		thread[i] = start_thread(hold_a_block, NULL);
	barrier_wait(&there);
	ck_assert_uint_eq(now().threads, before + COUNT_OF(thread));
	used += COUNT_OF(thread) * size;
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	if (under_checker())
		skip_part("a child loses what threads hold, which checkers mind");
	else
		run_child_ok(be_the_only_thread, &used);
	barrier_wait(&done);
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		join_thread(thread[i]);
	ck_assert_uint_eq(now().threads, before);
	ck_assert_uint_eq(zmalloc_used_memory(), used - COUNT_OF(thread) * size);
	barrier_done(&there);
	barrier_done(&done);
}
END_TEST

/* ---- Fragmentation ---- */

static int add_bin(const struct zmalloc_bin_stats *bin, void *context)
{
	struct bin_sum *sum = context;

	ck_assert_uint_eq(bin->size, sizeof(*bin));
	if (is_known(bin->regions)) {
		ck_assert_uint_ge(bin->regions, bin->used_regions);
		ck_assert_uint_eq(bin->free_bytes,
				  (bin->regions - bin->used_regions) * bin->region_bytes);
	}
	if (sum->region_bytes == 0 || bin->region_bytes == sum->region_bytes)
		sum->free_bytes += bin->free_bytes;
	return 0;
}

/* What the process's figure does not know, mimalloc's bins do. */
static size_t frag_bytes(size_t region_bytes)
{
	struct zmalloc_stats stats = now();
	struct bin_sum sum = {region_bytes, 0};

	if (is_known(stats.frag_smallbins_bytes))
		return stats.frag_smallbins_bytes;
	ck_assert_int_eq(zmalloc_stats_visit_bins(ZMALLOC_STATS_ALL_ARENAS, 1, add_bin, &sum), 0);
	return sum.free_bytes;
}

static bool knows_fragmentation(void)
{
	struct bin_sum sum = {0, 0};

	return is_known(now().frag_smallbins_bytes) ||
	       zmalloc_stats_visit_bins(ZMALLOC_STATS_ALL_ARENAS, 1, add_bin, &sum) == 0;
}

START_TEST(test_fragmentation_rises_by_every_other_block_freed)
{
	static void *block[8192];
	size_t freed = 0, before, after, count = 0, slack;

	if (under_checker()) {
		skip_part("a checker's malloc tells nothing");
		return;
	}
	if (!knows_fragmentation()) {
		skip_part("this allocator tells nothing of its holes");
		return;
	}
	/* What the start left in caches, of other sizes, would go back to the system meanwhile. */
	(void)zmalloc_purge();
	for (size_t i = 0; i < COUNT_OF(block); i++)
		block[i] = touched(200);
	before = frag_bytes(zmalloc_size(block[0]));
	for (size_t i = 0; i < COUNT_OF(block); i += 2, count++) {
		freed += zmalloc_size(block[i]);
		zfree(block[i]);
	}
	after = frag_bytes(zmalloc_size(block[1]));
	/* glibc counts a block's header too, and keeps seven of a size in the thread's cache. */
	slack = behind_us("glibc") ? count * sizeof(size_t) : 0;
	if (behind_us("jemalloc") || behind_us("mimalloc"))
		ck_assert_uint_eq(after - before, freed);
	else
		ck_assert_uint_le(after - before, freed + slack);
	/* tcmalloc gives up pages that became empty at once: those of the last blocks. */
	ck_assert_uint_ge(after - before,
			  freed - (behind_us("tcmalloc") ? 32 * KIB : 8 * (size_t)256));
	for (size_t i = 1; i < COUNT_OF(block); i += 2)
		zfree(block[i]);
}
END_TEST

START_TEST(test_bins_add_up_to_the_figure)
{
	struct bin_sum sum = {0, 0};
	struct zmalloc_stats stats;
	int answer = zmalloc_stats_visit_bins(ZMALLOC_STATS_ALL_ARENAS, 1, add_bin, &sum);

	if (answer != 0) {
		ck_assert_int_eq(errno, ENOTSUP);
		skip_part("this allocator tells of no bins");
		return;
	}
	stats = now();
	sum.free_bytes = 0;
	ck_assert_int_eq(zmalloc_stats_visit_bins(ZMALLOC_STATS_ALL_ARENAS, 0, add_bin, &sum), 0);
	if (behind_us("jemalloc"))
		ck_assert_uint_eq(sum.free_bytes, stats.frag_smallbins_bytes);
}
END_TEST

static int stop_at_once(const struct zmalloc_bin_stats *bin, void *calls)
{
	(void)bin;
	++*(int *)calls;
	return 42;
}

START_TEST(test_a_visit_ends_with_what_the_visitor_said)
{
	static void *block[1000];
	int calls = 0, answer;

	for (size_t i = 0; i < COUNT_OF(block); i++)
		block[i] = zmalloc(100 + i);
	for (size_t i = 0; i < COUNT_OF(block); i += 2)
		zfree(block[i]);
	answer = zmalloc_stats_visit_bins(ZMALLOC_STATS_ALL_ARENAS, 1, stop_at_once, &calls);
	/* A checker's malloc() has no bins. */
	if (answer != -1 && calls != 0) {
		ck_assert_int_eq(answer, 42);
		ck_assert_int_eq(calls, 1);
	}
	answer = zmalloc_stats_visit_bins(4000000, 1, stop_at_once, &calls);
	ck_assert_int_eq(answer, -1);
	ck_assert(errno == ENOENT || errno == ENOTSUP);
	for (size_t i = 1; i < COUNT_OF(block); i += 2)
		zfree(block[i]);
}
END_TEST

/* ---- Giving back ---- */

/*
 * glibc gives the end of its heap back unasked. The holes between live blocks go back by a purge alone.
 */
static void check_purge_of_holes(void)
{
	static void *block[4096];
	size_t before = zmalloc_get_rss(), after;

	for (size_t i = 0; i < COUNT_OF(block); i++)
		block[i] = touched(32 * KIB);
	for (size_t i = 0; i < COUNT_OF(block); i += 2)
		zfree(block[i]);
	ck_assert_int_eq(zmalloc_purge(), 0);
	after = zmalloc_get_rss();
	for (size_t i = 1; i < COUNT_OF(block); i += 2)
		zfree(block[i]);
	ck_assert_msg(after < before + 96 * MIB, "%zu MiB more than before with 64 MiB in use",
		      (after - before) / MIB);
}

START_TEST(test_a_purge_gives_memory_back)
{
	static const size_t sizes[] = {256, 32 * KIB, 2 * MIB};
	size_t before;

	if (zmalloc_purge() != 0) {
		ck_assert_int_eq(errno, ENOTSUP);
		ck_assert_int_eq(zmalloc_has(ZMALLOC_CAN_PURGE), 0);
		return;
	}
	if (under_checker()) {
		skip_part("a checker keeps freed memory");
		return;
	}
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		before = zmalloc_get_rss();
		use_and_free(128 * MIB, sizes[i]);
		ck_assert_int_eq(zmalloc_purge(), 0);
		ck_assert_msg(zmalloc_get_rss() < before + 24 * MIB,
			      "blocks of %zu: %zu MiB more than before", sizes[i],
			      (zmalloc_get_rss() - before) / MIB);
	}
	if (behind_us("glibc"))
		check_purge_of_holes();
}
END_TEST

START_TEST(test_resident_falls_after_a_purge)
{
	struct zmalloc_stats before, after;

	use_and_free(128 * MIB, 512);
	before = now();
	if (!is_known(before.resident_bytes)) {
		skip_part("this allocator does not know what is resident");
		return;
	}
	ck_assert_int_eq(zmalloc_purge(), 0);
	after = now();
	ck_assert_uint_le(after.resident_bytes, before.resident_bytes);
	ck_assert_uint_lt(after.resident_bytes, after.active_bytes + 24 * MIB);
	ck_assert_uint_le(after.active_bytes, before.active_bytes);
}
END_TEST

/* jemalloc gives back within 10 s, in steps; here within one. */
static void hasten(void)
{
	ssize_t decay_ms = 1000;
	unsigned arena;
	size_t bytes = sizeof(arena);
	char name[64];

	if (!behind_us("jemalloc"))
		return;
	ck_assert_int_eq(zmalloc_ctl("thread.arena", &arena, &bytes, NULL, 0), 0);
	snprintf(name, sizeof(name), "arena.%u.dirty_decay_ms", arena);
	ck_assert_int_eq(zmalloc_ctl(name, NULL, NULL, &decay_ms, sizeof(decay_ms)), 0);
}

/* The 20 s are for a machine that is busy. */
START_TEST(test_a_background_purge_gives_back_unasked)
{
	size_t before = zmalloc_get_rss(), bytes = sizeof(bool);
	bool goes_on = true;

	if (!zmalloc_has(ZMALLOC_CAN_BACKGROUND_PURGE)) {
		ck_assert_int_eq(zmalloc_set_background_purge(1), -1);
		ck_assert_int_eq(errno, ENOTSUP);
		return;
	}
	if (under_checker()) {
		skip_part("a checker keeps freed memory");
		return;
	}
	ck_assert_int_eq(zmalloc_set_background_purge(1), 0);
	hasten();
	use_and_free(128 * MIB, 32 * KIB);
	for (int i = 0; i < 200 && zmalloc_get_rss() > before + 32 * MIB; i++)
		usleep(100000);
	ck_assert_uint_lt(zmalloc_get_rss(), before + 32 * MIB);
	ck_assert_int_eq(zmalloc_set_background_purge(0), 0);
	if (behind_us("jemalloc")) {
		ck_assert_int_eq(zmalloc_ctl("background_thread", &goes_on, &bytes, NULL, 0), 0);
		ck_assert(!goes_on);
	}
}
END_TEST

/* ---- Forms of asking ---- */

START_TEST(test_redis_form_agrees)
{
	size_t allocated, active, resident, retained, muzzy, frag;
	struct zmalloc_stats stats = now();
	int known = zmalloc_get_allocator_info(0, &allocated, &active, &resident, &retained, &muzzy,
					       &frag);

	ck_assert_int_eq(known, zmalloc_has(ZMALLOC_CAN_ALLOCATOR_INFO));
	ck_assert_int_eq(zmalloc_get_allocator_info(1, NULL, NULL, NULL, NULL, NULL, NULL), known);
	if (!known)
		return;
	if (!behind_us("mimalloc")) {
		ck_assert_uint_eq(allocated, stats.allocated_bytes);
		ck_assert_uint_eq(active, stats.active_bytes);
	}
	ck_assert_uint_eq(resident, is_known(stats.resident_bytes) ? stats.resident_bytes : 0);
	ck_assert_uint_eq(frag,
			  is_known(stats.frag_smallbins_bytes) ? stats.frag_smallbins_bytes : 0);
}
END_TEST

START_TEST(test_figures_stay_until_refreshed)
{
	struct zmalloc_stats before = now(), after = {.size = sizeof(after)};
	void *block = touched(8 * MIB);

	ck_assert_int_eq(zmalloc_stats_get(&after, 0), 0);
	ck_assert_uint_ge(after.used_bytes, before.used_bytes + 8 * MIB);
	if (!behind_us("mimalloc") && is_known(before.active_bytes))
		ck_assert_uint_eq(after.allocated_bytes, before.allocated_bytes);
	ck_assert_int_eq(zmalloc_stats_get(&after, 1), 0);
	ck_assert_uint_ge(after.allocated_bytes, before.allocated_bytes + 8 * MIB);
	zfree(block);
}
END_TEST

START_TEST(test_arenas_add_up)
{
	struct zmalloc_stats arena = {.size = sizeof(arena)}, all = now();
	uint64_t allocated = 0;

	if (zmalloc_stats_arenas() == 0) {
		ck_assert_int_eq(zmalloc_stats_get_arena(0, 1, &arena), -1);
		ck_assert_int_eq(errno, ENOTSUP);
		return;
	}
	for (unsigned i = 0; i < zmalloc_stats_arenas(); i++) {
		arena.size = sizeof(arena);
		if (zmalloc_stats_get_arena(i, 0, &arena) == 0)
			allocated += arena.allocated_bytes;
		else
			ck_assert_int_eq(errno, ENOENT);
	}
	ck_assert_uint_eq(allocated, all.allocated_bytes);
	ck_assert(!is_known(arena.used_bytes));
	ck_assert_int_eq(zmalloc_stats_get_arena(4000000, 0, &arena), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(test_a_struct_of_another_version_is_served)
{
	struct {
		struct zmalloc_stats stats;
		uint64_t newer[4];
	} larger;
	struct {
		size_t size;
		uint64_t used_bytes, guard;
	} smaller = {.size = sizeof(size_t) + sizeof(uint64_t), .guard = 7};
	size_t none = 1;

	memset(&larger, 0xff, sizeof(larger));
	larger.stats.size = sizeof(larger);
	ck_assert_int_eq(zmalloc_stats_get(&larger.stats, 1), 0);
	ck_assert_uint_eq(larger.stats.size, sizeof(larger.stats));
	ck_assert(all_zero(larger.newer, sizeof(larger.newer)));
	ck_assert_int_eq(zmalloc_stats_get((struct zmalloc_stats *)&smaller, 1), 0);
	ck_assert_uint_eq(smaller.size, sizeof(size_t) + sizeof(uint64_t));
	ck_assert_uint_eq(smaller.used_bytes, zmalloc_used_memory());
	ck_assert_uint_eq(smaller.guard, 7);
	ck_assert_int_eq(zmalloc_stats_get((struct zmalloc_stats *)&none, 1), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

#define REFUSED(call)                                                                              \
	do {                                                                                       \
		errno = 0;                                                                         \
		ck_assert_int_eq(call, -1);                                                        \
		ck_assert_int_eq(errno, EINVAL);                                                   \
	} while (0)

static int write_nothing(void *context, const char *text, size_t size)
{
	(void)text, (void)size;
	*(bool *)context = true;
	return 0;
}

/* A struct whose size was never set holds nothing, and has room for nothing. */
START_TEST(test_a_struct_without_its_size_is_refused)
{
	static struct zmalloc_process processes[2];
	struct zmalloc_stats stats;
	bool written = false;

	memset(&stats, 0, sizeof(stats));
	memset(processes, 0, sizeof(processes));
	for (size_t size = 0; size < sizeof(size_t); size++) {
		processes[0].size = stats.size = size;
		REFUSED(zmalloc_stats_get(&stats, 0));
		REFUSED(zmalloc_stats_get_arena(0, 0, &stats));
		REFUSED(zmalloc_process_read(-1, &processes[0]));
		for (int format = ZMALLOC_STATS_TABLE; format <= ZMALLOC_STATS_OPENMETRICS;
		     format++) {
			REFUSED(zmalloc_stats_write(&stats, format, write_nothing, &written));
			REFUSED(zmalloc_stats_write_fd(&stats, format, -1));
			for (size_t count = 1; count <= COUNT_OF(processes); count++)
				REFUSED(zmalloc_process_write(processes, count, format,
							      write_nothing, &written));
		}
	}
	processes[0].size = processes[1].size = sizeof(processes[0]);
	processes[0].stats.size = sizeof(processes[0].stats);
	REFUSED(zmalloc_process_write(processes, 2, ZMALLOC_STATS_JSON, write_nothing, &written));
	ck_assert(!written);
	processes[1].stats.size = sizeof(processes[0].stats);
	ck_assert_int_eq(
		zmalloc_process_write(processes, 2, ZMALLOC_STATS_JSON, write_nothing, &written),
		0);
	ck_assert(written);
}
END_TEST

static bool is_ratio(double ratio, uint64_t of, uint64_t to)
{
	return fabs(ratio - (double)of / (double)to) < 1e-9;
}

START_TEST(test_ratios_are_of_the_figures)
{
	struct zmalloc_stats stats;
	void *block = touched(MIB);

	stats = now();
	if (is_known(stats.active_bytes))
		ck_assert(fabs(stats.allocator_frag_ratio -
			       (double)stats.active_bytes / (double)stats.allocated_bytes) < 1e-9);
	else
		ck_assert(isnan(stats.allocator_frag_ratio));
	if (!is_known(stats.resident_bytes))
		ck_assert(isnan(stats.allocator_rss_ratio) && isnan(stats.rss_overhead_ratio));
	else if (is_known(stats.active_bytes))
		ck_assert(is_ratio(stats.allocator_rss_ratio, stats.resident_bytes,
				   stats.active_bytes));
	if (is_known(stats.resident_bytes) && is_known(stats.rss_bytes))
		ck_assert(
			is_ratio(stats.rss_overhead_ratio, stats.rss_bytes, stats.resident_bytes));
	if (is_known(stats.rss_bytes))
		ck_assert(
			is_ratio(stats.mem_fragmentation_ratio, stats.rss_bytes, stats.used_bytes));
	ck_assert(is_known(stats.rss_bytes) != !!isnan(stats.mem_fragmentation_ratio));
	zfree(block);
}
END_TEST

/* ---- Writing ---- */

struct sink {
	char text[16384];
	size_t length;
	int calls, fail_at;
};

static int take(void *context, const char *text, size_t size)
{
	struct sink *sink = context;

	if (++sink->calls == sink->fail_at)
		return ENOSPC;
	ck_assert_uint_lt(sink->length + size, sizeof(sink->text));
	memcpy(sink->text + sink->length, text, size);
	sink->length += size;
	sink->text[sink->length] = '\0';
	return 0;
}

START_TEST(test_writers_allocate_nothing)
{
	static struct sink sink;
	int64_t before = zmalloc_thread_used_memory();

	for (int format = ZMALLOC_STATS_TABLE; format <= ZMALLOC_STATS_OPENMETRICS; format++) {
		struct zmalloc_stats stats = now();

		sink = (struct sink){.length = 0};
		ck_assert_int_eq(zmalloc_stats_write(&stats, format, take, &sink), 0);
		ck_assert_uint_gt(sink.length, 100);
		ck_assert_uint_eq(now().allocated_bytes, stats.allocated_bytes);
	}
	ck_assert_int_eq(zmalloc_thread_used_memory(), before);
}
END_TEST

START_TEST(test_unknown_is_said_in_every_format)
{
	static struct sink sink;
	struct zmalloc_stats stats = now();

	stats.used_bytes = 1234567;
	stats.active_bytes = ZMALLOC_STATS_UNKNOWN;
	ck_assert_int_eq(zmalloc_stats_write(&stats, ZMALLOC_STATS_JSON, take, &sink), 0);
	ck_assert_ptr_nonnull(strstr(sink.text, "\"active_bytes\":null"));
	ck_assert_ptr_nonnull(strstr(sink.text, "\"used_bytes\":1234567,"));
	sink = (struct sink){.length = 0};
	ck_assert_int_eq(zmalloc_stats_write(&stats, ZMALLOC_STATS_OPENMETRICS, take, &sink), 0);
	ck_assert_ptr_null(strstr(sink.text, "active_bytes"));
	ck_assert_ptr_nonnull(strstr(sink.text, "\nzmalloc_used_bytes 1234567\n"));
	ck_assert_str_eq(sink.text + sink.length - 6, "# EOF\n");
	sink = (struct sink){.length = 0};
	ck_assert_int_eq(zmalloc_stats_write(&stats, ZMALLOC_STATS_TABLE, take, &sink), 0);
	ck_assert_ptr_nonnull(strstr(sink.text, "1.1 MiB"));
}
END_TEST

/* Whoever was compiled against an older struct gives nothing for the newer figures. */
START_TEST(test_figures_that_a_struct_lacks_are_unknown)
{
	static struct sink sink;
	struct zmalloc_stats stats = now();

	sink = (struct sink){.length = 0};
	stats.size = offsetof(struct zmalloc_stats, rss_bytes);
	ck_assert_int_eq(zmalloc_stats_write(&stats, ZMALLOC_STATS_JSON, take, &sink), 0);
	ck_assert_ptr_null(strstr(sink.text, "\"peak_bytes\":null"));
	ck_assert_ptr_nonnull(strstr(sink.text, "\"rss_bytes\":null,\"allocated_bytes\":null,"));
	ck_assert_str_eq(sink.text + sink.length - 2, "}\n");
}
END_TEST

START_TEST(test_a_row_of_the_table_has_its_figures)
{
	static struct sink sink;
	static struct zmalloc_process process[2];
	const char *line;

	for (size_t i = 0; i < COUNT_OF(process); i++) {
		process[i] =
			(struct zmalloc_process){.size = sizeof(process[i]), .pid = 7 + (int)i};
		process[i].stats = now();
		strcpy(process[i].name, "somebody");
		process[i].stats.used_bytes = 1234567;
		process[i].stats.peak_bytes = 2 * MIB;
		process[i].stats.rss_bytes = 3 * KIB + KIB / 2;
		process[i].stats.allocator_frag_ratio = 1.005;
		process[i].stats.allocator_rss_ratio = 2;
		process[i].stats.rss_overhead_ratio = 3;
		process[i].stats.mem_fragmentation_ratio = 4;
	}
	sink = (struct sink){.length = 0};
	ck_assert_int_eq(zmalloc_process_write(process, 2, ZMALLOC_STATS_TABLE, take, &sink), 0);
	line = strstr(sink.text, "\n       8     1.1 MiB     2.0 MiB     3.5 KiB   1.005  ");
	ck_assert_msg(line != NULL, "%s", sink.text);
}
END_TEST

/* What the allocator has given out is the same before and after. */
START_TEST(test_asking_leaves_nothing_allocated)
{
	struct zmalloc_stats before, stats;
	struct bin_sum sum = {1, 0};

	for (int round = 0; round < 2; round++) {
		before = now();
		for (size_t i = 0; i < steps(200, 20); i++) {
			stats.size = sizeof(stats);
			zmalloc_stats_visit_bins(ZMALLOC_STATS_ALL_ARENAS, 1, add_bin, &sum);
			zmalloc_stats_get(&stats, 1);
			stats.size = sizeof(stats);
			zmalloc_stats_get_arena(0, 1, &stats);
		}
	}
	ck_assert_uint_le(now().allocated_bytes, before.allocated_bytes + 16 * KIB);
}
END_TEST

START_TEST(test_errors_of_a_writer_come_back)
{
	static struct sink sink;
	int ends[2];

	sink = (struct sink){.fail_at = 1};
	ck_assert_int_eq(zmalloc_stats_write(NULL, ZMALLOC_STATS_OPENMETRICS, take, &sink), -1);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(sink.calls, 1);
	ck_assert_int_eq(zmalloc_stats_write(NULL, 99, take, &sink), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(zmalloc_stats_write_fd(NULL, ZMALLOC_STATS_JSON, ends[1]), 0);
	close(ends[0]);
	ck_assert_int_eq(zmalloc_stats_write_fd(NULL, ZMALLOC_STATS_JSON, ends[1]), -1);
	ck_assert_int_eq(errno, EPIPE);
	close(ends[1]);
}
END_TEST

static const struct {
	const char *name, *quoted;
} names[] = {
	{"a\"b\\c\nd\x7f\xff", "\"a\\\"b\\\\c?d??\""},
	/* Characters of two, three and four bytes, the first and the last of each. */
	{"\xc2\x80\xdf\xbf", "\"\xc2\x80\xdf\xbf\""},
	{"\xe0\xa0\x80\xef\xbf\xbf", "\"\xe0\xa0\x80\xef\xbf\xbf\""},
	{"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""},
	/* Forms that are too long, surrogates, beyond Unicode, and cut short. */
	{"\xc1\xbf\xe0\x9f\xbf\xf0\x8f\xbf\xbf", "\"?????????\""},
	{"\xed\xa0\x80\xf4\x90\x80\x80\xf5\x80", "\"?????????\""},
	{"\xe2\x82x\xf0\x9f\x98", "\"??x???\""},
};

START_TEST(test_names_are_quoted)
{
	static struct sink sink;
	struct zmalloc_process process = {.size = sizeof(process), .pid = 7};

	process.stats = now();
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char found[80];

		strcpy(process.name, names[i].name);
		snprintf(found, sizeof(found), "\"name\":%s,", names[i].quoted);
		sink = (struct sink){.length = 0};
		ck_assert_int_eq(
			zmalloc_process_write(&process, 1, ZMALLOC_STATS_JSON, take, &sink), 0);
		ck_assert_msg(strstr(sink.text, found) != NULL, "%s", sink.text);
		snprintf(found, sizeof(found), "name=%s,", names[i].quoted);
		sink = (struct sink){.length = 0};
		ck_assert_int_eq(
			zmalloc_process_write(&process, 1, ZMALLOC_STATS_OPENMETRICS, take, &sink),
			0);
		ck_assert_msg(strstr(sink.text, found) != NULL, "%s", sink.text);
	}
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("stats");

	tcase_add_test(tests, test_sums_hold);
	tcase_add_test(tests, test_allocated_follows_what_is_allocated);
	tcase_add_test(tests, test_rss_grows_with_touched_memory);
	tcase_add_test(tests, test_figures_are_jemallocs_own);
#if defined(HAVE_MALLINFO2)
	tcase_add_test(tests, test_figures_are_glibcs_own);
#endif
	tcase_add_test(tests, test_threads_are_those_that_live);
	tcase_add_test(tests, test_fragmentation_rises_by_every_other_block_freed);
	tcase_add_test(tests, test_bins_add_up_to_the_figure);
	tcase_add_test(tests, test_a_visit_ends_with_what_the_visitor_said);
	tcase_add_test(tests, test_a_purge_gives_memory_back);
	tcase_add_test(tests, test_resident_falls_after_a_purge);
	tcase_add_test(tests, test_a_background_purge_gives_back_unasked);
	tcase_add_test(tests, test_redis_form_agrees);
	tcase_add_test(tests, test_figures_stay_until_refreshed);
	tcase_add_test(tests, test_arenas_add_up);
	tcase_add_test(tests, test_a_struct_of_another_version_is_served);
	tcase_add_test(tests, test_a_struct_without_its_size_is_refused);
	tcase_add_test(tests, test_ratios_are_of_the_figures);
	tcase_add_test(tests, test_writers_allocate_nothing);
	tcase_add_test(tests, test_unknown_is_said_in_every_format);
	tcase_add_test(tests, test_figures_that_a_struct_lacks_are_unknown);
	tcase_add_test(tests, test_a_row_of_the_table_has_its_figures);
	tcase_add_test(tests, test_asking_leaves_nothing_allocated);
	tcase_add_test(tests, test_errors_of_a_writer_come_back);
	tcase_add_test(tests, test_names_are_quoted);
	return run_tests(tests);
}
