#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_docs.sh - every function that the headers declare has a manual page, the prototypes in the pages
# are those of the headers, and the pages are complete, well formed and lead to one another.

set -eu
: "${srcdir:=.}"
LC_ALL=C
export LC_ALL
work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-docs.XXXXXX")
trap 'rm -rf "$work"' EXIT
man=$srcdir/man
failed=0

wrong() {
	echo "FAIL: $*"
	failed=1
}

# One prototype on each line, blanks as in `void *name(size_t size, void (*f)(int))`.
tidy() {
	tr '\t' ' ' | sed -e 's,\\&,,g' -e 's/  */ /g' -e 's/ *\([(),*]\) */\1/g' -e 's/,/, /g' -e 's/\([a-z0-9_]\)\*/\1 */g' \
		-e 's/\*\([a-z]\)/*\1/g' -e 's/^ //' -e 's/ $//' -e 's/\([a-z]\)(\*/\1 (*/g' \
		-e 's/^\([^(]*[ *]\)(\([a-z0-9_]*\))(/\1\2(/'
}

# What a header declares, without comments, preprocessor lines and attributes.
header_prototypes() {
	awk '
		continued || /^[ \t]*#/ { continued = /\\$/; next }
		{ text = text " " $0 }
		END {
			while ((start = index(text, "/*")) > 0) {
				rest = substr(text, start + 2)
				text = substr(text, 1, start - 1) " " substr(rest, index(rest, "*/") + 2)
			}
			gsub(/ZMALLOC_ATTR_[A-Z0-9]+ *[(][^)]*[)]/, "", text)
			gsub(/ZMALLOC_ATTR_[A-Z0-9]+/, "", text)
			count = split(text, part, /[;{}]/)
			for (i = 1; i <= count; i++)
				if (sub(/.*ZMALLOC_API/, "", part[i]))
					print part[i]
		}' "$1" | tidy | sort
}

# What the SYNOPSIS of a page says. A long argument that is a function may be cut at a comma.
page_prototypes() {
	awk '
		function unquoted(line, n, i, out, rest) {
			n = split(line, part, "\"")
			out = part[2]
			for (i = 4; i <= n; i += 2)
				out = out ", " part[i]
			return out
		}
		/^\.Sh/ { inside = /SYNOPSIS/ }
		!inside { next }
		/^\.Ft/ { sub(/^\.Ft /, ""); type = $0; gsub("\"", "", type) }
		/^\.Fn/ { print type " " $2 "(" unquoted($0) ")" }
		/^\.Fo/ { name = $2; arguments = "" }
		/^\.Fa/ { arguments = arguments (arguments == "" ? "" : ", ") unquoted($0) }
		/^\.Fc/ { print type " " name "(" arguments ")" }
	' "$1" | tidy | sort
}

page_names() {
	awk '/^\.Sh/ { inside = /NAME/ } inside && /^\.Nm/ { print $2 }' "$1" | sort
}

has_section() {
	grep -q "^\.Sh $2\$" "$1" || wrong "$(basename "$1") has no section $2"
}

# ---- Prototypes, header by header: each is told of by the one page that includes it ----

for header in "$srcdir"/include/zmalloc.h* "$srcdir"/include/zmalloc/*.h*; do
	name=${header#"$srcdir"/include/}
	header_prototypes "$header" >"$work/header"
	page=$(grep -l "^\.In $name\$" "$man"/*.3 || :)
	case $page in
	'') wrong "no page for <$name>"; continue ;;
	*'
'*) wrong "several pages for <$name>: $page"; continue ;;
	esac
	# A header without functions is told of in the text of another's page.
	test -s "$work/header" || continue
	page_prototypes "$page" >"$work/page"
	if ! diff "$work/header" "$work/page" >"$work/difference"; then
		grep '^[<>]' "$work/difference" | sed -e "s,^<,  only in $name:," -e "s,^>,  only in $(basename "$page"):,"
		wrong "$(basename "$page") and <$name> differ"
	fi
	wc -l <"$work/page" >>"$work/count"
	sed 's/(.*//; s/.*[ *]//' "$work/page" | sort >"$work/functions"
	page_names "$page" | grep -vx "$(basename "$page" .3)" >"$work/names" || :
	grep -vx "$(basename "$page" .3)" "$work/functions" | diff - "$work/names" ||
		wrong "$(basename "$page"): NAME and SYNOPSIS tell of different functions"
	cat "$work/functions" >>"$work/documented"
done

awk '/^global:/ { inside = 1; next } /^local:/ { inside = 0 } inside && /;/ { sub(/;.*/, ""); print $1 }' \
	"$srcdir/lib/libzmalloc.map" | sort >"$work/exported"
sort "$work/documented" | comm -13 - "$work/exported" | while read -r symbol; do
	echo "  $symbol"
done >"$work/missing"
if test -s "$work/missing"; then
	cat "$work/missing"
	wrong 'exported, and on no page'
fi

# ---- The pages themselves ----

for page in "$man"/*.3; do
	for section in UNITS 'RETURN VALUES' ERRORS 'THREAD SAFETY' EXAMPLES 'SEE ALSO'; do
		has_section "$page" "$section"
	done
done
for page in "$man"/*.[137]; do
	base=$(basename "$page")
	grep -q "^\.Dt $(echo "${base%.*}" | tr "[:lower:]" "[:upper:]") ${base##*.}\$" "$page" || wrong "$base: .Dt is another page's"
	# References to pages of ours; others are the system's.
	awk '$1 == ".Xr" && $2 ~ /^(lib)?z(malloc|arena|defrag)/ { print $2 "." $3 }' "$page" | sort -u | while read -r other; do
		test -e "$man/$other" || echo "  $base refers to $other"
	done
done >"$work/dangling"
cat "$work/dangling"
test ! -s "$work/dangling" || failed=1

skipped=
if command -v mandoc >/dev/null 2>&1; then
	for page in "$man"/*.[137]; do
		# Which pages of the system are there is no matter of ours.
		mandoc -T lint "$page" 2>/dev/null | grep -v 'referenced manual not found' >"$work/lint" || :
		test ! -s "$work/lint" || { cat "$work/lint"; wrong "mandoc -T lint $page"; }
	done
else
	skipped="$skipped mandoc"
fi
if command -v groff >/dev/null 2>&1 && echo .Dd | groff -mdoc -Tutf8 -z >/dev/null 2>&1; then
	for page in "$man"/*.[137]; do
		# Arguments of a prototype are not broken, and lines of them stay short or run over: as they must.
		groff -ww -Wbreak -z -mdoc -Tutf8 "$page" >"$work/groff" 2>&1 || :
		test ! -s "$work/groff" || { cat "$work/groff"; wrong "groff -ww $page"; }
	done
else
	skipped="$skipped groff"
fi
test -z "$skipped" || echo "not there, so the pages' form was not checked with:$skipped"

test $failed = 0 || exit 1
echo "$(awk '{ sum += $1 } END { print sum }' "$work/count") prototypes in $(ls "$man"/*.3 | wc -l) pages are those of the headers"
