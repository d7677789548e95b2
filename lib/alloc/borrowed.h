/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/alloc/borrowed.h - allocate, resize and free where the allocator's own counters are the account.
 *
 * The allocator has moved them before the block is here, so all that is left is to compare. A free has
 * nothing to do afterwards: it is a jump to where the thread's pointer leads.
 */
#ifndef ZM_BORROWED_H
#define ZM_BORROWED_H

ZM_INLINE bool zm_settled(void *ptr, size_t size)
{
	(void)ptr, (void)size;
	return !zm_account_over();
}

ZM_INLINE void *zm_resize(void *ptr, size_t size)
{
	void *moved;

	if (zm_unlikely(zm_resizes_slowly()))
		return zm_resize_slowly(ptr, size);
	moved = zm_raw_realloc(ptr, size);
	if (zm_likely(moved != NULL) && zm_unlikely(zm_account_over()))
		zm_account_granted(0);
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

#endif
