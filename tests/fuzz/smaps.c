/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/smaps.c - any text as /proc/PID/smaps, however it arrives.
 */
#include "config.h"

#include "fuzz.h"
#include "os/proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const fields[] = {"Rss:", "Swap:", ""};
	struct zm_span text = zm_span((const char *)data, size);
	struct zm_lines lines;
	char buffer[256];

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		uint64_t whole = 77, piecemeal = 77;
		int error, again;

		zm_lines_of_text(&lines, text, SIZE_MAX, buffer, sizeof(buffer));
		error = zm_proc_smaps_sum(&lines, fields[i], &whole);
		/* 1 to 64 bytes at a time, by the text itself */
		zm_lines_of_text(&lines, text, 1 + (size ? data[size / 2] % 64 : 0), buffer,
				 sizeof(buffer));
		again = zm_proc_smaps_sum(&lines, fields[i], &piecemeal);
		HOLDS(error == again && whole == piecemeal);
		HOLDS(error == 0 || whole == 77);
		HOLDS(error != 0 || whole % 1024 == 0);
	}
	return 0;
}
