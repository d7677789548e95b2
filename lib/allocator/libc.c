/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/libc.c - the C library's malloc, cold half.
 *
 * Its figures are in libc_info.c; whose malloc() it is in libc_choice.c.
 */
#include "config.h"

#include "allocator/allocator.h"

#include <errno.h>

#if defined(HAVE_MALLOC_H)
#include <malloc.h>
#endif

#include <zmalloc.h>

#include "base/lock.h"

#if defined(ZM_LIBC_CHUNKS)

bool zm_libc_chunks_known;

/*
 * A chunk and its size word fill whole units of alignment. Where another function serves malloc()
 * under its name, as valgrind's does, usable sizes are those asked for, and the word before is not
 * ours to read.
 */
static bool looks_like_chunk(size_t usable)
{
	return usable != 0 && (usable + sizeof(size_t)) % (2 * sizeof(size_t)) == 0;
}

static bool agrees(size_t size)
{
	void *ptr = zm_libc.malloc(size);
	size_t usable = zm_libc.usable_size(ptr), bytes;
	bool same =
		looks_like_chunk(usable) && (!zm_libc_chunk_usable(ptr, &bytes) || bytes == usable);

	zm_libc.free(ptr);
	return same;
}

/*
 * Of each kind: cached by thread, small, large. Debugging modes (MALLOC_CHECK_, memory tagging)
 * answer otherwise, each for every size.
 */
static bool chunks_agree(void)
{
	static const size_t sizes[] = {1, 24, 25, 100, 1000, 5000, 100000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (!agrees(sizes[i]))
			return false;
	return true;
}

static void prove_chunks(void)
{
	zm_libc_chunks_known = !zm_libc_is_foreign && chunks_agree();
}

#else

static void prove_chunks(void)
{
}

#endif

static void set_up(void)
{
	zm_libc_choose();
	prove_chunks();
}

void zm_allocator_init(void)
{
	static struct zm_once once;

	zm_once(&once, set_up);
}

void zm_allocator_name(char *name, size_t size)
{
	zm_libc_name(name, size);
}

bool zm_allocator_has(int capability)
{
	switch (capability) {
	case ZMALLOC_CAN_ALLOCATOR_INFO: {
		struct zm_allocator_info info;

		return zm_allocator_info(false, &info);
	}
#if defined(HAVE_MALLOC_TRIM)
	case ZMALLOC_CAN_PURGE:
		return !zm_libc_is_foreign;
#endif
#if defined(ZM_HAVE_USABLE_SIZE)
	case ZMALLOC_CAN_USABLE_SIZE:
		return true;
#endif
	default:
		return false;
	}
}

/*
 * No C library but Darwin's tells a good size; every one of them gives at least what was asked for.
 */
size_t zm_allocator_good_size(size_t size)
{
#if defined(HAVE_MALLOC_GOOD_SIZE) && defined(ZM_HAVE_USABLE_SIZE)
	return size <= PTRDIFF_MAX ? malloc_good_size(size) : size;
#else
	return size;
#endif
}

size_t zm_allocator_alignment(size_t size)
{
	return zm_alignment_that_fits(size);
}

int zm_allocator_purge(void)
{
#if defined(HAVE_MALLOC_TRIM)
	if (!zm_libc_is_foreign) {
		malloc_trim(0);
		return 0;
	}
#endif
	return ENOTSUP;
}
