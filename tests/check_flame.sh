#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_flame.sh - flame graphs are XML, whatever the names in them, and a browser does with them what they
# promise: headless Chromium opens each with tests/flame/drive.js at its end, which clicks, types and looks.

set -u
. ./tests/build.env
: "${srcdir:=.}"
skip() {
	echo "SKIP: $*"
	exit 77
}
test "$cross_compiling" = no || skip 'a program for another machine'

work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-flame.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

wrong() {
	echo "FAIL: $*"
	failed=1
}

for graph in small difference hostile server leak; do
	./tests/flame_program $graph >"$work/$graph.svg" || wrong "flame_program $graph: exit status $?"
done

# ---- XML

if command -v xmllint >/dev/null 2>&1; then
	for graph in "$work"/*.svg; do
		xmllint --noout --nonet "$graph" || wrong "$graph is not well-formed"
	done
else
	echo 'left out: no xmllint (Debian: libxml2-utils)'
fi
for graph in "$work"/*.svg; do
	# The namespaces, and nothing that is fetched.
	if grep -E 'https?:|@import|url\(|xlink' "$graph" |
		grep -v -E 'xmlns="http://www\.w3\.org/(2000/svg|1999/xhtml)"'; then
		wrong "$graph has an address"
	fi
done
test $failed = 0 || exit 1

# ---- A browser

browser=
for name in chromium-headless-shell chromium chromium-browser google-chrome; do
	if command -v $name >/dev/null 2>&1; then
		browser=$name
		break
	fi
done
test -n "$browser" || skip 'no Chromium: ./bootstrap --for matrix installs it'

# It has a home of its own, shared memory in files, for containers have little of the other, and no sandbox, which
# root and many containers cannot have; the pages are ours. A sanitizer's settings are not for it.
browse() {
	HOME=$work XDG_CONFIG_HOME=$work XDG_CACHE_HOME=$work timeout -k 10 "$1" env -u LD_PRELOAD -u ASAN_OPTIONS \
		$browser --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
		--disable-extensions --disable-background-networking --user-data-dir="$work/profile" \
		--window-size=1280,800 $3 --dump-dom "file://$2" 2>"$work/log" </dev/null
}

# One that cannot start at all here is not the graph's fault.
echo '<p id="seen">yes</p>' >"$work/any.html"
browse 120 "$work/any.html" '' | grep -q 'id="seen"' || {
	sed 's/^/    | /' "$work/log" | tail -n 5
	skip "$browser opens no page here"
}

# check GRAPH [FLAG]
check() {
	drive "$work/$1.svg" >"$work/driven-$1.svg"
	browse 120 "$work/driven-$1.svg" "${2-}" >"$work/dom"
	status=$?
	verdict=$(sed -n '/<desc id="verdict">/,/<\/desc>/p' "$work/dom" |
		sed -e 's/.*<desc id="verdict">//' -e 's/<\/desc>.*//')
	case $verdict in
	'all is well: '*) echo "$1${2+ $2}: $verdict" ;;
	'') wrong "$1: exit status $status, no verdict"; head -c 1000 "$work/dom"; tail -n 5 "$work/log" ;;
	*) wrong "$1${2+ $2}: $verdict" ;;
	esac
}

# The graph with the driver at its end.
drive() {
	sed '$d' "$1"
	echo '<script><![CDATA['
	cat "$srcdir/tests/flame/drive.js"
	echo ']]></script></svg>'
}

check small
check difference
# Where people like it dark.
check difference --blink-settings=preferredColorScheme=0
check hostile
exit $failed
