/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/maps.c - any text as a line of /proc/PID/maps, and as the notes of an ELF file.
 */
#include "config.h"

#include "fuzz.h"
#include "os/mapping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zm_span text = zm_span((const char *)data, size);
	unsigned char build_id[ZM_OS_BUILD_ID_BYTES];
	struct zm_maps_line line;

	if (zm_maps_line(text, &line) == 0) {
		HOLDS(line.path.at >= text.at && line.path.at <= line.path.end);
		HOLDS(line.path.end <= text.end);
		HOLDS(line.file.at > text.at && line.file.end <= line.path.at);
	}
	HOLDS(zm_build_id_of_notes(data, size, build_id) <= ZM_OS_BUILD_ID_BYTES);
	return 0;
}
