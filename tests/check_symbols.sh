#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_symbols.sh - the functions that the headers declare, the symbol map and the exports of the built
# library are one set, and everything global in the static archive has a name of ours.

. ./tests/build.env
set -eu
LC_ALL=C
export LC_ALL
work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-symbols.XXXXXX")
trap 'rm -rf "$work"' EXIT
map=$srcdir/lib/libzmalloc.map
failed=0

# Names marked ZMALLOC_API, in text without preprocessor lines and comments: the last word before the
# first parenthesis of each declaration, or before its end for a variable.
declared() {
	cat "$srcdir"/include/zmalloc.h "$srcdir"/include/zmalloc/*.h | awk '
		continued || /^[ \t]*#/ { continued = /\\$/; next }
		{ text = text " " $0 }
		END {
			while ((start = index(text, "/*")) > 0) {
				rest = substr(text, start + 2)
				text = substr(text, 1, start - 1) " " substr(rest, index(rest, "*/") + 2)
			}
			count = split(text, part, /[;{}]/)
			for (i = 1; i <= count; i++) {
				if (!sub(/.*ZMALLOC_API/, "", part[i]))
					continue
				sub(/[(].*/, "", part[i])
				sub(/[ \t]+$/, "", part[i])
				sub(/.*[^A-Za-z0-9_]/, "", part[i])
				print part[i]
			}
		}' | sort
}

# "NODE name" for each line of the map.
mapped() {
	awk '
		/^[A-Z0-9_.]+ *[{]/ { node = $1; sub(/[{].*/, "", node); exported = 0 }
		/^global:/ { exported = 1; next }
		/^local:/ { exported = 0; next }
		exported && /^[ \t]+[A-Za-z_]/ { name = $1; sub(/;.*/, "", name); print node, name }
	' "$map" | sort
}

# compare WHAT SET OTHER-WHAT OTHER-SET: says what only one of two sorted files has.
compare() {
	comm -23 "$2" "$4" | sed "s/^/only in $1, not in $3: /" >"$work/difference"
	comm -13 "$2" "$4" | sed "s/^/only in $3, not in $1: /" >>"$work/difference"
	if test -s "$work/difference"; then
		cat "$work/difference"
		failed=1
	fi
}

declared >"$work/headers"
mapped >"$work/map.versions"
sed 's/.* //' "$work/map.versions" | sort >"$work/map"
test -s "$work/headers" || { echo "no ZMALLOC_API in $srcdir/include"; exit 99; }

uniq -d "$work/headers" | sed 's/^/declared twice: /' >"$work/doubled"
uniq -d "$work/map" | sed "s,^,twice in $map: ," >>"$work/doubled"
if test -s "$work/doubled"; then
	cat "$work/doubled"
	failed=1
fi
compare 'the headers' "$work/headers" libzmalloc.map "$work/map"

if test -e .libs/libzmalloc.so; then
	$NM -D --defined-only .libs/libzmalloc.so | awk '$2 != "A" { print $3 }' | sort >"$work/exports"
	if test "$zm_symbol_map" = yes; then
		awk '{ print $2 "@@" $1 }' "$work/map.versions" | sort >"$work/expected"
	else
		cp "$work/map" "$work/expected"
	fi
	compare libzmalloc.map "$work/expected" libzmalloc.so "$work/exports"
else
	echo 'no libzmalloc.so was built: its exports are not compared'
fi

# A sanitizer adds globals of its own to each object; the compiler for i386, hidden functions; static probes, the
# hidden place that their addresses are counted from.
if test -e .libs/libzmalloc.a && test "$zm_sanitizer" = no; then
	$NM -g .libs/libzmalloc.a 2>/dev/null |
		awk 'NF == 3 && $2 ~ /^[A-TV-Zuvw]$/ { print $3 }' | sed 's/^_\(_*z\)/\1/' | sort -u >"$work/archive"
	grep -v -e '^zm_' -e '^__x86\.get_pc_thunk\.' -e '^_\.stapsdt\.base$' "$work/archive" >"$work/archive.public" || :
	compare libzmalloc.map "$work/map" libzmalloc.a "$work/archive.public"
fi

test $failed = 0 || exit 1
echo "$(wc -l <"$work/map") symbols: headers, map and library agree"
