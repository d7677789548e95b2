#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# stubs.sh [SYSTEM...] - the sources of systems that cannot be built here, through the compiler's front
# end: against small declarations of what they use, written by hand from those systems' manuals. It
# keeps the files from rotting; it does not show that they work.
#
# CC: gcc or clang on Linux, whose own headers serve for what is POSIX.
set -u

source=$(cd "$(dirname "$0")/../.." && pwd)
here=$source/tests/portability
cc=${CC:-gcc}

getconf GNU_LIBC_VERSION >/dev/null 2>&1 && command -v "$cc" >/dev/null 2>&1 || {
	echo "SKIP: the declarations are for $cc with the headers of glibc"
	exit 77
}
failed=0
tmp=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-stubs.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
# What configure finds on 32 bits everywhere, and on 64 bits nowhere.
mkdir "$tmp/32" "$tmp/64"
echo '#define _GNU_SOURCE 1' | tee "$tmp/64/config.h" >"$tmp/32/config.h"
echo '#define _FILE_OFFSET_BITS 64' >>"$tmp/32/config.h"

# Debian keeps the C library's headers, and the kernel's on some of its releases, in a folder for the compiler's
# own width alone; for us they serve both.
folder_of() {
	echo "#include <$1>" | $cc -M -x c - | tr ' ' '\n' | sed -n "s,/$1\$,,p"
}
libc_headers=$(folder_of bits/wordsize.h) kernel_headers=$(folder_of asm/errno.h)

# compile SYSTEM MACRO BITS ARGUMENTS...
compile() {
	stubs=$here/stubs/$1 macro=$2 bits=$3
	shift 3
	$cc -m$bits -std=gnu11 -Werror -Wall -Wextra -Wshadow -Wstrict-prototypes \
		-U__linux__ -U__linux -Ulinux -D"$macro" -DHAVE_BACKTRACE=1 -DHAVE_MSG_NOSIGNAL=1 \
		-I"$tmp/$bits" -isystem "$stubs" -idirafter "$libc_headers" -idirafter "$kernel_headers" -idirafter "$here/stubs/32" \
		-I"$source/lib" -I"$source/include" "$@"
}

# Both widths where the compiler has them, as x86-64's has.
widths=
for bits in 64 32; do
	echo 'typedef int nothing;' >"$tmp/nothing.c"
	! $cc -m$bits -fsyntax-only "$tmp/nothing.c" 2>/dev/null || widths="$widths $bits"
done
test -n "$widths" || { echo "stubs: $cc knows neither -m64 nor -m32"; exit 1; }

# check SYSTEM MACRO FILES...: with the macro that the system's compiler predefines, where a file asks.
check() {
	system=$1
	macro=$2
	shift 2
	errors=0
	set -- "$@" backtrace environment limit no_group_limit no_objects no_process no_stat pages sigpipe ../base/text ../base/builder
	for bits in $widths; do
		for file in "$@"; do
			compile "$system" "$macro" "$bits" -fsyntax-only "$source/lib/os/$file.c" || errors=$((errors + 1))
		done
	done
	if test $errors = 0; then
		echo "$system: $# files, bits:$widths"
	else
		echo "$system: FAILED, $errors files"
		failed=1
	fi
}

# run SYSTEM MACRO PROGRAM FILES...: a program among the stubs that plays the system's part, linked and run.
run() {
	system=$1
	macro_of_run=$2
	program=$3
	shift 3
	files=
	for file in "$@"; do
		files="$files $source/lib/os/$file.c"
	done
	# shellcheck disable=SC2086 # one word for each file
	if compile "$system" "$macro_of_run" 64 -o "$tmp/$program" "$here/stubs/$system/$program.c" $files &&
		"$tmp/$program"; then
		echo "$system: $program passes"
	else
		echo "$system: $program FAILED"
		failed=1
	fi
}

# What those with a kqueue share.
queue='descriptor file pressure_kqueue pressure_watch'

# shellcheck disable=SC2086 # one word for each file
for system in ${*:-freebsd dragonfly netbsd openbsd darwin solaris haiku}; do
	case $system in
	freebsd) check freebsd STUBS freebsd rss_only no_can_read $queue ;;
	dragonfly) check dragonfly __DragonFly__ freebsd rss_only no_can_read $queue ;;
	netbsd) check netbsd STUBS netbsd rss_only no_can_read $queue ;;
	openbsd) check openbsd STUBS openbsd rss_only no_can_read $queue ;;
	darwin) run darwin __APPLE__ queue $queue sigpipe ../base/text ../base/builder ;;
	solaris) check solaris STUBS solaris rss_only no_can_read file no_pressure ;;
	haiku)
		check haiku STUBS haiku rss_only no_can_read no_pressure
		run haiku STUBS areas haiku rss_only ../base/text ../base/builder
		;;
	*)
		echo "stubs: no system $system" >&2
		exit 2
		;;
	esac
done
exit $failed
