/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_bytes.h - the numbers that unwind tables are made of, read one after another. Past
 * the end all are 0, and `bad` says so.
 */
#ifndef ZM_PROFILE_STACK_BYTES_H
#define ZM_PROFILE_STACK_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

struct zm_bytes {
	const uint8_t *at, *end;
	bool bad;
};

static inline struct zm_bytes zm_bytes(const void *at, size_t size)
{
	return (struct zm_bytes){at, (const uint8_t *)at + size, false};
}

static inline size_t zm_bytes_left(const struct zm_bytes *bytes)
{
	return (size_t)(bytes->end - bytes->at);
}

/* A number of that many bytes, at most eight, in the machine's order. */
uint64_t zm_bytes_number(struct zm_bytes *bytes, unsigned size);
int64_t zm_bytes_signed(struct zm_bytes *bytes, unsigned size);

/* LEB128: seven bits a byte, the lowest first. */
uint64_t zm_bytes_uleb(struct zm_bytes *bytes);
int64_t zm_bytes_sleb(struct zm_bytes *bytes);

/* The next `size` bytes, and this goes on after them. */
struct zm_bytes zm_bytes_cut(struct zm_bytes *bytes, uint64_t size);

/*
 * An address, as a byte before it or a table's head said that such are written.
 * data: what ZM_ENCODED_DATA counts from.
 */
uintptr_t zm_bytes_encoded(struct zm_bytes *bytes, unsigned encoding, uintptr_t data);
enum {
	ZM_ENCODED_FORM = 0x0f, /* how many bytes, and whether there is a sign */
	ZM_ENCODED_FOUR = 0x0b,
	ZM_ENCODED_HERE = 0x10, /* counted from where it stands */
	ZM_ENCODED_DATA = 0x30,
	ZM_ENCODED_FROM = 0x70,
	ZM_ENCODED_AT = 0x80, /* what is there is not the address but where that is */
	ZM_ENCODED_NOT = 0xff
};

#endif
