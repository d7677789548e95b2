/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/assert.c - what an assertion says when it fails.
 */
#include "config.h"

#include "base/assert.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/builder.h"

ZM_COLD void zm_assert_failed(const char *file, int line, const char *condition)
{
	struct zm_builder report;
	ssize_t written;

	zm_builder_start(&report);
	zm_build_text(&report, "zmalloc: ");
	zm_build_text(&report, file);
	zm_build_text(&report, ":");
	zm_build_number(&report, (uint64_t)line);
	zm_build_text(&report, ": not true: ");
	zm_build_text(&report, condition);
	zm_build_text(&report, "\n");
	written = write(STDERR_FILENO, report.text, report.length);
	(void)written;
	abort();
}
