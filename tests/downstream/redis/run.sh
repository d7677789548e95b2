#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [--whole] [ALLOCATOR...] - a real program: Debian's Redis on the installed library.
#
# Takes Redis from the source packages of this machine's Debian, puts <zmalloc/redis.h> in place of its
# zmalloc.h, throws its zmalloc.c away and builds it as for the C library's malloc. One build serves
# every allocator (default: jemalloc libc): the library is swapped beneath the same program, which then
# holds 500,000 keys and runs Redis's own tests of types, memory efficiency and maxmemory. --whole runs
# all of ./runtest instead, which takes half an hour, and beside it the same on Redis's own zmalloc.c.
# The tests of defragmentation also run on the jemalloc that Redis carries.
#
# Run by `make check-downstream`, in a configured build folder. Everything is below
# downstream-redis/ there, logs included; downloads stay in ${XDG_CACHE_HOME:-~/.cache}/libzmalloc.
# Environment: MAKE, JOBS (2), CC, KEYS (500000).
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL

here=$(cd "$(dirname "$0")" && pwd)
work=$(pwd)/downstream-redis
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libzmalloc/redis
MAKE=${MAKE:-make}
JOBS=${JOBS:-2}
CC=${CC:-cc}
KEYS=${KEYS:-500000}
redis=$work/redis
server_pid=

. "$here/lib.sh"

test -f libzmalloc.la -o -f Makefile || die "not a configured build folder: $(pwd)"
whole=
if test "${1-}" = --whole; then
	whole=yes
	shift
	test $# -gt 0 || set -- jemalloc
fi
test $# -gt 0 || set -- jemalloc libc

need_tools
trap 'stop_server; exit 130' HUP INT TERM
trap stop_server EXIT

rm -rf "$work"
mkdir -p "$work"
fetch_redis
install_flavours "$@"
test -n "$whole" || check_own_jemalloc
use_flavour "$1"
substitute
build_redis
check_linkage

if test -n "$whole"; then
	run_suites "$@"
	say "passed as a whole: $*"
	exit
fi
for flavour; do
	use_flavour "$flavour"
	check_figures "$flavour"
	run_tests "$flavour"
done
say "passed: $*"
