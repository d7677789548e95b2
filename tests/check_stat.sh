#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_stat.sh - `zmalloc stat` and `zmalloc purge`: what they say of a process, of one that is stopped, passive,
# hidden or another's, and of one whose name is made to break them.

set -u
. ./tests/build.env
. "${srcdir:-.}/tests/publishers.sh"
need_processes

# sheet PATTERN WHAT: a line of $out that is all of it.
sheet() {
	printf '%s\n' "$out" | grep -Exq -e "$1" || wrong "$2: no line '$1' in: $out"
}

# json FILTER WHAT: of $out.
json() {
	if command -v jq >/dev/null 2>&1; then
		printf '%s\n' "$out" | jq -e "$1" >/dev/null 2>&1 || wrong "$2: not $1: $out"
	fi
}
has jq || :

# Others of this user may publish meanwhile: ours have a name that nobody else has, where they can take one.
publish ./tests/publisher 16 every-other "zm$$"
one=$last
publish ./tests/publisher 8 none "zm$$"
two=$last
name=$($zmalloc stat $one | sed -n '1s/ (.*//p')

# ---- What it is

expect 0 stat $zmalloc stat $one
bytes='[0-9.]+ ([KMGT]i)?B'
sheet "$name \($one\), .*, libzmalloc [0-9.]+" stat
sheet "command +.*publisher 16 every-other zm$$" stat
sheet "user +$(id -un)" stat
sheet 'unit +[^ ]+' stat
sheet 'control group +(/[^ ]*|-)' stat
sheet 'running for +[0-9.]+ (ms|s|min [0-9]+ s)' stat
sheet 'figures +of now' stat
sheet "limit +$bytes, by .+" stat
sheet 'rss of limit +[0-9]+\.[0-9] %' stat
sheet 'growth +-' stat
sheet 'used_bytes +(7\.[89]|8\.[0-9]) MiB  Live blocks .*' stat
expect 0 'stat as JSON' $zmalloc stat --json $one $two
json 'length == 2 and .[0].pid == '$one' and .[1].pid == '$two 'stat as JSON'
json '.[0] | .answer == "now" and (.command | test("publisher 16 every-other zm'$$'$")) and .user == "'"$(id -un)"'" and .uid == '"$(id -u)" 'stat as JSON'
json '.[0] | .limit_bytes > 0 and .limit_source != null and .uptime_ms >= 0 and .age_ms < 60000 and .growth_bytes == null' 'stat as JSON'
json '.[0] | (.rss_of_limit_ratio - .rss_bytes / .limit_bytes) | fabs < 0.01' 'stat as JSON'
json '.[0] | has("bins") or has("arenas") | not' 'stat as JSON'
if test -r /proc/self/smaps_rollup; then
	json '.[0] | .swap_bytes >= 0 and .pss_bytes > 1000000' 'swap and proportional set size'
fi

# ---- Who is meant

expect 0 'the same one twice' $zmalloc stat --json $one $one
json 'length == 1' 'the same one twice'
if test -w /proc/self/comm; then
	expect 0 'several of one name' $zmalloc stat --json $two "zm$$"
	json "[.[].pid] == [$two, $one]" 'several of one name'
	publish ./tests/publisher 1 none "new$$" "zm$$"
	renamed=$last
	expect 0 'the name of now' $zmalloc stat --json "new$$"
	json 'length == 1 and .[0].pid == '$renamed 'the name of now'
	# Where somebody has the name, command lines are not asked.
	expect 0 'a name that others have' $zmalloc stat --json "$name"
	json "([.[].pid] | sort) == ([$one, $two] | sort)" 'a name that others have'
	command=$($zmalloc stat --json $renamed | sed -n 's/.*"command":"\([^"]*\)".*/\1/p')
	expect 0 'a whole command line' $zmalloc stat --json "$command"
	json "length == 1 and .[0].pid == $renamed" 'a whole command line'
	publish ./tests/publisher 1 none "any$$" "/a/folder/word$$"
	expect 0 'a word of a command line' $zmalloc stat --json "/a/folder/word$$"
	json "length == 1 and .[0].pid == $last" 'a word of a command line'
	expect 0 'a word without its folders' $zmalloc stat --json "word$$"
	json "length == 1 and .[0].pid == $last" 'a word without its folders'
	expect 1 'a part of a word' $zmalloc stat "ord$$"
	contains "'ord$$'" "$err" 'a part of a word'

	# Fifteen bytes that would end a label, a string, a line, and change a terminal.
	publish ./tests/publisher 1 none "$(printf 'a"b\\c{}\n\033[2J\377=')"
	expect 0 'a hostile name' $zmalloc stat $last
	test "$(printf %s "$out" | tr -d '\n' | tr -d ' -~' | wc -c)" -eq 0 || wrong "a hostile name: control characters in: $out"
	expect 0 'a hostile name' $zmalloc stat --json $last
	json '.[0].name == "a\"b\\c{}??[2J?="' 'a hostile name'
	if test "$zm_malloc" = jemalloc; then
		expect 0 'purge of a hostile name' $zmalloc purge --json $last
		json '.[0].name == "a\"b\\c{}??[2J?="' 'purge of a hostile name'
	fi
	hostile=$last
	expect 0 'a hostile name to look for' $zmalloc stat --json 'a"b\c{}??[2J?='
	# The same test of another build may have one of that name.
	json "any(.[]; .pid == $hostile)" 'a hostile name to look for'
fi

# ---- Scopes

publish ./tests/publisher 1 none "sc$$" 3
scoped=$last
expect 0 'scopes' $zmalloc stat --scopes $scoped
sheet 'SCOPE +USED +PEAK +LIMIT +REFUSALS +THREADS' 'scopes'
sheet 'parser +5\.[0-9] MiB +5\.[0-9] MiB +8\.0 MiB +1 +0' 'scopes'
sheet "scope 2 +(9\.[7-9]|1[0-9]\.[0-9]) KiB +(9\.[7-9]|1[0-9]\.[0-9]) KiB +- +0 +0" 'scopes'
# Freed where it was not allocated; the thread is still inside.
sheet 'o"d\\d\?\[2J\?{4} +-[0-9.]+ KiB +0 B +- +0 +1' 'a hostile scope'
sheet 'everything else +[0-9.]+ (Ki|Mi)?B +- +- +0 +[0-9]+' 'scopes'
test "$(echo "$out" | sed -n '/^SCOPE/,$p' | sed -n '2s/ .*//p;$s/  .*//p' | tr '\n' ,)" = 'parser,everything else,' ||
	wrong "scopes: not in order: $out"
expect 0 'scopes as JSON' $zmalloc stat --scopes --json $scoped
json '.[0].scopes | length == 6 and .[-1].name == null and .[0].name == "parser" and .[0].limit_bytes == 8388608 and .[0].refusals == 1' 'scopes as JSON'
json '.[0].scopes[-2] | .name == "o\"d\\d?[2J\u00f6\u009b" and .used_bytes < -99999 and .peak_bytes == 0 and .limit_bytes == null and .threads == 1' 'a hostile scope as JSON'
json '.[0] | .used_bytes == ([.scopes[].used_bytes] | add)' 'scopes add up'
expect 0 'one without scopes' $zmalloc stat -s --json $one
json '.[0] | (.scopes | length == 1) and .scopes[0].name == null and .scopes[0].used_bytes == .used_bytes' 'one without scopes'
expect 0 'without --scopes' $zmalloc stat --json $scoped
json '.[0] | has("scopes") | not' 'without --scopes'
# More than one answer has room for.
publish ./tests/publisher 1 none "ms$$" 6000
expect 0 'many scopes' $zmalloc stat -s --json $last
json '.[0].scopes | length == 6003 and ([.[] | select(.name // "" | startswith("scope "))] | length == 6000) and (map(.name) | unique | length == 6003)' 'many scopes'
json '.[0] | .used_bytes == ([.scopes[].used_bytes] | add)' 'many scopes add up'

# ---- Growth

mkfifo "$work/grow"
: >"$work/grown"
./tests/publisher 4 none "grow$$" <"$work/grow" 9>&- >"$work/grown" &
growing=$!
publishers="$publishers $growing"
exec 8>"$work/grow"
until_true grep -q ready "$work/grown" || wrong 'the one that grows did not get ready'
expect 0 'two looks' $zmalloc stat -d 0.2 $growing
sheet 'growth +\+0 B in [0-9.]+ (ms|s), \+0 B a minute' 'two looks'
test "$(echo "$out" | grep -c '^growth')" -eq 1 || wrong "two looks: shown more than once: $out"
if command -v jq >/dev/null 2>&1; then
	$zmalloc stat --json -n 0 -d 0.2 $growing >"$work/looks" 8>&- 9>&- &
	looks=$!
	publishers="$publishers $looks"
	# shellcheck disable=SC2317 # called through until_true
	looked() {
		jq -es "$1" "$work/looks" >/dev/null 2>&1
	}
	until_true looked 'length >= 1' || wrong 'no looks without end'
	echo >&8
	until_true grep -q more "$work/grown" || wrong 'the one that grows does not'
	until_true looked '[.[][0].growth_bytes // 0] | add | . >= 1000 * 1000 and . < 1200 * 1000' ||
		wrong "not a MiB of growth: $(jq -c '.[0].growth_bytes' "$work/looks" | tr '\n' ' ')"
	looked '.[0][0].growth_bytes == null' || wrong 'the first look knows of growth'
	kill $looks
	wait $looks 2>/dev/null
fi
exec 8>&-

# ---- Size classes and arenas

expect_what_can_be() { # OPTION MEMBER: on this allocator it is told, or said that it is not
	out=$($zmalloc stat --json "$1" $one 2>"$work/err")
	got=$?
	err=$(cat "$work/err")
	case $zm_malloc in
	jemalloc) test $got = 0 || wrong "$1: exit status $got on jemalloc: $err" ;;
	esac
	if test $got = 0; then
		json ".[0].$2 | type == \"array\"" "$1"
	else
		contains ' tells of no ' "$err" "$1"
		json ".[0] | has(\"$2\") and .$2 == null" "$1"
	fi
}
expect_what_can_be --bins bins
expect_what_can_be --arenas arenas
if test "$zm_malloc" = jemalloc; then
	expect 0 bins $zmalloc stat -b -a $one
	sheet ' +SIZE +SLABS +REGIONS +USED +FULL +FREE' bins
	sheet ' +ARENA +ALLOCATED +ACTIVE .*' arenas
	expect 0 bins $zmalloc stat -b -a --json $one
	json '.[0].bins | map(select(.region_bytes == 1024)) | .[0] | .used_regions >= 8192 and .used_regions < 10000 and .free_bytes >= 7 * 1024 * 1024' bins
	json '.[0] | ([.arenas[].allocated_bytes] | add) as $sum | $sum >= 8 * 1024 * 1024 and $sum < 12 * 1024 * 1024' arenas
fi

# ---- Giving back

publish ./tests/publisher 64 all "full$$"
full=$last
out=$($zmalloc purge $full 2>"$work/err")
got=$?
err=$(cat "$work/err")
case " $($zmalloc info | grep '^can ') " in
*' purge '*)
	test $got = 0 || wrong "purge: exit status $got: $err"
	sheet "[^ ]+ \($full\) gave back $bytes" purge ;;
*)
	test $got = 1 || wrong "purge where the allocator cannot: exit status $got: $out"
	contains 'cannot give memory back' "$err" 'purge where the allocator cannot' ;;
esac
if test "$zm_malloc" = jemalloc; then
	publish ./tests/publisher 64 all "full$$"
	before=$($zmalloc stat --json $last | sed 's/.*"rss_bytes":\([0-9]*\).*/\1/')
	expect 0 'purge as JSON' $zmalloc purge --json $last
	after=$($zmalloc stat --json $last | sed 's/.*"rss_bytes":\([0-9]*\).*/\1/')
	json '.[0].given_back_bytes > 48 * 1024 * 1024' 'purge as JSON'
	test $((before - after)) -gt $((48 * 1024 * 1024)) || wrong "purge: resident $before before, $after after"
fi
expect 1 'purge of nobody' $zmalloc purge no-such-process
test -z "$out" || wrong "purge of nobody: says $out"
expect 2 'purge without operand' $zmalloc purge

# ---- Stopped

kill -STOP $two
sleep 1.2
expect 0 'one that is stopped' $zmalloc stat $two $one
sheet 'figures +no answer: .* old' 'one that is stopped'
sheet 'figures +of now' 'one beside it'
sheet 'used_bytes +(7\.[89]|8\.[0-9]) MiB  .*' 'one that is stopped'
sheet "command +.*publisher 8 none zm$$" 'one that is stopped'
expect 0 'one that is stopped, as JSON' $zmalloc stat --json $two
json '.[0] | .answer == "none" and .age_ms >= 1000 and .used_bytes > 8000000 and .limit_bytes == null' 'one that is stopped, as JSON'
expect 1 'size classes of one that is stopped' $zmalloc stat --bins $two
contains 'did not answer' "$err" 'size classes of one that is stopped'
contains used_bytes "$out" 'size classes of one that is stopped'
expect 1 'purge of one that is stopped' $zmalloc purge $two
contains "process $two ($name) does not answer" "$err" 'purge of one that is stopped'
kill -CONT $two
expect 0 'one that goes on' $zmalloc stat $two
sheet 'figures +of now' 'one that goes on'

# ---- Passive

publish env ZMALLOC_PUBLISH=passive ./tests/publisher 8 none "still$$"
expect 0 'a passive one' $zmalloc stat $last
sheet 'figures +shown passively, .* old' 'a passive one'
expect 1 'purge of a passive one' $zmalloc purge $last
contains 'start it with ZMALLOC_PUBLISH=1' "$err" 'purge of a passive one'
expect 1 'size classes of a passive one' $zmalloc stat --bins $last
contains 'start it with ZMALLOC_PUBLISH=1' "$err" 'size classes of a passive one'

# ---- Hidden: why, and what to do

is_sleep() {
	test "$(cat /proc/"$1"/comm 2>/dev/null || ps -o comm= -p "$1")" = sleep
}

sleep 1000 9>&- &
publishers="$publishers $!"
until_true is_sleep $! || wrong 'sleep does not start'
expect 1 'one without the library' $zmalloc stat $!
contains "zmalloc: process $! (sleep) does not show its figures" "$err" 'one without the library'
if test -r /proc/self/maps; then
	contains 'libzmalloc.so is not in it' "$err" 'one without the library'
fi
$zmalloc stat -n 0 -d 1000 $one >"$work/looks" 9>&- &
publishers="$publishers $!"
until_true test -s "$work/looks" || wrong 'no look at all'
expect 1 'one that does not publish' $zmalloc stat $!
test "$enable_shared" = no || contains 'ZMALLOC_PUBLISH=1' "$err" 'one that does not publish'
contains "process $! (" "$err" 'one that does not publish'
# ---- Another's

as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}
if test "$(id -u)" != 0 || ! command -v setpriv >/dev/null 2>&1 || ! as_nobody $zmalloc --version >/dev/null 2>&1; then
	echo 'left out: other users: not root, no setpriv(1), or nobody cannot run what is built here'
else
	expect 1 'of another user' as_nobody $zmalloc stat $one
	contains 'is of user root. Run `sudo zmalloc stat' "$err" 'of another user'
	expect 1 'purge of another user' as_nobody $zmalloc purge $one
	contains 'sudo zmalloc purge' "$err" 'purge of another user'
	publish setpriv --reuid=65534 --regid=65534 --clear-groups ./tests/publisher 8 none "nobody$$"
	expect 0 'root looks at another user' $zmalloc stat --json $last
	json '.[0] | .answer == "now" and .uid == 65534' 'root looks at another user'
fi

test -z "$(find "$XDG_RUNTIME_DIR" -type f)" || wrong 'files were left'
exit $failed
