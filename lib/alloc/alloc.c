/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/alloc/alloc.c - the allocation family: allocate, charge, hand out.
 *
 * The fast path of each is one call of the allocator and one compare; all else is in the noinline
 * halves that follow it.
 */
#include "config.h"

#include "alloc/alloc.h"

#include <errno.h>
#include <string.h>

#include "account/client.h"
#include "account/growth.h"
#include "alloc/oom.h"
#include "allocator/arena.h"
#include "allocator/slab.h"

enum {
	/* What a good size that is a lower bound leaves out is at most a quarter, and a page, of the largest there are. */
	TIGHT_BYTES = 64 * 1024
};

/* ---- What is done when a fast path did not finish ------------------------------------------- */

static void *noted(void *ptr)
{
	zm_slab_note(ptr);
	return ptr;
}

static void *settle_new(void *ptr, size_t size, bool is_granted)
{
	size_t bytes;

#if ZM_COUNT_BORROWED
	(void)size;
	if (zm_growth_only(0) || zm_account_only_ticks(0))
		return noted(ptr);
	bytes = zm_raw_charged(ptr);
#else
	bytes = zm_raw_charged_new(ptr, size);
	/* Of a size that the adaptor had no quick answer for. */
	if (zm_account_add(bytes) || zm_growth_only(bytes) || zm_account_only_ticks(bytes))
		return noted(ptr);
#endif
	if (is_granted) {
		zm_account_granted(bytes);
	} else if (!zm_account_new(bytes)) {
		zm_raw_free(ptr);
		zm_account_gave_back();
		return NULL;
	}
	ptr = zm_clients_see_born(noted(ptr));
	zm_growth_see_new(ptr, bytes, NULL);
	return ptr;
}

ZM_NOINLINE void *zm_new_settle(void *ptr, size_t size)
{
	return ptr != NULL ? settle_new(ptr, size, false) : NULL;
}

/* ptr: what the allocator gave, perhaps nothing. */
static ZM_NOINLINE void *new_or_oom(void *ptr, size_t size)
{
	ZM_GROWTH_NOTE_RECORD();
	ptr = zm_new_settle(ptr, size);
	return ptr != NULL ? ptr : zm_oom(size);
}

static ZM_COLD void *new_or_enomem(void *ptr, size_t size)
{
	ZM_GROWTH_NOTE_RECORD();
	ptr = zm_new_settle(ptr, size);
	return ptr != NULL ? ptr : zm_enomem();
}

/* By its usable size: what is charged besides is the same before and after. */
bool zm_resize_may_grow(const void *ptr, size_t size)
{
	size_t usable = zm_raw_usable(ptr), good = zmalloc_good_size(size);

	return size > PTRDIFF_MAX || good <= usable || zm_account_may_grow(good - usable);
}

static void copy_over(const void *ptr, void *to, size_t size)
{
	size_t usable = zm_raw_usable(ptr);

	memcpy(to, ptr, usable < size ? usable : size);
}

void *zm_carry_over(void *ptr, void *to, size_t size)
{
	copy_over(ptr, to, size);
	zfree(ptr);
	return to;
}

void *zm_move_granted(void *ptr, void *to, size_t size)
{
	if (to != NULL && !zm_settled(to, ZM_LOOK_UP))
		to = settle_new(to, ZM_LOOK_UP, true);
	return to != NULL ? zm_carry_over(ptr, to, size) : NULL;
}

static void *move(void *ptr, size_t size)
{
	return zm_move_granted(ptr, zm_raw_malloc(size), size);
}

/* As a new block and the end of the old one; it stays whole where its size class does. */
static void *resize_shown(void *ptr, size_t size)
{
	if (size <= PTRDIFF_MAX && zm_allocator_good_size(size) == zm_raw_usable(ptr))
		return ptr;
	return move(ptr, size);
}

static void *resize_granted(void *ptr, size_t size)
{
	struct zm_growth_resize resize;
	void *moved;

	/* Out of its arena, always: where a block is must not depend on how it was resized. */
	if (zm_arena_may_own(ptr))
		return move(ptr, size);
	if (zm_clients_have_blocks_move())
		return resize_shown(ptr, size);
	zm_growth_resize_begin(&resize, ptr);
	moved = zm_raw_realloc(ptr, size);
	zm_growth_resize_end(&resize, moved);
	return moved;
}

/*
 * Where good sizes are lower bounds, and not much room is left under a limit: the new place is taken first, so that
 * its size is known.
 */
static bool is_tight(const void *ptr, size_t size)
{
	size_t usable = zm_raw_usable(ptr), good = zmalloc_good_size(size);

	return !ZM_RAW_GOOD_SIZE_IS_EXACT && size <= PTRDIFF_MAX && good > usable &&
	       !zm_arena_may_own(ptr) && !zm_clients_have_blocks_move() &&
	       !zm_account_has_room(good - usable, good / 4 + TIGHT_BYTES);
}

bool zm_resize_may_grow_to(const void *ptr, const void *to)
{
	size_t bytes = zm_raw_charged(ptr), wanted_bytes = zm_raw_charged(to);

	return wanted_bytes <= bytes || zm_account_may_grow(wanted_bytes - bytes);
}

/* As the allocator's own realloc() would: the account never has both. */
static void *move_tightly(void *ptr, size_t size)
{
	struct zm_growth_resize resize;
	void *to = zm_raw_malloc(size);

	if (to == NULL)
		return NULL;
	if (!zm_resize_may_grow_to(ptr, to)) {
		zm_raw_free(to);
		return NULL;
	}
	zm_growth_resize_begin(&resize, ptr);
	copy_over(ptr, to, size);
	zm_raw_free(ptr);
	zm_growth_resize_end(&resize, to);
	return to;
}

ZM_COLD void *zm_resize_slowly(void *ptr, size_t size)
{
	void *moved;

	ZM_GROWTH_NOTE_CALLER();
	if (zm_thread.state == ZM_THREAD_NEW)
		zm_account_join();
	if (!zm_resize_may_grow(ptr, size))
		return NULL;
	moved = is_tight(ptr, size) ? move_tightly(ptr, size) : resize_granted(ptr, size);
	zm_account_has_grown();
	return moved;
}

#if ZM_COUNT_SIZES

/* While growth alone is seen each free may come here, so it is as short as can be. */
ZM_NOINLINE void zm_release_slowly(void *ptr, size_t bytes)
{
	if (zm_unlikely(zm_load(&zm_thread.slow) != ZM_SLOW_GROWTH)) {
		zm_free_unsettled(ptr);
		return;
	}
	zm_growth_see_end(ptr);
	zm_account_sub(bytes);
	if (ZM_RAW_FREE_KEEPS_ERRNO)
		zm_raw_free_sized(ptr, bytes);
	else
		ZM_KEEP_ERRNO(zm_raw_free_sized(ptr, bytes));
}

static size_t looked_up(const void *ptr)
{
#if ZM_RAW_WATCHES
	size_t bytes;

	if (zm_raw_charged_watched(ptr, &bytes))
		return bytes;
#endif
	return zm_raw_charged(ptr);
}

ZM_NOINLINE void zm_release_looked_up(void *ptr)
{
	size_t bytes;

	if (ptr == NULL)
		return;
	if (zm_unlikely(zm_frees_slowly())) {
		zm_free_unsettled(ptr);
		return;
	}
	/* In a large heap many come here, and the mark would be one more line that is in no cache. */
	if (zm_growth_is_on())
		zm_growth_see_end(ptr);
	bytes = looked_up(ptr);
	zm_account_sub(bytes);
	ZM_KEEP_ERRNO(zm_raw_free_sized(ptr, bytes));
}

#endif

/* ---- Allocate ------------------------------------------------------------------------------- */

ZM_HOT void *zmalloc(size_t size)
{
	void *ptr = zm_raw_malloc(size);

	if (zm_likely(ptr != NULL) && zm_likely(zm_settled(ptr, size)))
		return ptr;
	return new_or_oom(ptr, size);
}

ZM_HOT void *ztrymalloc(size_t size)
{
	void *ptr = zm_raw_malloc(size);

	if (zm_likely(ptr != NULL) && zm_likely(zm_settled(ptr, size)))
		return ptr;
	return new_or_enomem(ptr, size);
}

ZM_HOT void *zcalloc(size_t size)
{
	void *ptr = zm_raw_calloc(size);

	if (zm_likely(ptr != NULL) && zm_likely(zm_settled(ptr, size)))
		return ptr;
	return new_or_oom(ptr, size);
}

ZM_HOT void *ztrycalloc(size_t size)
{
	void *ptr = zm_raw_calloc(size);

	if (zm_likely(ptr != NULL) && zm_likely(zm_settled(ptr, size)))
		return ptr;
	return new_or_enomem(ptr, size);
}

void *zcalloc_num(size_t num, size_t size)
{
	size_t bytes;

	return zm_unlikely(zm_product_overflows(num, size, &bytes)) ? zm_oom(SIZE_MAX)
								    : zcalloc(bytes);
}

void *ztrycalloc_num(size_t num, size_t size)
{
	size_t bytes;

	return zm_unlikely(zm_product_overflows(num, size, &bytes)) ? zm_enomem()
								    : ztrycalloc(bytes);
}

/* Alignment of no power of two is the caller's error, not a lack of memory. */
static void *aligned(size_t alignment, size_t size)
{
	void *ptr = size <= PTRDIFF_MAX ? zm_raw_aligned(alignment, size) : NULL;

	if (ptr == NULL || zm_settled(ptr, ZM_LOOK_UP))
		return ptr;
	ZM_GROWTH_NOTE_CALLER();
	return zm_new_settle(ptr, ZM_LOOK_UP);
}

static bool is_power_of_two(size_t alignment)
{
	return alignment != 0 && (alignment & (alignment - 1)) == 0;
}

void *zmalloc_aligned(size_t alignment, size_t size)
{
	void *ptr;

	if (!is_power_of_two(alignment))
		return zm_einval();
	ptr = aligned(alignment, size);
	return ptr != NULL ? ptr : zm_oom(size);
}

void *ztrymalloc_aligned(size_t alignment, size_t size)
{
	void *ptr;

	if (!is_power_of_two(alignment))
		return zm_einval();
	ptr = aligned(alignment, size);
	return ptr != NULL ? ptr : zm_enomem();
}

/* ---- Resize --------------------------------------------------------------------------------- */

void *zrealloc(void *ptr, size_t size)
{
	void *moved;

	if (ptr == NULL)
		return zmalloc(size);
	if (size == 0) {
		zfree(ptr);
		return NULL;
	}
	moved = zm_resize(ptr, size);
	return zm_likely(moved != NULL) ? moved : zm_oom(size);
}

void *ztryrealloc(void *ptr, size_t size)
{
	void *moved;

	if (ptr == NULL)
		return ztrymalloc(size);
	if (size == 0) {
		zfree(ptr);
		return NULL;
	}
	moved = zm_resize(ptr, size);
	return zm_likely(moved != NULL) ? moved : zm_enomem();
}

/* ---- Free ----------------------------------------------------------------------------------- */

ZM_HOT void zfree(void *ptr)
{
	zm_release(ptr);
}

ZM_HOT void zfree_with_size(void *ptr, size_t size)
{
	zm_release_sized(ptr, size);
}
