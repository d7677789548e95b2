#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/check_private.sh - the shared library's own jemalloc is nobody else's: it exports and needs nothing of
# it, takes its options from the environment and not from the program, and opens as the manual says.

. ./tests/build.env
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-private.XXXXXX")
trap 'rm -rf "$work"' EXIT

skip()
{
	echo "SKIP: $*"
	exit 77
}

wrong()
{
	echo "FAIL: $*"
	failed=yes
}

test "$zm_jemalloc" = private || skip 'the library keeps no jemalloc to itself'
library=.libs/libzmalloc.so
failed=

# ---- Its names, in what other objects of a process see: defined or asked for. That nothing but the map's
# names is exported is check_symbols.sh's.
$NM -D $library | awk '{ print $NF }' | sed 's/@.*//' | grep -e '^je_' -e mallctl -e '^[mrxsdn]allocx$' \
	-e '^s\?dallocx$' -e '^malloc_\(conf\|message\|stats_print\)$' -e '^_Z' >"$work/names" || :
test ! -s "$work/names" || wrong "visible outside: $(cat "$work/names")"
if command -v readelf >/dev/null 2>&1; then
	readelf -d $library | grep 'NEEDED.*\(malloc\|stdc++\)' && wrong "$library needs another allocator"
	echo "needed: $(readelf -d $library | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | tr '\n' ' ')"
fi
$NM $library 2>/dev/null | grep -q ' t je_malloc$' || echo 'stripped: the copy itself is not seen'

# ---- Its options
test "$cross_compiling" = no || skip 'the rest: cross compiled'
# shellcheck disable=SC2086 # flags
$CC $CPPFLAGS -I"$srcdir/include" $CFLAGS -o "$work/options" "$srcdir/tests/private/options.c" -rdynamic $LDFLAGS \
	$library -Wl,-rpath,"$(pwd)/.libs"
# The second is the name of an archive that was built with the prefix je_.
of_program=$(unset MALLOC_CONF JE_MALLOC_CONF; "$work/options")
of_environment=$(MALLOC_CONF=narenas:3 JE_MALLOC_CONF=narenas:3 "$work/options")
echo "narenas: $of_program by default, $of_environment with MALLOC_CONF=narenas:3"
test "$of_environment" = 3 || wrong 'MALLOC_CONF is not heard'
case $of_program in
5 | 7) wrong "a variable of the program's own reaches the library's jemalloc" ;;
esac

# ---- dlopen(): what libzmalloc(7) says
# shellcheck disable=SC2086 # flags
if $CC $CFLAGS -o "$work/open" "$srcdir/tests/installed/open.c" $LDFLAGS -ldl 2>/dev/null; then
	if "$work/open" $library.1 >"$work/log" 2>&1; then
		echo 'dlopen(): works'
	else
		grep -q 'static TLS' "$work/log" || wrong "dlopen(): $(cat "$work/log")"
		sed 's/^/dlopen(): /' "$work/log"
		GLIBC_TUNABLES=glibc.rtld.optional_static_tls=4096 "$work/open" $library.1 ||
			wrong 'dlopen() with room for static TLS'
	fi
fi
test -z "$failed"
