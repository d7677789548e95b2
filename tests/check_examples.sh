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
$make -s install DESTDIR="$root" >"$work/log" 2>&1 || { cat "$work/log"; exit 99; }
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
printf '#!/bin/sh\nexec %s -s -C "%s" "$@" DESTDIR="%s"\n' "$make" "$build" "$root" >"$work/bin/make"
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
