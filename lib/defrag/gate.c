/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/gate.c - is there anything to gain? Sums over bins, before any block is looked at.
 */
#include "config.h"

#include "account/account.h"
#include "defrag/cycle.h"

/*
 * fragmentation: free space in slabs that are in use.
 * attainable:    the slabs that perfect packing inside each arena and bin would leave empty.
 *
 * A heap can be fragmented with nothing attainable (many bins, each with one slab half full): a
 * walk would be for nothing.
 */
static void add_bin(struct zm_gate_figures *figures, const struct zm_slab_bin *bin, size_t slabs,
		    size_t used)
{
	size_t needed = (used + bin->regions - 1) / bin->regions;

	if (used > slabs * bin->regions)
		return;
	figures->blocks += used;
	figures->frag_bytes += (slabs * bin->regions - used) * bin->region_bytes;
	if (slabs > needed)
		figures->attainable_bytes += (slabs - needed) * bin->slab_bytes;
}

void zm_gate_look(struct zm_gate_figures *figures)
{
	const struct zm_slab_layout *layout = zm_slab_layout();
	size_t held = zm_account_held();
	unsigned arenas;
	size_t slabs, used;

	*figures = (struct zm_gate_figures){0, 0, 0, 0};
	if (layout == NULL)
		return;
	zm_slab_refresh();
	arenas = zm_slab_arenas();
	for (unsigned arena = 0; arena < arenas; arena++)
		for (unsigned bin = 0; bin < layout->bins; bin++) {
			if (!zm_slab_bin_stats(arena, bin, &slabs, &used))
				break;
			add_bin(figures, &layout->bin[bin], slabs, used);
		}
	figures->frag_bytes += held;
	/* A block that has moved out of a slab not yet given back is counted in both. */
	if (figures->attainable_bytes + held < figures->frag_bytes)
		figures->attainable_bytes += held;
	else
		figures->attainable_bytes = figures->frag_bytes;
	figures->live_bytes = zm_slab_live_bytes();
	figures->live_bytes -= held < figures->live_bytes ? held : figures->live_bytes;
}
