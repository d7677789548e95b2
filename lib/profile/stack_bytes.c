/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_bytes.c - the numbers that unwind tables are made of.
 */
#include "config.h"

#include "profile/stack_bytes.h"

static uint8_t next_byte(struct zm_bytes *bytes)
{
	if (bytes->at < bytes->end)
		return *bytes->at++;
	bytes->bad = true;
	return 0;
}

uint64_t zm_bytes_number(struct zm_bytes *bytes, unsigned size)
{
	struct zm_bytes number = zm_bytes_cut(bytes, size);
	uint64_t eight = 0;
	uint32_t four = 0;
	uint16_t two = 0;

	if (number.bad)
		return 0;
	switch (size) {
	case 1:
		return *number.at;
	case 2:
		memcpy(&two, number.at, sizeof(two));
		return two;
	case 4:
		memcpy(&four, number.at, sizeof(four));
		return four;
	default:
		memcpy(&eight, number.at, sizeof(eight));
		return eight;
	}
}

int64_t zm_bytes_signed(struct zm_bytes *bytes, unsigned size)
{
	uint64_t number = zm_bytes_number(bytes, size), sign = UINT64_C(1) << (size * 8 - 1);

	return (int64_t)((number ^ sign) - sign);
}

uint64_t zm_bytes_uleb(struct zm_bytes *bytes)
{
	uint64_t number = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = next_byte(bytes);
		if (shift < 64)
			number |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return number;
}

int64_t zm_bytes_sleb(struct zm_bytes *bytes)
{
	uint64_t number = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = next_byte(bytes);
		if (shift < 64)
			number |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (shift < 64 && (byte & 0x40))
		number |= ~UINT64_C(0) << shift;
	return (int64_t)number;
}

struct zm_bytes zm_bytes_cut(struct zm_bytes *bytes, uint64_t size)
{
	struct zm_bytes piece = *bytes;

	if (size > zm_bytes_left(bytes)) {
		bytes->at = bytes->end;
		bytes->bad = piece.bad = true;
		size = zm_bytes_left(bytes);
		piece.at = bytes->at;
	}
	piece.end = piece.at + size;
	bytes->at = piece.end;
	return piece;
}

static uint64_t in_form(struct zm_bytes *bytes, unsigned form)
{
	switch (form) {
	case 0x0:
		return zm_bytes_number(bytes, sizeof(uintptr_t));
	case 0x1:
		return zm_bytes_uleb(bytes);
	case 0x2:
		return zm_bytes_number(bytes, 2);
	case 0x3:
		return zm_bytes_number(bytes, 4);
	case 0x4:
	case 0xc:
		return zm_bytes_number(bytes, 8);
	case 0x9:
		return (uint64_t)zm_bytes_sleb(bytes);
	case 0xa:
		return (uint64_t)zm_bytes_signed(bytes, 2);
	case ZM_ENCODED_FOUR:
		return (uint64_t)zm_bytes_signed(bytes, 4);
	default:
		bytes->bad = true;
		return 0;
	}
}

uintptr_t zm_bytes_encoded(struct zm_bytes *bytes, unsigned encoding, uintptr_t data)
{
	uintptr_t here = (uintptr_t)bytes->at;
	uintptr_t number = (uintptr_t)in_form(bytes, encoding & ZM_ENCODED_FORM);

	if (encoding & ZM_ENCODED_AT)
		bytes->bad = true;
	switch (encoding & ZM_ENCODED_FROM) {
	case 0:
		return number;
	case ZM_ENCODED_HERE:
		return here + number;
	case ZM_ENCODED_DATA:
		return data + number;
	default:
		bytes->bad = true;
		return 0;
	}
}
