#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/check_cxx.sh - in a C program, a C++ library's objects are not taken for blocks of ours: linked, opened
# later, and opened with symbols of its own first. Its operator new is libstdc++'s, but for allocators
# whose shared library exports one.

. ./tests/build.env
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-cxx.XXXXXX")
trap 'rm -rf "$work"' EXIT

skip()
{
	echo "SKIP: $*"
	exit 77
}

test "$enable_shared" = yes || skip 'there is no shared library'
test "$zm_sanitizer" = no || skip "a sanitizer has an operator new of its own"
test "$cross_compiling" = no || skip 'cross compiled'

# The C++ compiler that goes with $CC, flags and all.
cxx=$(echo "$CC" | sed -e 's/gcc/g++/' -e 's/clang/clang++/')
test "$cxx" != "$CC" || cxx=c++
source=$srcdir/tests/cxx
$cxx -fPIC -shared -o "$work/libplugin.so" "$source/plugin.cc" -ldl >"$work/log" 2>&1 ||
	skip "no C++ compiler to go with $CC: $(sed 1q "$work/log")"

# build NAME FLAGS...: a library of malloc's before the plugin, as pkg-config puts ours.
build()
{
	name=$1
	shift
	# shellcheck disable=SC2086 # flags
	$CC $CPPFLAGS -D_GNU_SOURCE -I"$srcdir/include" $CFLAGS -o "$work/$name" "$source/program.c" $LDFLAGS \
		-Wl,--no-as-needed "$@" -Wl,-rpath,"$(pwd)/.libs:$work" -lpthread -ldl
}
build linked -DLINKED .libs/libzmalloc.so "$work/libplugin.so"
build opens .libs/libzmalloc.so

failed=
# try WHAT EXPECTED PROGRAM ARGUMENTS...
try()
{
	what=$1 expected=$2
	shift 2
	if ! new=$("$@" 2>&1); then
		echo "$what: $new"
		failed=yes
		return
	fi
	echo "$what: used memory is right; operator new: $new"
	case $new in
	$expected) ;;
	*)
		echo "$what: operator new should be in $expected"
		failed=yes
		;;
	esac
}

expected='*libstdc++*'
case $zm_malloc,$zm_jemalloc in
*,private | libc,*) ;;
*) expected="*lib$zm_malloc*" ;;
esac
ldd "$work/libplugin.so" | grep -q 'libstdc++' || expected='*'
try linked "$expected" "$work/linked"
try opened "$expected" "$work/opens" "$work/libplugin.so"

# tcmalloc by itself aborts there, behind any library that a C program links: libstdc++'s operator new takes
# from the C library, and its operator delete is tcmalloc's.
bare_survives()
{
	echo 'int zm_middle(void); int zm_middle(void) { return 0; }' >"$work/middle.c"
	# shellcheck disable=SC2086 # flags
	$CC -fPIC -shared -o "$work/libmiddle.so" "$work/middle.c" -Wl,--no-as-needed $ZM_MALLOC_LIBS &&
		build bare -DBARE "$work/libmiddle.so" && "$work/bare" "$work/libplugin.so" deep
}
if test "$expected" != '*libstdc++*' && ! (bare_survives) >"$work/log" 2>&1; then
	echo "opened with RTLD_DEEPBIND: left out, $zm_malloc by itself does not survive it: $(sed 1q "$work/log")"
else
	try 'opened with RTLD_DEEPBIND' '*' "$work/opens" "$work/libplugin.so" deep
fi
test -z "$failed"
