#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_name.sh - zmalloc_allocator() tells the release of the allocator, as the allocator's own header
# has it, or the file of its library where the header's is a number whose digits changed their meaning.

. ./tests/build.env
set -eu
: "${srcdir:=.}"

skip() {
	echo "SKIP: $*"
	exit 77
}

test "$cross_compiling" = no || skip 'cross compiled'
test "$zm_sanitizer" = no || skip "the sanitizer '$zm_sanitizer' brings a malloc of its own"
told=$(./libtool --mode=execute tests/count_pairs)

# header FILE WORDS: what the preprocessor makes of WORDS after FILE, without blanks and quotes.
header() {
	printf '#include <%s>\nzm_told:%s\n' "$1" "$2" |
		$CC $CPPFLAGS $ZM_MALLOC_CFLAGS -E -P - 2>/dev/null | tr -d ' "\n' | sed -n 's/.*zm_told://p'
}

release=
case $zm_malloc in
jemalloc)
	release=$(header jemalloc/jemalloc.h 'JEMALLOC_VERSION_MAJOR.JEMALLOC_VERSION_MINOR.JEMALLOC_VERSION_BUGFIX')
	;;
tcmalloc*)
	release=$(header gperftools/tcmalloc.h 'TC_VERSION_STRING' | sed 's/^gperftools//')
	;;
mimalloc)
	file=$(readlink -f "$($CC $LDFLAGS -print-file-name=libmimalloc.so)")
	release=$(echo "$file" | sed -n 's/.*\.so\.//p')
	# The file may have two numbers of three.
	case $release in
	*.*.*) ;;
	*.*) told=${told%.*} ;;
	*) release= ;;
	esac
	;;
libc)
	# The machine's may be another one than the compiler's.
	if test "$(header limits.h __GLIBC__)" != __GLIBC__; then
		release=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed -n 's/^glibc //p')
		zm_malloc=glibc
	fi
	;;
esac

case $release in
[0-9]*.[0-9]*) ;;
*) skip "nothing here tells the release of $zm_malloc" ;;
esac
test "$told" = "$zm_malloc-$release" || {
	echo "FAIL: zmalloc_allocator() tells $told, and here is $zm_malloc-$release"
	exit 1
}
echo "$told"
