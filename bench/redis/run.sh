#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh - a real program's speed: Debian's Redis with its own zmalloc.c, beside the same Redis on
# libzmalloc; both on the system's jemalloc, built with the same flags.
#
# Both servers stay up and redis-benchmark asks them in turns. What is compared is requests in a second,
# and the processor's time that the server took for one, which other programs on the machine disturb
# less. With RECORD=FILE the sizes of the blocks that the load asks for are written there as well, the
# way bench/redis_sizes.h has them.
#
# Run by `make bench-redis`, in a configured build folder. Everything is below bench-redis/ there;
# a second run uses the servers that the first one built.
# Environment: MAKE, JOBS (2), CC, ROUNDS (7), REQUESTS (100000), RECORD.
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL

here=$(cd "$(dirname "$0")" && pwd)
work=$(pwd)/bench-redis
MAKE=${MAKE:-make}
JOBS=${JOBS:-2}
CC=${CC:-cc}
ROUNDS=${ROUNDS:-7}
REQUESTS=${REQUESTS:-100000}
redis=$work/redis
own=$work/redis-own
server_pids=
preload=
target=bench-redis

. "$here/../../tests/downstream/redis/lib.sh"
choose_source redis

test -f Makefile || die "not a configured build folder: $(pwd)"

build_own()
{
	(
		eval "$(DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --export=sh)"
		logged own "$MAKE" -C "$own/src" -j"$JOBS" CC="$CC" MALLOC=jemalloc \
			USE_SYSTEM_JEMALLOC=yes BUILD_TLS=no USE_SYSTEMD=no
	)
	say 'redis with its own zmalloc.c built'
}

build_both()
{
	rm -rf "$work"
	mkdir -p "$work"
	fetch_source
	cp -a "$redis" "$own"
	install_flavours jemalloc
	use_flavour jemalloc
	here=$here/../../tests/downstream/redis
	substitute
	build_redis
	check_linkage
	build_own
	touch "$work/built"
}

# start NAME PROGRAM, with $preload in its environment: sets port_NAME and pid_NAME.
start()
{
	launch "$work/server-$1.log" env $preload "$2"
	eval "port_$1=$port pid_$1=$server_pid"
	server_pids="$server_pids $server_pid"
}

stop_all()
{
	for pid in $server_pids; do
		kill "$pid" 2>/dev/null || :
	done
	server_pids=
}

# In ticks of 10 ms.
cpu_ticks()
{
	sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}

# ask NAME TEST PIPELINE: a line of the data: name, test, pipeline, requests/s, us of server time each.
ask()
{
	eval "port=\$port_$1 pid=\$pid_$1"
	count=$((REQUESTS * ($3 > 1 ? 4 : 1)))
	before=$(cpu_ticks "$pid")
	rps=$("$own/src/redis-benchmark" -h 127.0.0.1 -p "$port" -t "$2" -c 20 -P "$3" -n "$count" \
		-r 100000 -d 64 --csv 2>/dev/null | sed -n 's/^"[^"]*","\([0-9.]*\)".*/\1/p' | tail -n 1)
	after=$(cpu_ticks "$pid")
	echo "$1 $2 $3 ${rps:-0} $(awk "BEGIN { print ($after - $before) * 10000 / $count }")"
}

one_round()
{
	for test in set get lpush hset; do
		for pipeline in 1 16; do
			for server; do
				ask "$server" $test $pipeline >>"$work/data"
			done
		done
	done
}

# Medians of each server, and of the ratios of the rounds.
report()
{
	awk -v rounds="$ROUNDS" '
	function median(list, n,    i, j, t) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
				t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
			}
		return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
	}
	function medians(name, key, column,    i, list) {
		for (i = 1; i <= rounds; i++)
			list[i] = value[name, key, i, column]
		return median(list, rounds)
	}
	function ratios(key, column, own_on_top,    i, list, a, b) {
		for (i = 1; i <= rounds; i++) {
			a = value["lib", key, i, column]; b = value["own", key, i, column]
			list[i] = own_on_top ? b / a : a / b
		}
		return median(list, rounds)
	}
	{
		key = $2 " " $3
		if (!(key in seen)) { seen[key] = 1; order[++keys] = key }
		n = ++round[$1, key]; value[$1, key, n, "rps"] = $4; value[$1, key, n, "us"] = $5
	}
	END {
		printf "%-7s %8s | %10s %10s %8s %8s | %8s %8s %8s\n", "", "pipeline", "own req/s", "lib req/s",
			"medians", "rounds", "own us", "lib us", "own/lib"
		for (k = 1; k <= keys; k++) {
			key = order[k]; split(key, part, " ")
			a = medians("own", key, "rps"); b = medians("lib", key, "rps")
			c = medians("own", key, "us"); d = medians("lib", key, "us")
			printf "%-7s %8d | %10.0f %10.0f %8.3f %8.3f | %8.3f %8.3f %8.3f\n", part[1], part[2], a, b,
				b / a, ratios(key, "rps", 0), c, d, ratios(key, "us", 1)
		}
	}' "$work/data"
}

# The sizes that the library is asked for, by a library loaded before it.
record()
{
	logged recorder $CC -O2 -fPIC -shared -o "$work/record.so" "$here/record.c" -ldl
	preload="ZMALLOC_RECORD=$1 LD_PRELOAD=$work/record.so"
	start recorded "$redis/src/redis-server"
	preload=
	for test in set get lpush hset; do
		ask recorded $test 16 >/dev/null
	done
	kill -TERM "$pid_recorded"
	wait "$pid_recorded" || :
	say "recorded: $1"
}

need_tools
trap 'stop_all; exit 130' HUP INT TERM
trap stop_all EXIT

test -f "$work/built" || (build_both)
use_flavour jemalloc
test -z "${RECORD-}" || record "$RECORD"
start own "$own/src/redis-server"
start lib "$redis/src/redis-server"
rm -f "$work/data"
for round in $(seq "$ROUNDS"); do
	say "round $round of $ROUNDS"
	if test $((round % 2)) -eq 1; then one_round own lib; else one_round lib own; fi
done
report
