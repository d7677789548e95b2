#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_rooms.sh - calls run downwards only: what an object of one room of lib/ needs is in its own room or
# in one below. Looks at the symbols of the objects and at what the sources include; names both ends of
# whatever goes upwards, and prints how many symbols each room needs of which.

. ./tests/build.env
set -u
: "${srcdir:=.}"

# From the ground up; "." is lib/ itself. preload is a library of its own, on the public API: inside it knows
# base alone.
rooms='base preload os allocator account alloc stats defrag profile pressure live .'

# Nobody calls what is argued here. The account asks for a word of start.c, since a program takes from the
# static library only the objects that it asks for, and every use of the library needs the account.
argued=zm_start_is_linked

# "OBJECT TYPE NAME" for each symbol of each object, of the static library or of the shared one.
# shellcheck disable=SC2086 # a command and its flags
symbols=$(find lib -name '*.o' ! -name 'libzmalloc_*' -exec $NM -A -g {} + 2>/dev/null |
	awk 'NF > 1 { split($0, part, ":"); print part[1], $(NF - 1), $NF }')
test -n "$symbols" || {
	echo "FAIL: $NM tells no symbols"
	exit 1
}

# Objects of libtool's are in a folder .libs of their room.
arrows=$(echo "$symbols" | awk -v rooms="$rooms" -v argued="$argued" '
function room(path)
{
	sub(/\.libs\//, "", path)
	sub(/^lib\//, "", path)
	return path ~ /\// ? substr(path, 1, index(path, "/") - 1) : "."
}
BEGIN {
	count = split(rooms, name, " ")
	for (i = 1; i <= count; i++)
		floor[name[i]] = i
}
!(room($1) in floor) { print "UP " $1 ": a room that is not in the list" }
$2 ~ /^[Uwv]$/ { needs[$1 SUBSEP $3] }
$2 !~ /^[Uwv]$/ { home[$3] = $1 }
END {
	for (need in needs) {
		split(need, end, SUBSEP)
		if (!(end[2] in home) || room(home[end[2]]) == room(end[1]))
			continue
		if (end[2] == argued)
			continue
		if (floor[room(home[end[2]])] > floor[room(end[1])])
			print "UP " end[1] " needs " end[2] " of " home[end[2]]
		arrow[room(end[1]) SUBSEP room(home[end[2]]) SUBSEP end[2]]
	}
	for (a in arrow) {
		split(a, end, SUBSEP)
		weight[end[1] " -> " end[2]]++
	}
	for (a in weight)
		print a ": " weight[a]
}' | sort)

# What is inline leaves no symbol.
includes=$(cd "$srcdir" && grep -n '^#include "[a-z]*/' lib/*.[ch] lib/*/*.[ch] | awk -v rooms="$rooms" '
BEGIN {
	count = split(rooms, name, " ")
	for (i = 1; i <= count; i++)
		floor[name[i]] = i
}
{
	split($0, part, "\"")
	to = substr(part[2], 1, index(part[2], "/") - 1)
	from = substr($0, 5, index(substr($0, 5), "/") - 1)
	if (index($0, ":") < 5 + length(from) || !(from in floor))
		from = "."
	if (floor[to] > floor[from])
		print
}')

echo "symbols that rooms need of others, in the order $rooms:"
echo "$arrows" | grep -v '^UP '
if echo "$arrows" | grep '^UP ' || test -n "$includes"; then
	test -z "$includes" || echo "$includes"
	echo 'FAIL: upwards'
	exit 1
fi
