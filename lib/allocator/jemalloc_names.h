/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_names.h - the names under which this jemalloc goes.
 *
 * ZM_JE(name): one of the functions whose plain name is jemalloc's alone, prefixed where the build
 * is prefixed.
 */
#ifndef ZM_ALLOCATOR_JEMALLOC_NAMES_H
#define ZM_ALLOCATOR_JEMALLOC_NAMES_H

#include <stdbool.h>

#if defined(ZM_JE_IN_LIBC)
#include <malloc_np.h>
#else
#include <jemalloc/jemalloc.h>
#endif

#if defined(ZM_JE_PREFIXED)
#define ZM_JE(name) je_##name
#else
#define ZM_JE(name) name
#endif

/* sallocx() rather than malloc_usable_size(), a name that the C library has too. */
static inline size_t zm_je_sallocx(void *ptr)
{
	return ZM_JE(sallocx)(ptr, 0);
}
#define ZM_JE_USABLE_SIZE zm_je_sallocx

/*
 * jemalloc_errno.c. Every arena that our blocks may come from is told here;
 * true if frees into it keep errno.
 */
bool zm_je_keep_errno(unsigned arena);

/* The same for all arenas, after something that may have made or changed any. */
void zm_je_keep_errno_everywhere(void);

#endif
