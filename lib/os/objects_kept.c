/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/objects_kept.c - the object that an address is in, for Linux's C libraries that do not tell
 * without a lock: of those objects that stay for as long as the process, found without the loader.
 *
 * The kernel says where the program's headers are, and where it mapped the loader, which on musl is the C
 * library too; the linker says where the object's own begins that this file is linked into.
 */
#include "config.h"

#include "os/os.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <sys/auxv.h>

/* The ELF header of the object that has this code, where the linker maps it. */
extern const char zm_own_header[] __asm__("__ehdr_start")
	__attribute__((__weak__, __visibility__("hidden")));

/* What one object says in its program headers; base: what they count from. */
static bool describe(const ElfW(Phdr) * headers, size_t count, uintptr_t base,
		     struct zm_os_object *object)
{
	size_t i;

	*object = (struct zm_os_object){UINTPTR_MAX, 0, 0};
	for (i = 0; i < count; i++) {
		uintptr_t start = base + headers[i].p_vaddr, end = start + headers[i].p_memsz;

		if (headers[i].p_type == PT_GNU_EH_FRAME)
			object->unwind_header = start;
		if (headers[i].p_type != PT_LOAD)
			continue;
		if (start < object->start)
			object->start = start;
		if (end > object->end)
			object->end = end;
	}
	return object->start < object->end;
}

static bool of_program(struct zm_os_object *object)
{
	const ElfW(Phdr) *headers = (const void *)getauxval(AT_PHDR);
	size_t count = getauxval(AT_PHNUM), i;
	uintptr_t base = 0;

	if (!headers)
		return false;
	for (i = 0; i < count; i++) {
		if (headers[i].p_type == PT_PHDR)
			base = (uintptr_t)headers - headers[i].p_vaddr;
	}
	return describe(headers, count, base, object);
}

static bool of_header(const void *header, struct zm_os_object *object)
{
	const ElfW(Ehdr) *elf = header;

	return elf != NULL && describe((const void *)((const char *)header + elf->e_phoff),
				       elf->e_phnum, (uintptr_t)header, object);
}

int zm_os_find_object(const void *inside, struct zm_os_object *object)
{
	uintptr_t at = (uintptr_t)inside;

	if (of_program(object) && at >= object->start && at < object->end)
		return 0;
	if (of_header((const void *)getauxval(AT_BASE), object) && at >= object->start &&
	    at < object->end)
		return 0;
	if (of_header(zm_own_header, object) && at >= object->start && at < object->end)
		return 0;
	return ENOENT;
}
