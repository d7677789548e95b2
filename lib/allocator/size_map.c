/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/size_map.c - the table of sizes, and the proof that it is right.
 */
#include "config.h"

#include "allocator/allocator.h"

#include "allocator/size_map.h"

struct zm_size_map zm_size_map;

size_t zm_size_map_looked_up(const void *ptr, size_t bytes)
{
	if (!zm_size_map.known)
		return bytes;
	if (bytes % 8 == 0 && bytes <= ZM_SIZE_MAP_LARGEST)
		zm_size_map_note(ptr, bytes);
	else
		zm_size_map_put(zm_size_map_at(ptr), ZM_SIZE_MAP_NONE);
	return bytes;
}

size_t zm_size_map_noted_new(const void *ptr, size_t size)
{
	size_t bytes = zm_size_map_of_new(size);

	if (bytes == 0)
		return zm_raw_charged(ptr);
	zm_size_map_note(ptr, bytes);
	return bytes;
}

#if ZM_RAW_WATCHES
_Static_assert(ZM_WATCH_BYTES == ZM_SIZE_MAP_PAGE_BYTES &&
		       ZM_WATCH_SPAN_BYTES == ZM_SIZE_MAP_PAGE_BYTES * ZM_SIZE_MAP_WORDS,
	       "what is watched is a word");

void zm_raw_watch(const void *ptr, bool on)
{
	zm_size_map_watch(ptr, on);
}
#endif

/* Is a block got for `size` as large as the table would have it? */
static bool agrees(size_t (*good_size)(size_t size), size_t size)
{
	void *ptr = zm_raw_malloc(size);
	bool same = ptr != NULL && zm_raw_usable(ptr) == good_size((size + 7) / 8 * 8);

	zm_raw_free(ptr);
	return same;
}

/*
 * Of sizes at both ends of a step and of some classes. An allocator for debugging that stands in
 * for the real one, or pads its blocks, tells the size asked for.
 */
static bool sizes_agree(size_t (*good_size)(size_t size))
{
	static const size_t sizes[] = {1,    8,    57,   64,   65,   100,  1000,
				       1024, 1025, 2041, 4089, 4096, 32767};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (!agrees(good_size, sizes[i]))
			return false;
	return true;
}

static void build_table(size_t (*good_size)(size_t size))
{
	size_t good = 0;

	for (size_t i = 1; i <= ZM_SIZE_MAP_LARGEST / 8; i++) {
		if (good < i * 8)
			good = good_size(i * 8);
		zm_size_map.of_new[i] = good <= ZM_SIZE_MAP_LARGEST ? (uint16_t)good : 0;
	}
}

/* NULL begins in page 0, whose word must not be found. Size 0 is looked up. */
void zm_size_map_init(size_t (*good_size)(size_t size))
{
	zm_store(&zm_size_map.of_page[0], ZM_SIZE_MAP_NONE);
	zm_size_map.known = sizes_agree(good_size);
	if (zm_size_map.known)
		build_table(good_size);
}
