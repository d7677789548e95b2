#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/check_cxx_headers.sh - <zmalloc.hpp> and <zmalloc/new.hpp> compile without a warning and do what they
# say, as C++11 and as C++20, with the C++ compiler that goes with $CC; and so does examples/requests.cc.
#
# ZMALLOC_TEST_CXX=whole (`make check-cxx`): as every standard, with g++ and clang++, libstdc++ and libc++, without
# exceptions and RTTI, with and without optimisation, and with sanitizers.
#
# Prints a table: "ok"; "-" where the compiler does not know that standard, or is not there.

. ./tests/build.env
set -u
: "${srcdir:=.}"
source=$srcdir/tests/cxx
work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-cxx-headers.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=

skip()
{
	echo "SKIP: $*"
	exit 77
}

test "$cross_compiling" = no || skip 'programs for another machine'
cxx=$(echo "$CC" | sed -e 's/gcc/g++/' -e 's/clang/clang++/')
test "$cxx" != "$CC" || cxx=c++
echo 'int main() { return 0; }' >"$work/empty.cc"
# shellcheck disable=SC2086 # flags
$cxx $ZM_SANITIZER_FLAGS -o "$work/empty" "$work/empty.cc" >"$work/log" 2>&1 ||
	skip "no C++ compiler to go with $CC: $(sed 1q "$work/log")"

. "${srcdir:-.}/tests/built_library.sh"

# compile PROGRAM SOURCE COMPILER...
compile()
{
	program=$1 of=$2
	shift 2
	# shellcheck disable=SC2086 # flags
	"$@" -Wall -Wextra -Wshadow -pedantic -Werror $ZM_SANITIZER_FLAGS $CPPFLAGS -I"$srcdir/include" "$of" -o "$program" \
		$LDFLAGS $libs
}

# As a standard that the compiler knows; the newest had another name before it was one.
# cell STANDARD COMPILER FLAGS...
cell()
{
	standard=$1
	shift
	if test "$standard" = 23 && ! "$@" -std=c++23 -fsyntax-only "$work/empty.cc" >/dev/null 2>&1; then
		standard=2b
	fi
	if ! "$@" -std=c++$standard "$work/empty.cc" -o "$work/empty" >"$work/log" 2>&1; then
		why="$*: $(grep -v '^ *$' "$work/log" | sed 1q | cut -c 1-100)"
		echo - >"$work/cell"
		return
	fi
	echo ok >"$work/cell"
	for test in $tests; do
		what="$test.cc as C++$standard by $*"
		if ! compile "$work/$test" "$source/$test.cc" "$@" -std=c++$standard >"$work/log" 2>&1; then
			echo "FAIL: $what does not compile:"
			head -n 30 "$work/log"
		elif ! "$work/$test" >"$work/log" 2>&1; then
			echo "FAIL: $what:"
			head -n 30 "$work/log"
		else
			continue
		fi
		echo FAIL >"$work/cell"
		failed=yes
	done
}

# row NAME COMPILER FLAGS...
row()
{
	name=$1 cells='' why=''
	shift
	for one in $columns; do
		echo >"$work/cell"
		case " $standards " in
		*" $one "*) cell "$one" "$@" ;;
		esac
		cells="$cells $(printf %-6s "$(cat "$work/cell")")"
	done
	printf '%-44s%s\n' "$name" "$cells" >>"$work/table"
	test -z "$why" || echo "    $why" >>"$work/table"
}

tests='headers new'
if test "${ZMALLOC_TEST_CXX:-}" = whole && test "$zm_sanitizer" = no; then
	columns='11 14 17 20 23' standards='11 14 17 20 23'
	row 'g++' g++ -O1
	row 'clang++' clang++ -O1
	row 'clang++, libc++' clang++ -O1 -stdlib=libc++
	standards='11 20'
	row 'g++ -O3' g++ -O3
	row 'g++ -fno-exceptions -fno-rtti' g++ -O1 -fno-exceptions -fno-rtti
	row 'clang++ -fno-exceptions -fno-rtti' clang++ -O1 -fno-exceptions -fno-rtti
	row 'clang++, libc++ -fno-exceptions' clang++ -O1 -stdlib=libc++ -fno-exceptions
	standards='17'
	sanitize='-fsanitize=address,undefined -fno-sanitize-recover=all'
	row 'g++, ASan and UBSan' g++ -O1 $sanitize
	row 'clang++, ASan and UBSan' clang++ -O1 $sanitize
	row 'clang++, libc++, ASan and UBSan' clang++ -O1 -stdlib=libc++ $sanitize
else
	columns='11 20' standards='11 20'
	# shellcheck disable=SC2086 # a command
	row "$cxx" $cxx -O1
fi

# shellcheck disable=SC2086 # flags
if ! compile "$work/requests" "$srcdir/examples/requests.cc" $cxx -std=c++17 >"$work/log" 2>&1; then
	echo 'examples/requests.cc does not compile:'
	cat "$work/log"
	failed=yes
elif ! "$work/requests" 200 >"$work/said" 2>&1 || ! grep -q '^at the end  *0 bytes' "$work/said"; then
	echo 'FAIL: examples/requests.cc says:'
	cat "$work/said"
	failed=yes
fi

# shellcheck disable=SC2086 # words
printf "%-44s%s\n" "$zm_malloc" "$(printf ' C++%-3s' $columns)"
cat "$work/table"
test -z "$failed"
