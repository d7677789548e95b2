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
failed=0

# check SYSTEM MACRO FILES...: with the macro that the system's compiler predefines, where a file asks.
check() {
	system=$1
	macro=$2
	shift 2
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-stubs.XXXXXX") || exit 1
	echo '#define _GNU_SOURCE 1' >"$tmp/config.h"
	errors=0
	for file in "$@" backtrace limit no_group_limit no_process no_stat pages sigpipe text; do
		${CC:-gcc} -std=gnu11 -fsyntax-only -Werror -Wall -Wextra -Wshadow -Wstrict-prototypes \
			-U__linux__ -U__linux -Ulinux -D"$macro" -DHAVE_BACKTRACE=1 -DHAVE_MSG_NOSIGNAL=1 \
			-I"$tmp" -isystem "$here/stubs/$system" -I"$source/lib" -I"$source/include" \
			"$source/lib/os/$file.c" || errors=$((errors + 1))
	done
	rm -rf "$tmp"
	if test $errors = 0; then
		echo "$system: $(($# + 8)) files"
	else
		echo "$system: FAILED, $errors files"
		failed=1
	fi
}

for system in ${*:-freebsd dragonfly netbsd openbsd solaris haiku}; do
	case $system in
	freebsd) check freebsd STUBS freebsd rss_only ;;
	dragonfly) check dragonfly __DragonFly__ freebsd rss_only ;;
	netbsd) check netbsd STUBS netbsd rss_only ;;
	openbsd) check openbsd STUBS openbsd rss_only ;;
	solaris) check solaris STUBS solaris rss_only file ;;
	haiku) check haiku STUBS haiku rss_only ;;
	*)
		echo "stubs: no system $system" >&2
		exit 2
		;;
	esac
done
exit $failed
