#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_export.sh - `zmalloc export`: what is in the file, whoever names his programs how, that it is there whole or
# not at all, and that manual page, alerts and dashboard tell of the metrics that there are.

set -u
. ./tests/build.env
. "${srcdir:-.}/tests/publishers.sh"
need_processes
source=$srcdir/tools/monitoring
page=$srcdir/man/zmalloc_metrics.7

# sample METRIC LABELS: its value; LABELS is a fixed piece of the label set.
sample() {
	grep "^zmalloc_$1{" "$work/zmalloc.prom" | grep -F -e "$2" | sed 's/.* //'
}

export_file() {
	expect 0 "$1" $zmalloc export "$work/zmalloc.prom"
	test -z "$out$err" || wrong "$1: says $out $err"
}

is_valid() {
	test "$(tail -n 1 "$work/zmalloc.prom")" = '# EOF' || wrong "$1: does not end with # EOF"
	twice=$(grep -v '^#' "$work/zmalloc.prom" | sed 's/ [^ ]*$//' | sort | uniq -d)
	test -z "$twice" || wrong "$1: twice in the file: $twice"
	if command -v promtool >/dev/null 2>&1; then
		promtool check metrics <"$work/zmalloc.prom" >"$work/promtool" 2>&1 && test ! -s "$work/promtool" ||
			wrong "$1: promtool: $(cat "$work/promtool")"
	fi
}
has promtool || :

# ---- One series of each label set

publish ./tests/publisher 16 every-other "zm$$"
one=$last
publish ./tests/publisher 8 none "zm$$"
two=$last
publish ./tests/publisher 4 none "other$$"
label=$($zmalloc stat $one | sed -n '1s/ (.*//p')
export_file 'a first file'
is_valid 'a first file'
user=$(id -un)
of="{name=\"$label\",unit=\"$($zmalloc stat $one | sed -n 's/^unit  *//p' | sed 's/^-$//')\",user=\"$user\"}"
if test "$label" = "zm$$"; then
	test "$(sample processes "$of")" = 2 || wrong "not two processes: $(sample processes "$of")"
	used=$(sample used_bytes "$of")
	test "$used" -ge $((16 * 1024000)) && test "$used" -lt $((20 * 1024000)) || wrong "two processes: used $used"
	test "$(sample silent_processes "$of")" = 0 || wrong 'one that answers is silent'
	active=$(sample active_bytes "$of") allocated=$(sample allocated_bytes "$of") ratio=$(sample allocator_frag_ratio "$of")
	test -z "$active" || awk "BEGIN { exit !($ratio - $active / $allocated < 0.01 && $active / $allocated - $ratio < 0.01) }" ||
		wrong "two processes: fragmentation $ratio is not $active / $allocated"
	test "$(sample used_bytes "other$$")" -ge 4096000 || wrong 'the other one is not there'
fi
test "$(sample build_info "name=\"$label\"" | sort -u)" = 1 || wrong 'no build_info'
now=$(date +%s)
time=$(sed -n 's/^zmalloc_export_time_seconds \([0-9]*\)\..*/\1/p' "$work/zmalloc.prom")
test -n "$time" && test $((now - time)) -le 60 && test $((now - time)) -ge -1 || wrong "written at $time, now is $now"

expect 0 'a series of each process' $zmalloc export --pid "$work/zmalloc.prom"
is_valid 'a series of each process'
test "$(sample processes "pid=\"$one\"")$(sample processes "pid=\"$two\"")" = 11 || wrong '--pid: not a series of each'
test "$(sample used_bytes "pid=\"$two\"")" -lt $((10 * 1024000)) || wrong '--pid: figures of more than one'

expect 0 'without a file' $zmalloc export
contains "zmalloc_used_bytes{name=\"$label\"" "$out" 'without a file'
expect 1 'two files' $zmalloc export "$work/a" "$work/b"

# ---- Hostile names

if test -w /proc/self/comm; then
	publish ./tests/publisher 1 none 'a"} 1\'
	publish ./tests/publisher 1 none "$(printf 'b\nc 1\r\t\033')"
	publish ./tests/publisher 1 none "$(printf '\303\050#{}=,\177')"
	publish ./tests/publisher 1 none ' '
	export_file 'hostile names'
	is_valid 'hostile names'
	for line in 'name="a\"} 1\\",' 'name="b?c 1???",' 'name="?(#{}=,?",' 'name=" ",'; do
		test "$(sample used_bytes "$line" | wc -l)" -ge 1 || wrong "hostile names: no '$line' in: $(grep '^zmalloc_used' "$work/zmalloc.prom")"
	done
	test "$(tr -d '\n -~' <"$work/zmalloc.prom" | wc -c)" -eq 0 || wrong 'hostile names: something in the file is not printable'
fi

# ---- One that is stopped

kill -STOP $two
sleep 1.2
expect 0 'one that is stopped' $zmalloc export --pid "$work/zmalloc.prom"
is_valid 'one that is stopped'
test "$(sample silent_processes "pid=\"$two\"")" = 1 || wrong 'one that is stopped is not silent'
test "$(sample silent_processes "pid=\"$one\"")" = 0 || wrong 'one beside it is silent'
awk "BEGIN { exit !($(sample figures_time_seconds "pid=\"$one\"") - $(sample figures_time_seconds "pid=\"$two\"") >= 1) }" ||
	wrong 'one that is stopped has figures of now'
test "$(sample used_bytes "pid=\"$two\"")" -ge 8192000 || wrong 'one that is stopped lost its last figures'
kill -CONT $two

# Many that are stopped take no more than the time for all: two seconds each would be twelve.
stopped=
for number in 1 2 3 4 5 6; do
	publish ./tests/publisher 1 none "still$$"
	stopped="$stopped $last"
done
kill -STOP $stopped
begun=$(date +%s)
expect 0 'many that are stopped' $zmalloc export --within=1 "$work/zmalloc.prom"
took=$(($(date +%s) - begun))
test $took -lt 11 || wrong "many that are stopped: took $took seconds of 1"
is_valid 'many that are stopped'
if test "$label" = "zm$$"; then
	test "$(sample silent_processes "name=\"still$$\"")" = 6 || wrong 'many that are stopped: not six are silent'
	test "$(sample used_bytes "name=\"still$$\"")" -ge $((6 * 1024000)) || wrong 'many that are stopped lost figures'
fi
kill -CONT $stopped
expect 2 'a time that is none' $zmalloc export -w now
contains "'now' is no time" "$err" 'a time that is none'

# ---- The file

nothing_left() {
	test -z "$(find "$work" -name '.*.prom.*')" || wrong "$1: $(find "$work" -name '.*.prom.*') is left"
}
cp "$work/zmalloc.prom" "$work/old"
exec 7<"$work/zmalloc.prom"
(umask 077 && exec $zmalloc export "$work/zmalloc.prom") || wrong 'with another umask'
cmp -s - "$work/old" <&7 || wrong 'who has the old file open sees another text'
exec 7<&-
case $(ls -l "$work/zmalloc.prom") in
-rw-r--r--*) ;;
*) wrong "not readable for all: $(ls -l "$work/zmalloc.prom")" ;;
esac
nothing_left 'a file'

# Whole at every look, while it is written again and again. cp(1) of coreutils refuses a file that was replaced
# between its stat() and its open().
(rounds=0; while test $rounds -lt 5 && $zmalloc export "$work/zmalloc.prom"; do rounds=$((rounds + 1)); done; : >"$work/written") 9>&- &
writer=$!
looks=0
until test -e "$work/written"; do
	cat "$work/zmalloc.prom" >"$work/seen" || wrong 'the file was away'
	test "$(tail -n 1 "$work/seen")" = '# EOF' || wrong "half a file: $(tail -n 1 "$work/seen")"
	looks=$((looks + 1))
done
wait $writer
test $looks -gt 1 || wrong "only $looks looks at the file while it was written"
nothing_left 'many files'

# No room: what was there stays.
cp "$work/zmalloc.prom" "$work/old"
err=$(trap '' XFSZ; ulimit -f 0; $zmalloc export "$work/zmalloc.prom" 2>&1) && wrong 'no room: succeeds'
contains "zmalloc: cannot write '$work/zmalloc.prom': " "$err" 'no room'
cmp -s "$work/zmalloc.prom" "$work/old" || wrong 'no room: the old file is not what it was'
nothing_left 'no room'

expect 1 'a folder' $zmalloc export "$work"
contains 'zmalloc: cannot write' "$err" 'a folder'
expect 1 'a folder that is not there' $zmalloc export "$work/none/zmalloc.prom"
contains 'zmalloc: cannot write' "$err" 'a folder that is not there'
mkfifo "$work/fifo.prom"
expect 1 'a FIFO' $zmalloc export "$work/fifo.prom"
contains 'is no file' "$err" 'a FIFO'
test -p "$work/fifo.prom" || wrong 'a FIFO was replaced'
# Never with a device of the machine: a tool with a fault would take it away from everybody.
ln -s fifo.prom "$work/to-fifo.prom"
expect 1 'a link to a FIFO' $zmalloc export "$work/to-fifo.prom"
test -p "$work/fifo.prom" || wrong 'a FIFO behind a link was replaced'
ln -s zmalloc.prom "$work/link.prom"
: >"$work/zmalloc.prom"
expect 0 'a link' $zmalloc export "$work/link.prom"
test -h "$work/link.prom" && test -s "$work/zmalloc.prom" || wrong 'a link was replaced, not what it leads to'
name=$PWD/tools/zmalloc
(cd "$work" && $name export plain.prom) && test -s "$work/plain.prom" || wrong 'a name without a folder'
nothing_left 'odd names'

# ---- The manual page, the alerts and the dashboard

sed -n 's/^# HELP \(zmalloc_[a-z_]*\) /\1	/p' "$work/zmalloc.prom" >"$work/told"
./tests/figures_now list | awk -F'\t' '{ print "zmalloc_" $1 "\t" $3 "." }' >>"$work/told"
sort -u "$work/told" >"$work/metrics"
awk '/^\.It Li zmalloc_/ { name = $3; next } name != "" { print name "\t" $0; name = "" }' "$page" | sort >"$work/items"
diff "$work/metrics" "$work/items" >"$work/difference" ||
	wrong "metrics (<) and man/zmalloc_metrics.7 (>) differ: $(cat "$work/difference")"
cut -f 1 "$work/items" >"$work/names"
for file in "$source/zmalloc.rules.yml" "$source/zmalloc.json"; do
	for metric in $(grep -v '^ *#' "$file" | grep -o 'zmalloc_[a-z_]*[^a-z_(]' | sed 's/.$//' | sort -u); do
		grep -qx "$metric" "$work/names" || wrong "$file: there is no metric $metric"
	done
done
if command -v promtool >/dev/null 2>&1; then
	promtool check rules "$source/zmalloc.rules.yml" >"$work/promtool" 2>&1 || wrong "alerts: $(cat "$work/promtool")"
fi
if has jq; then
	jq -e '.panels | length > 5 and all(.targets | length > 0) and ([.[].id] | unique | length) == length' "$source/zmalloc.json" >/dev/null ||
		wrong 'the dashboard is none'
	# Side by side, none on top of another.
	jq -e '[.panels[].gridPos | . as $p | range(.h) | (. + $p.y) as $y | range($p.w) | [. + $p.x, $y]] | length == (unique | length)' \
		"$source/zmalloc.json" >/dev/null || wrong 'panels of the dashboard lie on one another'
fi

# ---- The units

unit=tools/monitoring/zmalloc-export.service
${MAKE:-make} -s $unit >/dev/null 2>&1 || wrong "make $unit"
grep -q "^ExecStart=/.*/zmalloc export /var/lib/prometheus/node-exporter/zmalloc.prom\$" $unit || wrong "$unit: $(grep ExecStart $unit)"
grep -q '@' $unit && wrong "$unit: something was not filled in"
if command -v systemd-analyze >/dev/null 2>&1; then
	mkdir "$work/units"
	sed "s,=/.*/zmalloc export,=$(command -v true) export," $unit >"$work/units/zmalloc-export.service"
	cp "$source/zmalloc-export.timer" "$work/units/"
	systemd-analyze --man=no verify "$work/units/zmalloc-export.timer" "$work/units/zmalloc-export.service" >"$work/verify" 2>&1
	# Of the machine's own units it may have more to say.
	! grep zmalloc-export "$work/verify" || wrong 'systemd-analyze verify'
else
	echo 'left out: no systemd-analyze to look at the units'
fi
exit $failed
