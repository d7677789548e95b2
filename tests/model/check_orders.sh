#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_orders.sh - the orders that the library asks for are in the code for 64-bit ARM, which has them
# only where an instruction says so. Looks at the accesses and barriers of each function, in their order.
# 77, skipped: no compiler for that machine.
set -u

source=${srcdir:-$(dirname "$0")/../..}
cc=${AARCH64_CC:-aarch64-linux-gnu-gcc}
command -v "$cc" >/dev/null 2>&1 || {
	echo "no $cc: ./bootstrap --for portability installs it"
	exit 77
}
room=$(mktemp -d) || exit 99
trap 'rm -rf "$room"' EXIT
: >"$room/config.h"
echo '#define HAVE_STDATOMIC_H 1' >"$room/config.h"
passed=0 failed=0

# assemble FILE: without a C library's headers.
assemble() {
	"$cc" -std=c11 -O2 -ffreestanding -fno-stack-protector -march=armv8-a -include "$room/config.h" -I"$room" \
		-I"$source/include" -I"$source/lib" -S -o - "$source/$1"
}

# accesses FUNCTION: loads, stores and barriers of an assembler's text, but for the stack's and those of addresses, in one line.
accesses() {
	awk -v name="$1:" '
		$1 == name { inside = 1 }
		inside && $1 ~ /^(ldr|ldp|ldar|ldapr|ldxr|ldaxr|str|stp|stlr|stxr|stlxr|dmb)[bh]?$/ &&
			!/\[sp|:got/ { printf "%s ", $1 == "dmb" ? $1 "-" $2 : $1 }
		inside && $1 == ".size" { exit }
	' "$room/text"
}

# expect FILE FUNCTION PATTERN WHY
expect() {
	assemble "$1" >"$room/text" || exit 99
	found=$(accesses "$2")
	if echo "$found" | grep -Eq "$3"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$2() in $1: $4; found: $found"
	fi
}

expect lib/defrag/table.c zm_table_open '(str|stp) stlr $' 'the count of leaves is stored last, by release'
expect lib/defrag/table.c zm_table_set 'stlr' 'leaves and entries are stored by release'
expect tests/model/orders.c look_up '^ldap?r .*ldap?r .*ldap?r $' 'count, leaf and entry are loaded by acquire'
expect tests/model/orders.c may_ask '^ldap?rb $' 'the mark is loaded by acquire'
expect tests/model/orders.c walk_to '^ldap?r $' 'the place is loaded by acquire'
expect tests/model/orders.c begin_writing 'str dmb-ish str $' 'a barrier is between the odd number and the figures'
expect tests/model/orders.c end_writing 'str .*stlr $' 'the even number is stored by release'
expect tests/model/orders.c copy '^ldr dmb-ishld ldr dmb-ishld ldr $' 'a barrier is on each side of the copy'

echo "$passed passed, $failed failed"
test $failed = 0
