#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# jemalloc_private.sh ARCHIVE RESULT - makes of ARCHIVE, a position-independent libjemalloc of any build,
# the one that libzmalloc.so keeps to itself.
#
# Every name that C code can use gets the prefix je_, so that `malloc` in a library of ours goes on
# meaning the C library's. Members that define C++'s operator new and delete are left out: the library
# is none of C++'s, and they would need its run-time library.
#
# The same archive gives the same bytes. Environment: AR, NM, OBJCOPY.
set -eu
LC_ALL=C
export LC_ALL

archive=$1 result=$2
work=$result.work

fail()
{
	echo "jemalloc_private.sh: $*" >&2
	exit 1
}

rm -rf "$work" "$result"
mkdir "$work"
trap 'rm -rf "$work"' EXIT
cp "$archive" "$work/jemalloc.a"
chmod u+w "$work/jemalloc.a"

# "Member.o:" stands before the names of each member.
cpp=$($NM -g --defined-only "$work/jemalloc.a" 2>/dev/null |
	awk '/:$/ { member = substr($0, 1, length - 1) } $NF ~ /^_Zn[aw]/ { print member }' | uniq)
test -z "$cpp" || $AR d "$work/jemalloc.a" $cpp

$NM -g --defined-only "$work/jemalloc.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u >"$work/names"
grep -v -e '^je_' -e '[^A-Za-z0-9_]' "$work/names" | sed 's/.*/& je_&/' >"$work/renamed" || :
sed 's/.* //' "$work/renamed" | sort | comm -12 - "$work/names" >"$work/twice"
test ! -s "$work/twice" || fail "$archive has both $(sed 's/^je_//; q' "$work/twice") and je_$(sed 's/^je_//; q' "$work/twice")"

$OBJCOPY -D --redefine-syms="$work/renamed" "$work/jemalloc.a" || fail "$OBJCOPY cannot rename in $archive"
for name in malloc calloc realloc free mallocx rallocx sallocx dallocx sdallocx nallocx mallctl; do
	{ cat "$work/names"; sed 's/.* //' "$work/renamed"; } | grep -q "^je_$name\$" ||
		fail "$archive has no $name(): is it jemalloc?"
done

# Code begins where a cache line does, as in an object of its own, and not where the code before it ends: with
# je_free() half a line further on, window-1k of `make bench` took 13.6 ns instead of 9.5 on an EPYC. Tools that
# cannot leave it as it falls.
$OBJCOPY -D --set-section-alignment .text=64 "$work/jemalloc.a" 2>/dev/null || :
mv "$work/jemalloc.a" "$result"
