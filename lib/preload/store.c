/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/preload/store.c - blocks for whoever asks while the library cannot be called.
 *
 * The loader may call a resolver of the program's (STT_GNU_IFUNC) before it has linked this library,
 * and that may call malloc(). So nothing in here needs a relocation: no errno, no memset(), no function of
 * another file. There is one thread by then.
 */
#include "config.h"

#include "preload/preload.h"

#include <stdalign.h>
#include <stdint.h>

/* In front of a block, in as many bytes as keep it aligned. */
struct head {
	alignas(max_align_t) size_t bytes;
};

alignas(max_align_t) unsigned char zm_store_bytes[ZM_STORE_BYTES];
static size_t used_bytes;

/* Keeps compilers from making a call of memcpy() of a loop. */
#define NO_CALL() __asm__ volatile("" ::: "memory")

void *zm_store_take(size_t alignment, size_t size)
{
	uintptr_t begin = (uintptr_t)zm_store_bytes, at;

	if (alignment < alignof(max_align_t))
		alignment = alignof(max_align_t);
	if (size > ZM_STORE_BYTES || alignment > ZM_STORE_BYTES)
		return NULL;
	at = (begin + used_bytes + sizeof(struct head) + alignment - 1) &
	     ~(uintptr_t)(alignment - 1);
	if (at - begin > ZM_STORE_BYTES - size)
		return NULL;
	((struct head *)at)[-1].bytes = size;
	used_bytes = at - begin + size;
	used_bytes += -used_bytes & (alignof(max_align_t) - 1);
	return (void *)at;
}

size_t zm_store_size(const void *ptr)
{
	return ((const struct head *)ptr)[-1].bytes;
}

void zm_store_copy(void *to, const void *ptr, size_t size)
{
	size_t bytes = zm_store_size(ptr);

	for (size_t i = 0; i < bytes && i < size; i++) {
		((unsigned char *)to)[i] = ((const unsigned char *)ptr)[i];
		NO_CALL();
	}
}
