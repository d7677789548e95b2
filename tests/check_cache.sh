#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/check_cache.sh - examples/cache lives within a limit and is of use there; the same cache without the library
# is killed.
#
# The second half needs a real control group, of 128 MiB.
set -u

failed=0

skip() {
	test $failed = 0 || exit 1
	echo "SKIP: the cache keeps its limit; not held against the plain one: $*"
	exit 77
}

fail() {
	echo "FAIL: $*"
	exit 1
}

. tests/build.env
. "${srcdir:=.}/tests/cgroup.sh"
test "$cross_compiling" != yes || { echo 'SKIP: built for another machine'; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-cache.XXXXXX")
trap 'clean_up_group; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
unset MEMORY_PRESSURE_WATCH MEMORY_PRESSURE_WRITE ZMALLOC_LIMIT

# holds WHAT NUMBER TEST NUMBER: as test(1) has it.
holds() {
	if test "$2" "$3" "$4"; then
		echo "ok: $1: $2"
	else
		echo "FAIL: $1: $2, expected $3 $4"
		failed=1
	fi
}

# figure EXPRESSION: what it finds in what the cache said last; -1 if it said no such thing.
figure() {
	found=$(echo "$said" | sed -n "s/.*$1.*/\\1/p" | tail -n 1)
	echo "${found:--1}"
}
# answers COUNT: the first of them to commands.
answers() { echo "$said" | grep -v '^cache: ' | head -n "$1"; }
most_used() { figure ', at most .* (\([0-9]*\) bytes)'; }
hit_percent() { figure 'hits .*, \([0-9]*\)\.[0-9] %'; }
evicted() { figure 'evicted \([0-9]*\)'; }
refused() { figure 'refused \([0-9]*\)'; }

# ---- Within a limit -------------------------------------------------------------------------------------

hard=$((64 * 1024 * 1024))
soft=$((hard - hard / 8))
value=8192 # more than any block of the load's
said=$(ZMALLOC_LIMIT=64M ./examples/cache 300000 2>&1) || fail "$said"
echo "$said"
holds 'most bytes used of 64 MiB' "$(most_used)" -le $hard
holds 'most bytes used of 56 MiB, each time that they were passed' "$(most_used)" -le $((soft + value))
holds 'kept as much as there was room for: bytes' "$(most_used)" -ge $soft
holds 'hits, per cent' "$(hit_percent)" -ge 30
holds 'refused' "$(refused)" -eq 0
holds 'evicted' "$(evicted)" -gt 100000

# Blocks that are larger than what is between the limits meet the hard one. Such as no limit allows are refused.
large=$(awk 'BEGIN { while (i++ < 60000) printf "x" }')
said=$(for key in 1 2 3 4 5 6 7 8; do
	echo "set $key $large"
done | ZMALLOC_LIMIT=256K ./examples/cache 2>&1) || fail "$said"
echo "$said"
holds 'most bytes used of 256 KiB' "$(most_used)" -le 262144
holds 'refused' "$(refused)" -eq 0
holds 'evicted' "$(evicted)" -ge 4
said=$(printf 'set a old\nset b %s\nget a\nget b\nset a new\nget a\n' "$large" | ZMALLOC_LIMIT=50K ./examples/cache 2>&1) ||
	fail "$said"
holds 'refused what is larger than the limit' "$(refused)" -eq 1
test "$(answers 6 | tr '\n' ' ')" = 'kept no room none none kept new ' || fail "$said"

# What was not asked for goes first, and what is forgotten or unknown is not there.
said=$(printf 'set a 1\nset b 2\nset a 3\nget a\nforget b\nget b\nget a\nfoo\nset c' | ZMALLOC_LIMIT=1M ./examples/cache 2>&1) ||
	fail "$said"
help='set KEY TEXT, get KEY, forget KEY or report'
test "$(answers 9)" = "kept
kept
kept
3
forgotten
none
3
$help
$help" || fail "$said"
i=0
while test $i -lt 200; do
	printf 'set %s %.1000s\nget 0\n' $i "$large"
	i=$((i + 1))
done >"$work/commands"
echo 'get 1' >>"$work/commands"
ZMALLOC_LIMIT=100K ./examples/cache <"$work/commands" >"$work/said" 2>&1 || fail "$(tail -n 5 "$work/said")"
said=$(tail -n 3 "$work/said")
holds 'evicted' "$(evicted)" -ge 90
holds 'is gone, of what was always asked for and what never was' "$(grep -c '^none$' "$work/said")" -eq 1
./examples/cache 10 0 >/dev/null 2>&1 && fail 'takes no keys for keys'
./examples/cache 1x >/dev/null 2>&1 && fail 'takes 1x for a number'

# ---- In a group of 128 MiB --------------------------------------------------------------------------------

test $failed = 0 || exit 1
test "$zm_os" = linux || skip "lib/os/$zm_os.c knows no control groups"
test "$zm_sanitizer" = no || skip "a sanitizer's memory does not fit in a small group"
make_group $((128 * 1024 * 1024)) inner
# What is written to a disk instead is not killed for. Version 1 has a limit for both together.
if test -e "$group/memory.memsw.limit_in_bytes"; then
	echo "$limit" >"$group/memory.memsw.limit_in_bytes"
elif test -e "$group/memory.swap.max"; then
	echo 0 >"$group/memory.swap.max"
elif test "$(wc -l </proc/swaps)" -gt 1; then
	skip 'memory is swapped here, and no group can forbid it'
fi

# Killed for want of memory in the group, so often.
kills() {
	cat "$group/memory.oom_control" "$group/memory.events" 2>/dev/null | sed -n 's/^oom_kill //p'
}

for wish in '' 75%; do
	said=$(run_in "$group" env ${wish:+ZMALLOC_LIMIT=$wish} ./examples/cache 600000 2>&1) ||
		fail "with the library, ZMALLOC_LIMIT=$wish: status $?: $said"
	echo "$said"
	holds "most bytes used of three quarters, ZMALLOC_LIMIT=$wish" "$(most_used)" -le 100663296
	holds 'hits, per cent' "$(hit_percent)" -ge 40
done
test "$(kills)" = 0 || fail "killed: $(kills)"
said=$(run_in "$group" ./examples/cache_plain 600000 2>&1)
status=$?
holds 'status of the plain one, killed' $status -eq 137
holds 'killed by the kernel, for want of memory' "$(kills)" -eq 1
exit $failed
