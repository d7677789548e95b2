/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/os_fixture.c - texts and folder trees below tests/fixtures/os for the tests of lib/os.
 */
#include "config.h"

#include "tests/os_fixture.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct zm_span fixture_text(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	static char text[1 << 16];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/fixtures/os/%s", srcdir ? srcdir : ".", name);
	file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	size = fread(text, 1, sizeof(text), file);
	ck_assert_msg(feof(file), "%s: too long for a fixture", path);
	fclose(file);
	return zm_span(text, size);
}

char *tree_begin(void)
{
	const char *tmpdir = getenv("TMPDIR");
	char *tree = malloc(4096);

	ck_assert_ptr_nonnull(tree);
	snprintf(tree, 4096, "%s/zmalloc-tree.XXXXXX", tmpdir ? tmpdir : "/tmp");
	ck_assert_msg(mkdtemp(tree) != NULL, "%s: %s", tree, strerror(errno));
	return tree;
}

void tree_file(const char *tree, const char *path, struct zm_span text)
{
	char full[8192];
	char *slash;
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", tree, path);
	for (slash = full + strlen(tree); (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
		*slash = '\0';
		ck_assert_msg(mkdir(full, 0700) == 0 || errno == EEXIST, "%s: %s", full,
			      strerror(errno));
	}
	file = fopen(full, "wb");
	ck_assert_msg(file != NULL, "%s: %s", full, strerror(errno));
	fwrite(text.at, 1, zm_span_size(text), file);
	ck_assert_int_eq(fclose(file), 0);
}

static bool is_heading(const char *line, const char *end)
{
	return end - line > 3 && memcmp(line, "== ", 3) == 0;
}

char *tree_build(const char *name)
{
	char path[4096];
	struct zm_span rest, line, body;
	char *tree = tree_begin();

	snprintf(path, sizeof(path), "trees/%s", name);
	rest = fixture_text(path);
	while (zm_span_cut(&rest, '\n', &line)) {
		if (!is_heading(line.at, line.end))
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)(line.end - line.at - 3), line.at + 3);
		body = zm_span(rest.at, 0);
		while (rest.at < rest.end && !is_heading(rest.at, rest.end)) {
			zm_span_cut(&rest, '\n', &line);
			body.end = rest.at;
		}
		tree_file(tree, path, body);
	}
	return tree;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

void tree_remove(char *tree)
{
	ck_assert_int_eq(nftw(tree, remove_one, 64, FTW_DEPTH | FTW_PHYS), 0);
	free(tree);
}
