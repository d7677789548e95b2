/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/check.c - are the cycle's tables and lists what its files promise one another? For
 * --enable-debug.
 */
#include "config.h"

#include "account/account.h"
#include "base/assert.h"
#include "defrag/cycle.h"

#ifdef ZM_DEBUG

static uint32_t bits_of(const struct zm_slab_record *slab)
{
	uint32_t regions = zm_cycle.layout->bin[slab->bin].regions, count = 0;

	for (uint32_t region = 0; slab->bits != NULL && region < regions; region++)
		count += zm_load(&slab->bits[region / ZM_REGION_BITS]) >> region % ZM_REGION_BITS &
			 1;
	return count;
}

/* Bytes held of this slab; *shown: how many bits say that their region's block was shown. */
static size_t check_slab(const struct zm_slab_record *slab, size_t *shown)
{
	const struct zm_slab_bin *bin = &zm_cycle.layout->bin[slab->bin];
	uint32_t held = zm_load(&slab->held_count);

	zm_assert(slab->bin < zm_cycle.layout->bins && slab->arena < zm_cycle.arenas);
	zm_assert(zm_load(&slab->next) <= zm_cycle.slabs_count);
	zm_assert(held <= bin->regions);
	if (zm_load(&slab->state) == ZM_SLAB_CHOSEN) {
		zm_assert(bits_of(slab) == held);
		zm_assert(zm_table_get(slab->base) & ZM_PAGE_PINNED);
	} else if (zm_load(&slab->state) != ZM_SLAB_GONE) {
		zm_assert(held == 0);
		if (slab->bits != NULL)
			*shown += bits_of(slab);
	}
	return (size_t)held * bin->region_bytes;
}

void zm_cycle_check(void)
{
	size_t held_bytes = 0, shown = 0;

	zm_assert(zm_lock_is_mine(&zm_cycle.lock));
	zm_assert(zm_load(&zm_cycle.gate) == 0);
	zm_assert(zm_cycle.slabs_count <= zm_cycle.slabs_capacity);
	zm_assert(zm_cycle.words_count <= zm_cycle.words_capacity);
	zm_assert(zm_cycle.emptied + zm_cycle.waiting <= zm_cycle.chosen);
	for (uint32_t i = 0; i < zm_cycle.slabs_count; i++)
		held_bytes += check_slab(&zm_cycle.slabs[i], &shown);
	zm_assert(held_bytes <= zm_account_held());
	/* Hints alone keep it. */
	zm_assert(zm_load(&zm_cycle.tick) == NULL || shown == zm_cycle.shown);
}

#endif
