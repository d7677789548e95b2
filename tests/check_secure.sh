#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/check_secure.sh - a program whose file gives it rights that its user has not does not listen to
# the environment: ZMALLOC_PUBLISH does not make it publish, ZMALLOC_LIMIT does not limit it, nor does it look where
# MEMORY_PRESSURE_WATCH says.
#
# A copy that belongs to root and has the set-user-ID bit, and one with a capability, whose user and
# effective user are the same, are run by `nobody`; a plain copy shows that they would listen.
set -u

skip() {
	echo "SKIP: $*"
	exit 77
}

fail() {
	echo "FAIL: $*"
	exit 1
}

. tests/build.env
test "$cross_compiling" != yes || skip 'built for another machine'
test "$zm_os" = linux || skip "lib/os/$zm_os.c cannot tell processes apart, so nothing is published"
test "$enable_static" = yes || skip 'no static library: where the shared one is not told to such a program'
test "$zm_sanitizer" = no || skip "a sanitizer's run-time library reads the environment by itself"
test "$(id -u)" = 0 || skip 'only root can give a file rights'
command -v setpriv >/dev/null 2>&1 || skip 'no setpriv (Debian: util-linux)'
command -v setcap >/dev/null 2>&1 || skip 'no setcap (Debian: libcap2-bin)'
nobody=$(id -u nobody 2>/dev/null) || skip 'no user nobody'

work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-secure.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$work"
for copy in plain capable set_user_id; do
	cp tests/show_published "$work/$copy" && chmod 755 "$work/$copy" || fail "cannot copy to $work"
done
chmod 4755 "$work/set_user_id"
setcap cap_net_bind_service+ep "$work/capable" 2>/dev/null || skip "files in $work take no capabilities"

# run COPY OWNER: what it says. It stands ready for as long as its standard input is open.
run() {
	mkdir "$work/run" && chmod 700 "$work/run" && chown "$2" "$work/run" && mkfifo "$work/hold" || fail "in $work"
	setpriv --reuid="$nobody" --clear-groups env ZMALLOC_PUBLISH=1 ZMALLOC_LIMIT=1G MEMORY_PRESSURE_WATCH=/dev/null XDG_RUNTIME_DIR="$work/run" "$work/$1" \
		<"$work/hold" >"$work/said" 2>&1 &
	exec 3>"$work/hold"
	for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		test "$(wc -l <"$work/said")" -ge 3 && break
		sleep 0.5
	done
	exec 3>&-
	wait $! || fail "$1 ended badly: $(cat "$work/said")"
	said=$(sed -n 1p "$work/said") pressed=$(sed -n 2p "$work/said")
	echo "$1: $said, $pressed"
	rm -rf "$work/run" "$work/hold"
}

run plain "$nobody"
test "$said $pressed" = 'published, limited pressed by it' || fail 'a plain program does not listen, so this test shows nothing'
run capable "$nobody"
test "$said $pressed" = 'not published, not limited not pressed by it' || fail 'a program with a capability listens'
run set_user_id 0
test "$said $pressed" = 'not published, not limited not pressed by it' || fail 'a set-user-ID program listens'
