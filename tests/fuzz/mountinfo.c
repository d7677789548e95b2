/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/mountinfo.c - any text as /proc/PID/mountinfo, and its roots against one another.
 */
#include "config.h"

#include "fuzz.h"
#include "os/cgroup.h"

#include <string.h>

static struct zm_span plain(char *buffer, struct zm_span escaped)
{
	size_t size = zm_span_size(escaped);

	memcpy(buffer, escaped.at, size);
	HOLDS(zm_cgroup_unescape(buffer, size) <= size);
	return zm_span(buffer, zm_cgroup_unescape(buffer, size));
}

static void check_mount(struct zm_span line, bool v1, struct zm_span group)
{
	struct zm_span root, point, below;
	char buffer[4096];

	if (zm_cgroup_mount(line, v1, &root, &point))
		return;
	HOLDS(root.at > line.at && root.end < point.at && point.end < line.end);
	HOLDS(zm_span_size(root) > 0 && zm_span_size(point) > 0);
	if (zm_span_size(root) > sizeof(buffer))
		return;
	root = plain(buffer, root);
	if (zm_cgroup_below(group, root, &below)) {
		HOLDS(below.at >= group.at && below.end <= group.end);
		HOLDS(below.at == below.end || (*below.at == '/' && below.end[-1] != '/'));
	}
	/* A group is in its own mount, unless that is above what can be seen. */
	if (*root.at == '/' && zm_cgroup_below(root, root, &below))
		HOLDS(below.at == below.end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zm_span text = zm_span((const char *)data, size), line, group, word;

	while (zm_span_cut(&text, '\n', &line)) {
		/* The line's first word stands for a group. */
		group = line;
		if (!zm_span_word(&group, &word))
			continue;
		check_mount(line, false, word);
		check_mount(line, true, word);
	}
	return 0;
}
