# SPDX-License-Identifier: BSD-2-Clause
# cgroup.sh - what tests share that need a real control group with a limit on its memory. Sourced from the build
# folder, after tests/build.env and functions skip() and fail().

group=
clean_up_group() {
	if test -n "$group"; then
		rmdir "$group/$inner" 2>/dev/null
		rmdir "$group" 2>/dev/null
	fi
}

# The mount point of the first hierarchy of a type whose options hold a word; none has blanks here.
mounted() {
	awk -v type="$1" -v word="$2" '{
		for (i = 7; $i != "-" && i < NF; i++) ;
		if ($(i + 1) == type && ("," $(i + 3) ",") ~ ("," word ",")) { print $5; exit }
	}' /proc/self/mountinfo
}

# group_below PARENT LIMIT-FILE: a group there with our limit, or nothing changed.
group_below() {
	test -e "$1" && mkdir "$1/$name" 2>/dev/null || return 1
	group=$1/$name
	if mkdir "$group/$inner" 2>/dev/null && test -e "$group/$2" &&
		{ echo "$limit" >"$group/$2"; } 2>/dev/null; then
		file=$group/$2
		return 0
	fi
	clean_up_group
	group=
	return 1
}

# make_group LIMIT INNER: a group of so many bytes below the mount of the memory controller (version 1), or below this
# process's own group (version 2, where that is delegated to us), and a group without a limit inside it.
# Sets v1 and v2, the mount points; group, inner; file, which has the limit. Both groups go at the script's
# exit, by clean_up_group().
make_group() {
	limit=$1
	inner=$2
	name=zmalloc-check.$$
	test -e /proc/self/mountinfo || skip 'no control groups: not Linux'
	v1=$(mounted cgroup memory)
	v2=$(mounted cgroup2 '.*')
	own=$(sed -n 's/^0:://p' /proc/self/cgroup)
	if test -n "$v1" && group_below "$v1" memory.limit_in_bytes; then
		:
	elif test -n "$v2" && { group_below "$v2$own" memory.max || group_below "$v2" memory.max; }; then
		:
	elif test -z "$v1$v2"; then
		skip 'no control groups are mounted'
	else
		skip "no memory controller that this user may make a group under (v1 at '$v1', v2 at '$v2')"
	fi
}

# run_in GROUP COMMAND...: the shell that runs the command moves itself, and becomes it.
run_in() {
	sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' sh "$@"
}
