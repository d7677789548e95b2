/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/cycle.c - the one cycle of the process: its memory, its end, fork.
 *
 * Tables come from the system, not from the heap that is being measured, and are kept for the next
 * cycle: 40 bytes for each slab, one percent of what 4 KiB slabs hold. After a cycle their pages
 * are handed back; the addresses stay, because a hook in another thread may be about to read them.
 */
#include "config.h"

#include "defrag/cycle.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "account/account.h"
#include "base/fork.h"
#include "defrag/hook.h"
#include "os/os.h"

struct zm_cycle zm_cycle = {.lock = ZM_LOCK_INITIALIZER};

static void shut_gate(void)
{
	uint32_t gate = zm_load(&zm_cycle.gate);

	while (!zm_compare_exchange(&zm_cycle.gate, &gate, gate & ~ZM_GATE_OPEN))
		;
	/* Whoever is inside is there for microseconds, unless the system has put it aside. */
	while (zm_load_acquire(&zm_cycle.gate) != 0)
		sched_yield();
}

/* ---- The lock, and fork ---- */

/*
 * Both sides go on with the cycle. The lock says that no step is under way in another thread, the
 * gate that no hook is; so every region is in one place, in the child too. A fork from inside a
 * step, by the walk, is in its own thread and finds everything at rest between two visits.
 */
static void before_fork(void)
{
	zm_lock(&zm_cycle.lock);
	if (zm_cycle.open)
		shut_gate();
	zm_slab_drain();
}

/* A handler of the program's may have stepped the cycle meanwhile, or have ended it. */
static void after_fork(void)
{
	uint32_t gate = zm_load(&zm_cycle.gate);

	if (zm_cycle.open)
		while (!zm_compare_exchange(&zm_cycle.gate, &gate, gate | ZM_GATE_OPEN))
			;
	zm_unlock(&zm_cycle.lock);
}

static struct zm_once fork_once;

static void join_fork(void)
{
	static const struct zm_fork_room room = {before_fork, after_fork, after_fork};

	zm_fork_join(ZM_FORK_DEFRAG, &room);
}

void zm_cycle_lock(void)
{
	zm_once(&fork_once, join_fork);
	zm_lock(&zm_cycle.lock);
}

bool zm_cycle_trylock(void)
{
	if (zm_lock_is_mine(&zm_cycle.lock))
		return false;
	zm_once(&fork_once, join_fork);
	return zm_trylock(&zm_cycle.lock);
}

void zm_cycle_unlock(void)
{
	zm_unlock(&zm_cycle.lock);
}

/* ---- Memory ---- */

struct zm_cycle_table {
	void *items;
	size_t capacity;
};
static struct {
	struct zm_cycle_table slabs, words, pools, heap;
} tables;

/*
 * Room for `count` items: what there is, if it is enough;
 * else more, the old being given up. False: none.
 */
static bool have_table(struct zm_cycle_table *table, size_t count, size_t item_bytes)
{
	void *pages;

	if (table->items != NULL && table->capacity >= count)
		return true;
	if (table->items != NULL)
		count *= 2;
	if (zm_os_map(count * item_bytes, &pages) != 0)
		return false;
	if (table->items != NULL)
		zm_os_dontneed(table->items, table->capacity * item_bytes);
	table->items = pages;
	table->capacity = count;
	return true;
}

static size_t words_of(uint32_t regions)
{
	return (regions + ZM_REGION_BITS - 1) / ZM_REGION_BITS;
}

/*
 * How much does a heap like this one need?
 * Three times the slabs that there are, as the program goes on allocating; what is not used costs
 * addresses only.
 */
static bool have_tables(void)
{
	const struct zm_slab_layout *layout = zm_cycle.layout;
	size_t slabs = 0, words = 0, used, count, pools;

	zm_cycle.arenas = zm_slab_arenas();
	for (unsigned arena = 0; arena < zm_cycle.arenas; arena++)
		for (unsigned bin = 0; bin < layout->bins; bin++) {
			if (!zm_slab_bin_stats(arena, bin, &count, &used))
				break;
			slabs += count;
			words += count * words_of(layout->bin[bin].regions) +
				 layout->bin[bin].regions + 1;
		}
	slabs += 2 * slabs + 65536;
	words += 2 * words + 65536;
	pools = (size_t)zm_cycle.arenas * layout->bins;
	return slabs < ZM_PAGE_PINNED &&
	       have_table(&tables.slabs, slabs, sizeof(*zm_cycle.slabs)) &&
	       have_table(&tables.words, words, sizeof(*zm_cycle.words)) &&
	       have_table(&tables.pools, pools, sizeof(*zm_cycle.pools)) &&
	       have_table(&tables.heap, pools, sizeof(*zm_cycle.heap));
}

void *zm_cycle_take_words(size_t bytes)
{
	size_t words = (bytes + sizeof(size_t) - 1) / sizeof(size_t);
	size_t *at = &zm_cycle.words[zm_cycle.words_count];

	if (zm_cycle.words_capacity - zm_cycle.words_count < words)
		return NULL;
	zm_cycle.words_count += words;
	for (size_t i = 0; i < words; i++)
		at[i] = 0;
	return at;
}

/* ---- Begin ---- */

int zm_cycle_begin(const void *owner)
{
	int error;

	if (zm_load(&zm_cycle.owner) != NULL)
		return EBUSY;
	zm_cycle.layout = zm_slab_layout();
	error = zm_table_open(zm_cycle.layout->page_shift);
	if (error != 0)
		return error;
	if (!have_tables())
		return ENOMEM;
	zm_cycle.slabs = tables.slabs.items;
	zm_cycle.slabs_capacity = (uint32_t)tables.slabs.capacity;
	zm_cycle.words = tables.words.items;
	zm_cycle.words_capacity = tables.words.capacity;
	zm_cycle.pools = tables.pools.items;
	zm_cycle.heap = tables.heap.items;
	zm_cycle.slabs_count = 0;
	zm_cycle.words_count = 0;
	zm_cycle.heap_count = 0;
	zm_cycle.chosen = zm_cycle.emptied = 0;
	zm_cycle.planned_bytes = zm_cycle.evacuated = 0;
	zm_cycle.shown = 0;
	zm_cycle.moved = zm_cycle.moved_bytes = zm_cycle.missed = zm_cycle.released_bytes = 0;
	zm_store(&zm_cycle.stepped.refused, 0);
	zm_store(&zm_cycle.hooked.refused, 0);
	zm_store(&zm_cycle.held_frees, 0);
	zm_store(&zm_cycle.steered, 0);
	for (size_t i = 0; i < (size_t)zm_cycle.arenas * zm_cycle.layout->bins; i++)
		zm_cycle.pools[i] = (struct zm_pool){.by_used = NULL};
	zm_store(&zm_cycle.owner, owner);
	return 0;
}

/* ---- End ---- */

void zm_cycle_shut(void)
{
	zm_cycle.open = false;
	shut_gate();
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

	for (; zm_cycle.cursor < zm_cycle.slabs_count && done < work; zm_cycle.cursor++) {
		struct zm_slab_record *slab = &zm_cycle.slabs[zm_cycle.cursor];

		done += 1 + zm_move_unpin(slab);
		if (forget && zm_load(&slab->state) != ZM_SLAB_GONE)
			zm_move_forget(slab);
	}
	return zm_cycle.cursor == zm_cycle.slabs_count;
}

/*
 * What is in stock, for one arena at a time: a few thousand regions at most. True: nothing is left. Before
 * slabs are looked at, as a region that is in stock keeps its slab from being empty.
 */
static bool drain_stocks(void)
{
	if (zm_cycle.drained == 0) {
		zm_move_release_spares();
		zm_store(&zm_cycle.full, 0);
	}
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
