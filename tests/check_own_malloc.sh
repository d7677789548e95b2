#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/check_own_malloc.sh - a program whose malloc() is built on ztrymalloc() starts, works and ends, on
# the shared and on the static library, whether or not it has a malloc_usable_size() of its own.
#
# A library that asks malloc() for anything while it is set up waits for itself, or never comes back:
# so there is a time limit around it.
set -u

skip() {
	echo "SKIP: $*"
	exit 77
}

. tests/build.env
test "$zm_os" = linux || skip "lib/os/$zm_os.c is of a system where a program's malloc() is for itself alone"
test "$cross_compiling" = no || skip 'programs for another machine'
test "$zm_sanitizer" = no || skip "a sanitizer's malloc() cannot be replaced"
command -v timeout >/dev/null || skip 'no timeout (Debian: coreutils)'
# The machine's name does not tell: musl-gcc builds for musl on a machine of glibc's.
if test "$zm_malloc" = libc && ! grep -q '^#define HAVE_GNU_GET_LIBC_VERSION 1' config.h; then
	skip "this C library keeps no second names of its malloc()"
fi

failed=
for program in tests/own_malloc tests/own_malloc_sizeless tests/static_own_malloc_program tests/static_own_malloc_full; do
	test -e "$program" || continue
	for mode in '' 1; do
		timeout 60 env ${mode:+ZMALLOC_PUBLISH=1} "$program" || {
			echo "$program ended with $? (124: it never came back)"
			failed="$failed $program"
		}
	done
done
test -z "$failed" || {
	echo "FAIL:$failed"
	exit 1
}
