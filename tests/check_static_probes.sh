#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_static_probes.sh - the library has the static probes that lib/base/probe.h lists, each with its arguments,
# zmalloc_probes(7) tells of the same, and where the kernel lets bpftrace work they tell what happens.
set -u

. ./tests/build.env
: "${srcdir:=.}"
LC_ALL=C
export LC_ALL
list=$srcdir/lib/base/probe.h
page=$srcdir/man/zmalloc_probes.7

failed=0
wrong() {
	echo "FAIL: $*"
	failed=1
}

# ended SKIP?: what was found, with what was left out.
ended() {
	test $failed = 0 || exit 1
	exit "$1"
}

work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-probes.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# ---- The page: "NAME ARGUMENT..." of each

awk '
	/^ZM_INLINE void zm_probe_/ { inside = 1; text = "" }
	inside { text = text " " $0 }
	inside && /\)$/ {
		inside = 0
		sub(/.*zm_probe_/, "", text)
		name = text
		sub(/\(.*/, "", name)
		sub(/.*\(/, "", text)
		sub(/\)$/, "", text)
		count = split(text, argument, ",")
		line = name
		for (i = 1; i <= count; i++) {
			sub(/.*[ *]/, "", argument[i])
			if (argument[i] != "void")
				line = line " " argument[i]
		}
		print line
	}' "$list" | sort >"$work/list"
sed -n 's/^\.It Fn \([a-z_]*\)/\1/p' "$page" | tr -d '"' | sort >"$work/page"
test "$(wc -l <"$work/list")" -ge 10 || wrong "no probes in $list"
diff "$work/list" "$work/page" >"$work/difference" || {
	sed -n 's/^\([<>]\)/	\1/p' "$work/difference"
	wrong 'lib/base/probe.h (<) and zmalloc_probes(7) (>) tell of other probes'
}

# ---- The notes

file=.libs/libzmalloc.so.1
test "$enable_shared" = yes || file=tests/probe_program
command -v readelf >/dev/null 2>&1 || { echo 'SKIP: no readelf'; ended 77; }
readelf -h "$file" >/dev/null 2>&1 || { echo "SKIP: no ELF file $file"; ended 77; }

# "NAME COUNT" of each probe in FILE, once or more.
notes() {
	readelf -n "$1" 2>/dev/null | awk '
		/^ *Provider:/ { provider = $2 }
		/^ *Name:/ { name = $2 }
		/^ *Arguments:/ && provider == "zmalloc" { print name, NF - 1 }'
}
notes "$file" | sort -u >"$work/notes"
if test "$zm_probes" = no; then
	test ! -s "$work/notes" || wrong "probes that nobody asked for: $(cat "$work/notes")"
	echo 'built without probes: there are none'
	ended 0
fi
awk '{ print $1, NF - 1 }' "$work/list" >"$work/wanted"
diff "$work/wanted" "$work/notes" >"$work/difference" || {
	sed -n 's/^\([<>]\)/	\1/p' "$work/difference"
	wrong "lib/base/probe.h (<) and the notes in $file (>) have other probes or other numbers of arguments"
}
# A tracer finds no variable by its name, and none of a thread's.
readelf -n "$file" | grep '^ *Arguments:.*\(([%]*rip)\|%fs\)' && wrong 'arguments that are no register and no number'

# They are no part of what is loaded, and strip leaves them.
cp "$file" "$work/stripped" && ${STRIP:-strip} --strip-unneeded "$work/stripped" 2>/dev/null &&
	notes "$work/stripped" | sort -u >"$work/left" && {
	cmp -s "$work/notes" "$work/left" || wrong 'strip takes probes away'
}
echo "$(wc -l <"$work/notes") probes are in $file, as in the list and on the page"

# ---- What they tell

left_out() {
	echo "not watched by bpftrace: $*"
	ended 0
}

test "$cross_compiling" = no || left_out 'a program for another machine'
command -v bpftrace >/dev/null 2>&1 || left_out 'it is not installed: ./bootstrap --for matrix'
program=tests/probe_program
test ! -e tests/.libs/probe_program || program=tests/.libs/probe_program
# The tracer breaks into the file, for whoever has it mapped: for valgrind's programs too, which then die of it. So it
# gets files of its own.
cp "$program" "$work/probe_program" || ended 1
program=$work/probe_program
watched=$program
test "$enable_shared" = no || {
	cp "$file" "$work/libzmalloc.so.1" || ended 1
	watched=$work/libzmalloc.so.1
	LD_LIBRARY_PATH=$work${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
	export LD_LIBRARY_PATH
}
"$program" >"$work/alone" 2>&1 || { cat "$work/alone"; wrong 'the program fails'; ended 1; }
timeout 60 bpftrace -e "uprobe:$program:main { printf(\"reached\\n\"); }" -c "$program" >"$work/try" 2>&1
grep -qx reached "$work/try" || left_out "$(grep -v '^expect\|^count\|^$' "$work/try" | tail -n 1)"

# Each is a line, of those that are passed often only the first are, and all are counted. bpftrace switches probes on
# one after the other, in one direction or the other: when the first and the last are on, all are.
awk -v file="$watched" '
	BEGIN { print "interval:ms:50 { printf(\"first\\n\"); }" }
	{
		print "usdt:" file ":zmalloc:" $1 " /comm == \"probe_program\"/ {"
		print "\t@count[\"" $1 "\"] = count();"
		format = "told " $1
		arguments = ""
		for (i = 2; i <= NF; i++) {
			format = format ($i == "scope" ? " %s" : " %llu")
			value = "arg" (i - 2)
			arguments = arguments ", " ($i == "scope" ? value " == 0 ? \"-\" : str(" value ")" : value)
		}
		often = $1 ~ /^(threshold|sample|defrag_slab|defrag_purge)$/
		if (often)
			print "\t@told[\"" $1 "\"]++;\n\tif (@told[\"" $1 "\"] < 40) {"
		print "\tprintf(\"" format "\\n\"" arguments ");" (often ? " }" : "")
		print "}"
	}
	END {
		print "interval:ms:50 { printf(\"last\\n\"); }"
		print "END { clear(@told); }"
	}' "$work/list" >"$work/script.bt"
timeout 120 bpftrace "$work/script.bt" >"$work/out" 2>&1 &
tracer=$!
for i in $(seq 600); do
	grep -qx first "$work/out" && grep -qx last "$work/out" && break
	kill -0 $tracer 2>/dev/null || break
	sleep 0.1
done
"$program" >"$work/said" || wrong 'the program fails under bpftrace'

# Lines that the program expects and bpftrace has not written so far: it is some time behind.
missing() {
	sed -n 's/^expect //p' "$work/said" | while read -r name arguments; do
		pattern=$(echo "told $name $arguments" | sed -e 's/ $//' -e 's/ \*/ [0-9]+/g')
		grep -Exq -- "$pattern" "$work/out" || echo "no line '$pattern'"
	done
}
grep -q '^expect' "$work/said" || wrong 'the program expects nothing'
for i in $(seq 100); do
	missing >"$work/missed"
	test -s "$work/missed" || break
	kill -0 $tracer 2>/dev/null || break
	sleep 0.1
done
test ! -s "$work/missed" || wrong "$(cat "$work/missed")"
kill -TERM $tracer 2>/dev/null
wait $tracer || wrong "bpftrace ends with $?"
sed -n 's/^@count\[\([a-z_]*\)\]: \([0-9]*\)$/\1 \2/p' "$work/out" >"$work/counts"
sed -n 's/^count //p' "$work/said" | while read -r name count; do
	test "$count" = 0 || grep -qx "$name $count" "$work/counts" || echo "$name $count times"
done >"$work/missed"
test ! -s "$work/missed" || wrong "not passed: $(cat "$work/missed"); but $(grep defrag_slab "$work/counts")"
test $failed = 0 || grep -v '^first$\|^last$' "$work/out" | sed 's/^/	/'
echo "bpftrace saw $(wc -l <"$work/counts") of them, with the program's own figures"
ended 0
