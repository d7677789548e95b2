/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_names.h - the names under which this jemalloc goes.
 *
 * ZM_JE(name): one of the functions whose plain name is jemalloc's alone. ZM_JE_OWN(name) in
 * jemalloc.h is for those that other libraries have as well.
 */
#ifndef ZM_ALLOCATOR_JEMALLOC_NAMES_H
#define ZM_ALLOCATOR_JEMALLOC_NAMES_H

#include "allocator/jemalloc.h"

#if ZM_JE_DIRECT
#define JEMALLOC_NO_RENAME
#define ZM_JE(name) je_##name
#else
#define ZM_JE(name) name
#endif

#if defined(ZM_JE_IN_LIBC)
#include <malloc_np.h>
#else
#include <jemalloc/jemalloc.h>
#endif

#endif
