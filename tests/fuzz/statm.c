/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/statm.c - any text as /proc/PID/statm.
 */
#include "config.h"

#include "fuzz.h"
#include "os/proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zm_span text = zm_span((const char *)data, size);
	uint64_t pages = 77, again = 77;
	int error = zm_proc_statm_rss(text, &pages);

	HOLDS(error == 0 || pages == 77);
	/* More text behind it changes nothing, less text never gives another number. */
	if (error == 0 && size > 0) {
		text.end--;
		HOLDS(zm_proc_statm_rss(text, &again) != 0 || again == pages);
	}
	return 0;
}
