#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# build.sh WAY... - build README's program against the installed library as its users do, and run it.
# In the current folder; each WAY leaves its program there as hello-WAY.
#
#   pkg-config c++ static cmake autoconf
#
# Where the library is not in the system's places, PKG_CONFIG_PATH, CMAKE_PREFIX_PATH or zmalloc_DIR,
# ACLOCAL_PATH and LD_LIBRARY_PATH say where it is.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
: "${CC:=cc}" "${CXX:=c++}" "${CMAKE:=cmake}" "${PKG_CONFIG:=pkg-config}"

# The C program between the fences of README.
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$here/../../README.md" >hello.c
test "$(grep -c . hello.c)" -ge 8 || { echo "build.sh: no program found in README.md" >&2; exit 1; }

# Words in flags are words here.
# shellcheck disable=SC2046,SC2086
build() {
	case $1 in
	pkg-config)
		$CC hello.c $($PKG_CONFIG --cflags --libs zmalloc) -o hello-pkg-config ;;
	c++)
		cp hello.c hello.cc
		$CXX hello.cc $($PKG_CONFIG --cflags --libs zmalloc) -o hello-c++ ;;
	static)
		$CC -static hello.c $($PKG_CONFIG --static --cflags --libs zmalloc) -o hello-static ;;
	cmake)
		rm -rf cmake && mkdir cmake && cp hello.c "$here/CMakeLists.txt" cmake
		$CMAKE -S cmake -B cmake/build >cmake/log && $CMAKE --build cmake/build >>cmake/log
		cp cmake/build/hello hello-cmake
		./cmake/build/hello-cxx >/dev/null ;;
	autoconf)
		rm -rf autoconf && mkdir autoconf
		cp hello.c "$here/configure.ac" "$here/hello.mk.in" autoconf
		(cd autoconf && aclocal && autoconf && ./configure && make) >autoconf.log 2>&1 ||
			{ cat autoconf.log; return 1; }
		cp autoconf/hello hello-autoconf ;;
	*)
		echo "build.sh: unknown way $1" >&2; return 2 ;;
	esac
}

for way in "$@"; do
	build "$way"
	said=$("./hello-$way")
	echo "$way: $said"
	case $said in
	*' bytes on '*) ;;
	*) echo "build.sh: that is not what README's program prints" >&2; exit 1 ;;
	esac
done
