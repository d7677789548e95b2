/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/libc_choice.h - which malloc() stands behind the adaptor of the C library's.
 *
 * As a rule it is what the name means in this process: the C library's, or that of a library that
 * was loaded before it, such as a checker's. A program may define malloc() itself, though, and build
 * it on ours: calling it from here would never end. The C library's own is called then, by the
 * names that glibc keeps for that.
 */
#ifndef ZM_ALLOCATOR_LIBC_CHOICE_H
#define ZM_ALLOCATOR_LIBC_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

/*
 * It is written once, before the first call through it returns: until then each function makes the choice
 * first. Calls go through this table even where nothing is to be chosen, because a compiler that sees a
 * block come from malloc() and go to zfree() takes it for a mistake.
 */
struct zm_libc {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t num, size_t size);
	void *(*realloc)(void *ptr, size_t size);
	void (*free)(void *ptr);
	int (*aligned)(void **ptr, size_t alignment, size_t size); /* as posix_memalign() */
	size_t (*usable_size)(void *ptr);                          /* NULL: it does not tell */
};

extern ZM_HIDDEN struct zm_libc zm_libc;

/* Make the choice, if it is not made. Calls no function of the table, nor anything that would. */
void zm_libc_choose(void);

/* malloc() is known not to be the C library's: its figures say nothing then. Set by the choice. */
extern bool zm_libc_is_foreign;

/* "name-version" of what was chosen, cut to `size` and terminated. */
void zm_libc_name(char *name, size_t size);

#endif
