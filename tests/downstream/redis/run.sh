#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [--whole] [--source PACKAGE[/SUITE]]... [ALLOCATOR...] - a real program on the installed library.
#
# Takes Redis or Valkey from Debian's source packages, puts <zmalloc/redis.h> in place of its zmalloc.h,
# throws its zmalloc.c away and builds it as for the C library's malloc. One build serves every allocator
# (default: jemalloc libc): the library is swapped beneath the same program, which then holds 500,000
# keys and runs the server's own tests of types, memory efficiency and maxmemory. --whole runs all of
# ./runtest instead, which takes half an hour, and beside it the same on the server's own zmalloc.c.
#
# A source is redis or valkey, of this machine's Debian or, with a SUITE (trixie, sid), of another: its
# source entries are derived from the machine's. Without any it is redis, whose tests of
# defragmentation also run on the jemalloc that it carries.
#
# Run by `make check-downstream`, `make check-downstream-8` and `make check-downstream-9` in a configured
# build folder. Everything is below downstream-SOURCES/ there, logs included; downloads stay in
# ${XDG_CACHE_HOME:-~/.cache}/libzmalloc.
# Environment: MAKE, JOBS (2), CC, KEYS (500000).
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL

here=$(cd "$(dirname "$0")" && pwd)
MAKE=${MAKE:-make}
JOBS=${JOBS:-2}
CC=${CC:-cc}
KEYS=${KEYS:-500000}
server_pid=
# Redis's tests in its own code, which change nothing of the server; Valkey has none of the kind.
TREE_CFLAGS=-DREDIS_TEST

. "$here/lib.sh"

test -f libzmalloc.la -o -f Makefile || die "not a configured build folder: $(pwd)"
whole= sources=
while test $# -gt 0; do
	case $1 in
	--whole) whole=yes ;;
	--source)
		test $# -gt 1 || die '--source needs a package'
		sources="$sources $2"
		shift
		;;
	*) break ;;
	esac
	shift
done
test -n "$sources" || sources=redis
if test $# -eq 0; then
	set -- jemalloc
	test -n "$whole" || set -- jemalloc libc
fi
work=$(pwd)/downstream-$(echo $sources | tr ' /' '+-')

# check_source SOURCE ALLOCATOR...
check_source()
{
	choose_source "$1"
	shift
	redis=$work/$version
	fetch_source
	use_flavour "$1"
	substitute
	build_redis
	check_linkage

	if test -n "$whole"; then
		run_suites "$@"
		return
	fi
	for flavour; do
		use_flavour "$flavour"
		check_figures "$flavour"
		run_own_tests "$flavour"
	done
	# Beside the suites, which wait for most of their time but measure some of it: they come first.
	own=
	if test "$version" = redis; then
		(
			JOBS=1
			renice -n 19 -p "$(exec sh -c 'echo $PPID')" >"$work/renice.log" 2>&1 || :
			check_own_jemalloc
		) &
		own=$!
	fi
	run_tests_of "$@"
	test -z "$own" || wait $own || exit 1
}

need_tools
trap 'stop_server; exit 130' HUP INT TERM
trap stop_server EXIT

rm -rf "$work"
mkdir -p "$work"
install_flavours "$@"
for source in $sources; do
	check_source "$source" "$@"
done
say "passed: $*${whole:+, as a whole}"
