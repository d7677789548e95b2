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

/*
 * Charge a new block that the fast path could not settle; size: as for zm_settled(). Returns it, or another in
 * its place; NULL if a client refuses: the block is the allocator's again then. NULL passes through.
 */
void *zm_new_settle(void *ptr, size_t size);

/*
 * Before a block is touched: does no client refuse what it would grow by? True: zm_account_has_grown() comes in
 * the end, whatever becomes of it.
 */
bool zm_resize_may_grow(const void *ptr, size_t size);

/* After it has agreed, where the block may come out larger than that: the same about the place that was taken. */
bool zm_resize_may_grow_to(const void *ptr, const void *to);

/*
 * The end of a move: what ptr holds goes to `to`, up to the size asked for, and ptr is freed. Returns `to`.
 */
void *zm_carry_over(void *ptr, void *to, size_t size);

/*
 * Charge `to`, just allocated, as the new place of ptr, and carry over. Nobody refuses: zm_resize_may_grow()
 * has been asked. Returns where the block is now; NULL if `to` is: ptr is untouched.
 */
void *zm_move_granted(void *ptr, void *to, size_t size);

/* Resize for a thread that goes the slow way. NULL: untouched, nothing charged. */
void *zm_resize_slowly(void *ptr, size_t size);

/* Free a block whose size takes a call, or NULL: with our own counter. */
void zm_release_looked_up(void *ptr);

/* Free a block of so many bytes for a thread that frees the slow way: with our own counter. */
void zm_release_slowly(void *ptr, size_t bytes);

ZM_INLINE bool zm_product_overflows(size_t num, size_t size, size_t *product)
{
#if defined(__GNUC__)
	return __builtin_mul_overflow(num, size, product);
#else
	*product = num * size;
	return size != 0 && num > SIZE_MAX / size;
#endif
}

ZM_INLINE bool zm_resizes_slowly(void)
{
	return zm_load(&zm_thread.slow) != 0;
}

/*
 * With our own counter: where it is borrowed, frees go by the thread's pointers. Where the end of a marked block
 * has to be seen, the allocator may be the one that stops whoever frees it.
 */
ZM_INLINE bool zm_frees_slowly(void)
{
	const unsigned char quick = ZM_SLOW_RESIZES | (ZM_RAW_WATCHES ? ZM_SLOW_GROWTH : 0);

	return (zm_load(&zm_thread.slow) & ~quick) != 0;
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
