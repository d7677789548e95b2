#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_abi.sh - the library still has the ABI of the first release, which tests/abi keeps as abidw
# writes it. What was added since is no matter; what changed or went breaks programs that exist.
#
#   check_abi.sh --write    writes it anew: only before the first release

. ./tests/build.env
set -eu
: "${srcdir:=.}"
# One for each kind of machine: types have their sizes in it. All allocators share it.
kept=$srcdir/tests/abi/libzmalloc-1-${host%%-*}.abi
library=.libs/libzmalloc.so.1

skip() {
	echo "SKIP: $*"
	exit 77
}

command -v abidw >/dev/null 2>&1 || skip 'no abidw (Debian: abigail-tools)'
test -e "$library" || skip 'no shared library was built'
test "$zm_sanitizer" = no || skip 'a sanitizer adds names of its own'
test "$zm_symbol_map" = yes || skip 'no symbol versions here'
readelf -S "$library" 2>/dev/null | grep -q '\.debug_info' || skip 'no debugging information in the library: CFLAGS without -g'

work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-abi.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Only what the headers show: no path, line or type of the library's own inside, and nothing of the
# allocator that it needs.
headers=$(cd "$srcdir/include" && pwd)
dump() {
	abidw --exported-interfaces-only --headers-dir "$headers" --drop-private-types --no-show-locs --no-corpus-path \
		--no-comp-dir-path --no-elf-needed "$library" | sed "s,path='[^']*lib/,path='lib/,"
}

if test "${1-}" = --write; then
	mkdir -p "$(dirname "$kept")"
	dump >"$kept"
	exit
fi
test -e "$kept" || skip "no ABI of the first release for $host"

dump >"$work/now"

# abigail reads only what its own generation wrote.
format() {
	sed -n "s/^<abi-corpus version='\([0-9]*\).*/\1/p" "$1"
}
test "$(format "$kept")" = "$(format "$work/now")" ||
	skip "tests/abi is in format $(format "$kept") of abigail, and abidw here writes $(format "$work/now")"
status=0
abidiff --no-added-syms "$kept" "$work/now" >"$work/difference" 2>&1 || status=$?
cat "$work/difference"
# Bits of abidiff's answer: 1 and 2 are errors of its own, 4 a change, 8 one that breaks programs.
test $status = 0 || exit 1
echo "the ABI of the first release is kept: $(basename "$kept")"
