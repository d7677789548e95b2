#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# matrix.sh [ROW...] - builds and tests the rows of tests/*.rows, or those named, each in its own folder
# matrix/ROW below the current one; a log beside it. One line each, and a sum at the end.
#
# Environment: MAKE, JOBS (the processors there are: so many rows at a time, each with as many jobs, as
# configure and many a test leave a processor idle). Where there is ccache, it compiles once what rows
# share; CCACHE_DISABLE=1 leaves it alone.
# CI=yes     a row whose tools are missing fails, instead of being skipped
# KEEP=yes   the folders of rows that passed stay
set -u

source=$(cd "$(dirname "$0")/.." && pwd)
make=${MAKE:-make}
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
unset MAKEFLAGS MFLAGS MAKELEVEL MALLOC MALLOC_CFLAGS MALLOC_LIBS

rows() {
	cat "$source"/tests/*.rows | sed -e '/^#/d' -e '/^[[:space:]]*$/d'
}

# column NUMBER LINE
column() {
	echo "$2" | cut -d '|' -f "$1" | sed -e 's/^ *//' -e 's/ *$//'
}

# Words for the rows, each part without blanks, where the shell takes them apart. What only scripts need is not
# built: programs that they start, the figures of the day after, and for $core the tool.
# shellcheck disable=SC2016 # for make
programs='zm_row_programs=$(zm_programs) zm_script_tests= TESTS=$(zm_row_tests) check_PROGRAMS=$(zm_row_built) check_LTLIBRARIES='
# shellcheck disable=SC2016,SC2034 # used in the rows
core="$programs "'zm_row_programs=$(zm_core) bin_PROGRAMS='

# build NAME CONFIGURE-ARGUMENTS MAKE-ARGUMENTS: in its folder; says what it runs.
build() {
	rm -rf "matrix/$1"
	mkdir -p "matrix/$1"
	cd "matrix/$1" || return
	set -ex
	eval "'$source/configure' -q --enable-werror $2"
	# What does not depend on the row is left to a plain make check.
	eval "$make -j $jobs check zm_once_tests=" \
		"zm_programs='\$(zm_check_tests) \$(zm_internal_tests)'" \
		"zm_core='\$(filter-out \$(zm_plain_tests),\$(zm_programs))'" \
		"zm_row_tests='\$(zm_script_tests) \$(zm_row_programs) tests/check_instructions.sh'" \
		"zm_row_built='\$(zm_row_programs) tests/count_pairs' $3"
}

# report NAME STATE SECONDS TEXT
report() {
	echo "$2" >"matrix/$1.state"
	printf '%-18s %-7s %4s s  %s\n' "$1" "$2" "$3" "$4"
}

# The end of the log of each test that failed; of the whole row's if none did, or none ran.
show_failure() {
	logs=$(grep -l '^:test-result: \(FAIL\|ERROR\)' "matrix/$1"/tests/*.trs "matrix/$1"/tests/*/*.trs \
		2>/dev/null | sed 's/trs$/log/')
	for log in ${logs:-"matrix/$1.log"}; do
		echo "    $log ends:"
		tail -n 25 "$log" | sed 's/^/    | /'
	done
}

run_row() {
	name=$(column 1 "$1")
	for tool in $(column 2 "$1"); do
		if ! command -v "$tool" >/dev/null 2>&1; then
			state=skipped
			test "${CI:-no}" = no || state=FAILED
			report "$name" $state - "no $tool: ./bootstrap --for matrix installs it"
			return
		fi
	done
	start=$(date +%s)
	(build "$name" "$(column 3 "$1")" "$(column 4 "$1")") </dev/null >"matrix/$name.log" 2>&1
	status=$?
	seconds=$(($(date +%s) - start))
	counts=$(sed -n 's/^# \(PASS\|SKIP\|FAIL\|ERROR\): *\([1-9][0-9]*\)$/\1 \2/p' "matrix/$name.log" | tr '\n' ' ')
	if test $status = 0; then
		report "$name" passed "$seconds" "$counts"
		sed -n 's/^SKIP: /    skipped: /p' "matrix/$name.log"
		test "${KEEP:-no}" != no || rm -rf "matrix/$name"
	else
		report "$name" FAILED "$seconds" "$counts"
		show_failure "$name"
	fi
}

# Runs the rows of matrix/todo that no other worker has taken. What a row says is said in one go, when it
# has ended.
work_off() {
	while IFS= read -r row; do
		name=$(column 1 "$row")
		mkdir "matrix/$name.taken" 2>/dev/null || continue
		run_row "$row" >"matrix/$name.report"
		until mkdir matrix/speaking 2>/dev/null; do
			sleep 0.1
		done
		cat "matrix/$name.report"
		rmdir matrix/speaking
	done <matrix/todo
}

count() {
	cat matrix/*.state 2>/dev/null | grep -c "^$1\$"
}

for wanted in "$@"; do
	rows | cut -d '|' -f 1 | grep -q "^$wanted *$" || {
		echo "matrix: no row $wanted; there are: $(rows | cut -d '|' -f 1 | tr -s ' \n' ' ')" >&2
		exit 2
	}
done

mkdir -p matrix
if test -e "$source/config.status"; then
	# A source folder that is a build folder too cannot have others.
	rm -rf matrix/source
	$make -s distdir distdir=matrix/source >/dev/null || exit 99
	source=$PWD/matrix/source
fi
if test "${CCACHE_DISABLE:-0}" != 1 && test -d /usr/lib/ccache; then
	# The folder that a row is built in is in its debugging information alone.
	PATH=/usr/lib/ccache:$PATH CCACHE_NOHASHDIR=1
	export PATH CCACHE_NOHASHDIR
fi
# configure prefers bash, for libtool too, which takes a fifth less of a build where sh is smaller.
: "${CONFIG_SHELL:=/bin/sh}"
export CONFIG_SHELL
rm -rf matrix/*.taken matrix/*.state matrix/*.report matrix/speaking
rows | while IFS= read -r row; do
	name=$(column 1 "$row")
	case " ${*:-$name} " in
	*" $name "*) echo "$row" ;;
	esac
done >matrix/todo
worker=0
while test $worker -lt "$jobs"; do
	work_off &
	worker=$((worker + 1))
done
wait
rm -rf matrix/*.taken

passed=$(count passed) skipped=$(count skipped)
# A row that ended without a word has failed as well.
failed=$(($(wc -l <matrix/todo) - passed - skipped))
echo "$passed passed, $failed failed, $skipped skipped"
test "$failed" = 0
