#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/check_preload.sh - the accounts are as exact where the program's own malloc() is the allocator
# behind the library: its blocks move the allocator's counters then, and must not move ours.

. ./tests/build.env
set -u

skip()
{
	echo "SKIP: $1"
	exit 77
}

test "$enable_shared" = yes || skip 'there is no shared library'
test "$zm_sanitizer" = no || skip "a sanitizer's malloc() cannot be replaced"
case $zm_malloc in
libc) skip "the program's malloc() is the library's in any case" ;;
esac
command -v ldd >/dev/null || skip 'no ldd to tell which allocator the library is linked to'

allocator=$(ldd .libs/libzmalloc.so | awk -v name="lib$zm_malloc.so" 'index($1, name) == 1 { print $3; exit }')
test -n "$allocator" || skip "no shared lib$zm_malloc behind the library"

failed=
for test in own_malloc errno shadow threads thread_used peak fork exit failure; do
	echo "$test with LD_PRELOAD=$allocator"
	ZMALLOC_TEST_PRELOADED=1 LD_PRELOAD=$allocator "tests/test_$test" || failed="$failed $test"
done
test -z "$failed" || {
	echo "failed:$failed"
	exit 1
}
