#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# services.sh - an allocator for each service, with Debian's own programs: redis-server on jemalloc and a program in
# Python on mimalloc, side by side in `zmalloc top`. Run by check.sh in its Debian.
set -eu

work=$(mktemp -d)
started=
trap 'kill $started 2>/dev/null || :; rm -rf "$work"' EXIT
wrong() {
	echo "services: $*" >&2
	cat "$work"/*.log >&2
	exit 1
}
# until_true COMMAND...: within half a minute.
until_true() {
	for try in $(seq 300); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	wrong "$try times not true: $*"
}

# On a socket of its own: not a port is open.
zmalloc run --malloc=jemalloc --publish redis-server --port 0 --unixsocket "$work/redis" --dir "$work" --save '' \
	>"$work/redis.log" 2>&1 &
redis=$!
started="$started $redis"
# Python keeps small blocks in a pool of its own, but where it is told not to.
PYTHONMALLOC=malloc zmalloc run --malloc=mimalloc --publish python3 -c '
import sys, time
words = ["word %d" % i for i in range(300000)]
open(sys.argv[1], "w").close()
time.sleep(600)' "$work/ready" >"$work/python.log" 2>&1 &
python=$!
started="$started $python"

until_true redis-cli -s "$work/redis" ping
redis-cli -s "$work/redis" eval \
	"for i = 1, 100000 do redis.call('set', 'key ' .. i, string.rep('x', 100)) end" 0 >/dev/null
until_true test -e "$work/ready"

echo '$ zmalloc top'
zmalloc top | tee "$work/top.log"
# What each is on, and that it holds memory there which its line in the list tells of.
for service in "redis-server $redis jemalloc" "python3 $python mimalloc"; do
	# shellcheck disable=SC2086 # three words
	set -- $service
	said=$(zmalloc stat "$2" | head -n 1)
	echo "$said"
	case $said in
	"$1 ($2), $3-"*) ;;
	*) wrong "$1 is not on $3" ;;
	esac
	awk -v name="$1" -v pid="$2" '$1 == name && $3 == pid && $4 ~ /^[1-9][0-9]+[.0-9]*M$/ { ok = 1 } END { exit !ok }' \
		"$work/top.log" || wrong "not in the list with ten MiB and more: $1 ($2)"
done
