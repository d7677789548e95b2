#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_instructions.sh [--print] - has zmalloc() or zfree() grown slower?
#
# No clock is read: callgrind counts the instructions of 1,000 pairs (those of 3,000 less those of
# 2,000, so that the program's start and the first calls do not count), which repeat exactly, and
# the figure is compared with that in tests/instructions.expected, 5 % up or down. Down is a
# failure too: the figure kept is then too high to catch the next growth. --print writes a line for that
# file instead.
set -eu
unset ZMALLOC_PUBLISH

. tests/build.env

skip()
{
	echo "SKIP: $*"
	exit 77
}

command -v valgrind >/dev/null 2>&1 || skip 'valgrind is not installed'
case $host in
x86_64-*) ;;
*) skip "the figures are those of x86-64, this is $host" ;;
esac
test "$cross_compiling" = no || skip 'cross compiled'
test "$zm_sanitizer" = no || skip "the sanitizer '$zm_sanitizer' adds instructions of its own"
test "$zm_tls_model" = initial-exec || skip "the figures are those of the initial-exec TLS model, this is $zm_tls_model"
test "$enable_shared" = yes || skip 'the figures are those of the shared library'
case " $CFLAGS " in
*' -O2 '* | *' -O3 '*) ;;
*) skip "the figures are those of -O2, CFLAGS are '$CFLAGS'" ;;
esac
case " $CFLAGS $CPPFLAGS " in
*' -fsanitize'* | *' --coverage '* | *' -fprofile-'* | *' -pg '*) skip "instrumented: CFLAGS are '$CFLAGS'" ;;
esac

# instructions WORDS: of tests/count_pairs with these, and what is in $preload.
instructions()
{
	./libtool --mode=execute env ${preload:+"LD_PRELOAD=$preload"} valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		tests/count_pairs "$@" 2>&1 | sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

# count [plain]: of 1,000 pairs.
count()
{
	few=$(instructions 2000 "$@")
	many=$(instructions 3000 "$@")
	test -z "$few" || test -z "$many" || echo $((many - few))
}

allocator=$(./libtool --mode=execute tests/count_pairs)
# One that others in the process may use as well does not count for us.
test "$zm_jemalloc" != shared || allocator=$allocator-shared
count=$(count)
test -n "$count" || skip 'callgrind does not run here'

if test "${1-}" = --print; then
	echo "$allocator $count"
	exit 0
fi
expected=$(sed -n "s/^$allocator //p" "${srcdir:-.}/tests/instructions.expected")
test -n "$expected" || skip "no figure is kept for $allocator; this build takes $count"
echo "$allocator: $count instructions for 1,000 pairs, $expected expected"
test $((count * 100)) -le $((expected * 105)) && test $((count * 100)) -ge $((expected * 95)) || {
	echo 'That is more than 5 % off. If it is meant: tests/check_instructions.sh --print'
	exit 1
}

# A limit far away costs nothing either, but for where the heap lies.
limited=$(ZMALLOC_LIMIT=1G; export ZMALLOC_LIMIT; count)
test $((limited - count)) -lt 1000 && test $((count - limited)) -lt 1000 || {
	echo "Under a limit far away 1,000 pairs take $limited instructions, else $count"
	exit 1
}

# The preloaded library asks a word and jumps, in the processes of all allocators: 4 instructions a call, and 6 more of
# a free where the store has given a block away. What goes the slow way takes 50 more a pair, as with a jemalloc of
# quantum 8 (tests/quantum.sh), where each size is first rounded up.
if test "$zm_preload" = yes && test "${ZMALLOC_TEST_QUANTUM:-16}" = 16; then
	preloaded=$(preload=$PWD/.libs/libzmalloc_preload.so:$PWD/.libs/libzmalloc.so.1; count plain)
	echo "Preloaded, 1,000 pairs take $preloaded instructions"
	test $((preloaded - count)) -le 20000 || {
		echo "Preloaded, 1,000 pairs of malloc() and free() take $preloaded instructions, of zmalloc() and zfree() $count"
		exit 1
	}
fi

# Nobody looks at it, so it pays nothing: not one instruction a pair. On tcmalloc, where the heap lies differently when
# there is one thread more, a thousand pairs may differ by some dozens. Another test on
# this machine may just then ask all processes that show themselves, and the answer is counted as well: so the
# least of up to five runs.
ZMALLOC_PUBLISH=1
export ZMALLOC_PUBLISH
few=$(instructions 2000)
many=$(instructions 3000)
for try in 1 2 3 4 5; do
	shown=$((many - few))
	test $((shown - count)) -ge 1000 || test $((count - shown)) -ge 1000 || exit 0
	echo "Try $try: a process that shows itself takes $shown instructions for 1,000 pairs, another $count"
	again=$(instructions 2000)
	test "$again" -ge "$few" || few=$again
	again=$(instructions 3000)
	test "$again" -ge "$many" || many=$again
done
exit 1
