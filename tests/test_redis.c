/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_redis.c - the names of <zmalloc/redis.h> do what a tree of Redis or Valkey expects.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As a build for `redis-server test` has it. */
#define REDIS_TEST
#include <zmalloc/redis.h>

#include "tests/support.h"

static bool has_arenas(void)
{
	return strncmp(ZMALLOC_LIB, "jemalloc", strlen("jemalloc")) == 0;
}

/*
 * The names as Debian's patches redefine them after the header, in the files that use them. That they
 * may be defined at all, without a warning, is part of the test.
 */
#define je_mallctl mallctl
#define je_malloc_stats_print malloc_stats_print
#define je_nallocx(size, flags) nallocx(size, flags)

static int debians_mallctl(const char *name, void *old, size_t *old_size)
{
	return je_mallctl(name, old, old_size, NULL, 0);
}

static void debians_stats_print(void (*write)(void *opaque, const char *text), void *opaque)
{
	je_malloc_stats_print(write, opaque, NULL);
}

static size_t debians_nallocx(size_t size)
{
	return je_nallocx(size, 0);
}

#undef je_mallctl
#undef je_malloc_stats_print
#undef je_nallocx

/* ---- Flags ---- */

START_TEST(test_flags_align_and_zero)
{
	for (int lg = 0; lg <= 21; lg++)
		for (size_t size = 0; size < 20000; size = size * 3 + 1) {
			unsigned char *dirty = zmalloc(size), *block;

			fill(dirty, size, size);
			zfree(dirty);
			block = zmalloc_with_flags(size, MALLOCX_LG_ALIGN(lg) | MALLOCX_ZERO);
			ck_assert_ptr_nonnull(block);
			ck_assert_uint_eq((uintptr_t)block & (((uintptr_t)1 << lg) - 1), 0);
			ck_assert_uint_ge(zmalloc_usable_size(block), size);
			ck_assert(all_zero(block, size));
			zfree_with_flags(block, 0);
		}
}
END_TEST

START_TEST(test_resize_with_flags_keeps_contents_and_aligns)
{
	struct chance chance = chance_of(1);
	size_t used = zmalloc_used_memory(), size = 1;
	unsigned char *block = NULL;

	for (size_t i = 0; i < steps(3000, 300); i++) {
		size_t next = 1 + chance_size(&chance, 18);
		int lg = (int)chance_below(&chance, 13);
		size_t old = block != NULL ? size : 0;

		block = zrealloc_with_flags(block, next, MALLOCX_LG_ALIGN(lg));
		ck_assert_uint_eq((uintptr_t)block & (((uintptr_t)1 << lg) - 1), 0);
		ck_assert(filled(block, old < next ? old : next, 7));
		size = next;
		fill(block, size, 7);
		ck_assert_uint_eq(zmalloc_used_memory() - used, zmalloc_size(block));
	}
	ck_assert_ptr_null(zrealloc_with_flags(block, 0, 0));
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

static size_t allocated_bytes(void)
{
	size_t bytes = 0;

	(zmalloc_get_allocator_info)(1, &bytes, NULL, NULL, NULL, NULL, NULL);
	return bytes;
}

/* The first round fills caches. */
START_TEST(test_resize_leaves_no_block_behind)
{
	size_t before = 0;

	for (int round = 0; round < 2; round++) {
		before = allocated_bytes();
		for (size_t i = 0; i < 1000; i++) {
			void *block = zmalloc_with_flags(1000, MALLOCX_LG_ALIGN(8));

			block = zrealloc_with_flags(block, 4000, MALLOCX_LG_ALIGN(8));
			block = zrealloc_with_flags(block, 9000, 0);
			zfree_with_flags(block, 0);
		}
	}
	ck_assert_uint_le(allocated_bytes(), before + 128 * KIB);
}
END_TEST

START_TEST(test_resize_zeroes_what_it_adds)
{
	for (int lg = 0; lg <= 12; lg += 6)
		for (size_t size = 1; size < 100000; size = size * 5 / 2 + 1) {
			int flags = MALLOCX_LG_ALIGN(lg) | MALLOCX_ZERO;
			unsigned char *block = zmalloc_with_flags(size, flags);
			size_t usable = zmalloc_usable_size(block);

			block = zmalloc_extend_to_usable(block, usable);
			memset(block, 0x5a, usable);
			block = zrealloc_with_flags(block, usable * 3, flags);
			ck_assert(all_zero(block + usable, usable * 2));
			ck_assert_uint_eq(block[usable - 1], 0x5a);
			zfree(block);
		}
}
END_TEST

START_TEST(test_flagged_and_plain_blocks_mix)
{
	size_t used = zmalloc_used_memory();
	void *plain = zmalloc(100), *bypassed = zmalloc_no_tcache(100);

	ck_assert_uint_eq(zmalloc_used_memory() - used,
			  zmalloc_size(plain) + zmalloc_size(bypassed));
	zfree_no_tcache(plain);
	zfree(bypassed);
	plain = zrealloc(zmalloc_with_flags(10, MALLOCX_ZERO), 5000);
	ck_assert_uint_eq(zmalloc_used_memory() - used, zmalloc_size(plain));
	zfree_with_flags(zrealloc_with_flags(plain, 10, 0), MALLOCX_TCACHE_NONE);
	zfree_with_flags(NULL, MALLOCX_TCACHE_NONE);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

/* As Valkey moves a block: neither call is charged there, so the two must come to nothing. */
START_TEST(test_valkeys_names_for_defragmentation)
{
	size_t used, before = zmalloc_used_memory();
	void *block = zmalloc(100), *copy;
	unsigned long frag = allocatorDefragGetFragSmallbins();

	ck_assert_int_eq(allocatorDefragInit(), zdefrag_supported() ? 0 : -1);
	ck_assert_int_eq(allocatorShouldDefrag(NULL), 0);
	ck_assert_int_eq(allocatorShouldDefrag(&frag), 0);
	used = zmalloc_used_memory();
	copy = allocatorDefragAlloc(zmalloc_usable_size(block));
	ck_assert_ptr_nonnull(copy);
	allocatorDefragFree(block, zmalloc_usable_size(block));
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	zfree(copy);
	ck_assert_uint_eq(zmalloc_used_memory(), before);
	if (has_arenas())
		ck_assert_uint_gt(frag, 0);
}
END_TEST

/* As deps/hdr_histogram of Valkey declares them, which sees no header of ours. */
START_TEST(test_names_that_valkeys_parts_link_to)
{
	size_t used = zmalloc_used_memory();
	unsigned char *block = valkey_malloc(100), *zeroed = valkey_calloc(100);

	ck_assert_uint_eq(zmalloc_used_memory() - used, zmalloc_size(block) + zmalloc_size(zeroed));
	ck_assert(all_zero(zeroed, 100));
	fill(block, 100, 4);
	block = valkey_realloc(block, 5000);
	ck_assert(filled(block, 100, 4));
	ck_assert_uint_eq(zmalloc_used_memory() - used, zmalloc_size(block) + zmalloc_size(zeroed));
	valkey_free(zeroed);
	zfree(block);
	valkey_free(NULL);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

START_TEST(test_blocks_on_cache_lines_of_their_own)
{
	size_t used = zmalloc_used_memory();

	for (size_t size = 0; size < 10000; size = size * 2 + 1) {
		void *block = zmalloc_cache_aligned(size);

		ck_assert_uint_eq((uintptr_t)block & 127, 0);
		ck_assert_uint_ge(zmalloc_usable_size(block), size);
		zfree(block);
	}
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

START_TEST(test_free_with_flags_keeps_errno)
{
	void *block = zmalloc_with_flags(MIB * 8, 0);

	errno = E2BIG;
	zfree_with_flags(block, 0);
	ck_assert_int_eq(errno, E2BIG);
}
END_TEST

START_TEST(test_flagged_allocation_fails_as_zmalloc_does)
{
	size_t used = zmalloc_used_memory(), size, over = opaque_size((size_t)PTRDIFF_MAX + 1);
	unsigned char *block = zmalloc_with_flags(100, 0);

	count_oom();
	fill(block, 100, 3);
	ck_assert_ptr_null(zmalloc_with_flags(opaque_size(SIZE_MAX), 0));
	ck_assert_uint_eq(oom_size, SIZE_MAX);
	ck_assert_ptr_null(zmalloc_with_flags(over, MALLOCX_LG_ALIGN(12)));
	ck_assert_ptr_null(zmalloc_with_flags(1, MALLOCX_LG_ALIGN((int)sizeof(size_t) * 8 - 1)));
	ck_assert_ptr_null(zrealloc_with_flags(block, over, 0));
	ck_assert_uint_eq(oom_size, over);
	ck_assert_uint_eq(oom_calls, 4);
	ck_assert_int_eq(errno, ENOMEM);
	size = zmalloc_size(block);
	ck_assert(filled(block, 100, 3));
	ck_assert_uint_eq(zmalloc_used_memory() - used, size);
	zfree(block);
	zmalloc_set_oom_handler(NULL);
}
END_TEST

/* The library first hears of a thread through one of these. */
static void *first_frees(void *block)
{
	zfree_with_flags(block, 0);
	return NULL;
}

static void *first_resizes(void *block)
{
	return zrealloc_with_flags(block, 3000, 0);
}

static void *first_allocates(void *unused)
{
	(void)unused;
	return zmalloc_with_flags(4000, MALLOCX_TCACHE_NONE);
}

START_TEST(test_a_thread_may_begin_with_flags)
{
	size_t used = zmalloc_used_memory();
	void *block = join_thread(start_thread(first_allocates, NULL));

	ck_assert_uint_eq(zmalloc_used_memory() - used, zmalloc_size(block));
	block = join_thread(start_thread(first_resizes, block));
	ck_assert_uint_eq(zmalloc_used_memory() - used, zmalloc_size(block));
	join_thread(start_thread(first_frees, block));
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

/* ---- Controls ---- */

/* As Redis does before it starts. */
static unsigned create(const char *name)
{
	unsigned number = 12345;
	size_t size = sizeof(number);

	ck_assert_int_eq(je_mallctl(name, &number, &size, NULL, 0), 0);
	ck_assert_uint_ne(number, 12345);
	return number;
}

START_TEST(test_lua_gets_an_arena_and_a_cache)
{
	size_t used = zmalloc_used_memory();
	unsigned arena = create("arenas.create"), cache = create("tcache.create"), found = arena;
	int flags = MALLOCX_ARENA(arena) | MALLOCX_TCACHE(cache);
	void *block = zrealloc_with_flags(NULL, 100, flags);
	size_t size = sizeof(found);

	block = zrealloc_with_flags(block, 100000, flags);
	ck_assert_uint_eq(zmalloc_used_memory() - used, zmalloc_size(block));
	if (has_arenas()) {
		ck_assert_uint_ne(arena, 0);
		ck_assert_int_eq(je_mallctl("arenas.lookup", &found, &size, &block, sizeof(block)),
				 0);
	}
	ck_assert_uint_eq(found, arena);
	zfree_with_flags(block, flags);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ck_assert_int_eq(je_mallctl("tcache.destroy", NULL, NULL, &cache, sizeof(cache)), 0);
}
END_TEST

START_TEST(test_controls_answer_with_errno_values)
{
	size_t value, size = 3;
	int error = je_mallctl("no.such.name", &value, &size, NULL, 0);

	ck_assert(error == ENOENT || error == ENOTSUP || error == EINVAL);
	ck_assert_int_eq(je_mallctl("arenas.create", &value, &size, NULL, 0), EINVAL);
	ck_assert_int_eq(debians_mallctl("no.such.name", &value, &size), error);
	ck_assert_int_eq(debians_mallctl("arenas.create", &value, &size), EINVAL);
	errno = 0;
	ck_assert_int_eq(zmalloc_ctl("no.such.name", &value, &size, NULL, 0), -1);
	ck_assert_int_eq(errno, error);
}
END_TEST

/* ---- Figures ---- */

START_TEST(test_allocator_info_takes_every_number_of_arguments)
{
	size_t three[3], five[5], six[6], seven[6];

	zfree(zmalloc(1));
	ck_assert_int_eq(zmalloc_get_allocator_info(1, &seven[0], &seven[1], &seven[2], &seven[3],
						    &seven[4], &seven[5]),
			 zmalloc_get_allocator_info(&three[0], &three[1], &three[2]));
	zmalloc_get_allocator_info(&five[0], &five[1], &five[2], &five[3], &five[4]);
	zmalloc_get_allocator_info(&six[0], &six[1], &six[2], &six[3], &six[4], &six[5]);
	/* Resident may move on its own account; what is in live blocks does not. */
	ck_assert_uint_eq(three[0], seven[0]);
	ck_assert_uint_eq(five[0], seven[0]);
	ck_assert_uint_eq(six[0], seven[0]);
	ck_assert_uint_eq(six[5], seven[5]);
	ck_assert_uint_eq(five[4], seven[4]);
	ck_assert_uint_eq(five[1], three[1]);
}
END_TEST

struct text {
	size_t length;
	char bytes[200000];
};

static void collect(void *opaque, const char *piece)
{
	struct text *text = opaque;
	size_t length = strlen(piece);

	ck_assert_uint_lt(text->length + length, sizeof(text->bytes));
	memcpy(text->bytes + text->length, piece, length + 1);
	text->length += length;
}

/* Free in slabs over allocated, in percent, as Valkey has it in allocator_defrag.c. */
START_TEST(test_fragmentation_is_that_of_the_figures)
{
	static void *block[20000];
	size_t allocated, seven[2], free_in_slabs = 12345;
	float percent;

	for (size_t i = 0; i < 20000; i++)
		block[i] = zmalloc(100);
	for (size_t i = 0; i < 20000; i += 2)
		zfree(block[i]);
	percent = getAllocatorFragmentation(&free_in_slabs);
	zmalloc_get_allocator_info(1, &allocated, NULL, NULL, NULL, NULL, &seven[0]);
	ck_assert_uint_eq(free_in_slabs, seven[0]);
	if (free_in_slabs == 0)
		ck_assert_float_eq(percent, 0);
	else
		ck_assert_float_eq_tol(percent, 100 * (float)free_in_slabs / (float)allocated,
				       0.01);
	if (has_arenas())
		ck_assert_uint_gt(free_in_slabs, 100000);
	/* i387 keeps more digits of one than of the other. */
	ck_assert_float_eq_tol(getAllocatorFragmentation(NULL), percent, 0.01);
	for (size_t i = 1; i < 20000; i += 2)
		zfree(block[i]);
}
END_TEST

START_TEST(test_redis_tests_its_zmalloc)
{
	ck_assert_int_eq(zmalloc_test(0, NULL, 0), 0);
}
END_TEST

/* What the library's own report has under a name; 0: no such line. */
static size_t reported(const struct text *text, const char *name)
{
	const char *line = strstr(text->bytes, name);

	return line != NULL ? strtoull(line + strlen(name), NULL, 10) : 0;
}

static void check_reported(const struct text *text)
{
	size_t allocated, active, resident, told_allocated = reported(text, "\nallocated "),
					    told_active = reported(text, "\nactive ");

	zmalloc_get_allocator_info(1, &allocated, &active, &resident, NULL, NULL, NULL);
	if (told_allocated != 0)
		ck_assert_uint_eq(told_allocated, allocated);
	if (told_active != 0)
		ck_assert_uint_eq(told_active, active);
}

START_TEST(test_the_report_comes_through_the_callback)
{
	struct text *text = calloc(1, sizeof(*text));
	size_t used = zmalloc_used_memory();
	void *block = zmalloc(100);

	je_malloc_stats_print(collect, text, NULL);
	ck_assert_ptr_nonnull(strstr(text->bytes, has_arenas() ? "Allocated" : ZMALLOC_LIB));
	if (!has_arenas())
		check_reported(text);
	text->length = 0;
	text->bytes[0] = '\0';
	debians_stats_print(collect, text);
	ck_assert_ptr_nonnull(strstr(text->bytes, has_arenas() ? "Allocated" : ZMALLOC_LIB));
	zfree(block);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	free(text);
}
END_TEST

/* What sds.c concludes from it: a block that is said to be of the right size holds the bytes. */
START_TEST(test_equal_sizes_mean_that_a_block_holds_it)
{
	for (size_t held = 1; held < 3000; held += 7) {
		char *block = zmalloc(held);

		for (size_t wanted = 1; wanted < 6000; wanted++)
			if (je_nallocx(wanted, 0) == zmalloc_size(block))
				ck_assert_uint_le(wanted, zmalloc_usable_size(block));
		ck_assert_uint_eq(debians_nallocx(held), je_nallocx(held, 0));
		zfree(block);
	}
}
END_TEST

START_TEST(test_numbers_of_proc_stat)
{
	long long value = 77;

	ck_assert_int_eq(get_proc_stat_ll(2, &value), 0);
	ck_assert_int_eq(get_proc_stat_ll(0, &value), 0);
	ck_assert_int_eq(get_proc_stat_ll(1000, &value), 0);
	ck_assert_int_eq(value, 77);
#ifdef HAVE_PROC_SELF_STAT
	if (access("/proc/self/stat", R_OK) != 0) {
		skip_part("no /proc/self/stat");
		return;
	}
	ck_assert_int_eq(get_proc_stat_ll(1, &value), 1);
	ck_assert_int_eq(value, getpid());
	ck_assert_int_eq(get_proc_stat_ll(4, &value), 1);
	ck_assert_int_eq(value, getppid());
#else
	skip_part("built without /proc/self/stat");
#endif
}
END_TEST

/* ---- Other names ---- */

START_TEST(test_pages_given_back_are_those_inside_the_block)
{
	size_t usable;
	unsigned char *block = zmalloc_usable(MIB, &usable);
	unsigned char *before = zmalloc(5000), *after = zmalloc(5000);

	fill(before, 5000, 1);
	fill(after, 5000, 2);
	memset(block, 1, usable);
	zmadvise_dontneed(block);
	zmadvise_dontneed(block, usable);
	ck_assert(filled(before, 5000, 1));
	ck_assert(filled(after, 5000, 2));
	block = extend_to_usable(block, usable);
	memset(block, 2, usable);
	ck_assert_uint_eq(block[usable - 1], 2);
	zfree(block);
	zfree(before);
	zfree(after);
}
END_TEST

/* As a table that is rehashed gives its used part back, with bounds that are on no page. */
START_TEST(test_a_range_is_given_back_inside_its_pages)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = page * 40;
	unsigned char *block = zmalloc(bytes), *before = zmalloc(bytes);
	unsigned char *inside = block + page * 3 + 104;

	fill(block, bytes, 5);
	fill(before, bytes, 5);
	zmadvise_dontneed_range(inside, page * 20);
	ck_assert_mem_eq(block, before, page * 3 + 104);
	ck_assert_mem_eq(inside + page * 20, before + page * 23 + 104, page * 17 - 104);
#if defined(__linux__)
	ck_assert(all_zero(block + page * 5, page * 17));
#endif
	memset(inside, 6, page * 20);
	zmadvise_dontneed_range(inside, page - 1);
	zmadvise_dontneed_range(inside, 0);
	zmadvise_dontneed_range(NULL, page);
	ck_assert_uint_eq(inside[page], 6);
	zfree(before);
	zfree(block);
}
END_TEST

START_TEST(test_purging_is_answered)
{
	ck_assert_int_eq(jemalloc_purge(), zmalloc_has(ZMALLOC_CAN_PURGE) ? 0 : -1);
	set_jemalloc_bg_thread(0);
	zlibc_trim();
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("redis");

	tcase_add_test(tests, test_flags_align_and_zero);
	tcase_add_test(tests, test_resize_with_flags_keeps_contents_and_aligns);
	tcase_add_test(tests, test_resize_leaves_no_block_behind);
	tcase_add_test(tests, test_resize_zeroes_what_it_adds);
	tcase_add_test(tests, test_flagged_and_plain_blocks_mix);
	tcase_add_test(tests, test_valkeys_names_for_defragmentation);
	tcase_add_test(tests, test_names_that_valkeys_parts_link_to);
	tcase_add_test(tests, test_blocks_on_cache_lines_of_their_own);
	tcase_add_test(tests, test_free_with_flags_keeps_errno);
	tcase_add_test(tests, test_flagged_allocation_fails_as_zmalloc_does);
	tcase_add_test(tests, test_a_thread_may_begin_with_flags);
	tcase_add_test(tests, test_lua_gets_an_arena_and_a_cache);
	tcase_add_test(tests, test_controls_answer_with_errno_values);
	tcase_add_test(tests, test_allocator_info_takes_every_number_of_arguments);
	tcase_add_test(tests, test_fragmentation_is_that_of_the_figures);
	tcase_add_test(tests, test_redis_tests_its_zmalloc);
	tcase_add_test(tests, test_the_report_comes_through_the_callback);
	tcase_add_test(tests, test_equal_sizes_mean_that_a_block_holds_it);
	tcase_add_test(tests, test_numbers_of_proc_stat);
	tcase_add_test(tests, test_pages_given_back_are_those_inside_the_block);
	tcase_add_test(tests, test_a_range_is_given_back_inside_its_pages);
	tcase_add_test(tests, test_purging_is_answered);
	return run_tests(tests);
}
