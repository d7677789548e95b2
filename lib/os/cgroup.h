/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/cgroup.h - memory limits of Linux control groups, version 1, version 2 or both at once.
 */
#ifndef ZM_OS_CGROUP_H
#define ZM_OS_CGROUP_H

#include "os/limit.h"
#include "os/lines.h"

/*
 * The parsers, on text.
 * v1: the hierarchy of version 1 that has the memory controller, else the hierarchy of version 2.
 *
 *   zm_cgroup_of_line()      a line of /proc/PID/cgroup; *group is a piece of it.
 *                            ENOENT: a line of another hierarchy.
 *   zm_cgroup_mount()        a line of /proc/PID/mountinfo; the pieces are still escaped.
 *                            ENOENT: some other mount.
 *   zm_cgroup_unescape()     \040 and the like, in place; returns the new size.
 *   zm_cgroup_below()        the part of `group` below the mount whose root is `root`; false when
 *                            the mount does not show the group.
 *   zm_cgroup_limit_text()   what memory.max or memory.limit_in_bytes says; "max" is UINT64_MAX.
 *   zm_cgroup_hierarchical_limit()
 *                            what memory.stat of version 1 says of the whole way up; false when it
 *                            does not.
 */
int zm_cgroup_of_line(struct zm_span line, bool v1, struct zm_span *group);
int zm_cgroup_mount(struct zm_span line, bool v1, struct zm_span *root, struct zm_span *point);
size_t zm_cgroup_unescape(char *text, size_t size);
bool zm_cgroup_below(struct zm_span group, struct zm_span root, struct zm_span *below);
int zm_cgroup_limit_text(struct zm_span text, uint64_t *bytes);
bool zm_cgroup_hierarchical_limit(struct zm_lines *lines, uint64_t *bytes);

/*
 * A group as a walk sees it. `below` is the front part of a text that has room for a file's name
 * behind it: the name is written there while the file is opened, and what it covered, the names of
 * groups further down, is put back. So a walk needs no path of its own, and a thread no stack for
 * one.
 */
struct zm_cgroup {
	int mount;            /* a descriptor of the mount point */
	struct zm_span point; /* the mount point's name, without the tree's */
	struct zm_span below; /* the group's name below it; empty for the mount's root */
};

/* name: begins with a slash, and is no longer than "/memory.pressure_level". flags: open(2)'s. */
int zm_cgroup_open(const struct zm_cgroup *group, const char *name, int flags, int *fd);

struct zm_span zm_cgroup_parent(struct zm_span group);

/* Have this process's group seen, on each mount of the hierarchy that shows it. tree: as below. */
typedef void (*zm_cgroup_walk)(struct zm_cgroup group, void *context);
void zm_cgroup_walk_each(const char *tree, bool v1, zm_cgroup_walk walk, void *context);

/*
 * Lower `limit` by every group from this process's up to the root, as far as they are mounted.
 * tree: a directory that stands for "/" (tests); "" for the real one. Sources are named without it.
 */
void zm_cgroup_limits(const char *tree, struct zm_limit *limit);

#endif
