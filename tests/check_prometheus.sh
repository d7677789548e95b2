#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_prometheus.sh - from programs to alerts: three processes, `zmalloc export`, Prometheus's node exporter and
# Prometheus itself, on this machine alone. Every expression of the dashboard and of the alerts has data, and
# alerts fire for a process that is near its limit and for one that is stopped.

set -u
. ./tests/build.env
. "${srcdir:-.}/tests/publishers.sh"
need_processes
source=$srcdir/tools/monitoring

exporter=$(command -v prometheus-node-exporter || command -v node_exporter) ||
	{ echo 'SKIP: no node exporter: ./bootstrap --for matrix installs it'; exit 77; }
for need in prometheus promtool jq timeout; do
	has $need >"$work/need" || { echo "SKIP: no $need: ./bootstrap --for matrix installs it"; exit 77; }
done
test -w /proc/self/comm || { echo 'SKIP: programs cannot take names of their own here'; exit 77; }

# Servers end with the test, and by themselves if nobody is left to end them: timeout(1) hands the signal on.
servers=
end_servers() {
	for server in $servers; do
		kill "$server" 2>/dev/null
		wait "$server" 2>/dev/null
	done
}
trap 'end_servers; end_publishers; rm -rf "$work"' EXIT

# start NAME COMMAND...: its number is in $server.
start() {
	name=$1
	shift
	timeout -k 10 600 "$@" >"$work/$name.log" 2>&1 9>&- &
	server=$!
	servers="$servers $server"
}
# Also if it has ended: then it will never be.
is_up() {
	kill -0 $server 2>/dev/null || return 0
	grep -q "$1" "$work/$name.log"
}

# on_free_port BEFORE LINE NAME COMMAND...: PORT in the command is what is tried, one after another; LINE of its
# log says that it listens. The port is in $port.
on_free_port() {
	port=$1 line=$2
	shift 2
	attempts=20
	while test $attempts -gt 0; do
		attempts=$((attempts - 1))
		port=$((port + 1))
		# shellcheck disable=SC2046 # a word for each argument; none of ours has blanks
		start $(echo "$*" | sed "s/PORT/$port/")
		until_true is_up "$line" || return 1
		kill -0 $server 2>/dev/null && return 0
	done
	return 1
}
first=$((20000 + $$ % 20000))

# ---- Three programs

publish ./tests/publisher 48 every-other "cache$$"
fragmented=$last
publish ./tests/publisher 8 none "web$$"
stopped=$last
publish ./tests/publisher 32 none "queue$$"
mine="name=~\"(cache|web|queue)$$\""

mkdir "$work/textfile"
export_now() {
	$zmalloc export "$work/textfile/zmalloc.prom" || wrong 'export'
}
export_now
# Near its limit: what it may have is a little more than what it has. A sanitizer dies of that.
near=
if test "$zm_sanitizer" = no && command -v prlimit >/dev/null 2>&1; then
	rss=$($zmalloc stat --json $last | jq '.[0].rss_bytes')
	if prlimit --pid $last --as=$((rss + rss / 50)) 2>/dev/null; then
		near=yes
	fi
fi

# ---- The two servers

on_free_port $first 'Listening on' exporter "$exporter" --web.listen-address=127.0.0.1:PORT \
	--collector.disable-defaults --collector.textfile --collector.textfile.directory="$work/textfile" ||
	{ echo "SKIP: the node exporter does not start here: $(tail -n 3 "$work/exporter.log")"; exit 77; }
target=127.0.0.1:$port

# The alerts as they are, but for their waiting.
sed 's/^\( *for: \).*/\10s/' "$source/zmalloc.rules.yml" >"$work/rules.yml"
cat >"$work/prometheus.yml" <<END
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [$work/rules.yml]
scrape_configs:
  - job_name: node
    static_configs: [{targets: ['$target']}]
END
on_free_port $((port + 100)) 'Server is ready' prometheus prometheus --config.file="$work/prometheus.yml" \
	--storage.tsdb.path="$work/data" --web.listen-address=127.0.0.1:PORT ||
	{ wrong "Prometheus does not start: $(tail -n 3 "$work/prometheus.log")"; exit 1; }
url=http://127.0.0.1:$port

# query EXPRESSION: the instant vector, as JSON.
query() {
	promtool query instant -o json "$url" "$1" 2>"$work/err"
}
has_data() {
	query "$1" | jq -e 'length > 0' >/dev/null 2>&1
}

# Twice at least, for what grows.
twice() {
	export_now
	query "min(count_over_time(zmalloc_used_bytes{$mine}[5m]))" | jq -e '.[0].value[1] | tonumber >= 2' >/dev/null 2>&1
}
until_true twice || wrong "figures do not get to Prometheus: $(cat "$work/err") $(tail -n 3 "$work/prometheus.log")"
test "$(query "count(zmalloc_used_bytes{$mine})" | jq -r '.[0].value[1]')" = 3 || wrong 'not three programs'
for metric in $(sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' "$work/textfile/zmalloc.prom"); do
	has_data "$metric" || wrong "no $metric in Prometheus"
done
test "$(query 'node_textfile_scrape_error' | jq -r '.[0].value[1]')" = 0 || wrong "the node exporter refuses the file: $(tail -n 3 "$work/exporter.log")"
used=$(query "zmalloc_used_bytes{name=\"cache$$\"}" | jq -r '.[0].value[1]')
test "$used" = "$($zmalloc stat --json $fragmented | jq '.[0].used_bytes')" || wrong "cache: $used bytes used in Prometheus"

# ---- The dashboard: for all of its variables, and for one program

# What an allocator does not tell is in no panel: that is not looked for. Others may show themselves too.
told() {
	for metric in $(echo "$1" | grep -o 'zmalloc_[a-z_]*'); do
		grep -q -e "^$metric{name=\"cache$$\"" -e "^$metric [0-9]" "$work/textfile/zmalloc.prom" || return 1
	done
}
looked_at=0
for name in '.*' "cache$$"; do
	jq -r '.panels[].targets[].expr' "$source/zmalloc.json" |
		sed -e "s/\\\$__rate_interval/5m/g; s/\\\$instance/.*/g; s/\\\$unit/.*/g; s/\\\$name/$name/g" >"$work/expressions"
	while read -r expression; do
		case $expression in
		*\$*) wrong "the dashboard: a variable that is not known: $expression" ;;
		esac
		if told "$expression"; then
			has_data "$expression" || wrong "the dashboard: no data for $expression: $(cat "$work/err")"
			looked_at=$((looked_at + 1))
		fi
	done <"$work/expressions"
done
jq -r '.templating.list[].query | objects | .query' "$source/zmalloc.json" |
	sed -n 's/^label_values(\(.*\), \([a-z]*\))$/count by (\2) (\1)/p' | sed 's/\$[a-z]*/.*/g' >"$work/expressions"
test "$(wc -l <"$work/expressions")" -eq 3 || wrong 'the dashboard: not three variables'
while read -r expression; do
	has_data "$expression" || wrong "the dashboard: no values for $expression"
done <"$work/expressions"

# ---- The alerts: whether true or not, each has something to compare

promtool check config "$work/prometheus.yml" >"$work/promtool" 2>&1 || wrong "promtool: $(cat "$work/promtool")"
sed -n 's/^ *expr: //p' "$source/zmalloc.rules.yml" >"$work/expressions"
while read -r expression; do
	if told "$expression"; then
		has_data "$(echo "$expression" | sed 's/ > / > bool /g')" || wrong "alerts: no data for $expression"
		looked_at=$((looked_at + 1))
	fi
done <"$work/expressions"
test "$zm_malloc" != jemalloc || test $looked_at -eq $((2 * 15 + 6)) || wrong "looked at $looked_at expressions"

# fires ALERT NAME
fires() {
	export_now
	has_data "ALERTS{alertname=\"$1\",alertstate=\"firing\",name=\"$2\"}"
}
if has_data "ALERTS{alertname=\"ZmallocSilent\",$mine}"; then
	wrong 'ZmallocSilent fires before anything is wrong'
fi
kill -STOP $stopped
until_true fires ZmallocSilent "web$$" || wrong 'ZmallocSilent does not fire for one that is stopped'
! has_data "ALERTS{alertname=\"ZmallocSilent\",name=\"cache$$\"}" || wrong 'ZmallocSilent fires for one that answers'
if test -n "$near"; then
	until_true fires ZmallocNearLimit "queue$$" || wrong 'ZmallocNearLimit does not fire for one near its limit'
	! has_data "ALERTS{alertname=\"ZmallocNearLimit\",name=\"cache$$\"}" || wrong 'ZmallocNearLimit fires for one with room'
else
	echo 'left out: the alert for a process near its limit: no prlimit(1), it may not be used, or a sanitizer has more addresses than that'
fi
kill -CONT $stopped

test $failed = 0 || exit 1
echo "3 programs scraped, $looked_at expressions have data, alerts fire"
