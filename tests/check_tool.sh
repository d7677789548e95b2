#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_tool.sh - the tool: what it says, to people and to parsers, on a terminal and off it.

set -u
. ./tests/build.env
. "${srcdir:-.}/tests/publishers.sh"

# What bash offers after these words; everything that is asked for below, where there is no bash.
complete() {
	if command -v bash >/dev/null 2>&1; then
		PATH=$PWD/tools:$PATH bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _zmalloc; echo "${COMPREPLY[*]}"' \
			- "$srcdir/tools/zmalloc.bash" "$@"
	else
		echo "${command-} --${option-}"
	fi
}

# ---- Help and misuse

expect 0 'help' $zmalloc --help
contains 'usage: zmalloc' "$out" help
commands=$(printf '%s\n' "$out" | sed -n 's/^  \([a-z][a-z]*\)  *.*/\1/p')
contains stat "$commands" 'the commands that help lists'
for command in $(sed -n 's/^int command_\([a-z]*\)(.*/\1/p' "$srcdir/tools/command.h"); do
	echo "$commands" | grep -qx "$command" || wrong "command_$command() of tools/command.h is not among the commands of tools/zmalloc.c"
done
page=$srcdir/man/zmalloc.1
for command in $commands; do
	expect 0 "$command help" $zmalloc $command --help
	contains "usage: zmalloc $command" "$out" "$command help"
	test "$(printf '%s\n' "$out" | awk '{ if (length > 100) print }')" = '' || wrong "$command help: lines over 100 columns"
	grep -qx "\.Cm $command" "$page" || wrong "man/zmalloc.1: SYNOPSIS has no command $command"
	grep -qx "\.It Cm $command" "$page" || wrong "man/zmalloc.1: DESCRIPTION has no command $command"
	for option in $(printf '%s\n' "$out" | sed -n 's/^  -., --\([a-z-]*\).*/\1/p'); do
		grep -Eq "^\.It Fl . , -$option( |\$)" "$page" || wrong "man/zmalloc.1: no option --$option, which zmalloc $command takes"
		contains " --$option " " $(complete zmalloc $command --) " "completion of $command"
	done
	contains " $command " " $(complete zmalloc '') " completion
done
expect 0 version $zmalloc --version
expect 2 'no command' $zmalloc
expect 2 'unknown command' $zmalloc frobnicate
contains "no command 'frobnicate'" "$err" 'unknown command'
expect 2 'stat without operand' $zmalloc stat
expect 2 'option of another command' $zmalloc info --openmetrics
expect 2 'bad delay' $zmalloc top -d never
expect 2 'operand that is not taken' $zmalloc top 1

# ---- Nothing to see

expect 0 info $zmalloc info
contains "$($zmalloc --version | sed 's/.*(\(.*\))/\1/')" "$out" info
printf '%s\n' "$out" | grep -q '^memory  *[0-9][0-9]*\.[0-9] [KMGT]iB$' || wrong "info: no memory, or not in tenths: $out"
expect 1 'stat of a name that is not there' $zmalloc stat no-such-process
contains "no process that you may look at is named 'no-such-process'" "$err" 'stat of a name'
need_processes
expect 1 'stat of a number that is not there' $zmalloc stat 99999999
contains 'there is no process 99999999' "$err" 'stat of a number'
expect 1 'stat of a process that does not publish' $zmalloc stat $$
contains 'ZMALLOC_PUBLISH=1' "$err" 'stat of a process that does not publish'

# ---- Three processes

publish ./tests/publisher 8
one=$last
publish ./tests/publisher 32 every-other
two=$last
publish ./tests/publisher 64
three=$last

expect 0 stat $zmalloc stat $two
contains "($two)" "$out" stat
contains 'used_bytes' "$out" stat
name=$(printf '%s\n' "$out" | sed -n '1s/ (.*//p')
expect 0 'stat by name' $zmalloc stat "$name"
for pid in $one $two $three; do
	contains "($pid)" "$out" 'stat by name'
done
# Other programs of this machine may show themselves meanwhile, publishers of another build among them.
self=
ours() {
	printf '%s\n' "$out" | awk -v pids="$publishers $self" 'BEGIN { split(pids, list, " "); for (i in list) own[list[i]] }
		/^NAME / || ($3 in own)'
}
expect 0 top $zmalloc top
out=$(ours)
test "$(printf '%s\n' "$out" | wc -l)" -eq 4 || wrong "top: not a heading and three lines: $out"
heading=$(printf '%s\n' "$out" | sed -n '1s/  */ /gp')
test "$heading" = 'NAME USER PID USED %LIM PEAK RSS FRAG +/MIN AGE' || wrong "top: other columns: $heading"
test "$(printf '%s\n' "$out" | awk 'NR > 1 && NF != 10')" = '' || wrong "top: lines without ten words: $out"
test "$(printf '%s\n' "$out" | awk 'NR > 1 { print $3 }' | tr '\n' ' ')" = "$three $two $one " || wrong "top: not the largest first: $out"
printf '%s\n' "$out" | awk '
	NR > 1 && ($4 !~ /^[0-9]+\.[0-9]M$/ || $4 + 0 < least[NR] || $4 + 0 > least[NR] * 1.25) { wrong = 1 }
	BEGIN { least[2] = 62; least[3] = 15.5; least[4] = 7.7 }
	END { exit wrong }' || wrong "top: not what is used: $out"
expect 0 'top twice' $zmalloc top -n 2 -d 0.1
test "$(printf '%s\n' "$out" | grep -c '^NAME ')" -eq 2 || wrong 'top -n 2: not two rounds'

# A process that was started with the variable, and one that is gone without a word.
expect 0 'publishing by environment' env ZMALLOC_PUBLISH=1 sh -c 'echo $$ >"$0"; exec "$@"' "$work/self" $zmalloc top
self=$(cat "$work/self")
out=$(ours)
test "$(printf '%s\n' "$out" | wc -l)" -eq 5 || wrong "ZMALLOC_PUBLISH=1: top does not see itself: $out"
publish ./tests/publisher 1
kill -KILL $last
wait $last 2>/dev/null
expect 0 'top past a stale page' $zmalloc top
out=$(ours)
test "$(printf '%s\n' "$out" | wc -l)" -eq 4 || wrong "top: shows a process that is gone: $out"
expect 1 'stat of a killed process' $zmalloc stat $last
test "$(find "$XDG_RUNTIME_DIR" -type f | wc -l)" -eq 0 || wrong 'files were left'
mkdir -m 700 "$XDG_RUNTIME_DIR/zmalloc"
: >"$XDG_RUNTIME_DIR/zmalloc/$$"
chmod 600 "$XDG_RUNTIME_DIR/zmalloc/$$"
expect 1 'stat of an empty page' $zmalloc stat $$
contains damaged "$err" 'stat of an empty page'
expect 0 'top past an empty page' $zmalloc top
rm -f "$XDG_RUNTIME_DIR/zmalloc/$$"

# ---- Parsers

if has jq; then
	$zmalloc info --json | jq -e '.version and .allocator and .can.purge != null and .memory_bytes > 0' >/dev/null || wrong 'info --json'
	$zmalloc stat --json $one $two | jq -e 'length == 2 and .[0].pid == '$one' and
		(.[0] | .used_bytes >= 8*1024*1000 and .used_bytes < 12*1024*1024 and .peak_bytes >= .used_bytes) and
		(.[1] | .used_bytes >= 16*1024*1000 and .used_bytes < 24*1024*1024)' >/dev/null || wrong 'stat --json'
	$zmalloc top --json | jq -e '[.[] | select(.pid | IN('$one,$two,$three,$last'))] | length == 3 and ([.[].pid] | sort) == ([ '$one,$two,$three' ] | sort) and
		([.[] | has("muzzy_bytes")] | all)' >/dev/null || wrong 'top --json'
	$zmalloc top --json -n 2 -d 0.1 | jq -es 'length == 2' >/dev/null || wrong 'top --json twice'
fi
metrics=$($zmalloc top --openmetrics)
contains '# EOF' "$metrics" OpenMetrics
contains "zmalloc_used_bytes{pid=\"$one\",name=" "$metrics" OpenMetrics
contains '# UNIT zmalloc_used_bytes bytes' "$metrics" OpenMetrics
if has promtool; then
	printf '%s\n' "$metrics" | promtool check metrics >"$work/promtool" 2>&1 || wrong "promtool: $(cat "$work/promtool")"
	test ! -s "$work/promtool" || wrong "promtool: $(cat "$work/promtool")"
	$zmalloc stat --openmetrics $one | promtool check metrics >"$work/promtool" 2>&1 || wrong "promtool, one: $(cat "$work/promtool")"
fi

# ---- A terminal: check_top.sh has more, where there is tmux

if test "$zm_curses" != yes; then
	echo 'left out: built without ncurses'
elif ! has script || ! script --version 2>/dev/null | grep -q util-linux; then
	echo 'left out: no script(1) of util-linux: nothing to make a terminal with'
elif ! script -qec true "$work/script" >"$work/screen" 2>&1; then
	echo 'left out: no pseudo-terminal here: is /dev/pts mounted?'
else
	# Keys: by pid, by rss, then quit. The size is that of the terminal, not of ours.
	(sleep 2; printf p; sleep 1; printf r; sleep 1; printf q) |
		script -qec "stty rows 60 cols 100; stty -a >$work/before; TERM=xterm LC_ALL=C.UTF-8 $zmalloc top -d 0.3; echo status \$?; stty -a >$work/after" "$work/script" \
			>"$work/screen" 2>&1
	cat -v "$work/screen" >"$work/visible"
	grep -q 'status 0' "$work/visible" || wrong "top on a terminal: $(cat "$work/visible")"
	for piece in '\^\[\[?1049h' '\^\[\[?1049l' '\^\[\[?25h' 'q quit' "$one" "$three"; do
		grep -q -e "$piece" "$work/visible" || wrong "top on a terminal: no $piece"
	done
	cmp -s "$work/before" "$work/after" || wrong 'top left the terminal changed'
fi

# ---- Completion

if has bash; then
	contains stat "$(complete zmalloc s)" completion
	contains --openmetrics "$(complete zmalloc top --o)" completion
	contains "$two" "$(complete zmalloc stat "$two")" completion
	contains "$name" "$(complete zmalloc stat "")" completion
	test -z "$(complete zmalloc top -d 1)" || wrong 'completion: offers a time'
	# A process that is named to be run, as a tool of its own says it here.
	mkdir "$work/bin"
	cat >"$work/bin/zmalloc" <<-END
		#!/bin/sh
		echo 'zmalloc_used_bytes{pid="77",name="\$(>$work/ran)"} 1'
		echo 'zmalloc_used_bytes{pid="78",name="a\"; >$work/ran; b"} 1'
		echo 'zmalloc_used_bytes{pid="79",name="kind"} 1'
	END
	chmod 755 "$work/bin/zmalloc"
	offered=$(PATH=$work/bin:$PATH bash -c '. "$1"; COMP_WORDS=(zmalloc stat ""); COMP_CWORD=2; _zmalloc
		echo "${COMPREPLY[*]}"' - "$srcdir/tools/zmalloc.bash")
	test "$offered" = '77 78 79 kind' || wrong "completion of hostile names: offers $offered"
	test ! -e "$work/ran" || wrong 'completion runs what a process is named'
fi

exit $failed
