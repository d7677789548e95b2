#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_fortify.sh - a program that writes to the last usable byte passes _FORTIFY_SOURCE=3, also where
# link-time optimization lets the compiler see how the library allocates.

. ./tests/build.env
set -eu
: "${srcdir:=.}"
work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-fortify.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

skip() {
	echo "SKIP: $*"
	exit 77
}

test "$zm_sanitizer" = no || skip 'a sanitizer checks writes in its own way'
test "$cross_compiling" = no || skip 'a program for another machine'

# build NAME LINKER-FLAGS... : the flags are those that the user gave, but for what is tested here.
build() {
	name=$1
	shift
	# shellcheck disable=SC2086 # lists of words
	./libtool --silent --tag=CC --mode=link $CC $CFLAGS $CPPFLAGS -I. -I"$srcdir/include" -I"$srcdir/lib" \
		$ZM_MALLOC_CFLAGS -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -Werror $LDFLAGS -o "$work/$name" \
		"$srcdir/tests/fortify.c" "$@" libzmalloc.la $libs >"$work/log" 2>&1
}

# try NAME
# The checks must be at work, or nothing is shown.
try() {
	if "$work/$1" too_much >"$work/log" 2>&1; then
		skip "no _FORTIFY_SOURCE=3 with $CC and this C library"
	fi
	for case in $("$work/$1"); do
		if "$work/$1" "$case" >"$work/log" 2>&1; then
			echo "$1: $case: written to the last byte"
		else
			echo "FAIL: $1: $case: $(head -n 1 "$work/log")"
			failed=1
		fi
	done
}

# The static library needs the allocator, of which the shared one may have a copy.
libs=
test "$enable_shared" = yes || libs=$ZM_MALLOC_LIBS
build plain || { cat "$work/log"; exit 1; }
try plain

# The family's own sources, optimized with the program; the rest of the library is there as it was built.
if test "$enable_static" = no; then
	echo 'the static library was not built: left out'
elif ! echo 'int main(void) { return 0; }' | $CC -flto -x c -o "$work/lto" - >/dev/null 2>&1; then
	echo "$CC does not link with -flto: left out"
else
	libs=$ZM_MALLOC_LIBS
	build lto -static -flto "$srcdir"/lib/alloc/alloc.c "$srcdir"/lib/alloc/flags.c \
		"$srcdir"/lib/alloc/string.c "$srcdir"/lib/alloc/usable.c || { cat "$work/log"; exit 1; }
	try lto
fi
test $failed = 0
