/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/arena_list.c - arenas for allocators that have none: plain blocks, and a record of
 * each that is live, in a table by address and in its arena's list.
 *
 * The lock is never held over a call of the allocator's. tcmalloc's handlers of fork() are installed
 * after ours in a static link, and take its locks before ours then: whoever waited for one with our
 * lock held would have the fork wait for ever.
 *
 * Every free of the process has to ask whether a block is an arena's. `filter` answers nearly all
 * of them with one load and no lock: it counts live arena blocks by page, so 0 means no.
 */
#include "config.h"

#include "allocator/arena.h"

#include <errno.h>
#include <stdint.h>

#include "allocator/allocator.h"
#include "base/assert.h"
#include "base/atomic.h"
#include "base/fork.h"
#include "base/lock.h"

#if !ZM_RAW_ARENAS

struct record {
	void *ptr;
	struct zm_arena *arena;
	struct record *chain;           /* in the table */
	struct record **before, *after; /* in the arena's list */
};

struct zm_arena {
	struct record *live;
	size_t used_bytes; /* both under the lock */
};

/* 256 KiB that are touched only where arenas are: one entry for each of 2^16 pages, 256 MiB. */
#define FILTER_BITS 16
static ZM_ATOMIC(uint32_t) filter[1 << FILTER_BITS];

static struct {
	struct zm_lock lock;
	struct zm_once once;
	int error; /* of joining the fork handlers */
	struct record **bucket;
	size_t buckets, records; /* buckets: a power of two */
} table = {.lock = ZM_LOCK_INITIALIZER};

static void lock(void)
{
	zm_lock(&table.lock);
}

static void unlock(void)
{
	zm_unlock(&table.lock);
}

static void keep_over_fork(void)
{
	static const struct zm_fork_room room = {lock, unlock, unlock};

	table.error = zm_fork_join(ZM_FORK_ARENAS, &room);
}

/* ---- The table: all of it with the lock ---- */

static ZM_ATOMIC(uint32_t) * filter_of(const void *ptr)
{
	return &filter[((uintptr_t)ptr >> 12) & ((1 << FILTER_BITS) - 1)];
}

static struct record **bucket_of(const void *ptr)
{
	uint64_t mixed = ((uint64_t)(uintptr_t)ptr >> 4) * UINT64_C(0x9e3779b97f4a7c15);

	zm_assert(zm_lock_is_mine(&table.lock));
	zm_assert(table.buckets != 0 && (table.buckets & (table.buckets - 1)) == 0);
	return &table.bucket[(mixed >> 32) & (table.buckets - 1)];
}

/* Takes over `bucket`; returns what it replaces. */
static struct record **move_into(struct record **bucket, size_t buckets)
{
	size_t old_buckets = table.buckets;
	struct record **old = table.bucket;

	table.bucket = bucket;
	table.buckets = buckets;
	for (size_t i = 0; i < old_buckets; i++)
		for (struct record *record = old[i], *next; record != NULL; record = next) {
			next = record->chain;
			record->chain = *bucket_of(record->ptr);
			*bucket_of(record->ptr) = record;
		}
	return old;
}

/* For one record more. The lock is let go of on the way, and held again afterwards. */
static bool have_room(void)
{
	while (table.records >= table.buckets) {
		size_t buckets = table.buckets != 0 ? table.buckets * 2 : 256;
		struct record **spare;

		unlock();
		spare = zm_raw_calloc(buckets * sizeof(*spare));
		lock();
		if (spare == NULL)
			return false;
		if (buckets > table.buckets)
			spare = move_into(spare, buckets);
		unlock();
		zm_raw_free(spare);
		lock();
	}
	return true;
}

static void add_record(struct record *record)
{
	struct zm_arena *arena = record->arena;

	record->chain = *bucket_of(record->ptr);
	*bucket_of(record->ptr) = record;
	record->before = &arena->live;
	record->after = arena->live;
	if (arena->live != NULL)
		arena->live->before = &record->after;
	arena->live = record;
	arena->used_bytes += zm_raw_charged(record->ptr);
	table.records++;
	zm_fetch_add(filter_of(record->ptr), 1);
}

static struct record **find_record(const void *ptr)
{
	struct record **at;

	if (table.buckets == 0)
		return NULL;
	for (at = bucket_of(ptr); *at != NULL; at = &(*at)->chain)
		if ((*at)->ptr == ptr)
			return at;
	return NULL;
}

static void remove_record(struct record **at)
{
	struct record *record = *at;

	*at = record->chain;
	*record->before = record->after;
	if (record->after != NULL)
		record->after->before = record->before;
	record->arena->used_bytes -= zm_raw_charged(record->ptr);
	table.records--;
	zm_fetch_add(filter_of(record->ptr), (uint32_t)-1);
}

/* ---- The contract ---- */

int zm_arena_create(struct zm_arena **arena)
{
	zm_once(&table.once, keep_over_fork);
	if (table.error != 0)
		return table.error;
	*arena = zm_raw_calloc(sizeof(**arena));
	return *arena != NULL ? 0 : ENOMEM;
}

void *zm_arena_malloc(struct zm_arena *arena, size_t size, bool zeroed)
{
	struct record *record = zm_raw_malloc(sizeof(*record));
	void *ptr = zeroed ? zm_raw_calloc(size) : zm_raw_malloc(size);

	lock();
	if (record == NULL || ptr == NULL || !have_room()) {
		unlock();
		zm_raw_free(record);
		zm_raw_free(ptr);
		return NULL;
	}
	record->ptr = ptr;
	record->arena = arena;
	add_record(record);
	unlock();
	return ptr;
}

bool zm_arena_may_own(const void *ptr)
{
	bool owned;

	if (zm_load(filter_of(ptr)) == 0)
		return false;
	lock();
	owned = find_record(ptr) != NULL;
	unlock();
	return owned;
}

bool zm_arena_free(void *ptr)
{
	struct record **at, *record = NULL;

	if (zm_load(filter_of(ptr)) == 0)
		return false;
	lock();
	at = find_record(ptr);
	if (at != NULL) {
		record = *at;
		remove_record(at);
	}
	unlock();
	if (record == NULL)
		return false;
	zm_raw_free(record);
	zm_raw_free(ptr);
	return true;
}

enum {
	BATCH = 64
};

/* How many; 0: there was no more. */
static size_t remove_some(struct zm_arena *arena, struct record *some[BATCH], zm_arena_gone gone)
{
	size_t count = 0, used_bytes;

	lock();
	used_bytes = arena->used_bytes;
	while (count < BATCH && arena->live != NULL) {
		some[count++] = arena->live;
		remove_record(find_record(arena->live->ptr));
	}
	gone(used_bytes - arena->used_bytes);
	unlock();
	return count;
}

void zm_arena_reset(struct zm_arena *arena, zm_arena_gone gone)
{
	struct record *some[BATCH];
	size_t count;

	while ((count = remove_some(arena, some, gone)) != 0)
		for (size_t i = 0; i < count; i++) {
			zm_raw_free(some[i]->ptr);
			zm_raw_free(some[i]);
		}
}

void zm_arena_destroy(struct zm_arena *arena, zm_arena_gone gone)
{
	zm_arena_reset(arena, gone);
	zm_raw_free(arena);
}

void zm_arena_info(struct zm_arena *arena, bool refresh, struct zm_arena_info *info)
{
	(void)refresh;
	info->active = info->resident = info->frag_smallbins = ZM_UNKNOWN;
	lock();
	info->used = arena->used_bytes;
	unlock();
}

#endif
