#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# instructions.sh COLUMN=PROGRAM... - instructions of one operation, counted by callgrind.
#
# For machines whose clock is of no use: the counts repeat exactly. They tell what was added to a path
# and not what it costs; a call and a jump count the same. Each is the difference of two runs, so that
# starting and warming up do not count. Environment: WORKLOADS.
set -eu

command -v valgrind >/dev/null 2>&1 || {
	echo 'bench-instructions needs valgrind' >&2
	exit 1
}

# count PROGRAM WORKLOAD OPERATIONS: a runner does a quarter more.
count()
{
	echo "$2 $3" | valgrind --tool=callgrind --callgrind-out-file=/dev/null "$1" 2>&1 >/dev/null |
		sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

printf '%-16s' ''
for column; do printf ' %12s' "${column%%=*}"; done
echo
for workload in ${WORKLOADS:-pair pair-sized window-1k window-1k-sized calloc}; do
	printf '%-16s' "$workload"
	for column; do
		few=$(count "${column#*=}" "$workload" 4000)
		many=$(count "${column#*=}" "$workload" 8000)
		printf ' %12s' "$(awk "BEGIN { printf \"%.1f\", ($many - $few) / 5000 }")"
	done
	echo
done
