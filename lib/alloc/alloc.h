/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/alloc/alloc.h - allocate, resize and free with the account kept: the inline halves that the
 * allocation family shares.
 *
 * One section for each way of counting (account.h); the public functions are the same text for
 * both.
 */
#ifndef ZM_ALLOC_H
#define ZM_ALLOC_H

#include <zmalloc.h>

#include "account/account.h"

/*
 * To zm_settled(), as the size asked for: of a block that may be larger than others got for that
 * size, for it is aligned or an arena's.
 */
#define ZM_LOOK_UP SIZE_MAX

/* Charge a new block that the fast path could not settle. Returns ptr; NULL passes through. */
void *zm_new_settle(void *ptr);

/*
 * Resize for a thread whose counters do not keep its figure,
 * or whose blocks are watched. NULL: untouched, nothing charged.
 */
void *zm_resize_unborrowed(void *ptr, size_t size);

/* Free a block whose size takes a call, or NULL: with our own counter. */
void zm_release_looked_up(void *ptr);

ZM_INLINE bool zm_product_overflows(size_t num, size_t size, size_t *product)
{
#if defined(__GNUC__)
	return __builtin_mul_overflow(num, size, product);
#else
	*product = num * size;
	return size != 0 && num > SIZE_MAX / size;
#endif
}

/*
 * Keep errno over a free of an allocator that does not. Stored only if it changed: that is never,
 * for the one errno that all threads not yet known share.
 */
#define ZM_KEEP_ERRNO(statement)                                                                   \
	do {                                                                                       \
		int *zm_errno_at = zm_thread.errno_at;                                             \
		int zm_errno = *zm_errno_at;                                                       \
		statement;                                                                         \
		if (zm_unlikely(*zm_errno_at != zm_errno))                                         \
			*zm_errno_at = zm_errno;                                                   \
	} while (0)

ZM_INLINE bool zm_is_watched(void)
{
	return zm_load(&zm_thread.watched);
}

#if !ZM_COUNT_BORROWED
/*
 * Resize with our own counter. Both sizes are asked for: allocators differ in what they leave in
 * place, so the sizes that were asked for tell nothing.
 */
ZM_INLINE void *zm_resize(void *ptr, size_t size)
{
	struct zm_counter *counter = zm_thread.counter;
	size_t old_bytes, new_bytes;
	void *moved;

	if (zm_unlikely(zm_is_watched()))
		return zm_resize_unborrowed(ptr, size);
	old_bytes = zm_raw_charged(ptr);
	moved = zm_raw_realloc(ptr, size);
	if (zm_unlikely(moved == NULL))
		return NULL;
	new_bytes = zm_raw_charged(moved);
	zm_account_sub(counter, old_bytes);
	if (zm_unlikely(!zm_account_add(new_bytes)))
		zm_account_new(new_bytes);
	return moved;
}
#endif

#if ZM_COUNT_BORROWED

ZM_INLINE bool zm_settled(void *ptr, size_t size)
{
	(void)ptr, (void)size;
	return !zm_account_over();
}

ZM_INLINE void *zm_resize(void *ptr, size_t size)
{
	void *moved;

	if (zm_unlikely(!zm_thread.borrows) || zm_unlikely(zm_is_watched()))
		return zm_resize_unborrowed(ptr, size);
	moved = zm_raw_realloc(ptr, size);
	if (zm_likely(moved != NULL) && zm_unlikely(zm_account_over()))
		zm_account_new(0);
	return moved;
}

ZM_INLINE void zm_release(void *ptr)
{
	zm_load (&zm_thread.free)(ptr);
}

ZM_INLINE void zm_release_sized(void *ptr, size_t size)
{
	if (zm_likely(zm_raw_sized_is_faster(ptr)))
		zm_load (&zm_thread.free_sized)(ptr, size, 0);
	else
		zm_load (&zm_thread.free)(ptr);
}

#else

ZM_INLINE bool zm_settled(void *ptr, size_t size)
{
	size_t bytes;

	return zm_likely(zm_raw_charged_new_quickly(ptr, size, &bytes)) && zm_account_add(bytes);
}

ZM_INLINE void zm_release(void *ptr)
{
	struct zm_counter *counter = zm_thread.counter;
	size_t bytes;

	if (zm_unlikely(!zm_raw_charged_quickly(ptr, &bytes))) {
		zm_release_looked_up(ptr);
		return;
	}
	if (zm_unlikely(zm_is_watched())) {
		zm_free_unsettled(ptr);
		return;
	}
	zm_account_sub(counter, bytes);
	if (ZM_RAW_FREE_KEEPS_ERRNO)
		zm_raw_free_sized(ptr, bytes);
	else
		ZM_KEEP_ERRNO(zm_raw_free_sized(ptr, bytes));
}

/*
 * The size asked for does not say what was charged:
 * these allocators resize in place without a change of class.
 */
ZM_INLINE void zm_release_sized(void *ptr, size_t size)
{
	(void)size;
	zm_release(ptr);
}

#endif

#endif
