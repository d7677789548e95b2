#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_examples.sh - every program and command in README.md and in the EXAMPLES of the manual pages
# works against the installed library, and downstream builds find it with pkg-config, CMake and
# Autoconf. README's commands from a fresh clone are run by `make check-readme` and .ci/run.

. ./tests/build.env
set -eu
: "${srcdir:=.}"
source=$(cd "$srcdir" && pwd)
build=$(pwd)
make=$(command -v "${MAKE:-make}")
work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-examples.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
failed=0
left_out=

skip() {
	echo "SKIP: $*"
	exit 77
}

test -n "$PKG_CONFIG" || skip 'no pkg-config'
test "$cross_compiling" = no || skip 'programs for another machine'
test "$zm_sanitizer" = no || skip "programs would need the sanitizer's flags too"
test "$enable_shared" = yes || skip 'no shared library was built'

# The folder stands for the root of the system that the library is installed into.
sh "$source/tests/install_alone.sh" "$make" -s install DESTDIR="$root" >"$work/log" 2>&1 || { cat "$work/log"; exit 99; }
export PKG_CONFIG_PATH="$root$libdir/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
export LD_LIBRARY_PATH="$root$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export CMAKE_PREFIX_PATH="$root$prefix"
# Below a prefix CMake looks where its own system keeps libraries, and Debian has no lib64: whoever
# installs there (an RPM made on Debian) names the folder.
case $libdir in
*/lib64) test ! -e /etc/debian_version || export zmalloc_DIR="$root$libdir/cmake/zmalloc" ;;
esac
ACLOCAL_PATH=$(dirname "$(find "$root" -name zmalloc.m4)")
export ACLOCAL_PATH PKG_CONFIG CC

# A user's commands, by their usual names; what changes the system changes the folder instead.
mkdir "$work/bin"
printf '#!/bin/sh\nexec "$@"\n' >"$work/bin/sudo"
printf '#!/bin/sh\n' >"$work/bin/ldconfig"
printf '#!/bin/sh\ncd "%s" && exec sh "%s/tests/install_alone.sh" "%s" -s "$@" DESTDIR="%s"\n' \
	"$build" "$source" "$make" "$root" >"$work/bin/make"
printf '#!/bin/sh\nexec %s "$@"\n' "$CC" >"$work/bin/cc"
printf '#!/bin/sh\nexec %s "$@"\n' "$PKG_CONFIG" >"$work/bin/pkg-config"
chmod +x "$work"/bin/*

# attempt WHAT COMMAND...: run it and say how it went.
attempt() {
	what=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		echo "ok: $what"
	else
		cat "$work/log"
		echo "FAIL: $what"
		failed=1
	fi
}

user() {
	PATH="$work/bin:$(dirname "$(find "$root" -name zmalloc -type f -perm -100 | head -n 1)"):$PATH" "$@"
}

# ---- Downstream builds ----

mkdir "$work/consumer"
cd "$work/consumer"
consume() {
	attempt "README's program, by $1" env MAKEFLAGS= sh "$source/tests/consumer/build.sh" "$1"
}
consume pkg-config
# The C++ compiler that goes with $CC: another one's programs may have another C library.
CXX=$(echo "$CC" | sed -e 's/gcc/g++/' -e 's/clang/clang++/')
test "$CXX" != "$CC" || CXX=c++
export CXX
echo 'int main() { return 0; }' >empty.cc
if $CXX -o empty empty.cc >/dev/null 2>&1; then
	consume c++
	if command -v cmake >/dev/null 2>&1; then consume cmake; else left_out="$left_out cmake"; fi
else
	left_out="$left_out c++, and cmake, whose project has both languages"
fi
if command -v aclocal >/dev/null 2>&1 && command -v autoconf >/dev/null 2>&1; then
	consume autoconf
else
	left_out="$left_out autoconf"
fi

# What asks for more than there is, or has less to look with.

# autoconf_project NAME ARGUMENTS: the project in tests/consumer with other arguments of ZMALLOC_CHECK.
autoconf_project() {
	mkdir "$1"
	cp hello.c "$source/tests/consumer/hello.mk.in" "$1"
	sed "s/^ZMALLOC_CHECK.*/ZMALLOC_CHECK($2)/" "$source/tests/consumer/configure.ac" >"$1/configure.ac"
	(cd "$1" && aclocal && autoconf)
}
# must_fail WORDS COMMAND...: and say the words on the way.
must_fail() {
	words=$1
	shift
	! "$@" >must_fail.log 2>&1 || return 1
	cat must_fail.log
	grep -q "$words" must_fail.log
}
autoconf_newer() {
	autoconf_project newer '[99.1]' || return 1
	(cd newer && must_fail 'error: libzmalloc 99.1 or newer was not found: install it' ./configure)
}
autoconf_without() {
	autoconf_project without '[99.1], [touch found], [touch not-found]' || return 1
	(cd without && ./configure && test -e not-found && test ! -e found)
}
# autoconf_given NAME ARGUMENT...: of configure, for which there is no pkg-config.
autoconf_given() {
	autoconf_project "$1" '[1.0], [touch found]' || return 1
	(cd "$1" && shift && ./configure PKG_CONFIG=false LDFLAGS="-L$root$libdir" "$@" && test -e found &&
		$make && ./hello)
}
# cmake_project NAME ARGUMENTS: the same for CMake and find_package.
cmake_project() {
	mkdir "$1"
	cp hello.c "$1"
	sed "s/^find_package.*/find_package($2)/" "$source/tests/consumer/CMakeLists.txt" >"$1/CMakeLists.txt"
	cmake -S "$1" -B "$1/build"
}
cmake_exact() {
	cmake_project exact "zmalloc $($PKG_CONFIG --modversion zmalloc) EXACT REQUIRED"
}
# The archive alone, in a root of its own; the program must not need the shared library.
cmake_archive() {
	cp -R "$root" archive-root
	rm -f "archive-root$libdir"/libzmalloc.so* "archive-root$libdir"/libzmalloc*.dylib
	(export CMAKE_PREFIX_PATH="$PWD/archive-root$prefix" LD_LIBRARY_PATH=
	test -z "${zmalloc_DIR-}" || zmalloc_DIR=$PWD/archive-root$libdir/cmake/zmalloc
	cmake_project archive 'zmalloc 1.0 REQUIRED' && cmake --build archive/build && ./archive/build/hello &&
		./archive/build/hello-cxx)
}
case $left_out in
*cmake*) ;;
*)
	attempt 'CMake takes the version itself for exact' cmake_exact
	attempt 'CMake refuses the library for one that is to come' \
		must_fail 'requested version "99.1"' cmake_project newer-cmake 'zmalloc 99.1 REQUIRED'
	attempt 'CMake refuses the library for one of another major version' \
		must_fail 'requested version "0.9"' cmake_project older-cmake 'zmalloc 0.9 REQUIRED'
	test "$enable_static" = no || attempt 'CMake links the archive with what it needs' cmake_archive ;;
esac
case $left_out in
*autoconf*) ;;
*)
	attempt 'Autoconf refuses the library for one that is to come' autoconf_newer
	attempt 'Autoconf goes on without it where the project can' autoconf_without
	attempt 'Autoconf finds it without pkg-config' autoconf_given bare CPPFLAGS="-I$root$includedir"
	attempt 'Autoconf takes the flags that it is given' \
		autoconf_given flags ZMALLOC_CFLAGS="-I$root$includedir" ;;
esac

# ---- README.md ----

# Each block of commands is a file of its own.
awk -v out="$work/readme" '
	/^```sh$/ { inside = 1; file = out "." ++count; next }
	/^```$/ { inside = 0 }
	inside { print >file }
' "$source/README.md"
for block in "$work"/readme.*; do
	if grep -q '^\./bootstrap' "$block"; then
		continue
	fi
	attempt "README.md: $(head -n 1 "$block")" user sh -e "$block"
done

# ---- The pages' EXAMPLES ----

# Each literal block is a file, named after its page.
for page in "$source"/man/*.[137]; do
	awk -v out="$work/$(basename "$page")" '
		/^\.Sh/ { examples = /EXAMPLES/ }
		/^\.Ed/ { inside = 0 }
		inside { gsub(/\\e/, "\\"); print >file }
		examples && /^\.Bd -literal/ { inside = 1; file = out "-" ++count }
	' "$page"
done

program() {
	cp "$1" example.c
	# Flags are words.
	# shellcheck disable=SC2046,SC2086
	$CC -Wall -Wextra -Werror example.c $($PKG_CONFIG --cflags --libs zmalloc) -o example && ./example
}

program_cxx() {
	cp "$1" example.cc
	# shellcheck disable=SC2046,SC2086
	$CXX -std=c++17 -Wall -Wextra -Werror example.cc $($PKG_CONFIG --cflags --libs zmalloc) -o example && ./example
}

# What is no program and no command must be what the projects in tests/consumer are made of.
quoted() {
	while read -r line; do
		grep -qF "$line" "$source/tests/consumer/CMakeLists.txt" "$source/tests/consumer/configure.ac" || {
			echo "not in tests/consumer: $line"
			return 1
		}
	done <"$1"
}

cp hello.c "$work"
cd "$work"
for block in *.[137]-*; do
	case $(head -n 1 "$block") in
	'#include '*.hpp*)
		case $left_out in
		*c++*) ;;
		*) attempt "$block" program_cxx "$block" ;;
		esac ;;
	'#include'*)
		attempt "$block" program "$block" ;;
	'$ '*)
		sed 's/^\$ //' "$block" >commands
		attempt "$block: $(head -n 1 commands)" user sh -e commands ;;
	*)
		attempt "$block" quoted "$block" ;;
	esac
done

test -z "$left_out" || echo "left out, as the tools are not there:$left_out"
exit $failed
