/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/cgroup.c - any text as /proc/PID/cgroup.
 */
#include "config.h"

#include "fuzz.h"
#include "os/cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zm_span text = zm_span((const char *)data, size), line, group;

	while (zm_span_cut(&text, '\n', &line)) {
		for (int v1 = 0; v1 < 2; v1++) {
			if (zm_cgroup_of_line(line, v1, &group))
				continue;
			HOLDS(group.at > line.at && group.end == line.end);
			HOLDS(group.at < group.end && *group.at == '/');
		}
	}
	return 0;
}
