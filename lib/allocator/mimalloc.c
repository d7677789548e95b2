/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/mimalloc.c - mimalloc, cold half.
 */
#include "config.h"

#include "allocator/allocator.h"

#include "allocator/mimalloc_heap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zmalloc.h>

#include "allocator/slab.h"

#include "base/fork.h"
#include "base/lock.h"

ZM_ATOMIC(bool) zm_mi_inner_blocks;

/*
 * The first block of a thread takes the lock of 3.6 that fork() does not wait for (mimalloc.h). So a
 * thread that forks has what goes with it, and the child, which is that thread, need not ask for it.
 */
#if HAVE_DECL_MI_THEAP_GET_DEFAULT
static void do_nothing(void)
{
}

static void begin_before_forks(void)
{
	static const struct zm_fork_room room = {mi_thread_init, do_nothing, do_nothing};

	zm_fork_join(ZM_FORK_ALLOCATOR, &room);
}
#else
static void begin_before_forks(void)
{
}
#endif

static void set_up(void)
{
	zm_size_map_init(zm_allocator_good_size);
	begin_before_forks();
}

void zm_allocator_init(void)
{
	static struct zm_once once;

	zm_once(&once, set_up);
}

void zm_allocator_name(char *name, size_t size)
{
	int version = mi_version(), base = version < 10000 ? 10 : 100;

	snprintf(name, size, "mimalloc-%d.%d.%d", zm_mi_major(), version / base % base,
		 version % base);
}

bool zm_allocator_has(int capability)
{
	switch (capability) {
	case ZMALLOC_CAN_DEFRAG:
		return zm_slab_layout() != NULL;
	case ZMALLOC_CAN_PURGE:
	case ZMALLOC_CAN_ALLOCATOR_INFO:
	case ZMALLOC_CAN_USABLE_SIZE:
		return true;
	default:
		return false;
	}
}

size_t zm_allocator_good_size(size_t size)
{
	return size <= PTRDIFF_MAX ? mi_good_size(size) : size;
}

size_t zm_allocator_alignment(size_t size)
{
	return zm_alignment_that_fits(size);
}

/* ---- Aligned blocks of mimalloc 3.0 ---- */

/* Blocks of a size that this or less divides are aligned to it, wherever they begin in their page. */
#define START_BYTES 128

/* A block of a power of two up to this is aligned to its size. */
#define NATURAL_BYTES 4096

/* A block that is aligned to more than 64 KiB has a page of its own. */
#define ALONE_BYTES ((size_t)128 << 10)

static size_t power_of_two(size_t size)
{
	size_t power = 1;

	while (power < size)
		power *= 2;
	return power;
}

/*
 * mimalloc 3.0 marks a page that has an aligned block which begins inside another, so that freeing it
 * finds that. It marks a page that it may have given away by then, as it does with full ones: when a
 * thread that frees another block takes the page over at that moment, the mark is lost, the size of the
 * block changes, and freeing it corrupts the page. So no block here begins inside another. A plain block
 * never does, while mi_malloc_aligned() takes a larger one even where a plain block would be aligned.
 */
ZM_COLD void *zm_mi_aligned_outer(size_t alignment, size_t size)
{
	size_t whole = (size + (size == 0) + alignment - 1) & ~(alignment - 1);

	if (whole > PTRDIFF_MAX - ALONE_BYTES)
		return NULL;
	if (alignment <= START_BYTES || whole <= NATURAL_BYTES) {
		void *ptr = mi_malloc(alignment <= START_BYTES ? whole : power_of_two(whole));

		if (((uintptr_t)ptr & (alignment - 1)) == 0)
			return ptr;
		mi_free(ptr);
	}
	return mi_malloc_aligned(whole, alignment > ALONE_BYTES ? alignment : ALONE_BYTES);
}

/* ---- Figures ---- */

/*
 * mimalloc counts what it has committed. Pages in use it does not tell from pages it keeps, and it
 * has no sum of its live blocks.
 */
bool zm_allocator_info(bool refresh, struct zm_allocator_info *info)
{
	size_t commit = 0, unused;

	(void)refresh;
	*info = ZM_ALLOCATOR_INFO_UNKNOWN;
	mi_process_info(&unused, &unused, &unused, &unused, &unused, &commit, &unused, &unused);
	info->active = commit;
	return true;
}

/*
 * Areas come in no order and by the thousand, while no block size repeats: they are gathered by
 * size. mimalloc has some 70 size classes; large blocks have an area each and come singly.
 */
#define BINS_MAX 128

struct bins {
	size_t count;
	struct zm_allocator_bin bin[BINS_MAX];
};

static struct zm_allocator_bin *bin_of(struct bins *bins, size_t region_bytes)
{
	size_t at = 0;

	while (at < bins->count && bins->bin[at].region_bytes < region_bytes)
		at++;
	if (at < bins->count && bins->bin[at].region_bytes == region_bytes)
		return &bins->bin[at];
	if (bins->count == BINS_MAX)
		return NULL;
	memmove(&bins->bin[at + 1], &bins->bin[at], (bins->count - at) * sizeof(bins->bin[0]));
	bins->count++;
	bins->bin[at] = (struct zm_allocator_bin){.region_bytes = region_bytes};
	return &bins->bin[at];
}

/* A page's blocks are laid out as they are first needed: `reserved` is all that it has room for. */
static bool add_to_bins(const mi_heap_t *heap, const mi_heap_area_t *area, void *block,
			size_t block_bytes, void *context)
{
	struct zm_allocator_bin *bin;
	size_t regions;

	(void)heap, (void)block, (void)block_bytes;
	if (area->block_size == 0)
		return true;
	regions = area->reserved / area->full_block_size;
	bin = regions > 1 ? bin_of(context, area->block_size) : NULL;
	if (bin == NULL)
		return true;
	bin->slabs++;
	bin->regions += regions;
	bin->used_regions += area->used;
	bin->free_bytes += (regions - area->used) * area->block_size;
	return true;
}

/* Only the calling thread's heap can be visited. */
int zm_allocator_bins(unsigned arena, bool refresh, zm_allocator_bin_visit visit, void *context)
{
	struct bins bins = {0};

	if (arena != ZM_ALL_ARENAS)
		return ENOENT;
	if (refresh)
		zm_mi_own_collect(false);
	zm_mi_own_visit(add_to_bins, &bins);
	for (size_t i = 0; i < bins.count; i++)
		if (!visit(&bins.bin[i], context))
			break;
	return 0;
}

/* ---- Giving back ---- */

int zm_allocator_purge(void)
{
	mi_collect(true);
	return 0;
}
