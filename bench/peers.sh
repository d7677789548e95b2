#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# peers.sh ALLOCATOR LIBS - build the runners of the peers below ./peers, and print what the driver
# takes: NAME=PROGRAM for each.
#
# Valkey's way of counting, bench/valkey.c, as a shared library.
#
# Redis's own zmalloc.c, from the source package of this machine's Debian, compiled as Debian compiles
# it and linked in two ways: as a shared library, as libzmalloc is, and into the program with link-time
# optimization, as Redis does. Nothing of it is kept in our tree. Prints the reason on standard error,
# and nothing else, where a peer is not to be had.
# Environment: CC, CPPFLAGS, CFLAGS, srcdir.
set -eu

allocator=$1
libs=$2
CC=${CC:-cc}
CFLAGS=${CFLAGS:--g -O2}
srcdir=${srcdir:-.}
work=$(pwd)/peers
redis=$work/redis

without()
{
	echo "bench: no column for Redis's zmalloc.c: $*" >&2
	exit 0
}

sources="$srcdir/bench/run.c $srcdir/bench/work.c $srcdir/bench/work_threads.c"
flags="-D_GNU_SOURCE -DBENCH_PEER ${CPPFLAGS-} $CFLAGS -fno-plt -pthread"
mkdir -p "$work"

sized=
test "$allocator" != jemalloc || sized=-DBENCH_JEMALLOC
$CC ${CPPFLAGS-} $sized $CFLAGS -O3 -fno-plt -fPIC -shared -o "$work/libvalkey.so" "$srcdir/bench/valkey.c" \
	$libs -lm -pthread >&2
$CC $flags -o "$work/run_valkey" $sources -L"$work" -Wl,-rpath,"$work" -lvalkey $libs -lm >&2
echo "valkey=$work/run_valkey"

case $allocator in
jemalloc) way='-DUSE_JEMALLOC -DUSE_SYSTEM_JEMALLOC=yes' ;;
tcmalloc) way=-DUSE_TCMALLOC ;;
tcmalloc_minimal) way=-DUSE_TCMALLOC_MINIMAL ;;
libc) way= ;;
*) without "it knows no $allocator" ;;
esac

if ! test -f "$redis/src/zmalloc.c"; then
	for tool in apt-get dpkg-source; do
		command -v $tool >/dev/null 2>&1 || without "its source comes from Debian, and there is no $tool"
	done
	. "$srcdir/tests/downstream/redis/lib.sh"
	choose_source redis
	rm -rf "$redis"
	(fetch_source) >&2 || without 'its source package cannot be fetched'
fi

# -O3 and -std=gnu11 are Redis's own.
$CC $way $CFLAGS -O3 -std=gnu11 -fno-plt -fPIC -shared -I"$redis/src" \
	-o "$work/libredis_zmalloc.so" "$redis/src/zmalloc.c" $libs -lm -pthread >&2
$CC $flags -o "$work/run_redis" $sources -L"$work" -Wl,-rpath,"$work" -lredis_zmalloc $libs -lm >&2
echo "redis=$work/run_redis"

$CC $way $CFLAGS -O3 -flto -std=gnu11 -c -I"$redis/src" -o "$work/zmalloc.o" "$redis/src/zmalloc.c" >&2
$CC $flags -O3 -flto -o "$work/run_redis_lto" $sources "$work/zmalloc.o" $libs -lm >&2
echo "redis+lto=$work/run_redis_lto"
