/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_os_cgroup.c - control-group limits, found in trees of files that stand for a machine.
 */
#include "config.h"

#include "os/cgroup.h"
#include "os/os.h"
#include "tests/os_fixture.h"
#include "tests/support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NONE UINT64_MAX
static const struct {
	const char *tree;
	uint64_t bytes;
	const char *source;
} trees[] = {
	{"v2_leaf", 256 * MIB, "/sys/fs/cgroup/app.slice/redis/memory.max"},
	{"v2_parent", 128 * MIB, "/sys/fs/cgroup/app.slice/memory.max"},
	{"v2_high", 384 * MIB, "/sys/fs/cgroup/app.slice/redis/memory.high"},
	{"v2_max", NONE, ""},
	{"v2_zero", 0, "/sys/fs/cgroup/frozen/memory.high"},
	{"v2_root", 192 * MIB, "/sys/fs/cgroup/memory.max"},
	{"v2_spaces_and_colons", 96 * MIB, "/mnt/c g:\\x/a b:c/memory.max"},
	{"v2_bad_files", 800 * MIB, "/sys/fs/cgroup/a/memory.max"},
	{"v2_gone", 80 * MIB, "/sys/fs/cgroup/a/memory.max"},
	{"v2_two_mounts", 48 * MIB, "/mnt/partial/memory.max"},
	{"v2_mount_from_above", 64 * MIB, "/sys/fs/cgroup/memory.max"},
	{"v2_mount_beside", NONE, ""},
	{"v2_process_outside", NONE, ""},
	{"v2_long_line", 24 * MIB, "/sys/fs/cgroup/a/memory.max"},
	{"v1_leaf", 256 * MIB, "/sys/fs/cgroup/memory/redis/memory.limit_in_bytes"},
	{"v1_parent", 144 * MIB, "/sys/fs/cgroup/memory/a/memory.limit_in_bytes"},
	{"v1_flat", 512 * MIB, "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes"},
	{"v1_unlimited", NONE, ""},
	{"v1_docker", 112 * MIB, "/sys/fs/cgroup/memory/memory.limit_in_bytes"},
	{"v1_docker_space", 112 * MIB, "/sys/fs/cgroup/memory/memory.limit_in_bytes"},
	{"v1_limit_above", 256 * MIB, "/sys/fs/cgroup/memory/memory.stat"},
	{"v1_limit_above_inner", 200 * MIB, "/sys/fs/cgroup/memory/inner/memory.stat"},
	{"v1_limit_above_looser", 144 * MIB, "/sys/fs/cgroup/memory/memory.limit_in_bytes"},
	{"v1_limit_above_none", NONE, ""},
	{"hybrid_v1_binds", 90 * MIB, "/sys/fs/cgroup/memory/redis.service/memory.limit_in_bytes"},
	{"hybrid_v2_binds", 88 * MIB, "/sys/fs/cgroup/unified/redis.service/memory.high"},
	{"no_mount", NONE, ""},
	{"no_group", NONE, ""},
	{"no_proc", NONE, ""},
};

static void assert_limit(const char *tree, uint64_t bytes, const char *expected)
{
	struct zm_limit limit;
	char source[8192];
	int open_before = descriptors();

	zm_limit_init(&limit, source, sizeof(source));
	zm_cgroup_limits(tree, &limit);
	ck_assert_int_eq(descriptors(), open_before);
	ck_assert_msg(limit.bytes == bytes, "%llu bytes, not %llu, from \"%s\"",
		      (unsigned long long)limit.bytes, (unsigned long long)bytes, source);
	ck_assert_str_eq(source, expected);
}

START_TEST(test_tree)
{
	char *tree = tree_build(trees[_i].tree);

	assert_limit(tree, trees[_i].bytes, trees[_i].source);
	tree_remove(tree);
}
END_TEST

/* "/g01/g02/...", down to `depth` */
static void nested(char *path, size_t size, int depth)
{
	size_t length = 0;

	path[0] = '\0';
	for (int i = 1; i <= depth; i++)
		length += (size_t)snprintf(path + length, size - length, "/g%02d", i);
}

/* The limit stands in the 20th of 40; there is a looser one below it and one above it. */
START_TEST(test_forty_nested_groups_with_the_limit_in_the_middle)
{
	static const struct {
		int depth;
		const char *text;
	} limits[] = {{40, "max\n"}, {33, "536870912\n"}, {20, "33554432\n"}, {1, "67108864\n"}};
	char *tree = tree_begin();
	char group[512], text[2048];

	nested(group, sizeof(group), 40);
	snprintf(text, sizeof(text), "0::%s\n", group);
	tree_file(tree, "proc/self/cgroup", zm_span_of(text));
	tree_file(tree, "proc/self/mountinfo", fixture_text("mountinfo/v2"));
	for (int i = 0; i < (int)COUNT_OF(limits); i++) {
		nested(group, sizeof(group), limits[i].depth);
		snprintf(text, sizeof(text), "sys/fs/cgroup%s/memory.max", group);
		tree_file(tree, text, zm_span_of(limits[i].text));
	}
	nested(group, sizeof(group), 20);
	snprintf(text, sizeof(text), "/sys/fs/cgroup%s/memory.max", group);
	assert_limit(tree, 32 * MIB, text);
	tree_remove(tree);
}
END_TEST

/* The kernel lets a group's path be as long as open() takes; with the mount point it is longer. */
START_TEST(test_a_group_too_deep_to_open_is_passed_over)
{
	char *tree = tree_begin();
	char text[8192];
	size_t length = (size_t)snprintf(text, sizeof(text), "0::/top");

	while (length < 4000)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "/%060d", 0);
	snprintf(text + length, sizeof(text) - length, "\n");
	tree_file(tree, "proc/self/cgroup", zm_span_of(text));
	tree_file(tree, "proc/self/mountinfo", fixture_text("mountinfo/v2"));
	tree_file(tree, "sys/fs/cgroup/top/memory.max", zm_span_of("16777216\n"));
	assert_limit(tree, 16 * MIB, "/sys/fs/cgroup/top/memory.max");
	tree_remove(tree);
}
END_TEST

START_TEST(test_source_is_cut_and_terminated)
{
	char *tree = tree_build("v2_leaf");
	struct zm_limit limit;
	char source[] = "????????????????";

	zm_limit_init(&limit, source, 10);
	zm_cgroup_limits(tree, &limit);
	ck_assert_str_eq(source, "/sys/fs/c");
	ck_assert_int_eq(source[10], '?');
	zm_limit_init(&limit, source, 1);
	zm_cgroup_limits(tree, &limit);
	ck_assert_str_eq(source, "");
	zm_limit_init(&limit, source, 0);
	zm_cgroup_limits(tree, &limit);
	zm_limit_init(&limit, NULL, 10);
	zm_cgroup_limits(tree, &limit);
	ck_assert_uint_eq(limit.bytes, 256 * MIB);
	tree_remove(tree);
}
END_TEST

START_TEST(test_a_limit_of_nothing_is_one_page_and_no_limit_is_an_error)
{
	struct zm_limit limit;
	size_t bytes = 77;

	zm_limit_init(&limit, NULL, 0);
	ck_assert_int_eq(zm_limit_result(&limit, &bytes), ENOTSUP);
	ck_assert_uint_eq(bytes, 77);
	zm_limit_lower(&limit, 0, zm_span_of("x"));
	ck_assert_int_eq(zm_limit_result(&limit, &bytes), 0);
	ck_assert_uint_eq(bytes, zm_os_page_size());
}
END_TEST

START_TEST(test_the_first_of_equal_limits_is_named)
{
	struct zm_limit limit;
	char source[16];

	zm_limit_init(&limit, source, sizeof(source));
	zm_limit_lower(&limit, 5, zm_span_of("first"));
	zm_limit_lower(&limit, 5, zm_span_of("second"));
	ck_assert_str_eq(source, "first");
}
END_TEST

static const struct {
	const char *text;
	int error;
	uint64_t bytes;
} limit_texts[] = {
	{"limit/max", 0, NONE},
	{"limit/number", 0, 268435456},
	{"limit/v1_unlimited", 0, NONE},
	{"limit/v1_unlimited_64k_pages", 0, NONE},
	{"limit/zero", 0, 0},
	{"limit/largest", 0, NONE},
	{"limit/over_64_bits", ERANGE, 0},
	{"limit/maximum", EINVAL, 0},
	{"limit/negative", EINVAL, 0},
	{"limit/unit", EINVAL, 0},
	{"limit/no_newline", 0, 268435456},
	{"limit/empty", EINVAL, 0},
	{"limit/newline_only", EINVAL, 0},
};

START_TEST(test_limit_text)
{
	uint64_t bytes = 77;
	int error = zm_cgroup_limit_text(fixture_text(limit_texts[_i].text), &bytes);

	ck_assert_msg(error == limit_texts[_i].error, "%s: error %d", limit_texts[_i].text, error);
	ck_assert_uint_eq(bytes, error ? 77 : limit_texts[_i].bytes);
}
END_TEST

static const struct {
	const char *text;
	const char *v1, *v2; /* NULL: no such group */
} group_files[] = {
	{"cgroup/v2", NULL, "/user.slice/user-1000.slice/session-3.scope"},
	{"cgroup/hybrid", "/system.slice/redis.service", "/system.slice/redis.service"},
	{"cgroup/docker", "/docker/4f1c6d1e3b", NULL},
	{"cgroup/spaces_and_colons", "/a b:c/d: e", "/:/ "},
	{"cgroup/named_memory", "/yes", NULL},
	{"cgroup/no_path", NULL, NULL},
	{"cgroup/empty", NULL, NULL},
};

static void assert_group(struct zm_span text, bool v1, const char *expected)
{
	struct zm_span line, group = {NULL, NULL};

	while (zm_span_cut(&text, '\n', &line)) {
		if (zm_cgroup_of_line(line, v1, &group) == 0)
			break;
	}
	if (expected == NULL)
		ck_assert_ptr_null(group.at);
	else
		ck_assert_msg(group.at != NULL && zm_span_is(group, expected), "not %s", expected);
}

START_TEST(test_group_of_a_process)
{
	struct zm_span text = fixture_text(group_files[_i].text);

	assert_group(text, true, group_files[_i].v1);
	assert_group(text, false, group_files[_i].v2);
}
END_TEST

/* The mounts found, as "root>point;" after unescaping. */
static const struct {
	const char *text, *v1, *v2;
} mount_files[] = {
	{"mountinfo/v2", "", "/>/sys/fs/cgroup;"},
	{"mountinfo/hybrid", "/>/sys/fs/cgroup/memory;", "/>/sys/fs/cgroup/unified;"},
	{"mountinfo/docker", "/docker/4f1c6d1e3b>/sys/fs/cgroup/memory;", ""},
	{"mountinfo/escapes", "/with space\ttab\nline\\back>/mnt/c g\\040roup;", ""},
	{"mountinfo/dash_fields", "/>/mnt/z;", "/>/mnt/-;"},
	{"mountinfo/cut", "", ""},
	{"mountinfo/bad_escapes", "/a\\>/b\\0;/a\\04>/b\\999\\400;", ""},
	{"mountinfo/empty", "", ""},
};

static size_t append(char *to, size_t length, struct zm_span escaped, char end)
{
	memcpy(to + length, escaped.at, zm_span_size(escaped));
	length += zm_cgroup_unescape(to + length, zm_span_size(escaped));
	to[length++] = end;
	to[length] = '\0';
	return length;
}

static void assert_mounts(struct zm_span text, bool v1, const char *expected)
{
	struct zm_span line, root, point;
	char found[4096] = "";
	size_t length = 0;

	while (zm_span_cut(&text, '\n', &line)) {
		if (zm_cgroup_mount(line, v1, &root, &point))
			continue;
		length = append(found, length, root, '>');
		length = append(found, length, point, ';');
	}
	ck_assert_str_eq(found, expected);
}

START_TEST(test_mounts)
{
	struct zm_span text = fixture_text(mount_files[_i].text);

	assert_mounts(text, true, mount_files[_i].v1);
	assert_mounts(text, false, mount_files[_i].v2);
}
END_TEST

static const struct {
	const char *group, *root, *below; /* NULL: the mount does not show the group */
} pairs[] = {
	{"/", "/", ""},
	{"/a/b", "/", "/a/b"},
	{"/a/b/", "/", "/a/b"},
	{"/a/b", "/a", "/b"},
	{"/a/b", "/a/b", ""},
	{"/a/b", "/a/b/c", NULL},
	{"/a/bc", "/a/b", NULL},
	{"/a", "/b", NULL},
	{"/", "/a", NULL},
	{"/", "/..", ""},
	{"/a", "/..", ""},
	{"/", "/../..", ""},
	{"/a", "/../b", NULL},
	{"/../a/b", "/", NULL},
	{"/../a/b", "/x", NULL},
	{"/../a/b", "/../a", "/b"},
	{"/../a/b", "/../c", NULL},
	{"/../a/b", "/..", "/a/b"},
	{"/../a", "/../..", ""},
	{"/../../a", "/..", NULL},
	{"/..a/b", "/..a", "/b"},
	{"/..a/b", "/", "/..a/b"},
	{"/a", "/..a", NULL},
};

START_TEST(test_group_below_a_mount)
{
	struct zm_span below;
	bool shown =
		zm_cgroup_below(zm_span_of(pairs[_i].group), zm_span_of(pairs[_i].root), &below);

	ck_assert_int_eq(shown, pairs[_i].below != NULL);
	if (shown)
		ck_assert_msg(zm_span_is(below, pairs[_i].below), "%s below %s", pairs[_i].group,
			      pairs[_i].root);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("os_cgroup");

	tcase_add_loop_test(tests, test_tree, 0, (int)COUNT_OF(trees));
	tcase_add_test(tests, test_forty_nested_groups_with_the_limit_in_the_middle);
	tcase_add_test(tests, test_a_group_too_deep_to_open_is_passed_over);
	tcase_add_test(tests, test_source_is_cut_and_terminated);
	tcase_add_test(tests, test_a_limit_of_nothing_is_one_page_and_no_limit_is_an_error);
	tcase_add_test(tests, test_the_first_of_equal_limits_is_named);
	tcase_add_loop_test(tests, test_limit_text, 0, (int)COUNT_OF(limit_texts));
	tcase_add_loop_test(tests, test_group_of_a_process, 0, (int)COUNT_OF(group_files));
	tcase_add_loop_test(tests, test_mounts, 0, (int)COUNT_OF(mount_files));
	tcase_add_loop_test(tests, test_group_below_a_mount, 0, (int)COUNT_OF(pairs));
	return run_tests(tests);
}
