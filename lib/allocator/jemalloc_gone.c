/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_gone.c - may jemalloc be asked about a slab that is gone?
 *
 * The pages of a slab that was given back still say "slab", with the number that stands for "no
 * size class". batch_query takes that number for a bin's and reads `bin_infos` there, far beyond
 * its end: 9 KiB on x86-64, where other variables of jemalloc's follow, 22 KiB with pages of
 * 64 KiB, where on 64-bit ARM nothing does. Whoever asks cannot know that a slab is still there, as
 * another thread may give it back at any moment; so what is read has to be there.
 *
 * bin_infos has no name outside, but is known by its contents, which jemalloc tells (arenas.bin.*).
 * Where memory ends before the place in question, pages of zeroes are put there: no bin has 0
 * regions, so the answer is one about no slab.
 */
#include "config.h"

#include "allocator/jemalloc_gone.h"

#ifdef HAVE_DL_ITERATE_PHDR

#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "allocator/allocator.h"
#include "allocator/jemalloc_mib.h"
#include "allocator/jemalloc_names.h"

#if !defined(MAP_ANONYMOUS) && defined(MAP_ANON)
#define MAP_ANONYMOUS MAP_ANON
#endif

/* An element begins: size_t region_bytes, size_t slab_bytes, uint32_t regions. It has 40 bytes and
 * up. */
#define HEAD_BYTES (2 * sizeof(size_t) + sizeof(uint32_t))
#define STRIDE_MAX 512

struct search {
	const struct zm_slab_layout *layout;
	size_t number;        /* of the element that is read for a slab that is gone */
	uintptr_t inside[2];  /* code of jemalloc's, in the object to look through */
	uintptr_t begin, end; /* out: that element */
	uintptr_t mapped_end; /* out: of the segment, whole pages */
};

static bool is_bin(const char *at, const struct zm_slab_bin *bin)
{
	size_t region_bytes, slab_bytes;
	uint32_t regions;

	memcpy(&region_bytes, at, sizeof(region_bytes));
	memcpy(&slab_bytes, at + sizeof(size_t), sizeof(slab_bytes));
	memcpy(&regions, at + 2 * sizeof(size_t), sizeof(regions));
	return region_bytes == bin->region_bytes && slab_bytes == bin->slab_bytes &&
	       regions == bin->regions;
}

/* Are all bins here, one after the other? The bytes from one to the next; 0 if not. */
static size_t stride_at(const struct zm_slab_layout *layout, const char *at, const char *end)
{
	for (size_t stride = sizeof(size_t) * 3; stride <= STRIDE_MAX; stride += sizeof(size_t)) {
		unsigned bin = 1;

		if ((size_t)(end - at) < (layout->bins - 1) * stride + HEAD_BYTES)
			return 0;
		while (bin < layout->bins && is_bin(at + bin * stride, &layout->bin[bin]))
			bin++;
		if (bin == layout->bins)
			return stride;
	}
	return 0;
}

static bool search_segment(struct search *search, uintptr_t begin, uintptr_t end)
{
	size_t page_mask = (size_t)sysconf(_SC_PAGESIZE) - 1;

	begin = (begin + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1);
	for (; end > begin && end - begin >= HEAD_BYTES; begin += sizeof(size_t)) {
		const char *at = (const char *)begin;
		size_t stride;

		if (!is_bin(at, &search->layout->bin[0]))
			continue;
		stride = stride_at(search->layout, at, (const char *)end);
		if (stride == 0)
			continue;
		search->begin = begin + search->number * stride;
		search->end = search->begin + stride;
		search->mapped_end = (end + page_mask) & ~page_mask;
		return true;
	}
	return false;
}

static bool holds(const struct dl_phdr_info *object, uintptr_t address)
{
	for (int i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_LOAD &&
		    address - (object->dlpi_addr + object->dlpi_phdr[i].p_vaddr) <
			    object->dlpi_phdr[i].p_memsz)
			return true;
	return false;
}

/* Not 0 ends the iteration. */
static int search_object(struct dl_phdr_info *object, size_t size, void *argument)
{
	struct search *search = argument;

	(void)size;
	if (!holds(object, search->inside[0]) && !holds(object, search->inside[1]))
		return 0;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		uintptr_t begin = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;

		if (object->dlpi_phdr[i].p_type == PT_LOAD &&
		    (object->dlpi_phdr[i].p_flags & (PF_R | PF_W)) == (PF_R | PF_W) &&
		    search_segment(search, begin, begin + object->dlpi_phdr[i].p_memsz))
			return 1;
	}
	return 0;
}

/* The kernel says EFAULT where we would be killed. */
static bool is_readable(const void *at)
{
	int ends[2];
	bool readable;

	if (pipe(ends) != 0)
		return false;
	readable = write(ends[1], at, 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return readable;
}

/* Somebody else's page there will do as well, if it stays. */
static bool have_page(void *at, size_t bytes)
{
	void *mapped = mmap(at, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mapped == at)
		return true;
	if (mapped != MAP_FAILED)
		munmap(mapped, bytes);
	return is_readable(at);
}

bool zm_je_answers_for_gone(const struct zm_slab_layout *layout)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	unsigned large;
	struct search search = {.layout = layout, .mapped_end = 0};

	if (!zm_je_read_by_name("arenas.nlextents", &large, sizeof(large)))
		return false;
	search.number = (size_t)layout->bins + large;
	search.inside[0] = (uintptr_t)ZM_JE(mallctl);
	search.inside[1] = (uintptr_t)ZM_JE_OWN(malloc);
	if (dl_iterate_phdr(search_object, &search) == 0)
		return false;
	for (uintptr_t page = search.mapped_end; page < search.end; page += page_bytes)
		if (!have_page((void *)page, page_bytes))
			return false;
	return true;
}

#else

bool zm_je_answers_for_gone(const struct zm_slab_layout *layout)
{
	(void)layout;
	return false;
}

#endif
