#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_attributes.sh - GCC warns of blocks that go to the wrong function, in C and in C++, each where
# tests/attributes/wrong.c says, and of nothing in right.c, where its analyzer looks as well.

. ./tests/build.env
set -u
: "${srcdir:=.}"

skip() {
	echo "SKIP: $*"
	exit 77
}

# is_gcc COMPILER LANGUAGE: one that has the attribute.
is_gcc() {
	major=$(echo 'zm_version __GNUC__ __clang__' | $1 -x "$2" -E -P - 2>/dev/null | sed -n 's/^zm_version \([0-9]*\) __clang__$/\1/p')
	test "${major:-0}" -ge 11
}

work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-attributes.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

wrong() {
	echo "FAIL: $*"
	head -20 "$work/log"
	failed=1
}

# compile LANGUAGE FILE FLAG...: what it says, a line for each warning, in $work/log
compile() {
	language=$1 file=$2
	shift 2
	LC_ALL=C $compiler -x "$language" -I"$srcdir/include" -Wall -Wextra "$@" -c -o "$work/object" \
		"$srcdir/tests/attributes/$file" >"$work/all" 2>&1
	status=$?
	grep -E '(warning|error):' "$work/all" >"$work/log"
	test $status = 0 || wrong "$file does not compile as $language with $*"
}

check_wrong() {
	sed -n 's,^.*/\* \(-W[a-z-]*\) \*/$,\1,p' "$srcdir/tests/attributes/wrong.c" >"$work/flags"
	sed -n '/\/\* -W[a-z-]* \*\/$/=' "$srcdir/tests/attributes/wrong.c" >"$work/lines"
	paste "$work/lines" "$work/flags" >"$work/expected"
	while read -r line flag; do
		grep -q "wrong\.c:$line:.*\[$flag" "$work/log" || wrong "line $line, as $language: no $flag"
		grep -v "wrong\.c:$line:" "$work/log" >"$work/rest"
		cp "$work/rest" "$work/log"
	done <"$work/expected"
	test ! -s "$work/log" || wrong "warnings on lines of wrong.c that are right, as $language"
	echo "$language: $(wc -l <"$work/expected") mistakes are warned of"
}

checked=0
for language in c c++; do
	compiler=$CC
	test $language = c || compiler=${CXX:-g++}
	is_gcc "$compiler" $language || compiler=$(test $language = c && echo gcc || echo g++)
	is_gcc "$compiler" $language || continue
	checked=1
	# The kinds of warning about a write past the end differ with the optimization.
	compile $language wrong.c -O0
	check_wrong
	for level in -O0 -O2 -O3; do
		compile $language right.c $level
		test ! -s "$work/log" || wrong "warnings in right code, as $language with $level"
	done
done
test $checked = 1 || skip 'no GCC from version 11 on'

compiler=$CC
is_gcc "$compiler" c || compiler=gcc
if is_gcc "$compiler" c; then
	compile c right.c -O0 -fanalyzer
	test ! -s "$work/log" || wrong 'the analyzer warns in right code'
	compile c wrong.c -O0 -fanalyzer
	grep -q 'double-.*free' "$work/log" || wrong 'the analyzer sees no second free'
fi
exit $failed
