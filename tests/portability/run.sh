#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [TARGET...] - builds the library for other machines and systems, runs the test suite where that
# can be, and prints a table: tests/portability/targets says what there is. In ./portability below the
# current folder, with a log for each line of the table.
#
# Environment: MAKE, JOBS; PORTABILITY_CACHE (./portability/cache): sysroots and compilers, fetched once.
# CI=yes  what cannot be built for want of a tool fails, instead of being skipped
set -u

source=$(cd "$(dirname "$0")/../.." && pwd)
here=$source/tests/portability
make=${MAKE:-make}
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
unset MAKEFLAGS MFLAGS MAKELEVEL MALLOC MALLOC_CFLAGS MALLOC_LIBS
work=$PWD/portability
cache=${PORTABILITY_CACHE:-$work/cache}
passed=0 failed=0 skipped=0

. "$here/lib.sh"

targets() {
	sed -e '/^#/d' -e '/^$/d' -e 's/ *| */|/g' "$here/targets"
}

# configure_in FOLDER ARGUMENTS...
configure_in() {
	folder=$1
	shift
	rm -rf "$folder"
	mkdir -p "$folder"
	(cd "$folder" && "$source/configure" -q --enable-werror --build="$(sh "$source/build-aux/config.guess")" "$@")
}

# The library, then the suite with a program in front of each test program, if there must be one.
# Emulated tests are slow, and what is the same in every build is left to make check.
build_and_test() {
	folder=$1
	shift
	$make -C "$folder" -j "$jobs" && echo built >"$folder/state" &&
		ZMALLOC_TEST_SLOW=1 CK_TIMEOUT_MULTIPLIER=4 \
			$make -C "$folder" -j "$jobs" check zm_once_tests= "$@"
}

# The functions of a kind take: FOLDER ARCHITECTURE TRIPLE ALLOCATOR RELEASE.
build_debian() {
	root=$cache/sysroot-$2
	sysroot "$2" "$5" || return 77
	libraries=$root/usr/lib/$3
	emulator=
	if test "$2" = i386; then
		need gcc-12 gcc-12 && test -e /usr/lib/gcc/x86_64-linux-gnu/12/32 ||
			{ echo "no gcc for i386 (Debian: gcc-12-multilib libc6-i386)"; return 77; }
		compiler="gcc-12 -m32 --sysroot=$root"
		libraries=$root/usr/lib/i386-linux-gnu
	else
		case $3 in
		arm-*) emulator=qemu-arm-static ;;
		powerpc64le-*) emulator=qemu-ppc64le-static ;;
		*) emulator=qemu-${3%%-*}-static ;;
		esac
		need "$3-gcc" "gcc-$3" && need "$emulator" qemu-user-static || return 77
		compiler="$3-gcc --sysroot=$root"
	fi
	PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$libraries/pkgconfig:$root/usr/share/pkgconfig \
		configure_in "$1" --host="$3" --with-malloc="$4" CC="$compiler" || return
	if test -n "$emulator"; then
		ZMALLOC_TEST_EMULATED=1 build_and_test "$1" LOG_COMPILER="./libtool --mode=execute $emulator -L $root"
	else
		LD_LIBRARY_PATH=$libraries:$root/lib/i386-linux-gnu build_and_test "$1"
	fi
}

# The kernel's headers, which go with every C library, and nothing of this machine's.
kernel_headers() {
	mkdir -p "$1"
	for name in linux asm asm-generic; do
		for found in /usr/include/"$name" /usr/include/x86_64-linux-gnu/"$name"; do
			test ! -e "$found" || ln -sfn "$found" "$1/$name"
		done
	done
}

build_musl() {
	need musl-gcc musl-tools || return 77
	check_for musl CC=musl-gcc || return 77
	kernel_headers "$work/kernel-headers"
	# No --host: nothing is cross about it, and tests of the installed library run too.
	PKG_CONFIG_LIBDIR=$cache/check-musl/lib/pkgconfig \
		configure_in "$1" --with-malloc="$4" CC="musl-gcc -idirafter $work/kernel-headers" || return
	build_and_test "$1"
}

# libtool asks Apple's linker what zig's cannot answer.
build_macos() {
	zig || return 77
	export lt_cv_prog_gnu_ld=no lt_cv_apple_cc_single_mod=no
	folder=$1 architecture=$2 triple=$3 allocator=$4
	set -- CC="$zig cc -target $2-macos" AR="$zig ar" RANLIB="$zig ranlib"
	check_for "macos-$architecture" --host="$triple" "$@" || return 77
	PKG_CONFIG_LIBDIR=$cache/check-macos-$architecture/lib/pkgconfig \
		configure_in "$folder" --host="$triple" --with-malloc="$allocator" "$@" || return
	$make -C "$folder" -j "$jobs" && $make -C "$folder" -j "$jobs" check TESTS= || return
	file "$folder/.libs/libzmalloc.1.dylib" | grep 'Mach-O 64-bit.*dynamically linked shared library' || {
		echo "no right .dylib: $(ls "$folder/.libs")"
		return 1
	}
	echo "not run" >"$folder/state"
}

build_stubs() {
	mkdir -p "$1"
	sh "$here/stubs.sh" && echo "front end only" >"$1/state"
}

# table NAME TESTED
table() {
	printf '%-20s %-16s %5s %7s %7s %8s %6s  %s\n' "$@"
}

count() {
	sed -n "s/^# $1: *//p" "$log" | tail -n 1
}

# one NAME KIND ARCHITECTURE TRIPLE ALLOCATOR RELEASE
one() {
	name=$1
	log=$work/$name.log
	start=$(date +%s)
	rm -f "$work/$name/state"
	("build_$2" "$work/$name" "$3" "$4" "$5" "$6") </dev/null >"$log" 2>&1
	status=$?
	seconds=$(($(date +%s) - start))
	if test $status = 77 && test "${CI:-no}" = no; then
		skipped=$((skipped + 1))
		table "$name" "not built" - - - - - "$(tail -n 1 "$log")" 
		return
	fi
	state=$(cat "$work/$name/state" 2>/dev/null || echo FAILED)
	table "$name" "$state" "$(count TOTAL)" "$(count PASS)" "$(count FAIL)" "$(count SKIP)" "$seconds" \
		"$(test $status = 0 || echo "FAILED: $log")"
	if test $status = 0; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		grep -E '^(FAIL|ERROR):|error:|warning:' "$log" | head -n 20 | sed 's/^/    | /'
		tail -n 5 "$log" | sed 's/^/    | /'
	fi
	sed -n 's/^SKIP: /    skipped: /p' "$work/$name"/tests/*.log 2>/dev/null | sort | uniq -c | sort -rn |
		sed 's/^ */    /' >>"$work/skipped"
}

mkdir -p "$work" "$cache"
if test -e "$source/config.status"; then
	# A source folder that is a build folder too cannot have others.
	rm -rf "$work/source"
	$make -s distdir distdir=portability/source >/dev/null || exit 99
	source=$work/source
fi
: >"$work/skipped"
targets >"$work/targets"
for wanted in "$@"; do
	sed 's/|.*//' "$work/targets" | grep -qx "${wanted%:*}" || {
		echo "portability: no target $wanted; there are: $(sed 's/|.*//' "$work/targets" | tr '\n' ' ')" >&2
		exit 2
	}
done

table target built tests passed failed skipped time ''
while IFS='|' read -r target kind architecture triple allocators release; do
	for allocator in $allocators; do
		case " ${*:-$target} " in
		*" $target "* | *" $target:$allocator "*) ;;
		*) continue ;;
		esac
		case $kind in
		stubs) one "$target" "$kind" "$architecture" "$triple" "$allocator" "$release" ;;
		*) one "$target-$allocator" "$kind" "$architecture" "$triple" "$allocator" "$release" ;;
		esac
	done
done <"$work/targets"

sort "$work/skipped" | sed 's/^ *[0-9]* *//' | uniq -c | sed 's/^ */    builds where: /'
echo "$passed passed, $failed failed, $skipped skipped"
test $failed = 0
