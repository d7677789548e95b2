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
 * cannot be seen from there. Version 1 tells the sum of it in memory.stat; version 2 tells nothing,
 * and nothing is guessed.
 */
#include "config.h"

#include "base/assert.h"
#include "os/cgroup.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

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

	*root = *point = zm_span(NULL, 0);
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

bool zm_cgroup_hierarchical_limit(struct zm_lines *lines, uint64_t *bytes)
{
	static const char key[] = "hierarchical_memory_limit ";
	struct zm_span line;

	while (zm_lines_next(lines, &line) == 0) {
		if (lines->cut || !zm_span_starts(line, zm_span_of(key)))
			continue;
		line.at += sizeof(key) - 1;
		return zm_cgroup_limit_text(line, bytes) == 0;
	}
	return false;
}

/* ---- One group's files ---------------------------------------------------------------------- */

static const char limit_in_bytes[] = "/memory.limit_in_bytes";
static const char use_hierarchy[] = "/memory.use_hierarchy";
static const char memory_stat[] = "/memory.stat";
static const char memory_max[] = "/memory.max";
static const char memory_high[] = "/memory.high";

/* Of the longest name that is opened, its end included. */
#define NAME_ROOM sizeof("/memory.pressure_level")
_Static_assert(NAME_ROOM >= sizeof(limit_in_bytes), "no room for a name");

/* What openat() takes from a directory on: an absolute name would leave it. */
static const char *relative(const char *path)
{
	while (*path == '/')
		path++;
	return *path != '\0' ? path : ".";
}

int zm_cgroup_open(const struct zm_cgroup *group, const char *name, int flags, int *fd)
{
	char *end = (char *)group->below.end, kept[NAME_ROOM];
	size_t size = strlen(name) + 1;
	int error;

	zm_assert(size <= NAME_ROOM);
	memcpy(kept, end, size);
	memcpy(end, name, size);
	error = zm_file_open_as(group->mount, relative(group->below.at), flags, fd);
	memcpy(end, kept, size);
	return error;
}

/* The limit in one file of the group. */
static int read_limit(const struct zm_cgroup *group, const char *name, uint64_t *bytes)
{
	char text[64];
	size_t got;
	int error, fd;

	error = zm_cgroup_open(group, name, O_RDONLY, &fd);
	if (error)
		return error;
	error = zm_file_slurp_fd(fd, text, sizeof(text), &got);
	zm_file_close(fd);
	return error ? error : zm_cgroup_limit_text(zm_span(text, got), bytes);
}

static void lower_to(struct zm_limit *limit, uint64_t bytes, const struct zm_cgroup *group,
		     const char *name)
{
	const struct zm_span pieces[] = {group->point, group->below, zm_span_of(name)};

	zm_limit_lower_by(limit, bytes, pieces, sizeof(pieces) / sizeof(pieces[0]));
}

static void lower_by(struct zm_limit *limit, const struct zm_cgroup *group, const char *name)
{
	uint64_t bytes;

	if (read_limit(group, name, &bytes) == 0)
		lower_to(limit, bytes, group, name);
}

/* Before Linux 5.11, a group of version 1 could leave the groups below it to themselves. */
static bool counts_children(const struct zm_cgroup *group)
{
	uint64_t hierarchical;

	return read_limit(group, use_hierarchy, &hierarchical) || hierarchical != 0;
}

struct zm_span zm_cgroup_parent(struct zm_span group)
{
	while (group.end > group.at && *--group.end != '/')
		;
	while (group.end > group.at && group.end[-1] == '/')
		group.end--;
	return group;
}

/* ---- The way up ----------------------------------------------------------------------------- */

static void walk_up_v2(struct zm_cgroup group, void *context)
{
	struct zm_limit *limit = context;

	for (;;) {
		lower_by(limit, &group, memory_max);
		lower_by(limit, &group, memory_high);
		if (group.below.at == group.below.end)
			return;
		group.below = zm_cgroup_parent(group.below);
	}
}

static void lower_on_the_way_up_v1(struct zm_cgroup group, struct zm_limit *limit)
{
	bool leaf = true;

	for (;;) {
		if (!leaf && !counts_children(&group))
			return;
		leaf = false;
		lower_by(limit, &group, limit_in_bytes);
		if (group.below.at == group.below.end)
			return;
		group.below = zm_cgroup_parent(group.below);
	}
}

static bool lower_by_stat(const struct zm_cgroup *group, struct zm_limit *limit)
{
	char buffer[256];
	struct zm_lines lines;
	uint64_t bytes;
	bool told;
	int fd;

	if (zm_cgroup_open(group, memory_stat, O_RDONLY, &fd))
		return false;
	zm_lines_of_fd(&lines, fd, buffer, sizeof(buffer));
	told = zm_cgroup_hierarchical_limit(&lines, &bytes);
	zm_file_close(fd);
	if (told)
		lower_to(limit, bytes, group, memory_stat);
	return told;
}

/*
 * The kernel's own sum of the way up, of version 1: it holds limits of groups above the mount too,
 * which a container cannot see. The lowest group that tells will do. Asked last, so that a file
 * that can be seen is the one that is named.
 */
static void apply_limits_above_mount(struct zm_cgroup group, struct zm_limit *limit)
{
	while (!lower_by_stat(&group, limit) && group.below.at != group.below.end)
		group.below = zm_cgroup_parent(group.below);
}

static void walk_up_v1(struct zm_cgroup group, void *context)
{
	lower_on_the_way_up_v1(group, context);
	apply_limits_above_mount(group, context);
}

/* ---- This process's group, on each mount that shows it -------------------------------------- */

/*
 * Names of groups begin with the first byte of a buffer and have NAME_ROOM behind them. Lines of
 * mountinfo have what is left of it: all but a hundred bytes as a rule, and never less than what a
 * line of a group's mount takes unless its names fill 1 KiB.
 */
#define BUFFER_SIZE (PATH_SIZE + 1024)

/* tree: a directory, or -1 for the real root. */
static int open_in_tree(int tree, const char *path, int *fd)
{
	return zm_file_open_at(tree, tree < 0 ? path : relative(path), fd);
}

static bool find_group(int tree, bool v1, char *buffer, struct zm_span *group)
{
	struct zm_lines lines;
	struct zm_span line, found;
	bool done = false;
	int fd;

	if (open_in_tree(tree, "/proc/self/cgroup", &fd))
		return false;
	zm_lines_of_fd(&lines, fd, buffer, BUFFER_SIZE);
	while (!done && zm_lines_next(&lines, &line) == 0)
		done = !lines.cut && zm_cgroup_of_line(line, v1, &found) == 0 &&
		       zm_span_size(found) < PATH_SIZE;
	zm_file_close(fd);
	if (done) {
		memmove(buffer, found.at, zm_span_size(found));
		*group = zm_span(buffer, zm_span_size(found));
	}
	return done;
}

static void unescape_in(char *buffer, struct zm_span *span)
{
	char *text = buffer + (span->at - buffer);

	*span = zm_span(text, zm_cgroup_unescape(text, zm_span_size(*span)));
}

/* The blank behind the mount point's name makes way for its end. */
static int open_mount(int tree, struct zm_span point, int *fd)
{
	*(char *)point.end = '\0';
	return zm_file_open_directory(tree, tree < 0 ? point.at : relative(point.at), fd);
}

static void walk_mount(int tree, struct zm_span point, struct zm_span below, zm_cgroup_walk walk,
		       void *context)
{
	struct zm_cgroup group = {.point = point, .below = below};

	if (open_mount(tree, point, &group.mount))
		return;
	walk(group, context);
	zm_file_close(group.mount);
}

static void walk_each_mount(int tree, bool v1, char *buffer, struct zm_span group,
			    zm_cgroup_walk walk, void *context)
{
	size_t used = zm_span_size(group) + NAME_ROOM;
	struct zm_lines lines;
	struct zm_span line, root, point, below;
	int fd;

	if (open_in_tree(tree, "/proc/self/mountinfo", &fd))
		return;
	zm_lines_of_fd(&lines, fd, buffer + used, BUFFER_SIZE - used);
	while (zm_lines_next(&lines, &line) == 0) {
		if (lines.cut || zm_cgroup_mount(line, v1, &root, &point))
			continue;
		unescape_in(buffer, &root);
		unescape_in(buffer, &point);
		if (zm_span_size(point) != 0 && *point.at == '/' &&
		    zm_cgroup_below(group, root, &below))
			walk_mount(tree, point, below, walk, context);
	}
	zm_file_close(fd);
}

static void walk_hierarchy(int tree, bool v1, zm_cgroup_walk walk, void *context)
{
	char buffer[BUFFER_SIZE];
	struct zm_span group;

	if (find_group(tree, v1, buffer, &group))
		walk_each_mount(tree, v1, buffer, group, walk, context);
}

void zm_cgroup_walk_each(const char *tree, bool v1, zm_cgroup_walk walk, void *context)
{
	int directory = -1;

	if (*tree != '\0' && zm_file_open_directory(-1, tree, &directory))
		return;
	walk_hierarchy(directory, v1, walk, context);
	if (directory >= 0)
		zm_file_close(directory);
}

void zm_cgroup_limits(const char *tree, struct zm_limit *limit)
{
	zm_cgroup_walk_each(tree, false, walk_up_v2, limit);
	zm_cgroup_walk_each(tree, true, walk_up_v1, limit);
}
