/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/cycle.c - the one cycle of the process: its memory, its beginning, fork.
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

#include "base/fork.h"
#include "os/os.h"

struct zm_cycle zm_cycle = {.lock = ZM_LOCK_INITIALIZER};

void zm_cycle_shut_gate(void)
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
		zm_cycle_shut_gate();
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

	zm_assert(zm_lock_is_mine(&zm_cycle.lock) && zm_load(&zm_cycle.owner) != NULL);
	if (zm_cycle.words_capacity - zm_cycle.words_count < words)
		return NULL;
	zm_cycle.words_count += words;
	for (size_t i = 0; i < words; i++)
		at[i] = 0;
	return at;
}

/* ---- Begin ---- */

int zm_cycle_begin(const void *owner, zm_cycle_tick tick)
{
	int error;

	zm_assert(zm_lock_is_mine(&zm_cycle.lock) && owner != NULL);
	if (zm_load(&zm_cycle.owner) != NULL)
		return EBUSY;
	zm_assert(!zm_cycle.open && zm_load(&zm_cycle.gate) == 0);
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
	zm_cycle.chosen = zm_cycle.emptied = zm_cycle.waiting = 0;
	zm_cycle.planned_bytes = zm_cycle.evacuated = 0;
	zm_cycle.shown = 0;
	zm_cycle.moved = zm_cycle.moved_bytes = zm_cycle.missed = zm_cycle.released_bytes = 0;
	zm_store(&zm_cycle.refused, 0);
	zm_store(&zm_cycle.held_frees, 0);
	zm_store(&zm_cycle.steered, 0);
	for (size_t i = 0; i < (size_t)zm_cycle.arenas * zm_cycle.layout->bins; i++)
		zm_cycle.pools[i] = (struct zm_pool){.by_used = NULL};
	zm_store(&zm_cycle.tick, tick);
	zm_store(&zm_cycle.owner, owner);
	return 0;
}
