/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/flame/text.c - names and figures, in XML and for people.
 *
 * A name comes from a program's files, or from whoever made them: it must not end the element it
 * stands in, make the file something else than XML, or look like something else than it is.
 */
#include "config.h"

#include "tools/flame/text.h"

#include <stdbool.h>
#include <string.h>

static uint32_t code_of(const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	uint32_t code = size == 1 ? at[0] : at[0] & (0xffu >> (size + 1));

	for (size_t i = 1; i < size; i++)
		code = code << 6 | (at[i] & 0x3f);
	return code;
}

/* No controls of the second set, line ends, marks that turn text round, or no characters. */
static bool may_stand(uint32_t code)
{
	return !(code >= 0x80 && code <= 0x9f) && !(code >= 0x200b && code <= 0x200f) &&
	       !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2060 && code <= 0x206f) &&
	       code != 0xfeff && (code & 0xfffe) != 0xfffe;
}

/* The bytes of the next character, which is copied, escaped, to `to`; *cells: how wide it is. */
static size_t take(const char *text, char to[8], size_t *cells)
{
	size_t size = zm_character_size(text);
	uint32_t code = size != 0 ? code_of(text, size) : 0;

	*cells = code >= 0x1100 ? 2 : 1;
	memcpy(to, text, size);
	to[size] = '\0';
	if (size == 0 || !may_stand(code))
		strcpy(to, "?");
	else if (*text == '&')
		strcpy(to, "&amp;");
	else if (*text == '<')
		strcpy(to, "&lt;");
	else if (*text == '>')
		strcpy(to, "&gt;");
	else if (*text == '"')
		strcpy(to, "&quot;");
	else if (*text == '\'')
		strcpy(to, "&#39;");
	return size != 0 ? size : 1;
}

/* Whether all of it fits. */
static bool fits(const char *text, size_t room)
{
	char character[8];
	size_t cells;

	while (*text != '\0') {
		text += take(text, character, &cells);
		if (cells > room)
			return false;
		room -= cells;
	}
	return true;
}

void flame_build_text(struct zm_builder *out, const char *text, size_t room)
{
	bool is_cut = !fits(text, room);
	char character[8];
	size_t cells;

	if (is_cut && room != 0)
		room--; /* of the ellipsis */
	while (*text != '\0') {
		text += take(text, character, &cells);
		if (cells > room)
			break;
		zm_build_text(out, character);
		room -= cells;
	}
	if (is_cut)
		zm_build_text(out, "\xe2\x80\xa6");
}

void flame_build_number(struct zm_builder *out, double number, unsigned decimals)
{
	char digits[ZM_DIGITS];
	uint64_t unit = 1, scaled, rest;

	for (unsigned i = 0; i < decimals; i++)
		unit *= 10;
	scaled = (uint64_t)(number * (double)unit + 0.5);
	zm_build_number(out, scaled / unit);
	rest = scaled % unit;
	if (rest == 0)
		return;
	for (; rest % 10 == 0; rest /= 10)
		unit /= 10;
	zm_build_text(out, ".");
	/* The 1 in front keeps the noughts behind the point. */
	zm_build_text(out, zm_digits(unit + rest, digits) + 1);
}

void flame_build_count(struct zm_builder *out, uint64_t count)
{
	char text[ZM_DIGITS], group[4] = "";
	const char *digits = zm_digits(count, text);

	for (size_t left = strlen(digits); left > 0;) {
		size_t size = left % 3 ? left % 3 : 3;

		memcpy(group, digits, size);
		group[size] = '\0';
		zm_build_text(out, group);
		digits += size;
		left -= size;
		if (left != 0)
			zm_build_text(out, ",");
	}
}

void flame_build_bytes(struct zm_builder *out, uint64_t bytes)
{
	char text[ZM_HUMAN_BYTES];

	zm_build_text(out, zm_human_bytes(bytes, text));
}

void flame_build_share(struct zm_builder *out, double part, double whole)
{
	char digits[ZM_DIGITS];
	double share = whole > 0 ? part / whole : 0;
	uint64_t tenths = share < 1e12 ? (uint64_t)(share * 1000 + 0.5) : (uint64_t)1e15;

	zm_build_number(out, tenths / 10);
	zm_build_text(out, ".");
	zm_build_text(out, zm_digits(tenths % 10, digits));
	zm_build_text(out, " %");
}
