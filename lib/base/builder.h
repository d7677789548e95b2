/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/builder.h - text put together without allocating and without stdio.
 *
 * A text either stays in the builder's buffer, which cuts off what does not fit, and whoever built it
 * writes `text` out in one piece; or the builder hands it to a writer whenever the buffer is full, and
 * zm_builder_finish() hands over the rest.
 *
 * The tool has a copy of this file, so that people and parsers read the same from it and from the library.
 */
#ifndef ZM_BUILDER_H
#define ZM_BUILDER_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0, or an errno value: nothing more is written then. */
typedef int (*zm_builder_writer)(void *context, const char *text, size_t size);

struct zm_builder {
	zm_builder_writer write; /* NULL: cut off */
	void *context;
	int error;
	size_t length;
	char text[1024];
};

void zm_builder_start(struct zm_builder *builder);
void zm_builder_start_writer(struct zm_builder *builder, zm_builder_writer write, void *context);

void zm_build_text(struct zm_builder *builder, const char *text);
/* Bytes of any value. */
void zm_build_piece(struct zm_builder *builder, const void *bytes, size_t size);
/* Padded with blanks to `width`, on the right or on the left. */
void zm_build_left(struct zm_builder *builder, const char *text, size_t width);
void zm_build_right(struct zm_builder *builder, const char *text, size_t width);
void zm_build_number(struct zm_builder *builder, uint64_t number);
void zm_build_signed(struct zm_builder *builder, int64_t number);
/* "1f2e", and zeroes before it up to `width` digits. */
void zm_build_hex(struct zm_builder *builder, uint64_t number, size_t width);
/* "1234 bytes" */
void zm_build_bytes(struct zm_builder *builder, size_t bytes);
/* Three decimals; value >= 0. */
void zm_build_decimal(struct zm_builder *builder, double value);

/*
 * The text in quotes, for JSON and for OpenMetrics: both know the escapes \" and \\. Control characters,
 * and bytes that are no UTF-8, become '?'.
 */
void zm_build_quoted(struct zm_builder *builder, const char *text);

/*
 * The bytes of the character that begins here: 1 for one that can be printed, 2 to 4 for one of UTF-8, 0
 * for anything else. Not at the end of a text.
 */
size_t zm_character_size(const char *text);

/* "1023 B", "12.3 MiB": a size as people read it. */
#define ZM_HUMAN_BYTES 16
const char *zm_human_bytes(uint64_t bytes, char text[ZM_HUMAN_BYTES]);

/* The digits of a number, at the end of a buffer. */
#define ZM_DIGITS 24
const char *zm_digits(uint64_t number, char text[ZM_DIGITS]);

/* Returns 0, or what the writer said. */
int zm_builder_finish(struct zm_builder *builder);

#endif
