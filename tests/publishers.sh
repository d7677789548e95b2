# SPDX-License-Identifier: BSD-2-Clause
# publishers.sh - what the tests of the tool's commands share: processes to look at, and what a command said.
# Sourced from the build folder, after tests/build.env.

: "${srcdir:=.}"
LC_ALL=C
export LC_ALL
test "$cross_compiling" = no || { echo 'SKIP: a program for another machine'; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-tool.XXXXXX")
failed=0
zmalloc=./tools/zmalloc
XDG_RUNTIME_DIR=$work/run
export XDG_RUNTIME_DIR
mkdir -m 700 "$XDG_RUNTIME_DIR"
unset ZMALLOC_PUBLISH

# The publishers end when this end of their standard input is closed, those that are stopped by force.
mkfifo "$work/hold"
exec 9<>"$work/hold"
publishers=
end_publishers() {
	exec 9>&-
	for publisher in $publishers; do
		kill -KILL "$publisher" 2>/dev/null
		wait "$publisher" 2>/dev/null
	done
}
trap 'end_publishers; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

need_processes() {
	case $($zmalloc stat 99999999 2>&1) in
	*'tell processes apart'*)
		echo 'SKIP: this system does not tell processes apart'
		exit 77 ;;
	esac
}

wrong() {
	echo "FAIL: $*"
	failed=1
}

has() {
	command -v "$1" >/dev/null 2>&1 || { echo "left out: no $1: ./bootstrap --for matrix installs it"; return 1; }
}

# expect STATUS WHAT COMMAND...: its exit status; standard output is in $out, standard error in $err.
expect() {
	status=$1 what=$2
	shift 2
	out=$("$@" 2>"$work/err")
	got=$?
	err=$(cat "$work/err")
	test $got = "$status" || wrong "$what: exit status $got, not $status; said: $out $err"
}

contains() {
	case $2 in
	*"$1"*) ;;
	*) wrong "$3: no '$1' in: $2" ;;
	esac
}

# until_true COMMAND...: a minute at most.
until_true() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		test $tries -lt 250 || return 1
		# Most wait for a program to start, which takes less than a tenth of a second.
		if test $tries -lt 10; then sleep 0.05; else sleep 0.25; fi
	done
}

# publish COMMAND...: starts it, and waits until it is ready; its number is in $last.
publish() {
	: >"$work/ready"
	# libtool's script starts the program under its own number by exec.
	"$@" <"$work/hold" 9>&- >"$work/ready" &
	last=$!
	publishers="$publishers $last"
	until_true grep -q ready "$work/ready" || wrong "publisher $* did not get ready"
}
