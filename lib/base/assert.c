/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/assert.c - what an assertion says when it fails.
 */
#include "config.h"

#include "base/assert.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/report.h"

ZM_COLD void zm_assert_failed(const char *file, int line, const char *condition)
{
	struct zm_report report;
	ssize_t written;

	zm_report_start(&report);
	zm_report_text(&report, "zmalloc: ");
	zm_report_text(&report, file);
	zm_report_text(&report, ":");
	zm_report_number(&report, (uint64_t)line);
	zm_report_text(&report, ": not true: ");
	zm_report_text(&report, condition);
	zm_report_text(&report, "\n");
	written = write(STDERR_FILENO, report.text, report.length);
	(void)written;
	abort();
}
