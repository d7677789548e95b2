#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh - a real program's speed: Debian's Redis with its own zmalloc.c, beside the same Redis on
# libzmalloc; both on the system's jemalloc, built with the same flags. With PROFILE=yes the second one twice,
# with a heap profile and without.
#
# Both servers stay up and redis-benchmark asks them in turns. What is compared is requests in a second,
# and the processor's time that the server took for one, which other programs on the machine disturb
# less. With RECORD=FILE the sizes of the blocks that the load asks for are written there as well, the
# way bench/redis_sizes.h has them.
#
# Run by `make bench-redis` and `make bench-redis-profile`, in a configured build folder. Everything is below bench-redis/ there;
# a second run uses the servers that the first one built.
# Environment: MAKE, JOBS (2), CC, ROUNDS (7), REQUESTS (100000), SIZES of values (64), RECORD, PROFILE.
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL

here=$(cd "$(dirname "$0")" && pwd)
work=$(pwd)/bench-redis
MAKE=${MAKE:-make}
JOBS=${JOBS:-2}
CC=${CC:-cc}
ROUNDS=${ROUNDS:-7}
REQUESTS=${REQUESTS:-100000}
SIZES=${SIZES:-64}
PROFILE=${PROFILE-}
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

# In ns, of all threads that there are.
cpu_ns()
{
	cat /proc/"$1"/task/*/schedstat | awk '{ ns += $1 } END { printf "%.0f\n", ns }'
}

# ask NAME TEST PIPELINE SIZE: a line of the data: name, test, pipeline, requests/s, us of server time each.
ask()
{
	eval "port=\$port_$1 pid=\$pid_$1"
	count=$((REQUESTS * ($3 > 1 ? 4 : 1)))
	before=$(cpu_ns "$pid")
	rps=$("$own/src/redis-benchmark" -h 127.0.0.1 -p "$port" -t "$2" -c 20 -P "$3" -n "$count" \
		-r 100000 -d "$4" --csv 2>/dev/null | sed -n 's/^"[^"]*","\([0-9.]*\)".*/\1/p' | tail -n 1)
	after=$(cpu_ns "$pid")
	echo "$1 $2:$4 $3 ${rps:-0} $(awk "BEGIN { print ($after - $before) / 1000 / $count }")"
}

one_round()
{
	for size in $SIZES; do
		for test in set get lpush hset; do
			for pipeline in 1 16; do
				for server; do
					ask "$server" $test $pipeline "$size" >>"$work/data"
				done
			done
		done
	done
}

# Medians of each server, and of the ratios of the rounds; the ratio of the first quartiles of the time, which
# other programs have disturbed least; and that of all tests' together.
report()
{
	awk -v rounds="$ROUNDS" -v one="$1" -v two="$2" '
	function sort(list, n,    i, j, t) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
				t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
			}
	}
	function median(list, n) {
		sort(list, n)
		return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
	}
	function quartile(name, key,    i, list) {
		for (i = 1; i <= rounds; i++)
			list[i] = value[name, key, i, "us"]
		sort(list, rounds)
		return list[int((rounds + 3) / 4)]
	}
	function medians(name, key, column,    i, list) {
		for (i = 1; i <= rounds; i++)
			list[i] = value[name, key, i, column]
		return median(list, rounds)
	}
	function ratios(key, column, one_on_top,    i, list, a, b) {
		for (i = 1; i <= rounds; i++) {
			a = value[two, key, i, column]; b = value[one, key, i, column]
			list[i] = one_on_top ? b / a : a / b
		}
		return median(list, rounds)
	}
	{
		key = $2 " " $3
		if (!(key in seen)) { seen[key] = 1; order[++keys] = key }
		n = ++round[$1, key]; value[$1, key, n, "rps"] = $4; value[$1, key, n, "us"] = $5
	}
	END {
		printf "%-10s %8s | %14s %14s %8s %8s | %11s %11s %9s %9s\n", "", "pipeline", one " req/s",
			two " req/s", "medians", "rounds", one " us", two " us", one "/" two,
			"quartiles"
		for (k = 1; k <= keys; k++) {
			key = order[k]; split(key, part, " ")
			a = medians(one, key, "rps"); b = medians(two, key, "rps")
			c = medians(one, key, "us"); d = medians(two, key, "us")
			printf "%-10s %8d | %14.0f %14.0f %8.3f %8.3f | %11.3f %11.3f %9.3f %9.3f\n", part[1], part[2], a, b,
				b / a, ratios(key, "rps", 0), c, d, ratios(key, "us", 1),
				quartile(one, key) / quartile(two, key)
			all_of_one += quartile(one, key); all_of_two += quartile(two, key)
		}
		printf "all, %s of the us: %.3f\n", one "/" two, all_of_one / all_of_two
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
		ask recorded $test 16 64 >/dev/null
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
if test -n "$PROFILE"; then
	one=lib two=profiled
	start lib "$redis/src/redis-server"
	preload=ZMALLOC_PROFILE=1
	start profiled "$redis/src/redis-server"
else
	one=own two=lib
	start own "$own/src/redis-server"
	start lib "$redis/src/redis-server"
fi
rm -f "$work/data"
for round in $(seq "$ROUNDS"); do
	say "round $round of $ROUNDS"
	if test $((round % 2)) -eq 1; then one_round $one $two; else one_round $two $one; fi
done
report $one $two
