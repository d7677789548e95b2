#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_top.sh - `zmalloc top` in a real terminal: tmux has one, takes keys for it, and tells what is on it.

set -u
. ./tests/build.env
skip() {
	echo "SKIP: $*"
	exit 77
}
test "$cross_compiling" = no || skip 'a program for another machine'
test "$zm_curses" = yes || skip 'built without ncurses: top has plain lines only'
command -v tmux >/dev/null 2>&1 || skip 'no tmux: ./bootstrap --for matrix installs it'

work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-top.XXXXXX")
failed=0 publishers= socket=0
XDG_RUNTIME_DIR=$work
unset ZMALLOC_PUBLISH NO_COLOR TMUX LINES COLUMNS
LC_ALL=C.UTF-8
HOME=$work # nobody's own settings
export XDG_RUNTIME_DIR LC_ALL HOME
zmalloc=$PWD/tools/zmalloc
# At the end of a program whose terminal has gone LeakSanitizer and the helper that it traces the program with wait for
# one another for ever, at a processor's cost.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
export ASAN_OPTIONS

mkfifo "$work/hold"
exec 9<>"$work/hold"
trap 'exec 9>&- 7>&-; terminal kill-server 2>/dev/null; kill -CONT $publishers 2>/dev/null; kill $publishers 2>/dev/null; rm -rf "$work"' EXIT

terminal() {
	tmux -u -S "$work/socket$socket" -f /dev/null "$@"
}

wrong() {
	echo "FAIL: $*"
	echo '--- the screen:'
	screen | sed 's/^/    |/'
	failed=1
}

screen() {
	terminal capture-pane -p -t top 2>/dev/null
}

# In tenths of a second: a machine that is loaded takes its time. Where something is wrong the rest is not waited for
# as long, for more will be.
patience=300
given_up() {
	patience=20
	wrong "$@"
}

# until_seen WHAT PATTERN: the screen comes to show it.
until_seen() {
	tries=$patience
	while test $tries -gt 0; do
		screen | grep -Eq -e "$2" && return
		sleep 0.1
		tries=$((tries - 1))
	done
	given_up "$1: no '$2'"
	return 1
}

until_gone() {
	tries=$patience
	while test $tries -gt 0; do
		screen | grep -Eq -e "$2" || return 0
		sleep 0.1
		tries=$((tries - 1))
	done
	given_up "$1: still '$2'"
	return 1
}

keys() {
	terminal send-keys -t top "$@"
}

# start WIDTH HEIGHT COMMAND: a shell of job control in the terminal, which runs the command.
start() {
	terminal kill-server 2>/dev/null
	socket=$((socket + 1)) # the old one goes in its own time
	if ! terminal new-session -d -s top -x "$1" -y "$2" "PS1='shell> ' sh -i"; then
		test $socket = 1 && skip 'tmux makes no terminal here'
		wrong 'tmux makes no terminal any more'
		exit 1
	fi
	until_seen 'a shell' 'shell>' || exit 1
	keys "$3" Enter
}

# Others of this machine show themselves as well: only ours have this name. libtool keeps the program itself beside
# its script.
ours=top$$
program=tests/publisher
test ! -x tests/.libs/publisher || program=tests/.libs/publisher
cp "$program" "$work/$ours"
LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

publish() {
	: >"$work/ready"
	"$work/$ours" "$1" <"${2:-$work/hold}" 7>&- 9>&- >"$work/ready" &
	last=$!
	publishers="$publishers $last"
	tries=240
	while test $tries -gt 0 && ! grep -q ready "$work/ready"; do
		sleep 0.25
		tries=$((tries - 1))
	done
}

publish 8
one=$last
case $("$zmalloc" stat "$one" 2>&1) in
*'tell processes apart'*) skip 'this system does not tell processes apart' ;;
esac
publish 32
two=$last
# This one takes a MiB more when it is told to.
mkfifo "$work/grow"
exec 7<>"$work/grow"
publish 64 "$work/grow"
three=$last
"$zmalloc" top | grep -q "^$ours .* $one " || wrong "plain lines have no process $one: $("$zmalloc" top)"

# The numbers of the rows that are ours, from above.
order() {
	screen | awk -v name="$ours" 'index($1, name) == 1 { printf "%s ", $3 }'
}

until_order() {
	tries=$patience
	while test $tries -gt 0; do
		test "$(order)" = "$2" && return
		sleep 0.1
		tries=$((tries - 1))
	done
	given_up "$1: the order is '$(order)', not '$2'"
}

# ---- 80x24

start 80 24 "clear; $zmalloc top -d 0.3; echo status \$?"
until_seen 'the list' '^NAME +USER +PID +USED +%LIM +PEAK +RSS +FRAG +\+/MIN +AGE$'
until_seen 'the largest' "^$ours +[a-z0-9_-]+ +$three +6[2-9]\.[0-9]M .*█"
until_seen 'growth' "$three .* 0B +0s"
# Only ours, from here on.
keys / && keys -l "$ours" && keys Enter
until_seen 'the filter' "processes with '$ours'"
until_order 'the largest first' "$three $two $one "
keys R
until_order 'the other way' "$one $two $three "
keys p
until_seen 'by number' 'by PID \^'
keys p
until_seen 'by number, downwards' 'by PID v'
keys '>'
until_seen 'the next column' 'by used v'
keys n
until_seen 'by name' 'by name \^'
keys u
until_order 'by used again' "$three $two $one "

# The filter takes away what it does not name, while it is written.
keys / && keys -l "x"
until_seen 'a filter of nothing' '^0 of '
keys BSpace BSpace BSpace BSpace BSpace BSpace BSpace BSpace BSpace BSpace BSpace BSpace BSpace BSpace BSpace BSpace BSpace
keys -l "$two"
until_order 'a filter of a number' "$two "
keys Escape
until_gone 'no filter' "with '"
keys / && keys -l "$ours" && keys Enter

# Details: of the second.
keys Home Down Enter
until_seen 'details' "^$ours \($two\): figures of "
until_seen 'details' '^limit +[0-9]'
keys Tab
until_seen 'figures' '^used_bytes +3[1-9]\.'
keys Tab
until_seen 'scopes' '^SCOPE +USED|^scopes: it does not tell'
keys Tab
until_seen 'who holds it' "^who holds it: .zmalloc profile --start $two. has it find out"
keys Tab
until_seen 'arenas' 'ARENA +ALLOCATED|arenas: it does not tell'
keys End
until_seen 'bins' 'BIN +SLABS|^ +[0-9.]+ [KM]?i?B +[0-9]|bins: it does not tell'
keys q
until_seen 'the list again' '^NAME '

# One that takes a profile tells who holds it: a publisher has a function that takes all.
"$zmalloc" profile --start=1 "$three" >/dev/null || wrong 'no profile begins'
echo >&7
keys Home Enter
until_seen 'details of the first' "^$ours \($three\): figures of "
keys Tab Tab Tab
until_seen 'who holds it' "^ +LIVE +SHARE +BLOCKS +HELD BY"
if test "$zm_libdw" = yes; then
	until_seen 'a holder' '^ *(1\.[0-9] M|10(0[0-9]|16)\.[0-9] K)iB +100\.0 % +10[0-9][0-9]  (take|main)( |$|\.)'
else
	until_seen 'a holder' "^ *(1\.[0-9] M|10(0[0-9]|16)\.[0-9] K)iB +100\.0 % +10[0-9][0-9]  $ours\+0x"
fi
keys q
until_seen 'the list again' '^NAME '
keys Down

# Purge asks first.
keys P
until_seen 'a question' "Have $two give memory back\? \(y/n\)"
keys n
until_gone 'the question' 'give memory back\?'
keys P
until_seen 'a question' "Have $two give memory back\? \(y/n\)"
keys y
until_seen 'memory given back' "$ours (gave back [0-9]|cannot be told)"

keys '?'
until_seen help '^Keys'
keys q
until_seen 'the list after help' '^NAME '

# ---- A process that is stopped holds nobody up, and is marked

kill -STOP "$two"
until_seen 'no answer' "^$ours *! .*$two"
until_seen 'no answer' 'no answer of 1'
until_seen 'the age of its figures' "$two .* [1-9][0-9]*s!"
before=$(screen | awk -v pid="$two" '$3 == pid || $4 == pid { print $NF }')
until_seen 'the age grows' "$two .* ([3-9]|[1-9][0-9])s!"
# The others' are new.
until_seen 'the others' "$three .* 0s\$"
keys P
until_seen 'purge of who gives no answer' 'gives no answer'
kill -CONT "$two"
until_gone 'an answer again' 'no answer of'
test -n "$before" || wrong 'no age of the stopped process'

# ---- Another size, and stopped itself

terminal resize-window -t top -x 40 -y 10
until_seen '40x10' '^NAME +PID +USED +%LIM *$'
screen | grep -q "^$ours  *$three " || wrong '40x10: the largest is not there'
test "$(screen | wc -l)" -le 10 || wrong '40x10: more than ten lines'
keys Enter
until_seen 'details at 40x10' "^$ours \("
keys q
until_seen 'the list at 40x10' '^NAME '
keys C-z
until_seen 'stopped' 'Stopped|Suspended'
keys 'stty -a | grep icanon' Enter
until_seen 'the terminal of the shell' '[^-]icanon'
# A size that it did not hear of.
terminal resize-window -t top -x 100 -y 15
keys 'clear; fg' Enter
until_seen 'on again' '^NAME +USER +PID +USED .* AGE$'
until_seen 'on again' 'q quit'
keys q
until_gone 'the end' '^NAME '
keys 'echo ended $?' Enter
until_seen 'the end' 'ended 0$'
keys 'stty -a | grep echo' Enter
until_seen 'the terminal afterwards' '[^-]echo '

# It draws all the time, and is stopped all the same.
start 80 24 "clear; $zmalloc top -d 0.05"
until_seen 'the list' '^NAME '
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	keys C-z
	until_seen "Ctrl-Z, $round" 'Stopped|Suspended' || break
	keys 'clear; fg' Enter
	until_seen "Ctrl-Z, on again, $round" '^NAME ' || break
done

# As small as can be: nothing but what fits.
start 10 3 "clear; $zmalloc top -d 0.3"
until_seen '10x3' '^NAME'
terminal resize-window -t top -x 1 -y 1
sleep 1
terminal resize-window -t top -x 80 -y 24
until_seen 'from 1x1' '^NAME +USER'
kill -0 "$one" || wrong 'a publisher ended'

# ---- Signals end it, and the terminal is as before

start 80 24 "clear; $zmalloc top; echo status \$?"
until_seen 'the list' '^NAME '
keys C-c
until_seen 'Ctrl-C' '^status 0'
start 80 24 "clear; sh -c 'echo \$\$ >$work/pid; exec $zmalloc top -d 3600'; echo status \$?; stty -a"
until_seen 'the list' '^NAME '
kill -TERM "$(cat "$work/pid")"
until_seen 'SIGTERM' '^status 0'
until_seen 'SIGTERM' '[^-]icanon'

# ---- Colours, characters, and terminals that can do little

start 80 24 "clear; $zmalloc top -d 0.3"
until_seen 'the list' "$three .*█"
terminal capture-pane -e -p -t top | grep -q "$(printf '\033')\[[0-9;]*3[0-8]m" || wrong 'no colours'
start 80 24 "clear; NO_COLOR=1 $zmalloc top -d 0.3"
until_seen 'the list, NO_COLOR' "$three .*█"
if terminal capture-pane -e -p -t top | grep -q "$(printf '\033')\[[0-9;]*3[0-8]m"; then
	wrong 'NO_COLOR: colours'
fi
start 80 24 "clear; LC_ALL=C $zmalloc top -d 0.3"
until_seen 'ASCII' "$three .* #+"
if screen | grep -q '█'; then
	wrong 'a locale without UTF-8: blocks'
fi
for dumb in dumb no-such-terminal ''; do
	# High enough for the lines of whatever else shows itself.
	start 120 300 "clear; TERM='$dumb' $zmalloc top; echo status \$?"
	until_seen "TERM='$dumb'" '^status 0'
	screen | grep -q "^$ours .* $three " || wrong "TERM='$dumb': no plain lines"
done

exit $failed
