/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/alloc/alloc.h - allocate, resize and free with the account kept: the inline halves that the
 * allocation family shares.
 *
 * Each way of counting (account.h) has a header of its own, borrowed.h or counted.h.
 */
#ifndef ZM_ALLOC_H
#define ZM_ALLOC_H

#include <zmalloc.h>

#include "account/account.h"

/*
 * Pass this to zm_settled() when the size asked for does not determine the block's size: an aligned block
 * and one of an arena's may be larger than others of that size.
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

ZM_INLINE bool zm_is_watched(void)
{
	return zm_load(&zm_thread.watched);
}

/*
 * What differs by the way of counting; the public functions are the same text for both:
 *
 *   zm_settled       is a new block charged, and the thread below its threshold? `size` as it was asked
 *                    for, or ZM_LOOK_UP. False: go to zm_new_settle()
 *   zm_resize        resize and charge the difference. NULL: untouched, nothing charged
 *   zm_release       free and charge; errno is kept
 *   zm_release_sized the same, with the size that was asked for or the usable size
 */
#if ZM_COUNT_BORROWED
#include "alloc/borrowed.h"
#else
#include "alloc/counted.h"
#endif

#endif
