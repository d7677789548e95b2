#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# install_alone.sh COMMAND... - runs it when no other test of this build folder installs: there libtool links
# libzmalloc_preload.so once more, under one name, before it installs it. After five minutes it is taken that
# whoever was at it was killed.

lock=installing.lock
tries=1500
until mkdir $lock 2>/dev/null; do
	tries=$((tries - 1))
	test $tries -gt 0 || break
	sleep 0.2
done
trap 'rmdir $lock 2>/dev/null' EXIT
trap 'exit 1' HUP INT TERM
"$@"
