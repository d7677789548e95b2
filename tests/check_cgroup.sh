#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/check_cgroup.sh - a real control group with a limit: the library finds it, and names it.
#
# Makes one group below the mount of the memory controller (version 1), or below this process's own
# group (version 2, where that is delegated to us), runs a program in a group inside it, and removes
# both. The inner group's name is one that parsers trip over.
set -u

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
test -e tests/show_limit || skip "tests/show_limit was not built"

. "${srcdir:=.}/tests/cgroup.sh"
trap clean_up_group EXIT
trap 'exit 1' HUP INT TERM
make_group 268435456 'a b:c\040'

expect() {
	got=$(run_in "$1" ./tests/show_limit 2>&1) || fail "show_limit in $1: $got"
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
