/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/page.c - the published page's sequence (lib/live/sequence.h), as it is. The copy is
 * atomic word by word here; between processes the kernel makes it.
 */
#include "tests/model/model.h"

#include "tests/model/models.h"

#include "lib/live/sequence.h"

static struct {
	zm_sequence sequence;
	ZM_ATOMIC(uint32_t) magic, figure[2];
} page;

static void reset(void)
{
	page.sequence = page.magic = page.figure[0] = page.figure[1] = 0;
}

static uint32_t begin(void)
{
	uint32_t odd;

	if (!model_broken("an exchange in place of the writer's fence"))
		return zm_sequence_begin(&page.sequence);
	odd = zm_load(&page.sequence) | 1;
	model_exchange(MODEL_AT(&page.sequence, MODEL_RELAXED), odd);
	return odd;
}

static void write_figures(uint32_t figure)
{
	uint32_t odd = begin();

	zm_store(&page.figure[0], figure);
	zm_store(&page.figure[1], figure);
	zm_sequence_end(&page.sequence, odd);
}

static void publish(void)
{
	bool magic_last = model_broken("the magic stored after the first sequence");

	if (!magic_last)
		zm_store(&page.magic, 1);
	write_figures(1);
	if (magic_last)
		zm_store(&page.magic, 1);
	write_figures(2);
}

static bool may_copy(uint32_t sequence)
{
	if (model_broken("a sequence of 0 accepted") && sequence == 0)
		return true;
	return zm_sequence_may_copy(sequence);
}

static void read_it(void)
{
	uint32_t before = zm_load(&page.sequence), magic, figure[2];

	if (!may_copy(before))
		return;
	magic = zm_load(&page.magic);
	figure[0] = zm_load(&page.figure[0]);
	figure[1] = zm_load(&page.figure[1]);
	zm_sequence_copied();
	if (zm_load(&page.sequence) != before)
		return;
	model_require(magic == 1);
	model_require(figure[0] == before / 2 && figure[1] == before / 2);
}

const struct model model_of_page = {
	.name = "published page",
	.reset = reset,
	.thread = {publish, read_it},
};
