/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/report.c - text put together without allocating and without stdio.
 */
#include "config.h"

#include "base/report.h"

#include <string.h>

void zm_report_start(struct zm_report *report)
{
	zm_report_start_writer(report, NULL, NULL);
}

void zm_report_start_writer(struct zm_report *report, zm_report_writer write, void *context)
{
	report->write = write;
	report->context = context;
	report->error = 0;
	report->length = 0;
}

static void flush(struct zm_report *report)
{
	if (report->write == NULL)
		return;
	if (report->error == 0 && report->length != 0)
		report->error = report->write(report->context, report->text, report->length);
	report->length = 0;
}

static void add(struct zm_report *report, char character)
{
	if (report->length == sizeof(report->text))
		flush(report);
	if (report->length < sizeof(report->text))
		report->text[report->length++] = character;
}

void zm_report_text(struct zm_report *report, const char *text)
{
	while (*text != '\0')
		add(report, *text++);
}

static void pad(struct zm_report *report, const char *text, size_t width)
{
	for (size_t length = strlen(text); length < width; length++)
		add(report, ' ');
}

void zm_report_left(struct zm_report *report, const char *text, size_t width)
{
	zm_report_text(report, text);
	pad(report, text, width);
}

void zm_report_right(struct zm_report *report, const char *text, size_t width)
{
	pad(report, text, width);
	zm_report_text(report, text);
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

void zm_report_number(struct zm_report *report, uint64_t number)
{
	char text[ZM_DIGITS];

	zm_report_text(report, zm_digits(number, text));
}

void zm_report_bytes(struct zm_report *report, size_t bytes)
{
	zm_report_number(report, bytes);
	zm_report_text(report, " bytes");
}

void zm_report_decimal(struct zm_report *report, double value)
{
	char text[ZM_DIGITS];
	uint64_t thousandths = value < 1e15 ? (uint64_t)(value * 1000 + 0.5) : (uint64_t)1e18;

	zm_report_number(report, thousandths / 1000);
	zm_report_text(report, ".");
	zm_report_text(report, zm_digits(1000 + thousandths % 1000, text) + 1);
}

/* Cut down, not rounded: "1024.0 KiB" is nobody's figure. */
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

int zm_report_finish(struct zm_report *report)
{
	flush(report);
	return report->error;
}
