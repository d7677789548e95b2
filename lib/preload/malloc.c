/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/preload/malloc.c - malloc() and its family: the names of C, POSIX and glibc.
 *
 * Each does what glibc's of that name does: realloc(ptr, 0) frees, free() keeps errno, memalign() rounds an
 * alignment up. The fast path is a jump, so that the caller of malloc() is the caller whom a profile sees.
 */
#include "config.h"

#include "preload/preload.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

/* The C library's headers declare most of these in ways that differ by version. */
ZM_EXPORTED void *malloc(size_t size);
ZM_EXPORTED void *calloc(size_t num, size_t size);
ZM_EXPORTED void *realloc(void *ptr, size_t size);
ZM_EXPORTED void *reallocarray(void *ptr, size_t num, size_t size);
ZM_EXPORTED void free(void *ptr);
ZM_EXPORTED void cfree(void *ptr);
ZM_EXPORTED void free_sized(void *ptr, size_t size);
ZM_EXPORTED void free_aligned_sized(void *ptr, size_t alignment, size_t size);
ZM_EXPORTED void *aligned_alloc(size_t alignment, size_t size);
ZM_EXPORTED void *memalign(size_t alignment, size_t size);
ZM_EXPORTED int posix_memalign(void **at, size_t alignment, size_t size);
ZM_EXPORTED void *valloc(size_t size);
ZM_EXPORTED void *pvalloc(size_t size);
ZM_EXPORTED size_t malloc_usable_size(void *ptr);

/*
 * libzmalloc.so looks for this name: it tells a malloc() that is built on it, and keeps the frames of this
 * library out of profiles.
 */
ZM_EXPORTED void zmalloc_preloaded(void);

void zmalloc_preloaded(void)
{
}

void *malloc(size_t size)
{
	if (zm_is_slow())
		return zm_slow_malloc(size);
	return zm_calls.ztrymalloc(size);
}

void free(void *ptr)
{
	if (zm_is_slow_with(ptr))
		zm_slow_free(ptr);
	else
		zm_calls.zfree(ptr);
}

void *calloc(size_t num, size_t size)
{
	if (zm_is_slow())
		return zm_slow_calloc(num, size);
	return zm_calls.ztrycalloc_num(num, size);
}

void *realloc(void *ptr, size_t size)
{
	if (zm_is_slow_with(ptr))
		return zm_slow_realloc(ptr, size);
	return zm_calls.ztryrealloc(ptr, size);
}

void *reallocarray(void *ptr, size_t num, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(num, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(ptr, bytes);
}

void cfree(void *ptr)
{
	free(ptr);
}

/* The sizes are not relied on: a program that names a wrong one has run on glibc, too. */
void free_sized(void *ptr, size_t size)
{
	(void)size;
	free(ptr);
}

void free_aligned_sized(void *ptr, size_t alignment, size_t size)
{
	(void)alignment, (void)size;
	free(ptr);
}

/* ---- Aligned -------------------------------------------------------------------------------- */

static bool is_power_of_two(size_t alignment)
{
	return alignment != 0 && (alignment & (alignment - 1)) == 0;
}

static void *refuse(int error)
{
	errno = error;
	return NULL;
}

void *zm_aligned(size_t alignment, size_t size)
{
	if (zm_is_slow())
		return zm_slow_aligned(alignment, size);
	return zm_calls.ztrymalloc_aligned(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return is_power_of_two(alignment) ? zm_aligned(alignment, size) : refuse(EINVAL);
}

void *memalign(size_t alignment, size_t size)
{
	size_t power = sizeof(void *);

	if (alignment > SIZE_MAX / 2 + 1)
		return refuse(EINVAL);
	while (power < alignment)
		power *= 2;
	return zm_aligned(power, size);
}

int posix_memalign(void **at, size_t alignment, size_t size)
{
	int saved_errno = errno;
	void *ptr;

	if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0)
		return EINVAL;
	ptr = zm_aligned(alignment, size);
	errno = saved_errno;
	if (ptr == NULL)
		return ENOMEM;
	*at = ptr;
	return 0;
}

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

void *valloc(size_t size)
{
	return zm_aligned(page_bytes(), size);
}

void *pvalloc(size_t size)
{
	size_t page = page_bytes();

	if (size > PTRDIFF_MAX - page)
		return refuse(ENOMEM);
	return zm_aligned(page, (size + page - 1) & ~(page - 1));
}

/* ---- Sizes ---------------------------------------------------------------------------------- */

size_t malloc_usable_size(void *ptr)
{
	if (zm_is_slow_with(ptr))
		return zm_slow_usable_size(ptr);
	return zm_calls.zmalloc_usable_size(ptr);
}
