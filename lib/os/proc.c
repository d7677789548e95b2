/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/proc.c - what the files of /proc say, from their text.
 */
#include "config.h"

#include "os/proc.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

int zm_proc_statm_rss(struct zm_span text, uint64_t *pages)
{
	struct zm_span word;
	uint64_t number;
	int error;

	if (!zm_span_word(&text, &word) || !zm_span_word(&text, &word))
		return EINVAL;
	error = zm_span_number(&word, &number);
	if (error)
		return error;
	/* A number at the very end of the text may have lost digits. */
	if (word.at != word.end || text.at == text.end)
		return EINVAL;
	*pages = number;
	return 0;
}

/* A word such as "-42" or "18446744073709551615". */
static int to_long_long(struct zm_span word, long long *value)
{
	bool negative = word.at < word.end && *word.at == '-';
	uint64_t number;
	int error;

	word.at += negative;
	error = zm_span_number(&word, &number);
	if (error)
		return error;
	if (word.at != word.end)
		return EINVAL;
	if (negative && number > LLONG_MAX)
		return ERANGE;
	if (number > LLONG_MAX)
		number = LLONG_MAX;
	*value = negative ? -(long long)number : (long long)number;
	return 0;
}

int zm_proc_stat_field(struct zm_span text, int field, long long *value)
{
	struct zm_span word;
	const char *p, *newline;

	if (field == 1)
		return zm_span_word(&text, &word) ? to_long_long(word, value) : EINVAL;
	if (field < 4)
		return EINVAL;
	/*
	 * The name, field 2, may hold anything, ")" and newlines too; the fields after it cannot.
	 */
	for (p = text.end; p > text.at && p[-1] != ')'; p--)
		;
	if (p == text.at)
		return EINVAL;
	text.at = p;
	newline = memchr(p, '\n', zm_span_size(text));
	if (newline != NULL)
		text.end = newline;
	for (field -= 2; field > 0; field--) {
		if (!zm_span_word(&text, &word))
			return ENOENT;
	}
	/* Without its newline the text has lost its end, perhaps in the middle of this number. */
	if (newline == NULL && word.end == text.end)
		return ENOENT;
	return to_long_long(word, value);
}

/* "  1234 kB" in bytes; EINVAL for anything else. */
static int kilobytes(struct zm_span text, uint64_t *bytes)
{
	struct zm_span word, unit, rest;
	uint64_t number;
	int error;

	if (!zm_span_word(&text, &word) || !zm_span_word(&text, &unit) ||
	    zm_span_word(&text, &rest))
		return EINVAL;
	error = zm_span_number(&word, &number);
	if (error)
		return error;
	if (word.at != word.end || !zm_span_is(unit, "kB"))
		return EINVAL;
	return zm_multiply(number, 1024, bytes);
}

int zm_proc_smaps_sum(struct zm_lines *lines, const char *field, uint64_t *bytes)
{
	struct zm_span name = zm_span_of(field), line;
	bool found = false;
	uint64_t sum = 0, more;
	int error;

	while ((error = zm_lines_next(lines, &line)) == 0) {
		if (lines->cut || !zm_span_starts(line, name))
			continue;
		line.at += zm_span_size(name);
		error = kilobytes(line, &more);
		if (error == EINVAL)
			continue;
		if (error)
			return error;
		if (more > UINT64_MAX - sum)
			return ERANGE;
		sum += more;
		found = true;
	}
	if (error != ENOENT)
		return error;
	if (!found)
		return ENOENT;
	*bytes = sum;
	return 0;
}
