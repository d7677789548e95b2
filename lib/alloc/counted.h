/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/alloc/counted.h - allocate, resize and free with a counter of ours: the adaptor tells how large each
 * block is, when it comes and when it goes.
 */
#ifndef ZM_COUNTED_H
#define ZM_COUNTED_H

/*
 * Keep errno over a free of an allocator that does not keep it. errno is stored only if it changed.
 * Threads that have not joined share a dummy errno, which is therefore never written.
 */
#define ZM_KEEP_ERRNO(statement)                                                                   \
	do {                                                                                       \
		int *zm_errno_at = zm_thread.errno_at;                                             \
		int zm_errno = *zm_errno_at;                                                       \
		statement;                                                                         \
		if (zm_unlikely(*zm_errno_at != zm_errno))                                         \
			*zm_errno_at = zm_errno;                                                   \
	} while (0)

ZM_INLINE bool zm_settled(void *ptr, size_t size)
{
	size_t bytes;

	return zm_likely(zm_raw_charged_new_quickly(ptr, size, &bytes)) && zm_account_add(bytes);
}

/*
 * Resize with our own counter. Both sizes are asked for: allocators differ in what they leave in
 * place, so the sizes that were asked for tell nothing.
 */
ZM_INLINE void *zm_resize(void *ptr, size_t size)
{
	size_t old_bytes, new_bytes;
	void *moved;

	if (zm_unlikely(zm_resizes_slowly()))
		return zm_resize_slowly(ptr, size);
	old_bytes = zm_raw_charged(ptr);
	moved = zm_raw_realloc(ptr, size);
	if (zm_unlikely(moved == NULL))
		return NULL;
	new_bytes = zm_raw_charged(moved);
	zm_account_sub(old_bytes);
	if (zm_unlikely(!zm_account_add(new_bytes)))
		zm_account_granted(new_bytes);
	return moved;
}

ZM_INLINE void zm_release(void *ptr)
{
	size_t bytes;

	if (zm_unlikely(!zm_raw_charged_quickly(ptr, &bytes))) {
		zm_release_looked_up(ptr);
		return;
	}
	if (zm_unlikely(zm_frees_slowly())) {
		zm_release_slowly(ptr, bytes);
		return;
	}
	zm_account_sub(bytes);
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
