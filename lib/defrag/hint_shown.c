/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/hint_shown.c - which blocks has the program asked about, and has it come round?
 *
 * Nobody tells where a scan begins or ends. But a block that is asked about for the second time has
 * its bit set already. In a run of such repeats the program has come round, be its scans forwards,
 * backwards, in parts or in no order. Blocks that are new to the heap interrupt a run now and then;
 * so a run has a weight, which repeats add to and fresh blocks take from.
 */
#include "config.h"

#include "defrag/hint.h"

/* One fresh block outweighs so many repeats: a run bears one in nine. */
#define FRESH_WEIGHT 8

/*
 * The weight that says "come round": little if what was shown is most of the heap, a quarter of what
 * was shown otherwise, as the program may be showing a part of its blocks again and again before it
 * turns to others.
 */
#define WEIGHT_MIN 256
#define WEIGHT_PART 4

/* Who asks about blocks at random never stops showing fresh ones: two heaps' worth of hints will do. */
#define HEAPS_MAX 2
#define FEW_BLOCKS 4096

/* Growth by such a part of the heap counts as growth. */
#define GROWTH_PART 32

void zm_shown_begin_run(void)
{
	zm_hints.run_asked = zm_hints.asked;
	zm_hints.run_weight = zm_hints.run_fresh = zm_hints.run_repeated = 0;
}

void zm_shown_begin(void)
{
	zm_hints.enough = 0;
	zm_hints.grown_asked = zm_hints.asked;
	zm_hints.grown_shown = zm_cycle.shown;
	zm_shown_begin_run();
}

static void note_repeat(void)
{
	zm_hints.run_weight++;
	zm_hints.run_repeated++;
}

static void note_fresh(void)
{
	if (zm_cycle.shown >= zm_hints.grown_shown + zm_hints.blocks / GROWTH_PART) {
		zm_hints.grown_shown = zm_cycle.shown;
		zm_hints.grown_asked = zm_hints.asked;
	}
	zm_hints.run_fresh++;
	if (zm_hints.run_weight > FRESH_WEIGHT)
		zm_hints.run_weight -= FRESH_WEIGHT;
	else
		zm_shown_begin_run();
}

static bool have_bits(struct zm_slab_record *slab)
{
	uint32_t regions = zm_cycle.layout->bin[slab->bin].regions;

	if (slab->bits == NULL)
		slab->bits = zm_cycle_take_words((regions + ZM_REGION_BITS - 1) / ZM_REGION_BITS *
						 sizeof(size_t));
	return slab->bits != NULL;
}

/* Of a slab that is not chosen: its record, and the block's bit. NULL: there is none. */
static struct zm_slab_record *find_bit(const void *ptr, zm_region_word **word, size_t *bit)
{
	struct zm_slab_record *slab = zm_cycle_record(ptr);
	uint32_t region;

	if (slab == NULL || zm_load(&slab->state) != ZM_SLAB_SEEN || !have_bits(slab))
		return NULL;
	region = zm_slab_region(zm_cycle.layout, &zm_cycle.layout->bin[slab->bin], ptr);
	*word = &slab->bits[region / ZM_REGION_BITS];
	*bit = (size_t)1 << region % ZM_REGION_BITS;
	return slab;
}

static void set_bit(struct zm_slab_record *slab, zm_region_word *word, size_t bit)
{
	zm_store(word, zm_load(word) | bit);
	zm_store(&slab->live, zm_load(&slab->live) + 1);
	zm_cycle.shown++;
}

void zm_hint_show(const void *ptr)
{
	zm_region_word *word;
	size_t bit;
	struct zm_slab_record *slab = find_bit(ptr, &word, &bit);

	if (slab == NULL)
		return;
	slab->asked = (uint32_t)zm_hints.asked;
	if (zm_load(word) & bit) {
		note_repeat();
	} else {
		set_bit(slab, word, bit);
		note_fresh();
	}
}

void zm_hint_show_copy(const void *ptr)
{
	zm_region_word *word;
	size_t bit;
	struct zm_slab_record *slab = find_bit(ptr, &word, &bit);

	if (slab != NULL && !(zm_load(word) & bit))
		set_bit(slab, word, bit);
}

static uint64_t weight_wanted(void)
{
	if (zm_hints.enough != 0)
		return zm_hints.enough;
	/* What has moved was shown once and may not be shown again yet. */
	if (zm_cycle.shown + zm_cycle.evacuated >= zm_hints.blocks / 8 * 7 ||
	    zm_cycle.shown / WEIGHT_PART < WEIGHT_MIN)
		return WEIGHT_MIN;
	return zm_cycle.shown / WEIGHT_PART;
}

bool zm_shown_is_complete(void)
{
	return zm_hints.run_weight >= weight_wanted() ||
	       (zm_hints.enough == 0 &&
		zm_hints.asked - zm_hints.afresh_asked >= zm_hints.blocks * HEAPS_MAX + FEW_BLOCKS);
}

void zm_shown_want_more(void)
{
	uint64_t enough = weight_wanted() * 2;

	zm_hints.enough = enough > zm_cycle.shown / 2 ? enough : zm_cycle.shown / 2;
}

bool zm_shown_still_grows(void)
{
	return zm_hints.asked - zm_hints.grown_asked < zm_hints.blocks * HEAPS_MAX + FEW_BLOCKS;
}

unsigned zm_shown_fresh_x256(void)
{
	uint64_t all = zm_hints.run_fresh + zm_hints.run_repeated;

	return all == 0 ? 0 : (unsigned)(zm_hints.run_fresh * 256 / all);
}
