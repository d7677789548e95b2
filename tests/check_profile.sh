#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_profile.sh - `zmalloc profile`: who holds the memory of a process whose code is known, who grows, and the same
# in files; of processes that take no profile, or end while they are asked; and files that are there already.

set -u
. ./tests/build.env
. "${srcdir:-.}/tests/publishers.sh"
need_processes
has jq || :

# libtool keeps the program itself beside its script.
program=$PWD/tests/sites
test ! -x tests/.libs/sites || program=$PWD/tests/.libs/sites
LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
# Nobody waits for a network here.
unset DEBUGINFOD_URLS ZMALLOC_PROFILE ZMALLOC_PROFILE_DIR
source=$srcdir/tests/sites.c

# The line that a comment in the source marks.
line_of() {
	grep -n "the line of $1 \*/" "$source" | sed 's/:.*//'
}

# Where there is no debug information there are names and no lines.
lines=no
test "$zm_libdw" = yes && grep -q -a '\.debug_line' "$program" && lines=yes
test "$zm_libdw" = yes || echo 'left out: names: built without libdw'
at() {
	if test $lines = yes; then
		echo "sites\.c:$(line_of "$1")"
	else
		echo '.*sites'
	fi
}

# row PATTERN WHAT: a line of $out.
row() {
	printf '%s\n' "$out" | grep -Eq -e "$1" || wrong "$2: no line '$1' in: $out"
}

no_row() {
	if printf '%s\n' "$out" | grep -Eq -e "$1"; then
		wrong "$2: a line '$1' in: $out"
	fi
}

json() {
	if command -v jq >/dev/null 2>&1; then
		printf '%s\n' "$out" | jq -e "$1" >/dev/null 2>&1 || wrong "$2: not $1: $(printf '%s\n' "$out" | head -c 3000)"
	fi
}

# begin COMMAND...: a process of sites, to which `tell` speaks; its number is in $last.
begin() {
	rm -f "$work/words"
	mkfifo "$work/words"
	: >"$work/said"
	"$@" <"$work/words" 9>&- >"$work/said" &
	last=$!
	publishers="$publishers $last"
	exec 8>"$work/words"
	until_true grep -q ready "$work/said" || wrong "$* did not get ready: $(cat "$work/said")"
}

tell() {
	echo "$1" >&8
}

grow() {
	before=$(grep -c more "$work/said")
	tell grow
	until_true has_grown || wrong 'it does not grow'
}
# shellcheck disable=SC2317 # called through until_true
has_grown() {
	test "$(grep -c more "$work/said")" -gt "$before"
}

# ---- Who holds it

begin "$program" start
sites=$last
expect 0 profile $zmalloc profile $sites
test -z "$err" || test "$zm_libdw" = no || wrong "profile: says $err"
row "^.* \($sites\): heap profile of [0-9.]+ (ms|s|min), one sample for 1 B; [0-9]+ samples, [0-9]+ stacks$" head
row '^live 1[56]\.[0-9] MiB in about 4[12][0-9][0-9] blocks' head
if test "$zm_libdw" = yes; then
	row "^ +8\.[0-9] MiB +5[0-9]\.[0-9] % +1  hold_large  $(at hold_large)  by xmalloc$" 'the largest'
	row "^ +4\.[0-9] MiB +2[0-9]\.[0-9] % +4[12][0-9][0-9]  hold_small  $(at hold_small)$" 'many small ones'
	row '^ +< reader_of_much .*\(7[45] %\)$' 'the caller that most is from'
	no_row 'reader_of_little' 'the caller that least is from'
	row "^ +2\.[0-9] MiB .* grower  $(at grower)$" 'one that is to grow'
	no_row 'freed_again' 'what is freed'
	no_row '_start|libc' 'what calls main'
	first=$(printf '%s\n' "$out" | sed -n '/WHERE/{n;p;}')
	case $first in
	*hold_large*) ;;
	*) wrong "not the largest first: $out" ;;
	esac
	if test $lines = yes; then
		row "^ +1\.[0-9] MiB .* hold_inlined  $(at hold_inlined)$" 'a function inside another one'
		row "^ +< around_inlined  $(at around_inlined)$" 'the function around it'
	fi
	expect 0 'one holder and no caller' $zmalloc profile --lines=1 --depth=0 $sites
	row 'hold_large' 'one holder'
	no_row '<|hold_small' 'one holder and no caller'
	row '^[0-9]+ more: [67]\.[0-9] MiB$' 'the rest'
	expect 0 'deep callers' $zmalloc profile -D 1 $sites
	row '< reader_of_much' 'one caller'
	no_row '< main.*\n.*< main' 'one caller'
else
	row '^ +8\.[0-9] MiB +5[0-9]\.[0-9] % +1  [^ ]*sites\+0x[0-9a-f]+$' 'a module and an offset'
	contains "without elfutils' libdw" "$err" 'a build without names'
fi

expect 0 'as JSON' $zmalloc profile --json $sites
json 'length == 1 and .[0].pid == '$sites' and .[0].mean_bytes == 1 and .[0].is_on and .[0].since_ms == null' 'as JSON'
json '.[0] | .started_ms > 1600000000000 and .samples >= 4190 and .lost_samples == 0 and .memory_bytes > 0' 'as JSON'
json '.[0].stacks | ([.[].live_bytes] | . == (sort | reverse)) and .[0].live_bytes >= 8388608 and .[0].live_blocks == 1' 'stacks as JSON'
json '[.[0].stacks[].live_bytes] | add | . > 15 * 1048576 and . < 16.5 * 1048576' 'live bytes as JSON'
json '[.[0].stacks[] | select(.live_bytes == 0 and .total_bytes >= 16 * 1048576)] | length == 1' 'what is freed, as JSON'
# Without unwind tables and frame pointers there is the caller alone.
frames=2
test "$zm_stack_tables" = yes || frames=1
json '.[0].stacks[0].frames | length >= '$frames' and all(.[]; (.address | test("^0x[0-9a-f]+$")) and (.offset | test("^0x")))' 'frames as JSON'
if test "$zm_libdw" = yes; then
	json '.[0].names_missing == null and (.[0].stacks[0] | .frames[.holder].function == "hold_large")' 'names as JSON'
	json '.[0].stacks[0].frames | map(.function) | index("main") != null' 'names as JSON'
	if test $lines = yes; then
		json '.[0].stacks[0] | .frames[.holder] | (.file | test("/sites.c$")) and .line == '"$(line_of hold_large)" 'lines as JSON'
		json '[.[0].stacks[].frames[] | select(.inlined)] | any(.function == "hold_inlined")' 'inlined functions as JSON'
	fi
fi

# ---- Who grows

# Another one is looked at meanwhile. A profile that begins anew between the two looks is not compared.
publish "$program" start
anew=$last
$zmalloc profile --since 4s $anew >"$work/anew" 2>&1 9>&- &
looking_anew=$!
$zmalloc profile --since 4s $sites >"$work/grown" 2>&1 9>&- &
looking=$!
sleep 2
$zmalloc profile --stop $anew >/dev/null && $zmalloc profile --start=4K $anew >/dev/null
grow
wait $looking_anew
got=$?
test $got = 1 && grep -q 'began a new profile' "$work/anew" || wrong "a new profile meanwhile: exit status $got: $(cat "$work/anew")"
wait $looking || wrong "since: exit status $?: $(cat "$work/grown")"
out=$(cat "$work/grown")
if test "$zm_libdw" = yes; then
	row '^\+2\.0 MiB in ([3-9]|[0-9]{2,})\.[0-9] s$' since
	row "^ +\+2\.[0-9] MiB +4\.[0-9] MiB +\+1  grower  $(at grower)$" 'who grows'
	no_row 'hold_' 'who does not grow'
	expect 0 'nothing grows' $zmalloc profile -g 50ms $sites
	row '^Nothing has grown\.$' 'nothing grows'
	expect 0 'the difference as JSON' $zmalloc profile --since=0.1 --json $sites
	json '.[0].since_ms >= 100 and all(.[0].stacks[]; .growth_bytes == 0 and .growth_blocks == 0)' 'the difference as JSON'
fi

# ---- Files

expect 0 'a flame graph' $zmalloc profile --flame "$work/a.svg" $sites
test -z "$out" || wrong "a flame graph: says $out"
grep -q '<svg' "$work/a.svg" || wrong "no flame graph: $(head -c 300 "$work/a.svg")"
test "$zm_libdw" = no || grep -q 'hold_small' "$work/a.svg" || wrong 'a flame graph without hold_small'
test "$(ls -l "$work/a.svg" | cut -c 1-10)" = -rw------- || wrong "a flame graph others may read: $(ls -l "$work/a.svg")"
cp "$work/a.svg" "$work/kept.svg"
expect 1 'a file that is there' $zmalloc profile --flame "$work/a.svg" $sites
contains "'$work/a.svg' is there already" "$err" 'a file that is there'
cmp -s "$work/a.svg" "$work/kept.svg" || wrong 'a file was overwritten'
ln -s "$work/elsewhere" "$work/link.svg"
expect 1 'a link to nothing' $zmalloc profile --flame "$work/link.svg" $sites
contains 'is there already' "$err" 'a link to nothing'
test ! -e "$work/elsewhere" || wrong 'written through a link'
mkfifo "$work/queue"
expect 1 'a queue' $zmalloc profile --pprof="$work/queue" $sites
expect 1 'no folder' $zmalloc profile --flame "$work/no/folder.svg" $sites
contains "cannot write '$work/no/folder.svg'" "$err" 'no folder'
expect 1 'too large a file' sh -c 'ulimit -f 1; exec "$@"' - $zmalloc profile --flame "$work/large.svg" $sites
contains "cannot write '$work/large.svg'" "$err" 'too large a file'
test ! -e "$work/large.svg" || wrong 'a part of a file was left'
expect 0 'the flame graph of a difference' $zmalloc profile --since 0.1 --flame "$work/since.svg" $sites
grep -q '<svg' "$work/since.svg" || wrong 'no flame graph of a difference'

expect 0 collapsed $zmalloc profile --collapsed $sites
test "$zm_libdw" = no || row '(^|;)main;hold_large;xmalloc 8[0-9]{6}$' collapsed
test "$zm_libdw" = no || row 'main;reader_of_little;hold_small 1[0-9]{6}$' collapsed
no_row ' 0$' 'collapsed: what is freed'
expect 0 'collapsed, into a file' $zmalloc profile --collapsed="$work/lines" --pprof="$work/heap.pb.gz" $sites
test -z "$out" || wrong "files: says $out"
test "$(cat "$work/lines")" = "$($zmalloc profile -c $sites 2>/dev/null)" || wrong 'collapsed, into a file: other lines'
expect 0 'lines of a difference' $zmalloc profile --collapsed -g 0.1 $sites
test "$zm_libdw" = no || row 'main;hold_large;xmalloc 8[0-9]{6} 8[0-9]{6}$' 'lines of a difference'
test -s "$work/heap.pb.gz" || wrong 'no file for pprof'
if command -v go >/dev/null 2>&1 && go tool pprof -h >/dev/null 2>&1; then
	PPROF_TMPDIR=$work HOME=$work go tool pprof -top -nodecount=50 "$work/heap.pb.gz" >"$work/top" 2>&1 || wrong "pprof: $(cat "$work/top")"
	grep -Eq '8(\.[0-9]+)?MB .* (xmalloc|hold_large)' "$work/top" || test $lines = no || wrong "pprof: no 8 MiB of xmalloc: $(cat "$work/top")"
else
	echo 'left out: no go tool pprof'
fi

# ---- What cannot be

expect 2 'no time' $zmalloc profile --since soon $sites
contains "'soon' is no time" "$err" 'no time'
expect 2 'no time' $zmalloc profile --since=-5s $sites
expect 2 'too short a time' $zmalloc profile --since 1ms $sites
expect 2 'no unit' $zmalloc profile --since 5parsecs $sites
expect 2 'no size' $zmalloc profile --start=many $sites
expect 2 'too large a size' $zmalloc profile --start=2048G $sites
expect 2 'no depth' $zmalloc profile --depth=-1 $sites
expect 2 'nobody' $zmalloc profile
expect 2 'start and stop' $zmalloc profile --start --stop $sites
expect 2 'start and a file' $zmalloc profile --start --flame "$work/b.svg" $sites
expect 2 'two things on standard output' $zmalloc profile --json --collapsed $sites
expect 2 'the difference for pprof' $zmalloc profile --since 1 --pprof="$work/c.pb.gz" $sites
contains diff_base "$err" 'the difference for pprof'
test ! -e "$work/b.svg" || wrong 'a file of what cannot be'

# ---- Start and stop

expect 1 'a second start' $zmalloc profile --start $sites
contains "profile --stop $sites" "$err" 'a second start'
expect 0 stop $zmalloc profile --stop $sites
expect 0 'one that has ended' $zmalloc profile $sites
row "heap profile, which has ended, of " 'one that has ended'
expect 0 'a new one' $zmalloc profile --start=1 $sites
expect 0 'a new one' $zmalloc profile $sites
row '^Nothing that was sampled is live\.$' 'a new one'
grow
expect 0 'a new one' $zmalloc profile --json $sites
json '[.[0].stacks[].live_bytes] | add | . >= 2 * 1048576 and . < 2.5 * 1048576' 'a new one'

# ---- One that is stopped, and one that ends

is_stopped() {
	case $(sed 's/.*) //' /proc/"$1"/stat 2>/dev/null || ps -o state= -p "$1") in
	T*) ;;
	*) return 1 ;;
	esac
}

tell stop
until_true is_stopped "$sites" || wrong 'it does not stop'
expect 1 'one that is stopped' $zmalloc profile $sites
contains 'does not answer' "$err" 'one that is stopped'
kill -CONT $sites
expect 0 'one that goes on' $zmalloc profile $sites
$zmalloc profile --since 1.5 $sites >"$work/gone" 2>&1 9>&- &
looking=$!
sleep 0.5
kill -KILL $sites
wait $sites 2>/dev/null
wait $looking
got=$?
test $got = 1 && grep -q "there is no process $sites" "$work/gone" || wrong "one that ends: exit status $got: $(cat "$work/gone")"
exec 8>&-

# ---- One that takes none

publish ./tests/publisher 1 none "np$$"
expect 1 'one that takes none' $zmalloc profile $last
contains "zmalloc profile --start $last" "$err" 'one that takes none'
contains 'ZMALLOC_PROFILE=1' "$err" 'one that takes none'
none=$last
publish ./tests/publisher 1 none "np$$"
if test -w /proc/self/comm; then
	expect 1 'a file of two' $zmalloc profile --flame "$work/two.svg" "np$$"
	contains 'there are 2 of that name' "$err" 'a file of two'
	expect 0 'start of two' $zmalloc profile --start "np$$"
	expect 0 'both' $zmalloc profile --json "np$$"
	json "([.[].pid] | sort) == ([$none, $last] | sort)" 'both'
fi
publish env ZMALLOC_PUBLISH=passive ./tests/publisher 1
expect 1 'a passive one' $zmalloc profile $last
contains 'start it with ZMALLOC_PUBLISH=1' "$err" 'a passive one'
expect 1 'start of a passive one' $zmalloc profile --start $last
contains 'start it with ZMALLOC_PUBLISH=1' "$err" 'start of a passive one'
expect 1 'nobody of that number' $zmalloc profile 99999999

# ---- Other files than those of the build: deleted, without symbols, with them elsewhere

if test "$zm_libdw" = yes; then
	cp "$program" "$work/deleted"
	begin "$work/deleted" start
	rm "$work/deleted"
	expect 0 'a program that is deleted' $zmalloc profile $last
	row "hold_large  $(if test $lines = yes; then at hold_large; else echo deleted; fi)  by xmalloc" 'a program that is deleted'
	exec 8>&-
fi
if test "$zm_libdw" = yes && has strip && has objcopy; then
	cp "$program" "$work/stripped"
	strip "$work/stripped"
	begin "$work/stripped" start
	expect 0 'one without symbols' $zmalloc profile $last
	row '^ +8\.[0-9] MiB +5[0-9]\.[0-9] % +1  stripped\+0x[0-9a-f]+$' 'one without symbols'
	exec 8>&-
	if test $lines = yes; then
		mkdir "$work/.debug"
		objcopy --only-keep-debug "$program" "$work/.debug/elsewhere.debug"
		cp "$program" "$work/apart"
		strip "$work/apart"
		objcopy --add-gnu-debuglink="$work/.debug/elsewhere.debug" "$work/apart"
		begin "$work/apart" start
		expect 0 'one with symbols elsewhere' $zmalloc profile $last
		row "hold_large  $(at hold_large)  by xmalloc" 'one with symbols elsewhere'
		exec 8>&-
	fi
	# What is in a file's names is the business of whoever made it.
	if objcopy --redefine-sym "hold_large=$(printf 'h\033[2J<"&;x')" "$program" "$work/hostile" 2>/dev/null && strip -g "$work/hostile"; then
		begin "$work/hostile" start
		expect 0 'a hostile function' $zmalloc profile $last
		test "$(printf %s "$out" | tr -d '\n' | tr -d ' -~' | wc -c)" -eq 0 || wrong "a hostile function: control characters in: $out"
		row 'h\?\[2J<"&;x' 'a hostile function'
		expect 0 'a hostile function as JSON' $zmalloc profile --json $last
		json '.[0].stacks[0] | .frames[.holder].function == "h?[2J<\"&;x"' 'a hostile function as JSON'
		expect 0 'a hostile function, collapsed' $zmalloc profile -c $last
		row 'main;h\?\[2J<"&:x;xmalloc 8' 'a hostile function, collapsed'
		exec 8>&-
	fi
fi

# ---- C++: functions by the names that their authors gave, whether or not there is debug information

# build_cxx NAME FLAGS...: away from the folder that is looked into below, where ccache would leave files of its own.
# shellcheck disable=SC2086 # flags
build_cxx() (
	name=$1
	shift
	unset XDG_RUNTIME_DIR
	$cxx -O2 "$@" $CPPFLAGS -I"$srcdir/include" $ZM_SANITIZER_FLAGS -o "$work/$name" "$srcdir/tests/sites.cc" $libs \
		>"$work/log" 2>&1
)

. "${srcdir:-.}/tests/built_library.sh"
cxx=$(echo "$CC" | sed -e 's/gcc/g++/' -e 's/clang/clang++/')
test "$cxx" != "$CC" || cxx=c++
if test "$zm_libdw" = no; then
	:
elif ! build_cxx shop -g; then
	echo "left out: C++: $(sed 1q "$work/log")"
else
	build_cxx shop0 -g0 || wrong "C++ without debug information: $(cat "$work/log")"
	for name in shop shop0; do
		begin env ZMALLOC_PUBLISH=1 ZMALLOC_PROFILE=1K "$work/$name"
		# It must not take long, whatever symbols there are.
		expect 0 "C++: $name" sh -c 'ulimit -t 20; exec "$@"' - $zmalloc profile $last
		row '^ +8\.0 MiB .* 1  shop::basket::write_label  ' "C++: $name: a member"
		row '^ +4\.0 MiB .* 1  shop::basket::fill  .*  by ' "C++: $name: who has a vector grow"
		row '^ +2\.0 MiB .* 1  _Z1f1a1bI1cS1_ES0_IS2_' "C++: $name: a name without end"
		no_row '_Z[^1]|_Z1[^f]' "C++: $name: symbols"
		exec 8>&-
		wait "$last" || wrong "C++: $name: exit status $?"
	done
fi

test -z "$(find "$XDG_RUNTIME_DIR" -type f)" || wrong "files were left: $(find "$XDG_RUNTIME_DIR" -type f -exec ls -l {} +)"
exit $failed
