#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_figures.sh - the list of figures, struct zmalloc_stats and zmalloc_stats(3) tell of the same figures;
# and one more figure breaks nobody: programs and libraries of today and of the day after it was added
# (figures_program.c) read one another's pages and fill one another's structs.

set -u
LC_ALL=C
export LC_ALL
. ./tests/build.env
: "${srcdir:=.}"
test "$cross_compiling" = no || { echo 'SKIP: a program for another machine'; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-figures.XXXXXX")
failed=0
XDG_RUNTIME_DIR=$work/run
export XDG_RUNTIME_DIR
mkdir -m 700 "$XDG_RUNTIME_DIR"
unset ZMALLOC_PUBLISH

# The publishers end when this end of their standard input is closed.
mkfifo "$work/hold"
exec 9<>"$work/hold"
trap 'exec 9>&-; wait; rm -rf "$work"' EXIT

wrong() {
	echo "FAIL: $*"
	failed=1
}

# ---- The same figures everywhere

header=$srcdir/include/zmalloc/stats.h
page=$srcdir/man/zmalloc_stats.3
tab=$(printf '\t')
./tests/figures_now list >"$work/list" || wrong 'no list of figures'
cut -f 1 "$work/list" >"$work/rows"
test -s "$work/rows" || wrong 'the list of figures is empty'

awk '/^struct zmalloc_stats \{/ { inside = 1; next } /^};/ { inside = 0 }
	inside && /^\t(uint64_t|double) / { sub(/;.*/, ""); print $2 }' "$header" >"$work/members"
# "NAME<tab>SENTENCE" for each item of the first list with figures.
awk '/^\.It Fa [a-z_]*(_bytes|_ratio|threads)$|^\.It Fa / { name = $3; next }
	name != "" && /^\.El/ { exit }
	name != "" { print name "\t" $0; name = "" }' "$page" >"$work/items"
cut -f 1 "$work/items" >"$work/item-names"

# differ FILE WHERE: names of the list that are not there, and the other way round.
differ() {
	while read -r name; do
		grep -qx "$name" "$1" || wrong "$name is in lib/stats/figure_list.h and not in $2"
	done <"$work/rows"
	while read -r name; do
		grep -qx "$name" "$work/rows" || wrong "$name is in $2 and not in lib/stats/figure_list.h"
	done <"$1"
	cmp -s "$work/rows" "$1" || wrong "$2: not the order of lib/stats/figure_list.h"
}
differ "$work/members" 'struct zmalloc_stats of include/zmalloc/stats.h'
differ "$work/item-names" 'man/zmalloc_stats.3'

while IFS=$tab read -r name unit help; do
	item=$(sed -n "s/^$name$tab//p" "$work/items")
	test "$item" = "$help." || wrong "$name in man/zmalloc_stats.3 is not '$help.' as in lib/stats/figure_list.h, but '$item'"
	case $unit:$name in
	BYTES:*_bytes | RATIO:*_ratio) ;;
	BYTES:* | RATIO:* | COUNT:*_bytes | COUNT:*_ratio | COUNT:*_total) wrong "$name: a name that does not fit $unit" ;;
	esac
	# OpenMetrics would want an escape.
	case $help in
	[A-Z]*[!.]) ;;
	*) wrong "$name: help is to begin with a capital letter, and to have no full stop: $help" ;;
	esac
	case $help in
	*[\\\"]*) wrong "$name: a character that has to be quoted in: $help" ;;
	esac
done <"$work/list"

# ---- Programs and libraries of different days

count() {
	wc -l <"$work/$1"
}
./tests/figures_next list | cut -f 1 >"$work/next-rows"
test "$(count next-rows)" -eq "$(($(count rows) + 1))" || wrong 'the variant has not one figure more'
tail -n 1 "$work/next-rows" | grep -qx next_bytes || wrong 'the variant has no next_bytes at its end'

./tests/figures_now publish </dev/null >"$work/now-ready"
if test $? = 77; then
	echo 'left out: this system does not tell processes apart, so there are no pages'
	exit $failed
fi
: >"$work/now-ready"
./tests/figures_now publish <"$work/hold" 9>&- >"$work/now-ready" &
now=$!
./tests/figures_next publish <"$work/hold" 9>&- >"$work/next-ready" &
next=$!
tries=240
until grep -q ready "$work/now-ready" && grep -q ready "$work/next-ready"; do
	tries=$((tries - 1))
	if test $tries -eq 0 || ! kill -0 $now || ! kill -0 $next; then
		wrong 'the publishers did not get ready'
		break
	fi
	sleep 0.25
done

# run PROGRAM TASK...: what it says, in $out.
run() {
	out=$("./$@" 2>"$work/err") || wrong "$*: status $?: $out $(cat "$work/err")"
	case $out in
	*4242424242424242*) wrong "$*: reads past the end of a struct: $out" ;;
	esac
}

# value NAME: of the JSON object in $out.
value() {
	echo "$out" | sed -n "s/.*\"$1\":\([^,}]*\).*/\1/p"
}

# all_filled PROGRAM; part_filled PROGRAM: does the library fill all of the program's struct?
all_filled() {
	echo "$out" | grep -Eq '^([0-9]+) of \1 bytes filled$' || wrong "$1: not all filled: $out"
}
part_filled() {
	echo "$out" | grep -q 'bytes filled$' || wrong "$1: does not tell what was filled"
	! echo "$out" | grep -Eq '^([0-9]+) of \1 bytes filled$' || wrong "$1: more filled than there is: $out"
}

# has WHAT: the figures that everybody knows; has_next, lacks_next: the new one, which is the peak once more.
has() {
	used=$(value used_bytes) peak=$(value peak_bytes)
	case $used:$peak:$(value threads) in
	:* | *null* | *::* | *:) wrong "$1: no used, peak or threads: $out" ;;
	esac
	test "$(value used_bytes)" -ge 3000000 && test "$(value peak_bytes)" -ge 4000000 ||
		wrong "$1: used $used, peak $peak are not the publisher's"
}
has_next() {
	test "$(value next_bytes)" = "$(value peak_bytes)" || wrong "$1: next_bytes is $(value next_bytes)"
	case $out in
	*'# TYPE zmalloc_next_bytes counter
# UNIT zmalloc_next_bytes bytes
# HELP zmalloc_next_bytes The next figure.
zmalloc_next_bytes_total{'*) ;;
	*) wrong "$1: no counter in OpenMetrics: $out" ;;
	esac
	echo "$out" | grep -Eq '^next_bytes  *[0-9.]+ MiB  The next figure$' || wrong "$1: not in the table: $out"
}
lacks_next() {
	test "$(value next_bytes)" = null || wrong "$1: next_bytes is '$(value next_bytes)'"
	case $out in
	*zmalloc_next*) wrong "$1: in OpenMetrics though unknown: $out" ;;
	esac
}
does_not_know_next() {
	case $out in
	*next_bytes*) wrong "$1: knows more than was built into it: $out" ;;
	esac
}

for of in $now $next; do
	run tests/figures_now read $of
	all_filled 'today reads'
	has 'today reads'
	does_not_know_next 'today reads'
	run tests/figures_now_on_next read $of
	all_filled 'a program of today reads'
	has 'a program of today reads'
	lacks_next 'a program of today reads'
	run tests/figures_next_on_now read $of
	part_filled 'a program of tomorrow on the library of today'
	has 'a program of tomorrow on the library of today'
	does_not_know_next 'a program of tomorrow on the library of today'
done
run tests/figures_next read $now
all_filled 'tomorrow reads today'
has 'tomorrow reads today'
lacks_next 'tomorrow reads today'
run tests/figures_next read $next
has 'tomorrow reads tomorrow'
has_next 'tomorrow reads tomorrow'

# Copies of what a visit showed, several of them side by side.
for program in tests/figures_now tests/figures_next tests/figures_now_on_next tests/figures_next_on_now; do
	run $program visit $now $next
	for pid in $now $next; do
		test "$(echo "$out" | grep -c "\"pid\":$pid,.*\"used_bytes\":3[0-9]*,\"peak_bytes\":4[0-9]*,")" -eq 1 ||
			wrong "$program visit: not the figures of $pid: $out"
	done
	# What lies behind a struct is the next one: no figure of it.
	case $program:$out in
	*now_on_next:*'"next_bytes":'[0-9]*) wrong "$program visit: a figure past the end of a struct: $out" ;;
	esac
done

run tests/figures_now_on_next get
all_filled 'a program of today asks the library of tomorrow'
lacks_next 'a program of today asks the library of tomorrow'
run tests/figures_next get
all_filled 'tomorrow'
test "$(value next_bytes)" = "$(value peak_bytes)" || wrong "tomorrow: $out"
run tests/figures_next_on_now get
part_filled 'a program of tomorrow asks the library of today'
does_not_know_next 'a program of tomorrow asks the library of today'

test $failed = 0 || exit 1
echo "$(count rows) figures in the list, the header and the manual page; one more breaks nobody"
