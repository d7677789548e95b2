/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/text.c - pieces of text and the numbers in them.
 */
#include "config.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/builder.h"

/* A text of nothing may be a null pointer, to which C lets nobody add even 0. */
struct zm_span zm_span(const char *text, size_t size)
{
	if (text == NULL)
		text = "";
	return (struct zm_span){text, text + size};
}

struct zm_span zm_span_of(const char *string)
{
	return zm_span(string, strlen(string));
}

bool zm_span_is(struct zm_span span, const char *string)
{
	size_t size = strlen(string);

	return zm_span_size(span) == size && memcmp(span.at, string, size) == 0;
}

bool zm_span_starts(struct zm_span span, struct zm_span beginning)
{
	size_t size = zm_span_size(beginning);

	return zm_span_size(span) >= size && memcmp(span.at, beginning.at, size) == 0;
}

bool zm_span_cut(struct zm_span *span, char separator, struct zm_span *piece)
{
	const char *found;

	*piece = *span;
	if (span->at == span->end)
		return false;
	found = memchr(span->at, separator, zm_span_size(*span));
	piece->at = span->at;
	piece->end = found ? found : span->end;
	span->at = found ? found + 1 : span->end;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool zm_span_word(struct zm_span *span, struct zm_span *word)
{
	while (span->at < span->end && is_blank(*span->at))
		span->at++;
	word->at = span->at;
	while (span->at < span->end && !is_blank(*span->at))
		span->at++;
	word->end = span->at;
	return word->at != word->end;
}

bool zm_span_lists(struct zm_span list, const char *word)
{
	struct zm_span item;

	while (zm_span_cut(&list, ',', &item)) {
		if (zm_span_is(item, word))
			return true;
	}
	return false;
}

int zm_span_number(struct zm_span *span, uint64_t *number)
{
	const char *p = span->at;
	bool fits = true;
	uint64_t value = 0;

	for (; p < span->end && *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (value > (UINT64_MAX - digit) / 10)
			fits = false;
		else
			value = value * 10 + digit;
	}
	if (p == span->at)
		return EINVAL;
	span->at = p;
	if (!fits)
		return ERANGE;
	*number = value;
	return 0;
}

/* 0: no such letter. */
static uint64_t unit(char letter)
{
	static const char letters[] = "KMGT";

	for (unsigned i = 0; letters[i] != '\0'; i++)
		if (letter == letters[i] || letter == letters[i] + ('a' - 'A'))
			return (uint64_t)1024 << (10 * i);
	return 0;
}

int zm_span_bytes(struct zm_span text, uint64_t *bytes)
{
	uint64_t number;
	int error = zm_span_number(&text, &number);

	*bytes = 0;
	if (error != 0)
		return error;
	if (zm_span_size(text) == 0)
		return zm_multiply(number, 1, bytes);
	if (zm_span_size(text) == 1 && unit(*text.at) != 0)
		return zm_multiply(number, unit(*text.at), bytes);
	return EINVAL;
}

int zm_multiply(uint64_t a, uint64_t b, uint64_t *product)
{
	if (a != 0 && b > UINT64_MAX / a)
		return ERANGE;
	*product = a * b;
	return 0;
}

int zm_store_size(int error, uint64_t from, size_t *to)
{
	if (!error)
		*to = from > SIZE_MAX ? SIZE_MAX : (size_t)from;
	return error;
}

void zm_text_copy(char *to, size_t size, const char *from, size_t from_size)
{
	size_t i = 0;

	zm_assert(size != 0);
	for (; i < size - 1 && i < from_size && from[i] != '\0'; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	memset(to + i, 0, size - i);
}

void zm_path_init(struct zm_path *path, char *buffer, size_t size)
{
	path->text = buffer;
	path->size = size;
	path->length = 0;
	buffer[0] = '\0';
}

bool zm_path_add(struct zm_path *path, struct zm_span piece)
{
	size_t size = zm_span_size(piece);

	if (size >= path->size - path->length)
		return false;
	memcpy(path->text + path->length, piece.at, size);
	path->length += size;
	path->text[path->length] = '\0';
	return true;
}

bool zm_path_add_number(struct zm_path *path, uint64_t number)
{
	char digits[ZM_DIGITS];

	return zm_path_add(path, zm_span_of(zm_digits(number, digits)));
}

void zm_path_cut(struct zm_path *path, size_t length)
{
	path->length = length;
	path->text[length] = '\0';
}
