/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/tcmalloc.c - gperftools' tcmalloc and tcmalloc_minimal, cold half.
 *
 * Figures are the numeric properties that gperftools/malloc_extension.h lists.
 */
#include "config.h"

#include "allocator/allocator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gperftools/malloc_extension_c.h>

#include <zmalloc.h>

#include "allocator/kept_info.h"
#include "base/lock.h"

/*
 * A sampled block has pages of its own, whatever its size. The variable is the allocator's, which
 * reads it by getenv() in every process: a set-user-ID program samples too, and this must agree.
 */
static bool samples(void)
{
	const char *bytes = getenv("TCMALLOC_SAMPLE_PARAMETER");

	return bytes != NULL && strtoll(bytes, NULL, 10) != 0;
}

/*
 * The C library's malloc(), which serves the rest of the process, takes memory by sbrk(3), and so
 * does tcmalloc. sbrk() is not made for two at once: it reads where the heap ends, and then moves the
 * end; two threads in it are given the same memory. The other way that tcmalloc has, by mmap(2), is
 * asked for by the environment before it starts (TCMALLOC_SKIP_SBRK), and after that by no function:
 * this is the flag that it looks at each time. Without it 16 of 180 runs of test_threads' ten
 * thousand lives on two busy processors end in the C library's complaints about its heap; with the
 * flag set here none of 60.
 */
#if defined(__ELF__) && defined(__GNUC__)
extern bool skips_sbrk __asm__("_ZN60FLAG__namespace_do_not_use_directly_use_DECLARE_bool_"
			       "instead22FLAGS_malloc_skip_sbrkE") __attribute__((__weak__));

static void leave_sbrk_to_the_c_library(void)
{
	if (&skips_sbrk != NULL)
		skips_sbrk = true;
}
#else
static void leave_sbrk_to_the_c_library(void)
{
}
#endif

/*
 * tc_malloc_size() asks an object. That is put in place by the constructor of a static object of
 * tcmalloc's, which does nothing when it is called again; before that tc_malloc_size() makes one of
 * another kind, by operator new, to which every size is 0.
 */
#if defined(__ELF__) && defined(__GNUC__)
extern void construct_guard(void *guard) __asm__("_ZN13TCMallocGuardC1Ev")
	__attribute__((__weak__));

/* Its header declares that in newer versions only. */
extern size_t nallocx_of_tcmalloc(size_t size, int flags) __asm__("tc_nallocx")
	__attribute__((__weak__));

static void begin_tcmalloc(void)
{
	static char guard;

	if (&construct_guard != NULL)
		construct_guard(&guard);
}

static size_t size_of_a_pointer(void)
{
	return &nallocx_of_tcmalloc != NULL ? nallocx_of_tcmalloc(sizeof(void *), 0)
					    : sizeof(void *);
}
#else
static void begin_tcmalloc(void)
{
}

static size_t size_of_a_pointer(void)
{
	return sizeof(void *);
}
#endif

ZM_ATOMIC(bool) zm_tc_tells_sizes;

/*
 * Whatever tcmalloc makes by operator new while it begins comes back here where the program's
 * operator new is built on ours, and to ask for its size would make another. It is such an object,
 * which has nothing but a table of functions, and is never freed.
 */
size_t zm_tc_usable_at_first(const void *ptr)
{
	static ZM_TLS bool is_asking;
	size_t bytes = 0;

	if (!is_asking) {
		is_asking = true;
		bytes = tc_malloc_size((void *)ptr);
		if (bytes == 0) {
			begin_tcmalloc();
			bytes = tc_malloc_size((void *)ptr);
		}
		is_asking = false;
	}
	if (bytes == 0)
		return size_of_a_pointer();
	zm_store(&zm_tc_tells_sizes, true);
	return bytes;
}

static void set_up(void)
{
	leave_sbrk_to_the_c_library();
	if (!samples())
		zm_size_map_init(zm_allocator_good_size);
}

void zm_allocator_init(void)
{
	static struct zm_once once;

	zm_once(&once, set_up);
}

/*
 * ZM_ALLOCATOR_NAME tells tcmalloc from tcmalloc_minimal;
 * the code is the same. tc_version(): "gperftools 2.10".
 */
void zm_allocator_name(char *name, size_t size)
{
	const char *version = tc_version(NULL, NULL, NULL);

	snprintf(name, size, "%s-%s", ZM_ALLOCATOR_NAME, version + strcspn(version, "0123456789"));
}

bool zm_allocator_has(int capability)
{
	switch (capability) {
	case ZMALLOC_CAN_PURGE:
	case ZMALLOC_CAN_BACKGROUND_PURGE:
	case ZMALLOC_CAN_CTL:
	case ZMALLOC_CAN_ALLOCATOR_INFO:
	case ZMALLOC_CAN_USABLE_SIZE:
		return true;
	default:
		return false;
	}
}

size_t zm_allocator_good_size(size_t size)
{
	size_t good = size <= PTRDIFF_MAX ? MallocExtension_GetEstimatedAllocatedSize(size) : size;

	return good > size ? good : size;
}

/*
 * It may be built to align to 8 only, and shrinks a block in place: where a class of 24 bytes shows
 * that it is, no size has better blocks for certain.
 */
size_t zm_allocator_alignment(size_t size)
{
	return zm_alignment_side_by_side(zm_allocator_good_size(size) | zm_allocator_good_size(17));
}

int zm_allocator_ctl(const char *name, void *old, size_t *old_size, void *new_value,
		     size_t new_size)
{
	size_t value;

	if ((old != NULL && (old_size == NULL || *old_size != sizeof(size_t))) ||
	    (new_value != NULL && new_size != sizeof(size_t)))
		return EINVAL;
	if (!MallocExtension_GetNumericProperty(name, &value))
		return ENOENT;
	if (new_value != NULL && !MallocExtension_SetNumericProperty(name, *(size_t *)new_value))
		return EPERM;
	if (old != NULL)
		*(size_t *)old = value;
	return 0;
}

/* ---- Figures ---- */

static size_t read_property(const char *name)
{
	size_t value;

	return MallocExtension_GetNumericProperty(name, &value) ? value : ZM_UNKNOWN;
}

static size_t difference_if_known(size_t a, size_t b)
{
	return a == ZM_UNKNOWN || b == ZM_UNKNOWN || a < b ? ZM_UNKNOWN : a - b;
}

/* The heap is spans in use, spans kept, and spans whose pages were given back. */
static void read_figures(struct zm_allocator_info *info)
{
	size_t heap = read_property("generic.heap_size");
	size_t unmapped = read_property("tcmalloc.pageheap_unmapped_bytes");
	size_t mapped = difference_if_known(heap, unmapped);

	*info = ZM_ALLOCATOR_INFO_UNKNOWN;
	info->allocated = read_property("generic.current_allocated_bytes");
	info->active = difference_if_known(mapped, read_property("tcmalloc.pageheap_free_bytes"));
	info->resident = read_property("generic.total_physical_bytes");
	info->retained = unmapped;
	info->metadata = difference_if_known(info->resident, mapped);
	info->frag_smallbins = difference_if_known(info->active, info->allocated);
}

/* Each property walks every size class and thread cache under the heap's lock. */
bool zm_allocator_info(bool refresh, struct zm_allocator_info *info)
{
	return zm_kept_info(refresh, read_figures, info);
}

int zm_allocator_bins(unsigned arena, bool refresh, zm_allocator_bin_visit visit, void *context)
{
	(void)arena, (void)refresh, (void)visit, (void)context;
	return ENOTSUP;
}

/* ---- Giving back ---- */

int zm_allocator_purge(void)
{
	MallocExtension_MarkThreadTemporarilyIdle();
	MallocExtension_ReleaseFreeMemory();
	return 0;
}

/*
 * The release rate is out of reach of the C interface. With aggressive decommit a span is given
 * back when it becomes free, by the thread that frees.
 */
int zm_allocator_background_purge(bool enable)
{
	return MallocExtension_SetNumericProperty("tcmalloc.aggressive_memory_decommit", enable)
		       ? 0
		       : ENOTSUP;
}
