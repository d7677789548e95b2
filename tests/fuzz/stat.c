/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/stat.c - any text as /proc/PID/stat, any field of it.
 */
#include "config.h"

#include "fuzz.h"
#include "os/proc.h"

#include <limits.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int fields[] = {INT_MIN, -1, 0, 1, 2, 3, 4, 24, 25, 52, 53, INT_MAX};
	struct zm_span text = zm_span((const char *)data, size);

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		long long value = 77, shorter = 77;
		int error = zm_proc_stat_field(text, fields[i], &value);
		struct zm_span cut = text;

		HOLDS(error == 0 || value == 77);
		HOLDS(error != 0 || fields[i] == 1 || fields[i] >= 4);
		/* Without its newline the text tells the same or nothing, never a cut number. */
		if (size == 0 || text.end[-1] != '\n' || fields[i] == 1)
			continue;
		cut.end--;
		if (zm_proc_stat_field(cut, fields[i], &shorter) == 0)
			HOLDS(error == 0 && shorter == value);
	}
	return 0;
}
