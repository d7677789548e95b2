/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/arena_list.c - arenas for allocators that have none: plain blocks, and a record of
 * each that is live, in a table by address and in its arena's list.
 *
 * Every free of the process has to ask whether a block is an arena's. `filter` answers nearly all
 * of them with one load and no lock: it counts live arena blocks by page, so 0 means no.
 */
#include "config.h"

#include "allocator/arena.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>

#include "allocator/allocator.h"
#include "atomic.h"

#if !defined(ZM_RAW_ARENAS)

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
	pthread_mutex_t lock;
	pthread_once_t once;
	struct record **bucket;
	size_t buckets, records; /* buckets: a power of two */
} table = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

static void lock(void)
{
	pthread_mutex_lock(&table.lock);
}

static void unlock(void)
{
	pthread_mutex_unlock(&table.lock);
}

static void keep_over_fork(void)
{
	pthread_atfork(lock, unlock, unlock);
}

/* ---- The table; all under the lock ---- */

static ZM_ATOMIC(uint32_t) * filter_of(const void *ptr)
{
	return &filter[((uintptr_t)ptr >> 12) & ((1 << FILTER_BITS) - 1)];
}

static struct record **bucket_of(const void *ptr)
{
	uint64_t mixed = ((uint64_t)(uintptr_t)ptr >> 4) * UINT64_C(0x9e3779b97f4a7c15);

	return &table.bucket[(mixed >> 32) & (table.buckets - 1)];
}

static bool grow(void)
{
	size_t old_buckets = table.buckets;
	struct record **old = table.bucket;
	size_t buckets = old_buckets != 0 ? old_buckets * 2 : 256;
	struct record **bucket = zm_raw_calloc(buckets * sizeof(*bucket));

	if (bucket == NULL)
		return false;
	table.bucket = bucket;
	table.buckets = buckets;
	for (size_t i = 0; i < old_buckets; i++)
		for (struct record *record = old[i], *next; record != NULL; record = next) {
			next = record->chain;
			record->chain = *bucket_of(record->ptr);
			*bucket_of(record->ptr) = record;
		}
	zm_raw_free(old);
	return true;
}

static void enter(struct record *record)
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

static struct record **find(const void *ptr)
{
	struct record **at;

	if (table.buckets == 0)
		return NULL;
	for (at = bucket_of(ptr); *at != NULL; at = &(*at)->chain)
		if ((*at)->ptr == ptr)
			return at;
	return NULL;
}

static void take_out(struct record **at)
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
	pthread_once(&table.once, keep_over_fork);
	*arena = zm_raw_calloc(sizeof(**arena));
	return *arena != NULL ? 0 : ENOMEM;
}

bool zm_arena_is_mine(const struct zm_arena *arena)
{
	(void)arena;
	return true;
}

void *zm_arena_malloc(struct zm_arena *arena, size_t size, bool zeroed)
{
	struct record *record = zm_raw_malloc(sizeof(*record));
	void *ptr = zeroed ? zm_raw_calloc(size) : zm_raw_malloc(size);

	lock();
	if (record == NULL || ptr == NULL || (table.records >= table.buckets && !grow())) {
		unlock();
		zm_raw_free(record);
		zm_raw_free(ptr);
		return NULL;
	}
	record->ptr = ptr;
	record->arena = arena;
	enter(record);
	unlock();
	return ptr;
}

bool zm_arena_may_own(const void *ptr)
{
	bool owned;

	if (zm_load(filter_of(ptr)) == 0)
		return false;
	lock();
	owned = find(ptr) != NULL;
	unlock();
	return owned;
}

bool zm_arena_free(void *ptr)
{
	struct record **at, *record = NULL;

	if (zm_load(filter_of(ptr)) == 0)
		return false;
	lock();
	at = find(ptr);
	if (at != NULL) {
		record = *at;
		take_out(at);
	}
	unlock();
	if (record == NULL)
		return false;
	zm_raw_free(record);
	zm_raw_free(ptr);
	return true;
}

void zm_arena_reset(struct zm_arena *arena, size_t *live_bytes)
{
	struct record *record;

	lock();
	*live_bytes = arena->used_bytes;
	while ((record = arena->live) != NULL) {
		take_out(find(record->ptr));
		zm_raw_free(record->ptr);
		zm_raw_free(record);
	}
	unlock();
}

void zm_arena_destroy(struct zm_arena *arena, size_t *live_bytes)
{
	zm_arena_reset(arena, live_bytes);
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
