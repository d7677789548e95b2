#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_hooks.sh - what zmalloc_hooks(3) says of each library, compiled from the page and run against the
# library itself: its memory is charged to the program, to a scope of its own where the page's change of
# names is made, and in the end there is none.
#
# A program for each is in tests/hooks; the section of its name has the lines. Prints a table.

. ./tests/build.env
set -u
: "${srcdir:=.}"
page=$srcdir/man/zmalloc_hooks.3
work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-hooks.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=
missing=
elsewhere=
sanitized=

skip()
{
	echo "SKIP: $*"
	exit 77
}

test -n "$PKG_CONFIG" || skip 'no pkg-config'
test "$cross_compiling" = no || skip 'programs for another machine'
case $zm_sanitizer in
*memory*) skip 'MemorySanitizer wants libraries that were built with it' ;;
esac

. "${srcdir:-.}/tests/built_library.sh"

# snippet SECTION: its literal block, as a reader has it.
snippet()
{
	awk -v section="$1" '
		/^\.S[hs]/ { in_section = $0 == ".Ss " section }
		/^\.Ed/ { inside = 0 }
		inside { gsub(/\\e/, "\\"); print }
		in_section && /^\.Bd -literal/ { inside = 1 }
	' "$page"
}

# try LIBRARY WHERE FLAGS...: with snippet.h in the folder WHERE. Says how much was used, and what was left.
try()
{
	name=$1 where=$work/$1.$2
	shift 2
	# shellcheck disable=SC2046,SC2086 # flags
	$CC -Wall -Wextra -Werror -Wno-unused-function $ZM_SANITIZER_FLAGS $CPPFLAGS -I"$srcdir/include" \
		-I"$where" "$@" $($PKG_CONFIG --cflags "$module") "$srcdir/tests/hooks/$name.c" -o "$where/program" $LDFLAGS \
		$libs $($PKG_CONFIG --libs "$module") >"$where/log" 2>&1 &&
		"$where/program" >"$where/said" 2>>"$where/log" && return
	echo "FAIL: $name, $*:"
	cat "$where/log"
	failed=yes
	echo '? ?' >"$where/said"
}

# can_use SNIPPET: pkg-config may know the library of another C library than the compiler's. A program that includes
# the same headers of it, and calls nothing, tells.
can_use()
{
	sed -n '/^#include <zmalloc/d; /^#include </p' "$1" >"$work/empty.c"
	echo 'int main(void) { return 0; }' >>"$work/empty.c"
	# shellcheck disable=SC2046,SC2086 # flags
	$CC $ZM_SANITIZER_FLAGS $CPPFLAGS $($PKG_CONFIG --cflags "$module") "$work/empty.c" -o "$work/empty" $LDFLAGS \
		$($PKG_CONFIG --libs "$module") >"$work/empty.log" 2>&1
}

printf '%-10s %-14s %12s %6s %12s %6s\n' "$zm_malloc" '' 'program' after 'scope' after >"$work/table"
for source in "$srcdir"/tests/hooks/*.c; do
	name=$(basename "$source" .c)
	module=$(sed -n 's,.*pkg-config: \([^ ]*\) .*,\1,p' "$source")
	if ! version=$($PKG_CONFIG --modversion "$module" 2>/dev/null); then
		missing="$missing $name"
		continue
	fi
	mkdir "$work/$name.program" "$work/$name.scope"
	snippet "$name" >"$work/$name.program/snippet.h"
	test -s "$work/$name.program/snippet.h" || {
		echo "FAIL: the page says nothing of $name"
		failed=yes
		continue
	}
	if test "$zm_sanitizer" != no && grep -q '^void \*malloc(' "$work/$name.program/snippet.h"; then
		sanitized="$sanitized $name"
		continue
	fi
	if ! can_use "$work/$name.program/snippet.h"; then
		elsewhere="$elsewhere $name"
		continue
	fi
	try "$name" program -DZM_TO_PROGRAM
	# What the page says: the line before, and other names.
	awk -v name="$name" '
		/^#include <zmalloc\/hooks.h>/ { print; printf "ZMALLOC_HOOKS(of_%s, \"%s\")\n", name, name; next }
		{ gsub(/zmalloc_hook_/, "of_" name "_"); print }
	' "$work/$name.program/snippet.h" >"$work/$name.scope/snippet.h"
	try "$name" scope "-DSCOPE=\"$name\""
	# shellcheck disable=SC2046 # words
	printf '%-10s %-14s %12s %6s %12s %6s\n' "$name" "$version" $(cat "$work/$name.program/said") \
		$(cat "$work/$name.scope/said") >>"$work/table"
done
cat "$work/table"
test -z "$failed" || exit 1
test -z "$sanitized" || echo "left out, as malloc() is the sanitizer's:$sanitized"
test -z "$elsewhere" || echo "left out, as $CC does not take their headers or libraries:$elsewhere"
test "$(wc -l <"$work/table")" -gt 1 || skip "no library is here that $CC takes"
test -z "$missing" || skip "not there, so left out:$missing (./bootstrap --for matrix installs them)"
