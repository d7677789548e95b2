/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/program.c - what is in the program itself, and not in a shared object.
 */
#include "config.h"

#include "base/program.h"

#include <stddef.h>

#if defined(__GNUC__) && defined(__ELF__)

extern void zmalloc_preloaded(void) __attribute__((__weak__));

const void *zm_preload_address(void)
{
	return (const void *)(uintptr_t)zmalloc_preloaded;
}

#else

const void *zm_preload_address(void)
{
	return NULL;
}

#endif

#ifdef HAVE_DL_ITERATE_PHDR

#include <link.h>

struct search {
	uintptr_t address;
	bool found;
};

/* The first object is the program. */
static int look_in_program(struct dl_phdr_info *object, size_t size, void *context)
{
	struct search *search = context;

	(void)size;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		uintptr_t begin = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;

		if (object->dlpi_phdr[i].p_type == PT_LOAD &&
		    search->address - begin < object->dlpi_phdr[i].p_memsz)
			search->found = true;
	}
	return 1;
}

bool zm_is_in_program(const void *address)
{
	struct search search = {(uintptr_t)address, false};

	dl_iterate_phdr(look_in_program, &search);
	return search.found;
}

struct segment {
	uintptr_t address, start, end;
	bool is_past_program;
};

static int look_for_segment(struct dl_phdr_info *object, size_t size, void *context)
{
	struct segment *segment = context;
	bool is_program = !segment->is_past_program;

	(void)size;
	segment->is_past_program = true;
	for (int i = 0; i < object->dlpi_phnum && !is_program; i++) {
		uintptr_t begin = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;

		if (object->dlpi_phdr[i].p_type != PT_LOAD ||
		    segment->address - begin >= object->dlpi_phdr[i].p_memsz)
			continue;
		segment->start = begin;
		segment->end = begin + object->dlpi_phdr[i].p_memsz;
		return 1;
	}
	return 0;
}

bool zm_shared_segment(const void *address, uintptr_t *start, uintptr_t *end)
{
	struct segment segment = {.address = (uintptr_t)address};

	dl_iterate_phdr(look_for_segment, &segment);
	*start = segment.start;
	*end = segment.end;
	return segment.end != 0;
}

#else

bool zm_is_in_program(const void *address)
{
	(void)address;
	return false;
}

bool zm_shared_segment(const void *address, uintptr_t *start, uintptr_t *end)
{
	(void)address;
	*start = *end = 0;
	return false;
}

#endif
