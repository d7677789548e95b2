/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/alloc/usable.c - the forms that tell the usable size, and the sizes themselves.
 */
#include "config.h"

#include "alloc/alloc.h"

#include "alloc/oom.h"

/* ---- Sizes ---------------------------------------------------------------------------------- */

size_t zmalloc_size(const void *ptr)
{
	return ptr != NULL ? zm_raw_charged(ptr) : 0;
}

size_t zmalloc_usable_size(const void *ptr)
{
	return ptr != NULL ? zm_raw_usable(ptr) : 0;
}

size_t zmalloc_good_size(size_t size)
{
	size_t good = size <= PTRDIFF_MAX ? zm_allocator_good_size(size) : size;

	return good > size ? good : size;
}

size_t zmalloc_alignment(size_t size)
{
	return zm_allocator_alignment(size <= PTRDIFF_MAX ? size : PTRDIFF_MAX);
}

void *zmalloc_extend_to_usable(void *ptr, size_t size)
{
	(void)size;
	return zm_forget_size(ptr);
}

/* Store the usable size of a new block, if asked for. Returns ptr, all of which may be written. */
ZM_INLINE void *tell(void *ptr, size_t *usable)
{
	if (usable != NULL)
		*usable = ptr != NULL ? zm_raw_usable(ptr) : 0;
	return zm_forget_size(ptr);
}

/* ---- Allocate ------------------------------------------------------------------------------- */

void *zmalloc_usable(size_t size, size_t *usable)
{
	return tell(zmalloc(size), usable);
}

void *ztrymalloc_usable(size_t size, size_t *usable)
{
	return tell(ztrymalloc(size), usable);
}

void *zcalloc_usable(size_t size, size_t *usable)
{
	return tell(zcalloc(size), usable);
}

void *ztrycalloc_usable(size_t size, size_t *usable)
{
	return tell(ztrycalloc(size), usable);
}

/* ---- Resize --------------------------------------------------------------------------------- */

void *ztryrealloc_usable2(void *ptr, size_t size, size_t *usable, size_t *old_usable)
{
	void *moved;

	if (old_usable != NULL)
		*old_usable = zmalloc_usable_size(ptr);
	moved = ztryrealloc(ptr, size);
	/*
	 * NULL for a size other than 0 is a failure:
	 * the old block, and what is stored of it, stay as they are.
	 */
	if (moved == NULL && size != 0 && ptr != NULL)
		return NULL;
	return tell(moved, usable);
}

void *zrealloc_usable2(void *ptr, size_t size, size_t *usable, size_t *old_usable)
{
	void *moved = ztryrealloc_usable2(ptr, size, usable, old_usable);

	if (zm_likely(moved != NULL) || (size == 0 && ptr != NULL))
		return moved;
	return zm_oom(size);
}

void *zrealloc_usable(void *ptr, size_t size, size_t *usable)
{
	return zrealloc_usable2(ptr, size, usable, NULL);
}

void *ztryrealloc_usable(void *ptr, size_t size, size_t *usable)
{
	return ztryrealloc_usable2(ptr, size, usable, NULL);
}

/* ---- Free ----------------------------------------------------------------------------------- */

void zfree_usable(void *ptr, size_t *usable)
{
	size_t bytes = zmalloc_usable_size(ptr);

	if (usable != NULL)
		*usable = bytes;
	zm_release_sized(ptr, bytes);
}
