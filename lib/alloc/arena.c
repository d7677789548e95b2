/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/alloc/arena.c - private arenas, charged to the account.
 */
#include "config.h"

#include <errno.h>

#include <zmalloc/arena.h>
#include <zmalloc/stats.h>

#include "account/account.h"
#include "account/client.h"
#include "account/growth.h"
#include "alloc/alloc.h"
#include "alloc/oom.h"
#include "allocator/arena.h"
#include "base/probe.h"
#include "base/result.h"
#include "base/sized.h"

/* The public handle is the allocator's own. */
static struct zm_arena *inside(zarena *arena)
{
	return (struct zm_arena *)arena;
}

zarena *zarena_create(void)
{
	struct zm_arena *arena = NULL;
	int error;

	/* Before the first block exists, so that no free of one passes unseen. */
	zm_account_route();
	error = zm_arena_create(&arena);
	if (error == 0) {
		zm_probe_arena_create(arena);
		return (zarena *)arena;
	}
	errno = error;
	return NULL;
}

/* ---- Allocate ---- */

static void *take_raw(zarena *arena, size_t size, bool zeroed)
{
	return size <= PTRDIFF_MAX ? zm_arena_malloc(inside(arena), size, zeroed) : NULL;
}

static void give_back(void *ptr)
{
	if (!zm_arena_free(ptr))
		zm_raw_free(ptr);
	zm_account_gave_back();
}

/* NULL: there is none, or a client refuses. */
static void *take(zarena *arena, size_t size, bool zeroed)
{
	void *ptr = take_raw(arena, size, zeroed);
	size_t bytes;

	if (ptr == NULL || zm_settled(ptr, ZM_LOOK_UP))
		return ptr;
	ZM_GROWTH_NOTE_CALLER();
	bytes = zm_raw_charged(ptr);
	if (zm_account_new(bytes)) {
		zm_growth_see_new(ptr, bytes, arena);
		return ptr;
	}
	give_back(ptr);
	return NULL;
}

void *zarena_malloc(zarena *arena, size_t size)
{
	void *ptr;

	ptr = take(arena, size, false);
	return ptr != NULL ? ptr : zm_oom(size);
}

void *zarena_trymalloc(zarena *arena, size_t size)
{
	void *ptr;

	ptr = take(arena, size, false);
	return ptr != NULL ? ptr : zm_enomem();
}

void *zarena_calloc(zarena *arena, size_t size)
{
	void *ptr;

	ptr = take(arena, size, true);
	return ptr != NULL ? ptr : zm_oom(size);
}

void *zarena_trycalloc(zarena *arena, size_t size)
{
	void *ptr;

	ptr = take(arena, size, true);
	return ptr != NULL ? ptr : zm_enomem();
}

/* ---- Resize ---- */

static void *move(zarena *arena, void *ptr, size_t size)
{
	void *moved = take_raw(arena, size, false);
	size_t bytes;

	if (moved == NULL)
		return NULL;
	if (!ZM_RAW_GOOD_SIZE_IS_EXACT && !zm_resize_may_grow_to(ptr, moved)) {
		give_back(moved);
		return NULL;
	}
	if (!zm_settled(moved, ZM_LOOK_UP)) {
		ZM_GROWTH_NOTE_CALLER();
		bytes = zm_raw_charged(moved);
		zm_account_granted(bytes);
		zm_growth_see_new(moved, bytes, arena);
	}
	return zm_carry_over(ptr, moved, size);
}

/* In place while at least half of the block is used. */
static void *resize(zarena *arena, void *ptr, size_t size)
{
	size_t usable = zm_raw_usable(ptr);
	void *moved;

	if (size <= usable && size >= usable / 2)
		return ptr;
	if (!zm_resize_may_grow(ptr, size))
		return NULL;
	moved = move(arena, ptr, size);
	zm_account_has_grown();
	return moved;
}

void *zarena_realloc(zarena *arena, void *ptr, size_t size)
{
	void *moved;

	if (ptr == NULL)
		return zarena_malloc(arena, size);
	if (size == 0) {
		zfree(ptr);
		return NULL;
	}
	moved = resize(arena, ptr, size);
	return moved != NULL ? moved : zm_oom(size);
}

void *zarena_tryrealloc(zarena *arena, void *ptr, size_t size)
{
	void *moved;

	if (ptr == NULL)
		return zarena_trymalloc(arena, size);
	if (size == 0) {
		zfree(ptr);
		return NULL;
	}
	moved = resize(arena, ptr, size);
	return moved != NULL ? moved : zm_enomem();
}

/* ---- The whole ---- */

/* What the end of an arena on this thread has been told so far. */
static ZM_TLS size_t gone_bytes;

static void uncharge(size_t live_bytes)
{
	gone_bytes += live_bytes;
	zm_account_correct(-(ptrdiff_t)live_bytes);
}

/* All locks are let go of: what the arena's end was charged under may have been one of them. */
static int ended(void)
{
	zm_clients_see_tick();
	return 0;
}

int zarena_reset(zarena *arena)
{
	zm_growth_see_arena_end(arena);
	gone_bytes = 0;
	zm_arena_reset(inside(arena), uncharge);
	zm_probe_arena_reset(arena, gone_bytes);
	return ended();
}

int zarena_destroy(zarena *arena)
{
	if (arena == NULL)
		return 0;
	zm_growth_see_arena_end(arena);
	gone_bytes = 0;
	zm_arena_destroy(inside(arena), uncharge);
	zm_probe_arena_destroy(arena, gone_bytes);
	return ended();
}

static uint64_t wide(size_t bytes)
{
	return bytes != ZM_UNKNOWN ? bytes : ZMALLOC_STATS_UNKNOWN;
}

int zarena_get_stats(zarena *arena, int refresh, struct zarena_stats *stats)
{
	struct zm_arena_info info;
	struct zarena_stats taken = {.size = sizeof(taken)};

	zm_arena_info(inside(arena), refresh != 0, &info);
	taken.used_bytes = info.used;
	taken.active_bytes = wide(info.active);
	taken.resident_bytes = wide(info.resident);
	taken.frag_smallbins_bytes = wide(info.frag_smallbins);
	return zm_sized_hand_over(stats, &taken, sizeof(taken));
}
