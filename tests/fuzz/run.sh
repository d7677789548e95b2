#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [TARGET...] - fuzzes the parsers of lib/os, each target for FUZZ_SECONDS (60), two at a time,
# in ./fuzz below the current folder. One line each at the end.
#
# Seeds are the fixtures of that name, and what this machine's own /proc says. What was found useful
# stays in fuzz/corpus and is taken up by the next run; a finding stays in fuzz/findings.
# FUZZ_CC: a clang with libFuzzer.
set -u

source=$(cd "$(dirname "$0")/../.." && pwd)
clang=${FUZZ_CC:-clang}
seconds=${FUZZ_SECONDS:-60}
all='cgroup limit maps mountinfo smaps stat statm trees'
build=$PWD/fuzz
flags='-std=gnu11 -g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all'

command -v "$clang" >/dev/null 2>&1 || {
	echo "fuzz: no $clang (Debian: clang; Fedora: clang compiler-rt); FUZZ_CC names another" >&2
	exit 1
}
mkdir -p "$build/corpus" "$build/findings" "$build/seeds"
# In memory where that can be: one target writes files all the time.
tmp=$build
test ! -w /dev/shm || tmp=/dev/shm
tmp=$(mktemp -d "$tmp/zmalloc-fuzz.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

compile() {
	# shellcheck disable=SC2086 # flags are words
	$clang $flags -DHAVE_CONFIG_H -I. -I"$source/lib" -I"$source/include" -I"$source/tests/fuzz" \
		-o "$build/$1" "$source/tests/fuzz/$1.c" "$source"/lib/os/cgroup.c \
		"$source"/lib/os/file.c "$source"/lib/os/lines.c "$source"/lib/os/limit.c \
		"$source"/lib/os/maps.c "$source"/lib/os/proc.c "$source"/lib/base/builder.c "$source"/lib/base/text.c "$source"/lib/os/pages.c \
		"$source/tests/fuzz/no_memory_size.c"
}

# What this machine says, cut to what a fuzzer can chew.
real_seeds() {
	mkdir -p "$build/seeds/$1"
	case $1 in
	stat | statm | cgroup | maps | mountinfo | smaps)
		for file in /proc/self/$1 /proc/1/$1 /proc/$PPID/$1 /proc/self/${1}_rollup; do
			test -r "$file" || continue
			head -c 4000 "$file" >"$build/seeds/$1/$(echo "$file" | tr / _)" 2>/dev/null
		done
		;;
	trees)
		{
			echo '== cgroup'
			cat /proc/self/cgroup
			echo '== mountinfo'
			grep cgroup /proc/self/mountinfo
			printf '== limit\n268435456\n'
		} >"$build/seeds/trees/real" 2>/dev/null
		;;
	esac
	:
}

run() {
	mkdir -p "$build/corpus/$1"
	TMPDIR=$tmp "$build/$1" -max_total_time="$seconds" -max_len=4096 -rss_limit_mb=512 -timeout=5 \
		-print_final_stats=1 -verbosity=1 -artifact_prefix="$build/findings/$1." \
		"$build/corpus/$1" "$build/seeds/$1" "$source/tests/fixtures/os/$1" >"$build/$1.log" 2>&1
	echo $? >"$build/$1.status"
}

report() {
	status=$(cat "$build/$1.status" 2>/dev/null || echo 1)
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$1.log")
	covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$build/$1.log" | tail -n 1)
	if test "$status" = 0; then
		printf '%-10s %4s s  %10s runs  %5s edges  no finding\n' "$1" "$seconds" "$runs" "$covered"
		return 0
	fi
	printf '%-10s FAILED, see %s; it ends:\n' "$1" "$build/$1.log"
	tail -n 30 "$build/$1.log" | sed 's/^/    | /'
	return 1
}

for target in ${*:-$all}; do
	test -e "$source/tests/fuzz/$target.c" || {
		echo "fuzz: no target $target; there are: $all" >&2
		exit 2
	}
	rm -f "$build/$target.status"
	compile "$target" || exit 1
	real_seeds "$target"
done
failed=0
set -- ${*:-$all}
while test $# -gt 0; do
	run "$1" &
	first=$1
	second=
	shift
	if test $# -gt 0; then
		second=$1
		shift
		run "$second" &
	fi
	wait
	for target in $first $second; do
		report "$target" || failed=$((failed + 1))
	done
done
test $failed = 0
