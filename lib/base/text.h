/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/text.h - pieces of text and the numbers in them.
 *
 * The parsers of this directory take text, wherever it came from, so that tests and fuzzers can
 * feed them what no kernel at hand would say. Functions that return int return 0 or an errno value:
 * EINVAL for text of another form, ERANGE for a number that 64 bits do not hold, ENOENT for
 * something that the text does not have.
 */
#ifndef ZM_OS_TEXT_H
#define ZM_OS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of text; not terminated. */
struct zm_span {
	const char *at, *end;
};

struct zm_span zm_span(const char *text, size_t size);
struct zm_span zm_span_of(const char *string);
static inline size_t zm_span_size(struct zm_span span)
{
	return (size_t)(span.end - span.at);
}

bool zm_span_is(struct zm_span span, const char *string);
bool zm_span_starts(struct zm_span span, struct zm_span beginning);

/*
 * What is cut off is stored on failure too, as an empty text: link-time optimization shows the compiler
 * both sides, and it does not follow which answer goes with which value (-Wmaybe-uninitialized).
 *
 * Cut off the front up to `separator`, and the separator too; all that is left if there is none.
 * False when the text is used up.
 */
bool zm_span_cut(struct zm_span *span, char separator, struct zm_span *piece);

/* Cut off spaces and tabs, then the word up to the next; false when only blanks are left. */
bool zm_span_word(struct zm_span *span, struct zm_span *word);

/* Is this very word in a list that commas split? */
bool zm_span_lists(struct zm_span list, const char *word);

/* Cut a run of decimal digits off the front and store what it says. */
int zm_span_number(struct zm_span *span, uint64_t *number);

/* A whole text that says a number of bytes; one with K, M, G or T behind it is of units of 1,024. */
int zm_span_bytes(struct zm_span text, uint64_t *bytes);

int zm_multiply(uint64_t a, uint64_t b, uint64_t *product);

/*
 * The end of a function that answers with a size: stores it if there was no error, and returns the
 * error. What a size_t of 32 bits does not hold is "more than can be addressed": SIZE_MAX.
 */
int zm_store_size(int error, uint64_t from, size_t *to);

/*
 * Copy a text that may come from anywhere into a member of a struct: cut to `size` with its end, and
 * zeroes behind it. What cannot be printed becomes '?'. from: ends at a zero or after from_size bytes.
 */
void zm_text_copy(char *to, size_t size, const char *from, size_t from_size);

/* Text that grows in a buffer of the caller's; always terminated. */
struct zm_path {
	char *text;
	size_t size; /* of the buffer, at least 1 */
	size_t length;
};

void zm_path_init(struct zm_path *path, char *buffer, size_t size);

/* False, and the path unchanged, if the piece does not fit whole. */
bool zm_path_add(struct zm_path *path, struct zm_span piece);
bool zm_path_add_number(struct zm_path *path, uint64_t number);

void zm_path_cut(struct zm_path *path, size_t length);

#endif
