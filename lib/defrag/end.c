/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/end.c - closing a cycle and ending it: nothing is pinned any more, what is held goes back to
 * the allocator, and the tables' pages to the system.
 */
#include "config.h"

#include "base/probe.h"
#include "defrag/cycle.h"
#include "defrag/hook.h"
#include "os/os.h"

void zm_cycle_shut(void)
{
	zm_assert(zm_lock_is_mine(&zm_cycle.lock) && zm_load(&zm_cycle.owner) != NULL);
	zm_cycle.open = false;
	zm_cycle_shut_gate();
	zm_cycle_check();
	zm_cycle.blameless = false;
	zm_cycle.cursor = 0;
	zm_cycle.drained = 0;
	zm_cycle.cleared_bytes = 0;
}

void zm_cycle_close(void)
{
	zm_cycle_shut();
	zm_hook_remove();
}

/* The kernel takes 64 pages back in about 20 us. */
#define CLEAR_BYTES ((size_t)256 << 10)

/* Some more of the first `used` bytes of a table, of which *done are given back. */
static bool clear_some(void *table, size_t used, size_t *done)
{
	size_t bytes = used - *done < CLEAR_BYTES ? used - *done : CLEAR_BYTES;

	if (bytes != 0)
		zm_os_dontneed((char *)table + *done, bytes);
	*done += bytes;
	return *done == used;
}

static bool clear_tables_some(void)
{
	size_t slabs = zm_cycle.slabs_count * sizeof(*zm_cycle.slabs);
	size_t words = zm_cycle.words_count * sizeof(*zm_cycle.words);
	size_t in_words;
	bool cleared;

	if (zm_cycle.cleared_bytes < slabs) {
		clear_some(zm_cycle.slabs, slabs, &zm_cycle.cleared_bytes);
		return false;
	}
	in_words = zm_cycle.cleared_bytes - slabs;
	cleared = clear_some(zm_cycle.words, words, &in_words);
	zm_cycle.cleared_bytes = slabs + in_words;
	return cleared;
}

/* The next slabs, until the work is done. True when there are no more. */
static bool unpin_slabs(uint32_t work, bool forget)
{
	uint32_t done = 0;

	zm_assert(zm_lock_is_mine(&zm_cycle.lock) && !zm_cycle.open);
	for (; zm_cycle.cursor < zm_cycle.slabs_count && done < work; zm_cycle.cursor++) {
		struct zm_slab_record *slab = &zm_cycle.slabs[zm_cycle.cursor];

		done += 1 + zm_move_unpin(slab);
		if (forget && zm_load(&slab->state) != ZM_SLAB_GONE)
			zm_move_forget(slab);
	}
	if (zm_cycle.cursor < zm_cycle.slabs_count)
		return false;
	/* The program may go on freeing into what is still pinned, so slabs are listed to the last. */
	zm_store(&zm_cycle.full, 0);
	return true;
}

/*
 * What is in stock, for one arena at a time: a few thousand regions at most. True: nothing is left. It comes
 * first, as a slab with regions in stock is not empty.
 */
static bool drain_stocks(void)
{
	if (zm_cycle.drained == 0)
		zm_move_release_spares();
	return !zm_slab_drain_next(&zm_cycle.drained);
}

bool zm_cycle_unpin_some(uint32_t work)
{
	return drain_stocks() && unpin_slabs(work, false);
}

bool zm_cycle_release_some(uint32_t work)
{
	if (!drain_stocks() || !unpin_slabs(work, true) || !clear_tables_some())
		return false;
	zm_assert(zm_load(&zm_cycle.full) == 0 && zm_load(&zm_cycle.gate) == 0);
	zm_probe_defrag_cycle_end(zm_load(&zm_cycle.owner), zm_cycle.moved, zm_cycle.moved_bytes,
				  zm_cycle.released_bytes);
	zm_store(&zm_cycle.owner, NULL);
	return true;
}

void zm_cycle_end(void)
{
	if (zm_load(&zm_cycle.owner) == NULL)
		return;
	zm_cycle_close();
	while (!zm_cycle_release_some(UINT32_MAX))
		;
}

#if defined(__GNUC__)
/*
 * The process ends: what is held goes back,
 * for the sake of whoever still looks (exit handlers, leak checkers).
 */
__attribute__((__destructor__)) static void end_with_process(void)
{
	if (!zm_cycle_trylock())
		return;
	zm_cycle_end();
	zm_cycle_unlock();
}
#endif
