/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/size_map.c - sizes by page (lib/allocator/size_map.h), as they are: a page's word is right
 * for whoever has a block of the page, although every access to it is relaxed.
 */
#include "tests/model/model.h"

#include "tests/model/models.h"

#include "lib/allocator/size_map.h"

struct zm_size_map zm_size_map;

/* Two pages of one word. */
#define PAGE ((uintptr_t)0x40000000)
#define OTHER (PAGE + ZM_SIZE_MAP_PAGE_BYTES * ZM_SIZE_MAP_WORDS)
#define WORD (PAGE / ZM_SIZE_MAP_PAGE_BYTES % ZM_SIZE_MAP_WORDS)

enum {
	SIZE_BEFORE = 64, /* of the page's blocks, until it is used anew */
	SIZE_AFTER = 96
};

static struct model_lock allocator;
static bool page_free; /* under the allocator's lock */
static ZM_ATOMIC(uintptr_t) handed_over;

static void reset(void)
{
	allocator.taken = 0;
	page_free = false;
	zm_size_map.of_page[WORD] = 0;
	handed_over = 0;
}

/* Has a block of the page, and gives it back; the page is free then. */
static void use_page_before(void)
{
	bool late = model_broken("a size noted of a block given back");

	if (!late)
		zm_size_map_note((void *)PAGE, SIZE_BEFORE);
	model_lock(&allocator);
	page_free = true;
	model_unlock(&allocator);
	if (late)
		zm_size_map_note((void *)PAGE, SIZE_BEFORE);
}

/* Gets a block of it, used anew, and hands it on; notes a block of the other page between. */
static void use_page_anew(void)
{
	bool got;

	model_lock(&allocator);
	got = page_free;
	model_unlock(&allocator);
	if (!got)
		return;
	if (!model_broken("a size not noted"))
		zm_size_map_note((void *)PAGE, SIZE_AFTER);
	model_store(MODEL_AT(&handed_over, MODEL_IN_ORDER), PAGE + 8);
	zm_size_map_note((void *)OTHER, 32);
}

static void free_it(void)
{
	uintptr_t block = model_load(MODEL_AT(&handed_over, MODEL_IN_ORDER));
	size_t bytes;

	if (block != 0 && zm_size_map_of((void *)block, &bytes))
		model_require(bytes == SIZE_AFTER);
}

/* ---- A watched page ---- */

/* Its own block is to be seen when it is freed. */
static void watch_and_hand_on(void)
{
	bool late = model_broken("watched after it was handed on");

	zm_size_map_note((void *)PAGE, SIZE_AFTER);
	if (!late)
		zm_size_map_watch((void *)PAGE, true);
	model_store(MODEL_AT(&handed_over, MODEL_IN_ORDER), PAGE + 8);
	if (late)
		zm_size_map_watch((void *)PAGE, true);
}

/* Gets a block of the other page and one of this. */
static void note_both(void)
{
	zm_size_map_note((void *)OTHER, 32);
	if (model_broken("a size stored over a watch"))
		zm_store(zm_size_map_at((void *)PAGE), zm_size_map_word((void *)PAGE, SIZE_AFTER));
	else
		zm_size_map_note((void *)PAGE, SIZE_AFTER);
}

static void free_watched(void)
{
	uintptr_t block = model_load(MODEL_AT(&handed_over, MODEL_IN_ORDER));
	size_t bytes;

	if (block == 0)
		return;
	model_require(!zm_size_map_of((void *)block, &bytes));
	if (zm_size_map_of_watched((void *)block, &bytes))
		model_require(bytes == SIZE_AFTER);
}

const struct model model_of_watch = {
	.name = "a watched page",
	.reset = reset,
	.thread = {watch_and_hand_on, note_both, free_watched},
};

const struct model model_of_size_map = {
	.name = "sizes by page",
	.reset = reset,
	.thread = {use_page_before, use_page_anew, free_it},
};
