/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/trees.c - the whole walk over control groups, on a tree whose three files are cut from
 * one text at "== " lines, as tests/fixtures/os/trees describes trees; every group's limit is the
 * third one.
 */
#include "config.h"

#include "fuzz.h"
#include "os/cgroup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char tree[512];

static void put(const char *path, struct zm_span text)
{
	char full[1024];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", tree, path);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	HOLDS(fd >= 0);
	HOLDS(write(fd, text.at, zm_span_size(text)) == (ssize_t)zm_span_size(text));
	close(fd);
}

/* In the folder that run.sh names and removes. Groups /a and /a/b c, below two mount points. */
static void build(void)
{
	static const char *const folders[] = {"",     "/proc",    "/proc/self", "/m",
					      "/m/a", "/m/a/b c", "/n o",       "/n o/a"};
	const char *tmpdir = getenv("TMPDIR");
	char full[1024];

	snprintf(tree, sizeof(tree), "%s/tree.%ld", tmpdir ? tmpdir : "/tmp", (long)getpid());
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(full, sizeof(full), "%s%s", tree, folders[i]);
		HOLDS(mkdir(full, 0700) == 0);
	}
}

static struct zm_span section(struct zm_span *text)
{
	struct zm_span line, body;

	do {
		body.at = body.end = text->at;
		if (!zm_span_cut(text, '\n', &line))
			return body;
	} while (zm_span_size(line) >= 3 && memcmp(line.at, "== ", 3) != 0);
	body.at = body.end = text->at;
	while (text->at < text->end &&
	       !(text->end - text->at >= 3 && memcmp(text->at, "== ", 3) == 0)) {
		zm_span_cut(text, '\n', &line);
		body.end = text->at;
	}
	return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const limits[] = {"m/memory.max",
					     "m/a/memory.high",
					     "m/a/b c/memory.max",
					     "m/a/b c/memory.limit_in_bytes",
					     "n o/memory.use_hierarchy",
					     "n o/a/memory.limit_in_bytes"};
	struct zm_span text = zm_span((const char *)data, size), limit_text;
	struct zm_limit limit;
	uint64_t bytes;
	char source[32];

	if (tree[0] == '\0')
		build();
	put("proc/self/cgroup", section(&text));
	put("proc/self/mountinfo", section(&text));
	limit_text = section(&text);
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		put(limits[i], limit_text);
	memset(source, '?', sizeof(source));
	zm_limit_init(&limit, source, sizeof(source));
	zm_cgroup_limits(tree, &limit);
	HOLDS(memchr(source, '\0', sizeof(source)) != NULL);
	HOLDS((limit.bytes == UINT64_MAX) == (source[0] == '\0'));
	/* The file is read up to 64 bytes. */
	if (limit.bytes != UINT64_MAX && zm_span_size(limit_text) <= 64) {
		HOLDS(zm_cgroup_limit_text(limit_text, &bytes) == 0);
		HOLDS(limit.bytes == bytes);
	}
	return 0;
}
