/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/cgroup.c - memory limits of Linux control groups.
 *
 *   /proc/self/cgroup       which group this process is in, a line for each hierarchy
 *   /proc/self/mountinfo    where hierarchies are mounted, and which group is each mount's root
 *   MOUNT/GROUP/memory.max  and so on, for the group and for each group above it
 *
 * Each limit holds for the whole subtree below it, so the tightest on the way up is the one that
 * counts, wherever it stands. A container often mounts its own group as the root: what is above it
 * cannot be seen from here, and is not guessed.
 */
#include "config.h"

#include "os/cgroup.h"
#include "os/file.h"

#include <errno.h>

/* As long as the kernel makes the path of a group, and as open() takes any path. */
#define PATH_SIZE 4096

/* Version 1 says "none" as the most bytes that whole pages, of up to 64 KiB, can have. */
#define V1_UNLIMITED ((uint64_t)INT64_MAX & ~(uint64_t)0xffff)

int zm_cgroup_of_line(struct zm_span line, bool v1, struct zm_span *group)
{
	struct zm_span id, controllers;

	/* "4:memory:/any:thing", and "0::/any:thing" for version 2 */
	if (!zm_span_cut(&line, ':', &id) || !zm_span_cut(&line, ':', &controllers) ||
	    line.at == line.end || *line.at != '/')
		return EINVAL;
	if (v1 ? !zm_span_lists(controllers, "memory")
	       : !zm_span_is(id, "0") || zm_span_size(controllers) != 0)
		return ENOENT;
	*group = line;
	return 0;
}

int zm_cgroup_mount(struct zm_span line, bool v1, struct zm_span *root, struct zm_span *point)
{
	struct zm_span word, type, options;
	int i;

	/* 35 31 0:32 ROOT POINT rw,relatime [any number of fields] - cgroup SOURCE rw,memory */
	for (i = 0; i < 6; i++) {
		if (!zm_span_word(&line, &word))
			return EINVAL;
		if (i == 3)
			*root = word;
		if (i == 4)
			*point = word;
	}
	do {
		if (!zm_span_word(&line, &word))
			return EINVAL;
	} while (!zm_span_is(word, "-"));
	if (!zm_span_word(&line, &type))
		return EINVAL;
	if (!v1)
		return zm_span_is(type, "cgroup2") ? 0 : ENOENT;
	if (!zm_span_is(type, "cgroup"))
		return ENOENT;
	if (!zm_span_word(&line, &word) || !zm_span_word(&line, &options))
		return EINVAL;
	return zm_span_lists(options, "memory") ? 0 : ENOENT;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

size_t zm_cgroup_unescape(char *text, size_t size)
{
	const char *p = text, *end = text + size;
	char *to = text;

	while (p < end) {
		char c = *p++;

		if (c == '\\' && end - p >= 3 && p[0] >= '0' && p[0] <= '3' && is_octal(p[1]) &&
		    is_octal(p[2])) {
			c = (char)((p[0] - '0') * 64 + (p[1] - '0') * 8 + (p[2] - '0'));
			p += 3;
		}
		*to++ = c;
	}
	return (size_t)(to - text);
}

/* Cut a "/.." off the front: the parent, not a group whose name begins so. */
static bool cut_parent(struct zm_span *path)
{
	struct zm_span rest = *path;

	if (!zm_span_starts(rest, zm_span_of("/..")))
		return false;
	rest.at += 3;
	if (rest.at != rest.end && *rest.at != '/')
		return false;
	*path = rest;
	return true;
}

bool zm_cgroup_below(struct zm_span group, struct zm_span root, struct zm_span *below)
{
	struct zm_span group_above = group, root_above = root;

	/*
	 * In a group namespace names start at the namespace's own group, and "/.." is above it. A
	 * mount from further up than the group's name reaches is above this process all the same,
	 * by a way whose names cannot be seen: take its root alone.
	 */
	while (cut_parent(&root_above)) {
		root = root_above;
		if (cut_parent(&group_above)) {
			group = group_above;
			continue;
		}
		while (cut_parent(&root_above))
			;
		*below = zm_span(group.end, 0);
		return root_above.at == root_above.end;
	}
	if (cut_parent(&group_above))
		return false;
	if (zm_span_is(root, "/"))
		root.at++;
	if (!zm_span_starts(group, root))
		return false;
	group.at += zm_span_size(root);
	if (group.at != group.end && *group.at != '/')
		return false;
	while (group.end > group.at && group.end[-1] == '/')
		group.end--;
	*below = group;
	return true;
}

int zm_cgroup_limit_text(struct zm_span text, uint64_t *bytes)
{
	struct zm_span line;
	uint64_t number;
	int error;

	if (!zm_span_cut(&text, '\n', &line))
		return EINVAL;
	if (zm_span_is(line, "max")) {
		*bytes = UINT64_MAX;
		return 0;
	}
	error = zm_span_number(&line, &number);
	if (error)
		return error;
	if (line.at != line.end)
		return EINVAL;
	*bytes = number >= V1_UNLIMITED ? UINT64_MAX : number;
	return 0;
}

/* The limit in one file of the group at `path`, which comes back as it was. */
static int read_limit(struct zm_path *path, const char *name, uint64_t *bytes)
{
	size_t length = path->length, got;
	char text[64];
	int error = ENAMETOOLONG;

	if (zm_path_add(path, zm_span_of(name)))
		error = zm_file_slurp(path->text, text, sizeof(text), &got);
	zm_path_cut(path, length);
	return error ? error : zm_cgroup_limit_text(zm_span(text, got), bytes);
}

static void lower_by(struct zm_limit *limit, struct zm_path *path, size_t tree, const char *name)
{
	size_t length = path->length;
	uint64_t bytes;

	if (read_limit(path, name, &bytes) || bytes >= limit->bytes)
		return;
	zm_path_add(path, zm_span_of(name));
	zm_limit_lower(limit, bytes, zm_span(path->text + tree, path->length - tree));
	zm_path_cut(path, length);
}

/* Before Linux 5.11, a group of version 1 could leave the groups below it to themselves. */
static bool counts_children(struct zm_path *path)
{
	uint64_t hierarchical;

	return read_limit(path, "/memory.use_hierarchy", &hierarchical) || hierarchical != 0;
}

static struct zm_span parent(struct zm_span group)
{
	while (group.end > group.at && *--group.end != '/')
		;
	while (group.end > group.at && group.end[-1] == '/')
		group.end--;
	return group;
}

/* From the group at tree + point + below up to tree + point. */
static void walk_up(const char *tree, struct zm_span point, struct zm_span below, bool v1,
		    struct zm_limit *limit)
{
	char buffer[PATH_SIZE];
	struct zm_path path;
	size_t tree_length, point_length;
	bool leaf = true;

	zm_path_init(&path, buffer, sizeof(buffer));
	if (!zm_path_add(&path, zm_span_of(tree)))
		return;
	tree_length = path.length;
	if (!zm_path_add(&path, point))
		return;
	point_length = path.length;
	for (;;) {
		if (zm_path_add(&path, below)) {
			if (v1 && !leaf && !counts_children(&path))
				return;
			leaf = false;
			lower_by(limit, &path, tree_length,
				 v1 ? "/memory.limit_in_bytes" : "/memory.max");
			if (!v1)
				lower_by(limit, &path, tree_length, "/memory.high");
		}
		if (below.at == below.end)
			return;
		zm_path_cut(&path, point_length);
		below = parent(below);
	}
}

/* The buffer is the caller's, for want of stack: it holds lines afterwards. */
static int open_in_tree(const char *tree, const char *name, char *buffer, size_t size, int *fd)
{
	struct zm_path path;

	zm_path_init(&path, buffer, size);
	if (!zm_path_add(&path, zm_span_of(tree)) || !zm_path_add(&path, zm_span_of(name)))
		return ENAMETOOLONG;
	return zm_file_open(path.text, fd);
}

static bool find_group(const char *tree, bool v1, struct zm_path *group)
{
	char buffer[PATH_SIZE + 256];
	struct zm_lines lines;
	struct zm_span line, found;
	bool done = false;
	int fd;

	if (open_in_tree(tree, "/proc/self/cgroup", buffer, sizeof(buffer), &fd))
		return false;
	zm_lines_of_fd(&lines, fd, buffer, sizeof(buffer));
	while (!done && zm_lines_next(&lines, &line) == 0) {
		if (!lines.cut && zm_cgroup_of_line(line, v1, &found) == 0)
			done = zm_path_add(group, found);
	}
	zm_file_close(fd);
	return done;
}

static void unescape_in(char *buffer, struct zm_span *span)
{
	char *text = buffer + (span->at - buffer);

	*span = zm_span(text, zm_cgroup_unescape(text, zm_span_size(*span)));
}

static void each_mount(const char *tree, bool v1, struct zm_span group, struct zm_limit *limit)
{
	char buffer[PATH_SIZE];
	struct zm_lines lines;
	struct zm_span line, root, point, below;
	int fd;

	if (open_in_tree(tree, "/proc/self/mountinfo", buffer, sizeof(buffer), &fd))
		return;
	zm_lines_of_fd(&lines, fd, buffer, sizeof(buffer));
	while (zm_lines_next(&lines, &line) == 0) {
		if (lines.cut || zm_cgroup_mount(line, v1, &root, &point))
			continue;
		unescape_in(buffer, &root);
		unescape_in(buffer, &point);
		if (zm_cgroup_below(group, root, &below))
			walk_up(tree, point, below, v1, limit);
	}
	zm_file_close(fd);
}

static void hierarchy(const char *tree, bool v1, struct zm_limit *limit)
{
	char buffer[PATH_SIZE];
	struct zm_path group;

	zm_path_init(&group, buffer, sizeof(buffer));
	if (find_group(tree, v1, &group))
		each_mount(tree, v1, zm_span(group.text, group.length), limit);
}

void zm_cgroup_limits(const char *tree, struct zm_limit *limit)
{
	hierarchy(tree, false, limit);
	hierarchy(tree, true, limit);
}
