/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/size_map_charged.h - what a block is charged with, by the size map, of an allocator each
 * of whose blocks has the size of its page. An adaptor's header includes it behind its zm_raw_usable().
 */
#ifndef ZM_ALLOCATOR_SIZE_MAP_CHARGED_H
#define ZM_ALLOCATOR_SIZE_MAP_CHARGED_H

#include "allocator/size_map.h"

ZM_INLINE size_t zm_raw_charged(const void *ptr)
{
	return zm_size_map_looked_up(ptr, zm_raw_usable(ptr));
}

ZM_INLINE bool zm_raw_charged_quickly(const void *ptr, size_t *bytes)
{
	return zm_size_map_of(ptr, bytes);
}

#if ZM_RAW_WATCHES
ZM_INLINE bool zm_raw_charged_watched(const void *ptr, size_t *bytes)
{
	return zm_size_map_of_watched(ptr, bytes);
}
#endif

ZM_INLINE bool zm_raw_charged_new_quickly(const void *ptr, size_t size, size_t *bytes)
{
	return zm_size_map_new(ptr, size, bytes);
}

ZM_INLINE size_t zm_raw_charged_new(const void *ptr, size_t size)
{
	return zm_size_map_noted_new(ptr, size);
}

#endif
