#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh - what active defragmentation does in a real server at its defaults: Redis 8 and Valkey 8, each
# on the jemalloc that its own source carries beside the same on libzmalloc. Only what ends the work is
# not their default, 100 MB free in slabs or 10 %: a server of this size would stop after one pass.
#
# Every measurement is a server of its own: filled, thinned out, then told to defragment while a client
# sends it a PING every 5 ms. Servers and workloads take turns, so that what else the machine does
# falls on all of them alike; figures are medians over the seeds.
#
# Run by `make bench-redis-defrag`, in a configured build folder. The servers are built once, below
# bench-redis-defrag/ there; the library is the one of the build folder, as it is at each run. All
# results stay in bench-redis-defrag/data, a line each.
# Environment: MAKE, JOBS (2), CC,
#   COUNT (2000000)      strings, or members of collections; 200000 makes a short run
#   LIMIT (120)          seconds that a server is given to come to its end; churn takes CHURN (100)
#   SEEDS (3)            how often everything is measured
#   SERVERS              of redis-own redis-lib valkey-own valkey-lib (all)
#   WORKLOADS            of random age collections churn (all)
#   SERVER_ARGS          more for the servers, as '--databases 1'
#   UNTIL                their settings that end the work (5 % and 2 MB)
#   SUITE (trixie)       Debian's suite whose sources are taken
#   TREES                the folder with the servers, of another build folder's run
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL

here=$(cd "$(dirname "$0")" && pwd)
COUNT=${COUNT:-2000000}
LIMIT=${LIMIT:-120}
CHURN=${CHURN:-100}
SEEDS=${SEEDS:-3}
WORKLOADS=${WORKLOADS:-random age collections churn}
SERVER_ARGS=${SERVER_ARGS-}
UNTIL=${UNTIL---active-defrag-threshold-lower 5 --active-defrag-ignore-bytes 2mb}
target=bench-redis-defrag

. "$here/servers.sh"

# measure SERVER WORKLOAD SEED: a line of the data.
measure()
{
	limit=$LIMIT
	test "$2" != churn || limit=$CHURN
	serve "$1" $UNTIL $SERVER_ARGS
	figures=$("$work/run" "$port" "$server_pid" "$2" "$COUNT" "$limit" "$3") || die "$1, $2, seed $3"
	stop_server
	echo "$1 $2 $3 $figures" | tee -a "$work/data"
}

# Figures of `struct outcome` in run.c, from field 4 on.
report()
{
	awk '
	function median(key, column,    i, j, t, n, list) {
		n = count[key]
		for (i = 1; i <= n; i++)
			list[i] = value[key, i, column] == -1 ? 1e9 : value[key, i, column]
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
				t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
			}
		return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
	}
	function seconds(key,    i, never, ended) {
		for (i = 1; i <= count[key]; i++)
			never += value[key, i, 5] == -1
		ended = median(key, 5)
		return (ended < 1e8 ? sprintf("%.0f", ended) : "never") (never ? " (" never " of " count[key] " never)" : "")
	}
	{
		key = $2 " " $1
		if (!(key in count)) order[++keys] = key
		n = ++count[key]
		for (i = 4; i <= NF; i++) value[key, n, i] = $i
	}
	END {
		print "| workload | server | seconds | CPU s | hits M | misses M | frag before | after | RSS MB | rested | stall ms | ping p99 ms | ping max ms | held MB |"
		print "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
		for (k = 1; k <= keys; k++) {
			key = order[k]; split(key, part, " ")
			printf "| %s | %s | %s | %.1f | %.2f | %.2f | %.2f | %.3f | %.0f | %.0f | %.1f | %.1f | %.0f | %.1f |\n",
				part[1], part[2], part[1] == "churn" ? "-" : seconds(key), median(key, 6),
				median(key, 7), median(key, 8), median(key, 9), median(key, 10), median(key, 11),
				median(key, 12), median(key, 13), median(key, 14), median(key, 15),
				median(key, 4)
		}
	}' "$work/data"
}

trap 'stop_server; exit 130' HUP INT TERM
trap stop_server EXIT

build_servers
logged run $CC -std=c11 -D_GNU_SOURCE -O2 -Wall -pthread -o "$work/run" "$here"/run.c "$here"/client.c \
	"$here"/loads.c "$here"/watch.c
rm -f "$work/data"
for seed in $(seq "$SEEDS"); do
	for workload in $WORKLOADS; do
		for server in $SERVERS; do
			measure "$server" "$workload" "$seed"
		done
	done
done
say "$COUNT strings or members, $SEEDS seeds, limit $LIMIT s; load $(cut -d' ' -f1-3 /proc/loadavg)"
report
