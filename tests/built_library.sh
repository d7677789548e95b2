# SPDX-License-Identifier: BSD-2-Clause
# built_library.sh - $libs: what links a program with the library of the build folder. Sourced from there, after
# tests/build.env.

if test "$enable_shared" = yes; then
	library=$(ls .libs/libzmalloc.so .libs/libzmalloc.dylib 2>/dev/null | sed 1q)
	libs="$library -Wl,-rpath,$(pwd)/.libs -lpthread"
else
	libs=".libs/libzmalloc.a $ZM_MALLOC_LIBS $ZM_SYSTEM_LIBS -lpthread"
fi
