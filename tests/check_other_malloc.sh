#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/check_other_malloc.sh - the accounts are as exact in a program that is started with another allocator
# as its own malloc(), or is linked with it, whatever the library is built on.

. ./tests/build.env
set -u

skip()
{
	echo "SKIP: $1"
	exit 77
}

test "$enable_shared" = yes || skip 'there is no shared library'
test "$zm_sanitizer" = no || skip "a sanitizer's malloc() cannot be replaced"
test "$cross_compiling" = no || skip 'cross compiled'
work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-other.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Where it is the library's own allocator as well, all that could mix up whose block it is.
tests_for()
{
	if test "$1" = "$zm_malloc"; then
		echo own_malloc errno shadow threads thread_used peak fork exit failure
	else
		echo own_malloc errno fork exit
	fi
}

# run WHAT PROGRAM: with $malloc in the place of malloc().
run()
{
	echo "$1"
	ZMALLOC_TEST_MALLOC=$malloc "$2" >"$work/log" 2>&1 || {
		cat "$work/log"
		failed="$failed, $1"
	}
}

# can_have LIBRARY: does a program that does nothing start with it, and link with it? Another C library's
# may not, and says why.
echo 'int main(void) { return 0; }' >"$work/bare.c"
# shellcheck disable=SC2086 # flags
$CC $CFLAGS -o "$work/bare" "$work/bare.c" $LDFLAGS || exit 99
can_have()
{
	# shellcheck disable=SC2086 # flags
	LD_PRELOAD=$1 "$work/bare" >"$work/log" 2>&1 &&
		$CC $CFLAGS -o "$work/bare_with" "$work/bare.c" $LDFLAGS -Wl,--no-as-needed "$1" >"$work/log" 2>&1 &&
		"$work/bare_with" >"$work/log" 2>&1
}

seen= failed=
for malloc in $(sed '/^#/d; /^libc /d; s/ .*//' "${srcdir:-.}/packaging/allocators"); do
	library=$($CC -print-file-name=lib$malloc.so)
	test -e "$library" || { echo "no lib$malloc here"; continue; }
	library=$(readlink -f "$library")
	can_have "$library" || {
		echo "no program here can have lib$malloc: $(sed 1q "$work/log")"
		continue
	}
	seen=yes
	for test in $(tests_for $malloc); do
		LD_PRELOAD=$library run "$test with LD_PRELOAD=$library" "tests/test_$test"
	done
	# On the C library's malloc() it is what the library's blocks come from, and is named.
	if test "$zm_malloc" = libc; then
		LD_PRELOAD=$library ./tools/zmalloc info >"$work/info"
		grep -q "^allocator *malloc-${library##*/}\$" "$work/info" || {
			cat "$work/info"
			failed="$failed, the name of $library"
		}
	fi
	# shellcheck disable=SC2086 # flags
	$CC $CFLAGS -o "$work/own_malloc" tests/test_own_malloc.o tests/libsupport.a $LDFLAGS -Wl,--no-as-needed \
		"$library" .libs/libzmalloc.so -Wl,-rpath,"$(pwd)/.libs" $CHECK_LIBS -lpthread -ldl || exit 99
	run "own_malloc linked with $library" "$work/own_malloc"
done
test -n "$seen" || skip 'no allocator is here as a shared library that programs can have'
test -z "$failed" || {
	echo "failed: ${failed#, }"
	exit 1
}
