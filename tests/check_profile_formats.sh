#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_profile_formats.sh - profiles are read as they were meant: by a decoder of our own, which believes nothing,
# and by go tool pprof, google-pprof and jeprof, which find names in this program too.
#
# tests/profile_writer says which three stacks are in them.
set -u

. ./tests/build.env
: "${srcdir:=.}"

failed=0
wrong() {
	echo "FAIL: $*"
	failed=1
}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
HOME=$work PPROF_TMPDIR=$work
export HOME PPROF_TMPDIR

for format in 1 2 3; do
	tests/profile_writer $format >"$work/profile.$format" || {
		wrong "format $format cannot be written"
		exit 1
	}
done
tests/profile_writer 1 2000 >"$work/large" || wrong 'many stacks cannot be written'
tests/profile_writer 1 10000 wide >"$work/wide" || wrong 'many addresses cannot be written'

# expect WHAT FILE REGEX...: each is found, in that order or another.
expect() {
	what=$1 file=$2
	shift 2
	for line in "$@"; do
		grep -Eq -- "$line" "$file" || {
			wrong "$what: no line '$line' in"
			sed 's/^/	/' "$file"
		}
	done
}

# ---- Our own decoder ----

if perl "$srcdir/tests/decode_pprof.pl" "$work/profile.1" >"$work/lines"; then
	expect decoder "$work/lines" '^type alloc_objects count$' '^type alloc_space bytes$' \
		'^type inuse_objects count$' '^type inuse_space bytes$' '^default inuse_space$' \
		'^period_type space bytes$' '^period 64$' '^time 1700000005000000000$' '^duration 5000000000$' \
		'^comment 12 samples are lost' \
		'^sample 40 4000000 30 3000000 : [0-9a-f]+@[0-9]+ [0-9a-f]+@[0-9]+$' \
		'^sample 100 100000 100 100000 : [0-9a-f]+@[0-9]+ [0-9a-f]+@[0-9]+$' \
		'^sample 5 5000 0 0 : [0-9a-f]+@[0-9]+$'
	test "$(sed -n 's/^type //p' "$work/lines" | tr '\n' ',')" = \
		'alloc_objects count,alloc_space bytes,inuse_objects count,inuse_space bytes,' ||
		wrong 'values are not in the order of heap profiles of Go'
	test "$(grep -c '^sample' "$work/lines")" = 3 || wrong 'decoder: not three samples'
else
	wrong 'the decoder refuses a profile'
fi
if perl "$srcdir/tests/decode_pprof.pl" "$work/large" >"$work/many"; then
	awk '/^sample/ { samples++; total += $3; live += $5; frames += NF - 6 }
		/^sample/ { for (i = 7; i <= NF; i++) seen[$i]++ }
		/^locations/ { locations = $2 }
		END {
			for (i in seen)
				addresses++
			exit !(locations == addresses && samples == 2000 && frames == 40000 && live == 9995000000 && total == 2 * live)
		}' "$work/many" ||
		wrong 'the sums of many stacks are others, or an address is there twice'
else
	wrong 'the decoder refuses a profile of many stacks'
fi
# More addresses than a writer can remember.
perl "$srcdir/tests/decode_pprof.pl" "$work/wide" >"$work/many" || wrong 'the decoder refuses a profile of many addresses'
test "$(sed -n 's/^locations //p' "$work/many")" = 200000 || wrong 'not 200,000 locations'

# The program as the kernel knows it: libtool may have put a script in its place.
mapping=$(grep '^mapping .*profile_writer' "$work/lines" | head -n 1)
program=$(echo "$mapping" | cut -d ' ' -f 6)
if test "$zm_os" = linux && test -z "${ZMALLOC_TEST_EMULATED-}"; then
	test -n "$program" || wrong "no mapping is this program's"
	id=$(readelf -n "$program" 2>/dev/null | sed -n 's/^ *Build ID: //p')
	test -z "$id" || test "${mapping##* }" = "$id" || wrong "build-id ${mapping##* }, readelf says $id"
	grep -q '^sample .*@0' "$work/lines" && wrong 'an address of the program has no mapping'
fi

# ---- Lines for flame graphs ----

awk '{ sum += $NF; lines++ } END { exit !(sum == 3100000 && lines == 2) }' "$work/profile.3" ||
	wrong 'collapsed stacks have another sum'
# A place in a file is the same in every process.
perl "$srcdir/tests/decode_pprof.pl" --collapsed "$work/profile.1" >"$work/lines.3"
test -z "$program" || diff "$work/lines.3" "$work/profile.3" ||
	wrong "pprof's profile (<) has other stacks than the collapsed ones (>)"
test -z "$program" ||
	expect collapsed "$work/profile.3" "^profile_writer\+0x[0-9a-f]+;profile_writer\+0x[0-9a-f]+ 3000000\$"

# ---- Real readers ----

# Without debug information, which whoever chose CFLAGS may have left out, some of them find no names.
skipped=
readers=yes
if test -z "$program"; then
	skipped='all readers: there are no mappings'
	readers=no
elif ! readelf -S "$program" 2>/dev/null | grep -q '\.debug_info'; then
	skipped='all readers: the programs have no debug information'
	readers=no
else
	if command -v go >/dev/null 2>&1 && go tool pprof -help >/dev/null 2>&1; then
		go tool pprof -top -unit=B "$program" "$work/profile.1" >"$work/top" 2>"$work/err" ||
			wrong "go tool pprof: $(cat "$work/err")"
		expect 'go tool pprof' "$work/top" '^Type: inuse_space' \
			'3000000B 96.77% .* site_large$' '100000B +3.23% .* site_small$' ' 3100000B +100% +site_outer$'
		go tool pprof -top -sample_index=alloc_objects "$program" "$work/profile.1" >"$work/top" 2>"$work/err" ||
			wrong "go tool pprof: $(cat "$work/err")"
		expect 'go tool pprof' "$work/top" '^ +40 .* site_large$' '^ +100 .* site_small$' '^ +5 .* site_freed$'
		go tool pprof -comments "$work/profile.1" >"$work/top" 2>/dev/null
		expect 'go tool pprof' "$work/top" '^12 samples are lost'
		go tool pprof -top -unit=B "$program" "$work/profile.2" >"$work/top" 2>"$work/err" ||
			wrong "go tool pprof: $(cat "$work/err")"
		expect 'go tool pprof on text' "$work/top" '3000000B 96.77% .* site_large$' ' site_outer$'
	else
		skipped="$skipped go tool pprof"
	fi
	for reader in google-pprof jeprof; do
		command -v $reader >/dev/null 2>&1 || {
			skipped="$skipped $reader"
			continue
		}
		$reader --text --inuse_objects "$program" "$work/profile.2" >"$work/top" 2>"$work/err" ||
			wrong "$reader: $(cat "$work/err")"
		expect $reader "$work/top" '^ +30 .* site_large$' '^ +100 .* site_small$' ' 130 100.0% +site_outer$'
		$reader --text --alloc_space --show_bytes "$program" "$work/profile.2" >"$work/top" 2>"$work/err" ||
			wrong "$reader: $(cat "$work/err")"
		expect $reader "$work/top" '^ *4000000 .* site_large$' '^ *5000 .* site_freed$'
	done
fi
# ---- A program that knows nothing of it ----

# Its limit refuses it, and the library ends it: two moments. It has 20 MiB, 5 MiB, and nothing of 10 MiB.
for format in pprof heap_v2 collapsed; do
	mkdir "$work/$format"
	ZMALLOC_LIMIT=60M ZMALLOC_PROFILE=64K,format=$format ZMALLOC_PROFILE_DIR=$work/$format \
		tests/profile_program 2>"$work/report"
	test "$(ls "$work/$format" | wc -l)" = 2 || {
		wrong "$format: not two files, but: $(ls "$work/$format"; cat "$work/report")"
		continue
	}
	expect 'the report' "$work/report" '^zmalloc: about [0-9]* bytes in [0-9]* blocks, allocated by' \
		"^zmalloc: profile $work/$format/zmalloc-.*-oom-[0-9TZ]*\.[a-z.]*\$"
	for file in "$work/$format"/*; do
		case $format in
		pprof) perl "$srcdir/tests/decode_pprof.pl" "$file" >"$work/lines" || wrong "the decoder refuses $file" ;;
		heap_v2) expect "$file" "$file" '^heap profile: .* @ heap_v2/65536$' ;;
		collapsed) awk '{ print "sample 0 0 0", $NF }' "$file" >"$work/lines" ;;
		esac
		# Within five standard errors of a sum of blocks of 1 KiB, of which one in 64 is sampled.
		test $format = heap_v2 || awk '/^sample/ { live += $5 } END { exit !(live > 23e6 && live < 29.5e6) }' "$work/lines" ||
			wrong "$file: not 25 MiB: $(cat "$work/lines")"
	done
done
if test $readers = yes && command -v go >/dev/null 2>&1; then
	go tool pprof -top -unit=MB "$work"/pprof/*-oom-* >"$work/top" 2>/dev/null
	expect 'go tool pprof' "$work/top" ' 2[01](\.[0-9]*)?MB +[0-9.]+% +keep_large$' ' keep_small$'
	go tool pprof -top -sample_index=alloc_space "$work"/pprof/*-oom-* >"$work/top" 2>/dev/null
	expect 'go tool pprof' "$work/top" ' drop_all$'
fi

test -z "$skipped" || echo "left out: $skipped (see bootstrap --for matrix)"
exit $failed
