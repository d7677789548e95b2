#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# quantum.sh - the whole of `make check` on a jemalloc whose quantum is 8 bytes instead of 16, as Redis
# builds its own copy: made from the source of Debian's package, given by --with-jemalloc=PATH. In
# ./quantum below the current folder.
#
# Environment: MAKE, JOBS; PORTABILITY_CACHE (./portability/cache): the source, fetched once.
set -u

source=$(cd "$(dirname "$0")/.." && pwd)
make=${MAKE:-make}
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
unset MAKEFLAGS MFLAGS MAKELEVEL MALLOC MALLOC_CFLAGS MALLOC_LIBS
work=$PWD/quantum
cache=${PORTABILITY_CACHE:-$PWD/portability/cache}

. "$source/tests/portability/lib.sh"

fail() {
	echo "check-quantum: $*" >&2
	exit 1
}

mkdir -p "$work" "$cache"
if test -e "$source/config.status"; then
	# A source folder that is a build folder too cannot have others.
	rm -rf "$work/source"
	$make -s distdir distdir=quantum/source >/dev/null || exit 99
	source=$work/source
fi

archive=$work/jemalloc/lib/libjemalloc_pic.a
if test ! -e "$archive"; then
	echo "check-quantum: builds jemalloc, log in $work/jemalloc.log"
	pristine jemalloc >"$work/jemalloc.log" 2>&1 || fail "$(tail -n 1 "$work/jemalloc.log")"
	rm -rf "$work/jemalloc"
	cp -R "$cache/jemalloc-source" "$work/jemalloc"
	(cd "$work/jemalloc" &&
		./configure --with-lg-quantum=3 --disable-cxx --disable-doc ${CC:+CC="$CC"} &&
		$make -j "$jobs" lib/libjemalloc_pic.a) >>"$work/jemalloc.log" 2>&1 ||
		fail "jemalloc does not build: $work/jemalloc.log"
fi

rm -rf "$work/build"
mkdir "$work/build"
cd "$work/build" || exit 99
"$source/configure" -q --with-malloc=jemalloc --with-jemalloc="$archive" ${CC:+CC="$CC"} || exit
$make -s -j "$jobs" >/dev/null || exit
# test_alignment insists on it: a jemalloc of another quantum would prove nothing.
ZMALLOC_TEST_QUANTUM=8 $make -s -j "$jobs" check zm_once_tests=
