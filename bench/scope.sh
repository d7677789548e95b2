#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# scope.sh PROGRAM - what scopes cost: nanoseconds, then instructions, counted by callgrind, of each kind of
# turn: those of 3,000 less those of 2,000, so that the program's start does not count.
set -eu

"$1"
command -v valgrind >/dev/null 2>&1 || {
	echo 'no instructions: valgrind is not installed'
	exit 0
}

instructions() {
	./libtool --mode=execute valgrind --tool=callgrind --callgrind-out-file=/dev/null "$1" "$2" "$3" 2>&1 |
		sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

echo
for kind in $("$1" | sed 's/ .*//'); do
	few=$(instructions "$1" "$kind" 2000)
	many=$(instructions "$1" "$kind" 3000)
	printf '%-13s %8s instructions\n' "$kind" "$(awk "BEGIN { printf \"%.1f\", ($many - $few) / 1000 }")"
done
