#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_installed.sh - installs into a folder of its own, builds one program against that through
# pkg-config, shared and static, as C and as C++, runs it, and uninstalls without a trace.

. ./tests/build.env
set -eu
source=$(cd "$srcdir" && pwd)/tests/installed
work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-installed.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
skipped=
failed=0

wrong() {
	echo "FAIL: $*"
	failed=1
}

skip() {
	echo "SKIP: $*"
	skipped=yes
}

test -n "$PKG_CONFIG" || { skip 'no pkg-config'; exit 77; }

sh "$srcdir/tests/install_alone.sh" ${MAKE:-make} -s install DESTDIR="$root" >"$work/log" 2>&1 || { cat "$work/log"; exit 99; }

# The folder stands for the root of the system that the package goes to.
installed_lib=$root$libdir
PKG_CONFIG_PATH=$installed_lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
pc() {
	$PKG_CONFIG --define-variable=includedir="$root$includedir" --define-variable=libdir="${pc_lib:-$installed_lib}" "$@" zmalloc
}
pc --exists || wrong 'pkg-config does not take zmalloc.pc'

# The C++ compiler that goes with $CC, flags and all.
cxx=$(echo "$CC" | sed -e 's/gcc/g++/' -e 's/clang/clang++/')
test "$cxx" != "$CC" || cxx=c++
languages='c c++'
echo 'int main() { return 0; }' >"$work/empty.cc"
if ! $cxx -o "$work/empty" "$work/empty.cc" >/dev/null 2>&1; then
	skip "the C++ part: no C++ compiler to go with $CC"
	languages=c
fi

compiler_of() {
	case $1 in
	c) echo "$CC -std=c11" ;;
	c++) echo "$cxx -std=c++11" ;;
	esac
}

# Every header compiles alone, without a warning.
for language in $languages; do
	headers=$(cd "$root$includedir" && ls zmalloc.h zmalloc/*.h)
	test $language = c || headers="$headers $(cd "$root$includedir" && ls zmalloc.hpp zmalloc/*.hpp)"
	for header in $headers; do
		printf '#include <%s>\nextern int zm_unit;\n' "$header" |
			$(compiler_of $language) -x $language -fsyntax-only -Wall -Wextra -Wshadow -pedantic -Werror \
				$CPPFLAGS $(pc --cflags) - || wrong "<$header> alone, as $language"
	done
done

# What zmalloc_allocator() says in part: a sanitizer's malloc() stands before the C library's.
names=$zm_malloc
case $zm_sanitizer in
*address* | *thread* | *memory*) names=malloc- ;;
esac
test "$zm_malloc" = libc || names=$zm_malloc

# run PROGRAM ARGUMENTS...
run() {
	if test "$cross_compiling" = yes; then
		return
	fi
	LD_LIBRARY_PATH=$installed_lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
		DYLD_LIBRARY_PATH=$installed_lib "$@"
}

# try NAME LANGUAGE LINKER-FLAGS...: build the program and run it.
try() {
	name=$1
	language=$2
	shift 2
	if ! $(compiler_of $language) $ZM_SANITIZER_FLAGS $CPPFLAGS $(pc --cflags) $CFLAGS -x $language "$source/use.c" \
		-x none -o "$work/$name" $LDFLAGS "$@" >"$work/log" 2>&1; then
		cat "$work/log"
		wrong "$name does not link"
	elif ! run "$work/$name" "$names"; then
		wrong "$name does not run"
	else
		echo "$name: built and run"
	fi
}

for language in $languages; do
	if test "$enable_shared" = yes; then
		try "shared-$language" $language $(pc --libs)
		# The program needs the library and not its allocator: its own malloc stays.
		if command -v readelf >/dev/null 2>&1 && readelf -d "$work/shared-$language" >"$work/needed" 2>/dev/null; then
			grep -q 'NEEDED.*libzmalloc\.so\.1]' "$work/needed" || wrong "shared-$language does not need libzmalloc.so.1"
			grep -q 'NEEDED.*malloc' "$work/needed" &&
				grep 'NEEDED.*malloc' "$work/needed" | grep -v libzmalloc && wrong "shared-$language needs the allocator"
		fi
	fi
	if test "$enable_static" = yes; then
		# A folder with nothing but the archive has the linker take it.
		mkdir -p "$work/static"
		cp "$installed_lib/libzmalloc.a" "$work/static"
		pc_lib=$work/static
		try "archive-$language" $language $(pc --static --libs)

		# The whole program static, where that works with the allocator's archive and without ours.
		private=$(pc --static --libs | sed 's/-lzmalloc//')
		if test "$zm_sanitizer" != no; then
			: # a sanitizer's program is never static
		elif $(compiler_of $language) -x $language "$source/bare.c" -x none -static -o "$work/bare" $LDFLAGS \
			$private >"$work/log" 2>&1 && run "$work/bare"; then
			try "static-$language" $language -static $(pc --static --libs)
		else
			echo "static-$language: left out: no archive of $zm_malloc or the C library here makes a static program"
		fi
		pc_lib=
	fi
done

# jemalloc's own thread-local block is as a rule too large for dlopen().
if test "$enable_shared" = yes && test "$zm_malloc" != jemalloc; then
	if $CC $ZM_SANITIZER_FLAGS $CFLAGS -o "$work/open" "$source/open.c" $LDFLAGS -ldl >"$work/log" 2>&1; then
		for library in "$installed_lib"/libzmalloc.so.1 "$installed_lib"/libzmalloc.1.dylib; do
			test ! -e "$library" || run "$work/open" "$library" || wrong "dlopen of $library"
		done
	else
		cat "$work/log"
		wrong 'the program that opens the library does not link'
	fi
fi

${MAKE:-make} -s uninstall DESTDIR="$root" >"$work/log" 2>&1 || { cat "$work/log"; wrong 'make uninstall'; }
find "$root" ! -type d >"$work/left"
find "$root$includedir" "$root$libdir" -name '*zmalloc*' >>"$work/left"
if test -s "$work/left"; then
	cat "$work/left"
	wrong 'make uninstall leaves these behind'
fi

test $failed = 0 || exit 1
test "$cross_compiling" = no || skip 'a program for another machine: built, not run'
test -z "$skipped" || exit 77
