/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/plan.c - which slabs to empty: the set E.
 *
 * Candidates are the slabs all of whose used regions the walk has shown: with one block that nobody
 * shows, a slab can never be emptied, and what is moved out of it is moved for nothing.
 *
 * They are taken by the cost of a released byte, cheapest first, until enough is planned. Within a
 * pool (a bin of an arena) that is the order of used regions, so candidates are kept in one list
 * for each number of them, and a heap of pools says which pool's next list is cheapest: no sort,
 * and every step is short. What leaves E must fit into the free regions outside E in the same pool;
 * a pool is done when the next slab would not.
 */
#include "config.h"

#include <string.h>

#include "defrag/cycle.h"
#include "defrag/hook.h"

/*
 * Measured, one slab of n regions of r bytes: each used one is copied (250 + 0.3 r ns), each free
 * one is sooner or later handed out as a destination, refused and released (80 ns).
 */
static uint64_t cost_of(const struct zm_slab_bin *bin, uint32_t used)
{
	uint64_t ns = used * (250 + bin->region_bytes * 3ull / 10) + (bin->regions - used) * 80ull;

	return (ns << 16) / bin->slab_bytes;
}

static const struct zm_slab_bin *bin_of(const struct zm_pool *pool)
{
	return &zm_cycle.layout->bin[(size_t)(pool - zm_cycle.pools) % zm_cycle.layout->bins];
}

/* ---- Begin ---- */

static void open_pool(unsigned arena, unsigned bin, size_t slabs, size_t used)
{
	struct zm_pool *pool = zm_plan_pool(arena, bin);
	size_t regions = slabs * zm_cycle.layout->bin[bin].regions;

	pool->free_outside = regions > used ? regions - used : 0;
	pool->free_outside += pool->free_outside * zm_cycle.rule.ahead_x256 / 256;
	pool->evacuated = 0;
	pool->listed = false;
	pool->spare = NULL;
}

static void look_from_the_start(bool late)
{
	zm_cycle.rule.late = late;
	zm_cycle.cursor = 0;
	zm_cycle.heap_count = 0;
	zm_cycle.heap_built = false;
}

static void open_pools(void)
{
	size_t slabs, used;

	/* What this thread has cached counts as used. Other threads' caches are out of reach. */
	zm_slab_flush_thread();
	zm_slab_refresh();
	for (unsigned arena = 0; arena < zm_cycle.arenas; arena++)
		for (unsigned bin = 0; bin < zm_cycle.layout->bins; bin++) {
			if (!zm_slab_bin_stats(arena, bin, &slabs, &used))
				slabs = used = 0;
			open_pool(arena, bin, slabs, used);
		}
}

void zm_plan_begin(size_t want_bytes, const struct zm_plan_rule *rule)
{
	zm_assert(zm_lock_is_mine(&zm_cycle.lock) && zm_load(&zm_cycle.owner) != NULL);
	zm_cycle.rule = *rule;
	open_pools();
	zm_cycle.want_bytes = want_bytes;
	zm_cycle.planned_bytes = 0;
	zm_cycle.evacuated = 0;
	zm_cycle.chosen = zm_cycle.emptied = 0;
	memset(zm_cycle.bin_chosen, 0, sizeof(zm_cycle.bin_chosen));
	memset(zm_cycle.bin_left, 0, sizeof(zm_cycle.bin_left));
	look_from_the_start(false);
}

void zm_plan_extend(size_t more_bytes, const struct zm_plan_rule *rule)
{
	zm_assert(zm_lock_is_mine(&zm_cycle.lock) && zm_load(&zm_cycle.owner) != NULL);
	zm_move_release_spares();
	zm_cycle.rule = *rule;
	open_pools();
	zm_cycle.want_bytes = zm_cycle.planned_bytes + more_bytes;
	look_from_the_start(false);
}

/* Every pool has left the heap: what its lists still hold did not fit. */
void zm_plan_begin_late(void)
{
	zm_assert(zm_lock_is_mine(&zm_cycle.lock) && zm_load(&zm_cycle.owner) != NULL);
	look_from_the_start(true);
}

/* ---- Look ---- */

/* The pool's lists, when it gets its first candidate. False: no room. */
static bool open_lists(struct zm_pool *pool, uint32_t regions)
{
	size_t bytes = (regions + 1) * sizeof(*pool->by_used);

	if (pool->listed)
		return true;
	if (pool->by_used == NULL)
		pool->by_used = zm_cycle_take_words(bytes);
	if (pool->by_used == NULL)
		return false;
	memset(pool->by_used, 0, bytes);
	pool->cheapest = 1;
	pool->listed = true;
	zm_cycle.heap[zm_cycle.heap_count++] = (uint32_t)(pool - zm_cycle.pools);
	return true;
}

static void add_candidate(uint32_t number, uint32_t used)
{
	struct zm_slab_record *slab = &zm_cycle.slabs[number];
	struct zm_pool *pool = zm_plan_pool(slab->arena, slab->bin);

	if (!open_lists(pool, zm_cycle.layout->bin[slab->bin].regions))
		return;
	zm_store(&slab->next, pool->by_used[used]);
	pool->by_used[used] = number + 1;
}

/*
 * A slab that was in vain so often stays: some block of it is shown now and then, but never while
 * it could move.
 */
#define VAIN_MAX 3

/* used: of its regions, at this moment. */
static bool may_choose(const struct zm_slab_record *slab, uint32_t used)
{
	const struct zm_plan_rule *rule = &zm_cycle.rule;
	bool late = (int32_t)(slab->asked - rule->late_asked) >= 0;
	uint32_t unshown = used * rule->unshown_x256 / 256;

	if (rule->doubt != NULL && rule->doubt[slab->bin] == 0 && slab->vain == 0)
		unshown = used;
	else if (rule->blindly)
		return false;

	return zm_load(&slab->state) == ZM_SLAB_SEEN && used != 0 &&
	       used < zm_cycle.layout->bin[slab->bin].regions + rule->full && late == rule->late &&
	       slab->vain < VAIN_MAX && used <= zm_load(&slab->live) + unshown;
}

/* Of an earlier plan: its holes serve nobody, and its blocks need some elsewhere. */
static void count_chosen(const struct zm_slab_record *slab, uint32_t used)
{
	struct zm_pool *pool = zm_plan_pool(slab->arena, slab->bin);
	uint32_t regions = zm_cycle.layout->bin[slab->bin].regions;
	uint32_t held = zm_load(&slab->held_count);

	if (zm_cycle.rule.late || used > regions)
		return;
	pool->free_outside -=
		regions - used < pool->free_outside ? regions - used : pool->free_outside;
	pool->evacuated += used > held ? used - held : 0;
}

static void look_at(const uint32_t *numbers, char *const *bases, const uint32_t *bins, size_t count)
{
	uint32_t used[ZM_SLAB_BATCH];

	zm_slab_used(bases, bins, used, count);
	for (size_t i = 0; i < count; i++) {
		struct zm_slab_record *slab = &zm_cycle.slabs[numbers[i]];

		if (zm_load(&slab->state) == ZM_SLAB_CHOSEN)
			count_chosen(slab, used[i]);
		else if (used[i] == UINT32_MAX)
			zm_move_forget(slab); /* it is no slab of this bin any more */
		else if (may_choose(slab, used[i]))
			add_candidate(numbers[i], used[i]);
	}
}

bool zm_plan_look(uint32_t slabs)
{
	uint32_t numbers[ZM_SLAB_BATCH], bins[ZM_SLAB_BATCH];
	char *bases[ZM_SLAB_BATCH];
	size_t count = 0;

	zm_assert(zm_lock_is_mine(&zm_cycle.lock) && zm_load(&zm_cycle.owner) != NULL);
	for (; slabs > 0 && zm_cycle.cursor < zm_cycle.slabs_count; zm_cycle.cursor++, slabs--) {
		struct zm_slab_record *slab = &zm_cycle.slabs[zm_cycle.cursor];

		/* What lies there now may be met again, and be known better. */
		if (zm_load(&slab->state) == ZM_SLAB_DOUBT)
			zm_move_forget(slab);
		if (zm_load(&slab->state) != ZM_SLAB_SEEN &&
		    zm_load(&slab->state) != ZM_SLAB_CHOSEN)
			continue;
		numbers[count] = zm_cycle.cursor;
		bins[count] = slab->bin;
		bases[count] = slab->base;
		if (++count == ZM_SLAB_BATCH) {
			look_at(numbers, bases, bins, count);
			count = 0;
		}
	}
	if (count > 0)
		look_at(numbers, bases, bins, count);
	return zm_cycle.cursor == zm_cycle.slabs_count;
}

/* ---- Choose ---- */

static uint64_t heap_cost(uint32_t at)
{
	return zm_cycle.pools[zm_cycle.heap[at]].cost;
}

/* Restore the heap below a place whose cost has risen. */
static void sink(uint32_t at)
{
	for (;;) {
		uint32_t child = 2 * at + 1, pool = zm_cycle.heap[at];

		if (child + 1 < zm_cycle.heap_count && heap_cost(child + 1) < heap_cost(child))
			child++;
		if (child >= zm_cycle.heap_count || heap_cost(child) >= heap_cost(at))
			return;
		zm_cycle.heap[at] = zm_cycle.heap[child];
		zm_cycle.heap[child] = pool;
		at = child;
	}
}

/* On to the pool's next list that holds something. False: there is none. */
static bool find_cheapest(struct zm_pool *pool)
{
	const struct zm_slab_bin *bin = bin_of(pool);

	while (pool->cheapest <= bin->regions && pool->by_used[pool->cheapest] == 0)
		pool->cheapest++;
	if (pool->cheapest > bin->regions)
		return false;
	pool->cost = cost_of(bin, pool->cheapest);
	return true;
}

static void drop_top(void)
{
	zm_cycle.pools[zm_cycle.heap[0]].listed = false;
	zm_cycle.heap[0] = zm_cycle.heap[--zm_cycle.heap_count];
	if (zm_cycle.heap_count > 0)
		sink(0);
}

/* Costs are known once all candidates are: make the lists a heap. */
static void build_heap(void)
{
	for (uint32_t i = 0; i < zm_cycle.heap_count;)
		if (find_cheapest(&zm_cycle.pools[zm_cycle.heap[i]]))
			i++;
		else
			zm_cycle.heap[i] = zm_cycle.heap[--zm_cycle.heap_count];
	for (uint32_t i = zm_cycle.heap_count / 2; i-- > 0;)
		sink(i);
	zm_cycle.heap_built = true;
}

/* What of it is used has changed since it was looked at, if the program goes on meanwhile. */
static uint32_t used_now(const struct zm_slab_record *slab)
{
	uint32_t bin = slab->bin, used;

	zm_slab_used(&slab->base, &bin, &used, 1);
	return used;
}

/* False: no room. Hints have used them before. */
static bool have_empty_bits(struct zm_slab_record *slab)
{
	size_t words =
		(zm_cycle.layout->bin[slab->bin].regions + ZM_REGION_BITS - 1) / ZM_REGION_BITS;

	if (slab->bits == NULL)
		slab->bits = zm_cycle_take_words(words * sizeof(size_t));
	else
		for (size_t i = 0; i < words; i++)
			zm_store(&slab->bits[i], 0);
	return slab->bits != NULL;
}

/* False: no room for its bits. */
static bool pin(struct zm_slab_record *slab, uint32_t used)
{
	const struct zm_slab_bin *bin = &zm_cycle.layout->bin[slab->bin];
	uint32_t number = (uint32_t)(slab - zm_cycle.slabs);

	zm_assert(zm_load(&slab->state) == ZM_SLAB_SEEN && zm_load(&slab->held_count) == 0);
	if (!have_empty_bits(slab))
		return false;
	if (zm_cycle.chosen == 0)
		zm_hook_install();
	zm_cycle.shown -= zm_load(&slab->live);
	zm_cycle.evacuated += used;
	zm_store(&slab->live, used);
	zm_store_release(&slab->state, ZM_SLAB_CHOSEN);
	zm_store(&slab->next, 0);
	zm_table_set(slab->base, bin->slab_bytes, (number + 1) | ZM_PAGE_PINNED);
	slab->waits = false;
	zm_cycle.chosen++;
	zm_cycle.bin_chosen[slab->bin]++;
	return true;
}

/* One slab of the cheapest list. False: the plan ends here. */
static bool choose_one(void)
{
	struct zm_pool *pool = &zm_cycle.pools[zm_cycle.heap[0]];
	const struct zm_slab_bin *bin = bin_of(pool);
	uint32_t used = pool->cheapest, number = pool->by_used[used] - 1, now;
	struct zm_slab_record *slab = &zm_cycle.slabs[number];

	if (pool->evacuated + used + (bin->regions - used) > pool->free_outside) {
		drop_top();
		return true;
	}
	pool->by_used[used] = zm_load(&slab->next);
	now = used_now(slab);
	if (may_choose(slab, now)) {
		if (!pin(slab, now))
			return false;
		pool->evacuated += used;
		pool->free_outside -= bin->regions - used;
		zm_cycle.planned_bytes += bin->slab_bytes;
	}
	if (pool->by_used[used] != 0)
		return true;
	if (find_cheapest(pool))
		sink(0);
	else
		drop_top();
	return true;
}

bool zm_plan_choose(uint32_t slabs)
{
	zm_assert(zm_lock_is_mine(&zm_cycle.lock) && zm_load(&zm_cycle.owner) != NULL);
	if (!zm_cycle.heap_built)
		build_heap();
	for (; slabs > 0; slabs--)
		if (zm_cycle.heap_count == 0 || zm_cycle.planned_bytes >= zm_cycle.want_bytes ||
		    !choose_one())
			return true;
	return false;
}

void zm_plan_close(void)
{
	uint32_t pools = zm_cycle.arenas * zm_cycle.layout->bins;

	zm_assert(zm_lock_is_mine(&zm_cycle.lock) && zm_load(&zm_cycle.owner) != NULL);
	zm_cycle.heap_count = 0;
	zm_cycle.opened = 0;
	for (uint32_t i = 0; i < pools; i++)
		if (zm_cycle.pools[i].evacuated != 0 || zm_cycle.pools[i].spare != NULL)
			zm_cycle.heap[zm_cycle.heap_count++] = i;
}
