/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/report.h - text put together without allocating and without stdio.
 *
 * A report either stays in its buffer, where what does not fit is cut off, and whoever made it writes
 * `text` out in one piece; or it flows to a writer whenever the buffer is full, and ends with
 * zm_report_finish().
 */
#ifndef ZM_REPORT_H
#define ZM_REPORT_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0, or an errno value: nothing more is written then. */
typedef int (*zm_report_writer)(void *context, const char *text, size_t size);

struct zm_report {
	zm_report_writer write; /* NULL: cut off */
	void *context;
	int error;
	size_t length;
	char text[1024];
};

void zm_report_start(struct zm_report *report);
void zm_report_start_writer(struct zm_report *report, zm_report_writer write, void *context);

void zm_report_text(struct zm_report *report, const char *text);
/* Padded with blanks to `width`, on the right or on the left. */
void zm_report_left(struct zm_report *report, const char *text, size_t width);
void zm_report_right(struct zm_report *report, const char *text, size_t width);
void zm_report_number(struct zm_report *report, uint64_t number);
/* "1234 bytes" */
void zm_report_bytes(struct zm_report *report, size_t bytes);
/* Three decimals; value >= 0. */
void zm_report_decimal(struct zm_report *report, double value);

/* "1023 B", "12.3 MiB": a size as people read it. */
#define ZM_HUMAN_BYTES 16
const char *zm_human_bytes(uint64_t bytes, char text[ZM_HUMAN_BYTES]);

/* The digits of a number, at the end of a buffer. */
#define ZM_DIGITS 24
const char *zm_digits(uint64_t number, char text[ZM_DIGITS]);

/* Returns 0, or what the writer said. */
int zm_report_finish(struct zm_report *report);

#endif
