#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/check_cgroup.sh - a real control group with a limit: the library finds it, and names it.
#
# Makes one group below the mount of the memory controller (version 1), or below this process's own
# group (version 2, where that is delegated to us), runs a program in a group inside it, and removes
# both. The inner group's name is one that parsers trip over.
set -u

limit=268435456
name=zmalloc-check.$$
inner='a b:c\040'

skip() {
	echo "SKIP: $*"
	exit 77
}

fail() {
	echo "FAIL: $*"
	exit 1
}

. tests/build.env
test "$cross_compiling" != yes || skip "built for another machine: this one's groups cannot hold it"
test "$zm_os" = linux || skip "lib/os/$zm_os.c knows no control groups"
test -e /proc/self/mountinfo || skip "no control groups: not Linux"
test -e tests/show_limit || skip "tests/show_limit was not built"

group=
clean_up() {
	if test -n "$group"; then
		rmdir "$group/$inner" 2>/dev/null
		rmdir "$group" 2>/dev/null
	fi
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# make_group PARENT LIMIT-FILE: a group there with our limit, or nothing changed.
make_group() {
	test -e "$1" && mkdir "$1/$name" 2>/dev/null || return 1
	group=$1/$name
	if mkdir "$group/$inner" 2>/dev/null && test -e "$group/$2" &&
		{ echo $limit >"$group/$2"; } 2>/dev/null; then
		file=$group/$2
		return 0
	fi
	clean_up
	group=
	return 1
}

# The mount point of the first hierarchy of a type whose options hold a word; none has blanks here.
mounted() {
	awk -v type="$1" -v word="$2" '{
		for (i = 7; $i != "-" && i < NF; i++) ;
		if ($(i + 1) == type && ("," $(i + 3) ",") ~ ("," word ",")) { print $5; exit }
	}' /proc/self/mountinfo
}

v1=$(mounted cgroup memory)
v2=$(mounted cgroup2 '.*')
own=$(sed -n 's/^0:://p' /proc/self/cgroup)
if test -n "$v1" && make_group "$v1" memory.limit_in_bytes; then
	:
elif test -n "$v2" && { make_group "$v2$own" memory.max || make_group "$v2" memory.max; }; then
	:
elif test -z "$v1$v2"; then
	skip "no control groups are mounted"
else
	skip "no memory controller that this user may make a group under (v1 at '$v1', v2 at '$v2')"
fi

# The shell that runs the program moves itself; its children start where it is.
run() {
	sh -c 'echo $$ >"$1/cgroup.procs" && exec ./tests/show_limit' sh "$1" 2>&1
}

expect() {
	got=$(run "$1") || fail "show_limit in $1: $got"
	test "$got" = "$2
$3" || fail "in $1: expected $2 from $3, got: $got"
	echo "in $1: $2 bytes, by $3"
}

test "$(cat "$file")" = $limit || fail "$file says $(cat "$file")"
expect "$group" $limit "$file"
expect "$group/$inner" $limit "$file"
tighter=$group/$inner/${file##*/}
if test -e "$tighter" && { echo 134217728 >"$tighter"; } 2>/dev/null; then
	expect "$group/$inner" 134217728 "$tighter"
fi

# As a container of version 1 sees it: its own group, which has no limit, is the mount's root, and the
# limit is on a group above that. Which group is whose stays as the kernel says it.
if test "${file##*/}" = memory.limit_in_bytes && echo -1 >"$tighter" 2>/dev/null &&
	unshare -m true 2>/dev/null; then
	bound=$(unshare -m sh -c 'mount --bind "$1" "$2" && cd "$3" && echo $$ >"$2/cgroup.procs" &&
		exec ./tests/show_limit' sh "$group/$inner" "$v1" "$(pwd)" 2>&1) || fail "in a container: $bound"
	test "$bound" = "$limit
$v1/memory.stat" || fail "in a container: expected $limit from $v1/memory.stat, got: $bound"
	echo "in a container below a limit: $limit bytes, by $v1/memory.stat"
else
	echo "left out: no group of version 1, or no mounts of our own, to make a container of"
fi
