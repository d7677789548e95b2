/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/builder.c - text put together without allocating and without stdio.
 */
#include "config.h"

#include "base/builder.h"

#include <string.h>

void zm_builder_start(struct zm_builder *builder)
{
	zm_builder_start_writer(builder, NULL, NULL);
}

void zm_builder_start_writer(struct zm_builder *builder, zm_builder_writer write, void *context)
{
	builder->write = write;
	builder->context = context;
	builder->error = 0;
	builder->length = 0;
}

static void flush(struct zm_builder *builder)
{
	if (builder->write == NULL)
		return;
	if (builder->error == 0 && builder->length != 0)
		builder->error = builder->write(builder->context, builder->text, builder->length);
	builder->length = 0;
}

static void add(struct zm_builder *builder, char character)
{
	if (builder->length == sizeof(builder->text))
		flush(builder);
	if (builder->length < sizeof(builder->text))
		builder->text[builder->length++] = character;
}

void zm_build_text(struct zm_builder *builder, const char *text)
{
	while (*text != '\0')
		add(builder, *text++);
}

void zm_build_piece(struct zm_builder *builder, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size-- > 0)
		add(builder, *at++);
}

static void pad(struct zm_builder *builder, const char *text, size_t width)
{
	for (size_t length = strlen(text); length < width; length++)
		add(builder, ' ');
}

void zm_build_left(struct zm_builder *builder, const char *text, size_t width)
{
	zm_build_text(builder, text);
	pad(builder, text, width);
}

void zm_build_right(struct zm_builder *builder, const char *text, size_t width)
{
	pad(builder, text, width);
	zm_build_text(builder, text);
}

const char *zm_digits(uint64_t number, char text[ZM_DIGITS])
{
	char *at = text + ZM_DIGITS - 1;

	*at = '\0';
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	return at;
}

void zm_build_number(struct zm_builder *builder, uint64_t number)
{
	char text[ZM_DIGITS];

	zm_build_text(builder, zm_digits(number, text));
}

void zm_build_signed(struct zm_builder *builder, int64_t number)
{
	if (number < 0)
		zm_build_text(builder, "-");
	zm_build_number(builder, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void zm_build_hex(struct zm_builder *builder, uint64_t number, size_t width)
{
	char text[16];
	size_t length = 0;

	do {
		text[sizeof(text) - ++length] = "0123456789abcdef"[number % 16];
		number /= 16;
	} while (number != 0 || (length < width && length < sizeof(text)));
	zm_build_piece(builder, text + sizeof(text) - length, length);
}

void zm_build_bytes(struct zm_builder *builder, size_t bytes)
{
	zm_build_number(builder, bytes);
	zm_build_text(builder, " bytes");
}

void zm_build_decimal(struct zm_builder *builder, double value)
{
	char text[ZM_DIGITS];
	uint64_t thousandths = value < 1e15 ? (uint64_t)(value * 1000 + 0.5) : (uint64_t)1e18;

	zm_build_number(builder, thousandths / 1000);
	zm_build_text(builder, ".");
	zm_build_text(builder, zm_digits(1000 + thousandths % 1000, text) + 1);
}

/*
 * Forms that are too long, surrogates, and what lies beyond Unicode are not UTF-8; the second byte tells
 * them.
 */
size_t zm_character_size(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	unsigned char least = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char most = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
	size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;

	if (at[0] < 0x80)
		return at[0] >= ' ' && at[0] != 0x7f;
	if (at[0] < 0xc2 || at[0] > 0xf4 || at[1] < least || at[1] > most)
		return 0;
	for (size_t i = 2; i < size; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return size;
}

void zm_build_quoted(struct zm_builder *builder, const char *text)
{
	add(builder, '"');
	while (*text != '\0') {
		size_t size = zm_character_size(text);

		if (*text == '"' || *text == '\\')
			add(builder, '\\');
		if (size == 0) {
			add(builder, '?');
			text++;
		}
		for (; size > 0; size--)
			add(builder, *text++);
	}
	add(builder, '"');
}

/* The text is cut down, not rounded: no figure is "1024.0 KiB". */
const char *zm_human_bytes(uint64_t bytes, char text[ZM_HUMAN_BYTES])
{
	static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
	char digits[ZM_DIGITS];
	uint64_t tenths = 0;
	size_t unit = 0;

	for (; bytes >= 1024; unit++) {
		tenths = bytes % 1024 * 10 / 1024;
		bytes /= 1024;
	}
	strcpy(text, zm_digits(bytes, digits));
	if (unit != 0)
		strcat(strcat(text, "."), zm_digits(tenths, digits));
	return strcat(text, units[unit]);
}

int zm_builder_finish(struct zm_builder *builder)
{
	flush(builder);
	return builder->error;
}
