/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/program.c - what is in the program itself, and not in a shared object.
 */
#include "config.h"

#include "base/program.h"

#ifdef HAVE_DL_ITERATE_PHDR

#include <link.h>
#include <stdint.h>

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

#else

bool zm_is_in_program(const void *address)
{
	(void)address;
	return false;
}

#endif
