#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# held.sh - what equal data takes in the servers of run.sh: allocated MB of each, after the same commands.
#
# The servers differ by the size classes of their allocator. Run by `make bench-redis-held`; environment as
# for run.sh, of which it takes MAKE, JOBS, CC, SERVERS, SUITE and TREES.
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL

here=$(cd "$(dirname "$0")" && pwd)
target=bench-redis-held

. "$here/servers.sh"

# 500,000 strings or members; collections have 1,000 members each.
datasets()
{
	cat <<-'END'
		strings of 10 bytes|DEBUG POPULATE 500000 key 10
		strings of 20 bytes|DEBUG POPULATE 500000 key 20
		strings of 40 bytes|DEBUG POPULATE 500000 key 40
		strings of 100 bytes|DEBUG POPULATE 500000 key 100
		hashes, values to 63 bytes|redis.call('hset', 'h' .. i, 'field:' .. j, string.rep('x', j % 64))
		sorted sets|redis.call('zadd', 'z' .. i, j, 'member:' .. i .. ':' .. j)
		sets|redis.call('sadd', 's' .. i, 'member:' .. i .. ':' .. j)
		lists|redis.call('rpush', 'l' .. i, 'member:' .. i .. ':' .. j)
	END
}

ask()
{
	"$redis/src/$package-cli" -h 127.0.0.1 -p "$port" "$@" </dev/null
}

# INFO tells what the server's cron noted, ten times a second.
allocated()
{
	sleep 0.5
	ask INFO memory | tr -d '\r' | sed -n 's/^allocator_allocated://p'
}

# Lines SERVER|DATA|BYTES.
measure()
{
	serve "$1" --enable-debug-command yes
	datasets | while IFS='|' read -r what how; do
		empty=$(allocated)
		case $how in
		DEBUG*) ask $how >/dev/null ;;
		*) ask EVAL "for i = 1, 500 do for j = 1, 1000 do $how end end" 0 >/dev/null ;;
		esac
		echo "$1|$what|$(($(allocated) - empty))"
		ask FLUSHALL SYNC >/dev/null
	done
	stop_server
}

trap 'stop_server; exit 130' HUP INT TERM
trap stop_server EXIT

build_servers
rm -f "$work/held"
for server in $SERVERS; do
	measure "$server" >>"$work/held"
done
awk -F'|' '
	{
		if (!($1 in server)) { server[$1] = 1; name[++servers] = $1 }
		if (!($2 in data)) { data[$2] = 1; what[++rows] = $2 }
		mb[$1, $2] = $3 / 1e6
	}
	END {
		printf "| allocated MB |"
		for (s = 1; s <= servers; s++) printf " %s |", name[s]
		printf "\n| --- |"
		for (s = 1; s <= servers; s++) printf " --- |"
		printf "\n"
		for (r = 1; r <= rows; r++) {
			printf "| %s |", what[r]
			for (s = 1; s <= servers; s++) {
				own = name[s]; sub(/-lib$/, "-own", own)
				more = ""
				if (own != name[s] && own in server)
					more = sprintf(" (%+.1f %%)", (mb[name[s], what[r]] / mb[own, what[r]] - 1) * 100)
				printf " %.1f%s |", mb[name[s], what[r]], more
			}
			printf "\n"
		}
	}' "$work/held"
