/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_shadow.c - a random program of every call, against a table of the blocks that live.
 *
 * After each thousandth step used memory, and the thread's, is what the table adds up to; every
 * block's contents are checked when it is resized and freed.
 */
#include "config.h"

#include "tests/support.h"

#include <string.h>

#include <zmalloc.h>

#define SLOTS 1500

struct slot {
	char *ptr;
	size_t asked;   /* what zfree_with_size() may be told */
	size_t written; /* bytes that hold the pattern */
	uint64_t seed;
	bool aligned; /* takes its usable size only */
};

struct model {
	struct chance chance;
	struct slot slots[SLOTS];
	size_t used;
	int64_t thread_used;
	uint64_t next_seed;
};

static size_t table_sum(const struct model *model)
{
	size_t sum = 0;

	for (size_t i = 0; i < SLOTS; i++)
		sum += zmalloc_size(model->slots[i].ptr);
	return sum;
}

static void check_sums(const struct model *model, size_t step)
{
	size_t sum = table_sum(model), used = zmalloc_used_memory() - model->used;

	ck_assert_msg(used == sum, "step %zu: used memory grew by %zu, the blocks are %zu", step,
		      used, sum);
	ck_assert_int_eq(zmalloc_thread_used_memory() - model->thread_used, (int64_t)sum);
	ck_assert_uint_ge(zmalloc_peak_memory(), zmalloc_used_memory());
}

static void check_slot(const struct slot *slot)
{
	ck_assert_msg(filled(slot->ptr, slot->written, slot->seed),
		      "a block of %zu bytes lost its contents", slot->asked);
}

/* ---- Steps ---------------------------------------------------------------------------------- */

static void own(struct model *model, struct slot *slot, void *ptr, size_t asked)
{
	ck_assert_ptr_nonnull(ptr);
	ck_assert_uint_ge(zmalloc_usable_size(ptr), asked);
	slot->ptr = ptr;
	slot->asked = asked;
	slot->seed = model->next_seed++;
	slot->written = asked;
	slot->aligned = false;
	fill(ptr, asked, slot->seed);
}

/* The same for a call that told the usable size: all of that is written. */
static void own_all(struct model *model, struct slot *slot, void *ptr, size_t asked, size_t usable)
{
	own(model, slot, ptr, asked);
	ck_assert_uint_eq(usable, zmalloc_usable_size(ptr));
	slot->written = usable;
	fill(ptr, usable, slot->seed);
}

static size_t any_size(struct model *model)
{
	return chance_size(&model->chance, chance_below(&model->chance, 200) == 0 ? 22 : 15);
}

static void own_zeroed(struct model *model, struct slot *slot, void *ptr, size_t asked)
{
	ck_assert(all_zero(ptr, asked));
	own(model, slot, ptr, asked);
}

static void own_string(struct model *model, struct slot *slot, char *copy, size_t length)
{
	ck_assert_uint_eq(strlen(copy), length);
	own(model, slot, copy, length + 1);
}

static void allocate(struct model *model, struct slot *slot)
{
	static const char text[] = "the quick brown fox jumps over the lazy dog";
	size_t usable = 0, size = any_size(model), num = chance_below(&model->chance, 20) + 1;
	size_t alignment = (size_t)1 << chance_below(&model->chance, 14);
	size_t part = chance_below(&model->chance, sizeof(text) - 1);
	void *ptr;

	switch (chance_below(&model->chance, 20)) {
	case 0:
	case 1:
		own(model, slot, zmalloc(size), size);
		break;
	case 2:
		own(model, slot, ztrymalloc(size), size);
		break;
	case 3:
		own_zeroed(model, slot, zcalloc(size), size);
		break;
	case 4:
		own_zeroed(model, slot, ztrycalloc(size), size);
		break;
	case 5:
		own_zeroed(model, slot, zcalloc_num(num, size / num), num * (size / num));
		break;
	case 6:
		own_zeroed(model, slot, ztrycalloc_num(size / num, num), num * (size / num));
		break;
	case 7:
		ptr = zmalloc_usable(size, &usable);
		own_all(model, slot, ptr, size, usable);
		break;
	case 8:
		ptr = ztrymalloc_usable(size, &usable);
		own_all(model, slot, ptr, size, usable);
		break;
	case 9:
		ptr = zcalloc_usable(size, &usable);
		own_all(model, slot, ptr, size, usable);
		break;
	case 10:
		ptr = ztrycalloc_usable(size, &usable);
		own_all(model, slot, ptr, size, usable);
		break;
	case 11:
		own(model, slot, zmalloc_aligned(alignment, size), size);
		slot->aligned = true;
		break;
	case 12:
		own(model, slot, ztrymalloc_aligned(alignment, size), size);
		slot->aligned = true;
		break;
	case 13:
		own_string(model, slot, num % 2 ? zstrdup(text + part) : ztrystrdup(text + part),
			   sizeof(text) - 1 - part);
		break;
	case 14:
		own_string(model, slot, num % 2 ? zstrndup(text, part) : ztrystrndup(text, part),
			   part);
		break;
	case 15:
		ptr = zstrdup_usable(text + part, &usable);
		ck_assert_uint_eq(usable, zmalloc_usable_size(ptr));
		own_string(model, slot, ptr, sizeof(text) - 1 - part);
		break;
	case 16:
		own(model, slot, num % 2 ? zmemdup(text, part) : ztrymemdup(text, part), part);
		break;
	case 17:
		own(model, slot, zrealloc(NULL, size), size);
		break;
	case 18:
		own(model, slot, ztryrealloc(NULL, size), size);
		break;
	default:
		ptr = zrealloc_usable(NULL, size, &usable);
		own_all(model, slot, ptr, size, usable);
		break;
	}
}

static void resize(struct model *model, struct slot *slot)
{
	size_t usable = 0, old = 0, was = zmalloc_usable_size(slot->ptr);
	size_t size = any_size(model) + 1, way = chance_below(&model->chance, 6);
	size_t kept = slot->written < size ? slot->written : size;
	uint64_t seed = slot->seed;
	void *ptr = slot->ptr;

	switch (way) {
	case 0:
		ptr = zrealloc(ptr, size);
		break;
	case 1:
		ptr = ztryrealloc(ptr, size);
		break;
	case 2:
		ptr = zrealloc_usable(ptr, size, &usable);
		break;
	case 3:
		ptr = ztryrealloc_usable(ptr, size, &usable);
		break;
	case 4:
		ptr = zrealloc_usable2(ptr, size, &usable, &old);
		break;
	default:
		ptr = ztryrealloc_usable2(ptr, size, &usable, &old);
		break;
	}
	ck_assert_ptr_nonnull(ptr);
	ck_assert(filled(ptr, kept, seed));
	if (way >= 4)
		ck_assert_uint_eq(old, was);
	if (way >= 2)
		own_all(model, slot, ptr, size, usable);
	else
		own(model, slot, ptr, size);
}

static void release(struct model *model, struct slot *slot)
{
	size_t usable, was = zmalloc_usable_size(slot->ptr);

	check_slot(slot);
	switch (chance_below(&model->chance, 5)) {
	case 0:
		zfree(slot->ptr);
		break;
	case 1:
		zfree_with_size(slot->ptr, slot->aligned ? was : slot->asked);
		break;
	case 2:
		zfree_with_size(slot->ptr, was);
		break;
	case 3:
		zfree_usable(slot->ptr, &usable);
		ck_assert_uint_eq(usable, was);
		break;
	default:
		ck_assert_ptr_null(zrealloc(slot->ptr, 0));
		break;
	}
	slot->ptr = NULL;
}

/* None of these changes anything. */
static void try_in_vain(struct slot *slot)
{
	ck_assert_ptr_null(ztrymalloc(opaque_size(SIZE_MAX)));
	ck_assert_ptr_null(ztrycalloc_num(opaque_size(SIZE_MAX), 3));
	ck_assert_ptr_null(ztrymalloc_aligned(64, opaque_size(SIZE_MAX - 10)));
	if (slot->ptr != NULL)
		ck_assert_ptr_null(ztryrealloc(slot->ptr, opaque_size((size_t)PTRDIFF_MAX + 1)));
	zfree(NULL);
}

static void step(struct model *model)
{
	struct slot *slot = &model->slots[chance_below(&model->chance, SLOTS)];

	if (chance_below(&model->chance, 500) == 0)
		try_in_vain(slot);
	else if (slot->ptr == NULL)
		allocate(model, slot);
	else if (chance_below(&model->chance, 3) == 0)
		resize(model, slot);
	else
		release(model, slot);
}

/* ---- Programs ------------------------------------------------------------------------------- */

static void run_program(uint64_t seed)
{
	static struct model model;
	size_t last = steps(60000, 4000);

	memset(&model, 0, sizeof(model));
	model.chance = chance_of(seed);
	model.used = zmalloc_used_memory();
	model.thread_used = zmalloc_thread_used_memory();
	for (size_t i = 1; i <= last; i++) {
		step(&model);
		if (i % 1000 == 0)
			check_sums(&model, i);
	}
	check_sums(&model, last);
	for (size_t i = 0; i < SLOTS; i++)
		if (model.slots[i].ptr != NULL)
			release(&model, &model.slots[i]);
	ck_assert_uint_eq(zmalloc_used_memory(), model.used);
	ck_assert_int_eq(zmalloc_thread_used_memory(), model.thread_used);
}

START_TEST(test_random_program_matches_its_table)
{
	run_program((uint64_t)_i + 100);
}
END_TEST

static void *run_in_thread(void *unused)
{
	(void)unused;
	run_program(1);
	return NULL;
}

/* As the first and only thing that a thread does. */
START_TEST(test_random_program_of_a_new_thread)
{
	size_t used = zmalloc_used_memory();

	join_thread(start_thread(run_in_thread, NULL));
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("shadow");

	tcase_add_loop_test(tests, test_random_program_matches_its_table, 0, 3);
	tcase_add_test(tests, test_random_program_of_a_new_thread);
	return run_tests(tests);
}
