#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/check_plugin.sh - the static library can be linked into a plugin, and so can the shared one; it may
# be unloaded while threads live that have used it.
set -u

skip() {
	echo "SKIP: $*"
	exit 77
}

fail() {
	echo "FAIL: $*"
	test ! -s "$work/log" || cat "$work/log"
	exit 1
}

. tests/build.env
: "${srcdir:=.}"
test "$cross_compiling" != yes || skip 'built for another machine'
test "$zm_os" = linux || skip "lib/os/$zm_os.c is of a system whose linker this script does not know"
test "$zm_sanitizer" = no || skip "a sanitizer's run-time library comes with the program, and stays"

work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-plugin.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Debian's jemalloc has more thread-local storage than a program keeps free for what it loads.
GLIBC_TUNABLES=glibc.rtld.optional_static_tls=8192
export GLIBC_TUNABLES

$CC $CFLAGS -o "$work/program" "$srcdir/tests/plugin/program.c" $LDFLAGS -ldl -lpthread >"$work/log" 2>&1 ||
	fail 'the program does not link'

# plugin NAME FLAG...: one with the library as the flags say.
plugin() {
	name=$1
	shift
	$CC $CFLAGS -I"$srcdir/include" -fPIC -shared -fvisibility=hidden -o "$work/$name.so" \
		"$srcdir/tests/plugin/plugin.c" $LDFLAGS "$@" >"$work/log" 2>&1 || fail "the $name plugin does not link"
	"$work/program" "$work/$name.so" >"$work/log" 2>&1 ||
		fail "$name: the program ended with $? (139: what a thread's end called was gone)"
	echo "$name: $(cat "$work/log")"
}

tried=
if test "$enable_static" = yes; then
	plugin static .libs/libzmalloc.a $ZM_MALLOC_STATIC_LIBS $ZM_SYSTEM_LIBS
	tried=yes
fi
if test "$enable_shared" = yes; then
	plugin shared .libs/libzmalloc.so -Wl,-rpath,"$(pwd)/.libs"
	tried=yes
fi
test -n "$tried" || skip 'no library was built'
