/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/contract.c - has the compiler say what an adaptor's header lacks of allocator.h's contract.
 * It makes no code.
 */
#include "config.h"

#include "allocator/allocator.h"

/* clang-format off */
#if !defined(ZM_RAW_FREE_KEEPS_ERRNO)
#error "the adaptor's header does not define ZM_RAW_FREE_KEEPS_ERRNO as 0 or 1: see allocator.h"
#endif
#if !defined(ZM_RAW_GOOD_SIZE_IS_EXACT)
#error "the adaptor's header does not define ZM_RAW_GOOD_SIZE_IS_EXACT as 0 or 1: see allocator.h"
#endif
#if !defined(ZM_RAW_ARENAS)
#error "the adaptor's header does not define ZM_RAW_ARENAS as 0 or 1: see allocator.h"
#endif
#if !defined(ZM_RAW_COUNTS)
#error "the adaptor's header does not define ZM_RAW_COUNTS as 0 or 1: see allocator.h"
#endif
#if !defined(ZM_RAW_WATCHES)
#error "the adaptor's header does not define ZM_RAW_WATCHES as 0 or 1: see allocator.h"
#endif

/* A function that is not there at all is "undeclared", which says its name as well. */
#define ZM_HAS(function, ...)                                                                      \
	_Static_assert(_Generic(&(function), __VA_ARGS__: 1, default: 0),                          \
		       "the adaptor's " #function "() is not as allocator.h has it")

ZM_HAS(zm_raw_malloc, void *(*)(size_t));
ZM_HAS(zm_raw_calloc, void *(*)(size_t));
ZM_HAS(zm_raw_realloc, void *(*)(void *, size_t));
ZM_HAS(zm_raw_aligned, void *(*)(size_t, size_t));
ZM_HAS(zm_raw_free, void (*)(void *));
ZM_HAS(zm_raw_free_sized, void (*)(void *, size_t));
ZM_HAS(zm_raw_usable, size_t (*)(const void *));
ZM_HAS(zm_raw_charged, size_t (*)(const void *));
#if ZM_RAW_COUNTS
ZM_HAS(zm_raw_sized_is_faster, bool (*)(const void *));
ZM_HAS(zm_raw_free_address, void (*(*)(void))(void *));
ZM_HAS(zm_raw_free_sized_address, void (*(*)(void))(void *, size_t, int));
#else
ZM_HAS(zm_raw_charged_quickly, bool (*)(const void *, size_t *));
ZM_HAS(zm_raw_charged_new_quickly, bool (*)(const void *, size_t, size_t *));
ZM_HAS(zm_raw_charged_new, size_t (*)(const void *, size_t));
#endif
#if ZM_RAW_WATCHES
ZM_HAS(zm_raw_charged_watched, bool (*)(const void *, size_t *));
#endif
/* clang-format on */
