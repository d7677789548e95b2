#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/check_run.sh - `zmalloc run`: programs that have never heard of this library get its malloc(), whatever they
# do with it, in C and in C++; what the options promise; and what is said of programs that cannot be run so.

set -u
. ./tests/build.env
test "$zm_preload" = yes || {
	echo 'SKIP: this build has no libzmalloc_preload.so'
	exit 77
}
. "${srcdir:-.}/tests/publishers.sh"
unset LD_PRELOAD ZMALLOC_LIMIT ZMALLOC_PROFILE ZMALLOC_REPORT ZMALLOC_PURGE_ON_PRESSURE
source=$srcdir/tests/run
chmod 755 "$work"

# lacks TEXT IN WHAT
lacks() {
	case $2 in
	*"$1"*) wrong "$3: '$1' in: $2" ;;
	esac
}
one_line() {
	test "$(printf '%s\n' "$err" | wc -l)" -eq 1 || wrong "$1: not one line: $err"
}

# ---- What it exports: malloc()'s family, C++'s operators, and the name that libzmalloc.so looks for

exports=$($NM -D --defined-only .libs/libzmalloc_preload.so | awk '{ print $3 }' | sort)
expected=$(printf '%s\n' malloc calloc realloc reallocarray free cfree free_sized free_aligned_sized aligned_alloc \
	memalign posix_memalign valloc pvalloc malloc_usable_size zmalloc_preloaded | sort)
test "$(printf '%s\n' "$exports" | grep -v '^_Z[nd][wal]')" = "$expected" || wrong "libzmalloc_preload.so exports: $exports"
test "$(printf '%s\n' "$exports" | grep -c '^_Z[nd][wal]')" = 20 || wrong "not the 20 operators of C++: $exports"

# ---- Programs

# shellcheck disable=SC2086 # a command and its flags
{
	$CC $CFLAGS -fPIC -shared -o "$work/plugin.so" "$source/plugin.c" &&
		$CC $CFLAGS -D_GNU_SOURCE -rdynamic -o "$work/program" "$source/program.c" -ldl -lpthread
} || { echo 'FAIL: the programs cannot be built'; exit 1; }
PLUGIN=$work/plugin.so
export PLUGIN
# A library that has a resolver, where compiler, C library and linker have such.
# shellcheck disable=SC2086
if $CC $CFLAGS -fno-lto -fno-plt -fPIC -shared -Wl,-z,now -o "$work/libearly.so" "$source/early.c" 2>"$work/log" &&
	$CC $CFLAGS -D_GNU_SOURCE -rdynamic -o "$work/early" "$source/program.c" -Wl,--no-as-needed "$work/libearly.so" -ldl -lpthread; then
	expect 0 'a program that allocates before it is linked' $zmalloc run "$work/early" family
	contains early "$out" 'blocks from before the library was linked'
	expect 0 'the same, counted' $zmalloc run --report "$work/early" family
else
	echo "left out: no resolvers here: $(sed 1q "$work/log")"
fi
expect 0 'the family' $zmalloc run "$work/program" family
expect 0 'the family, with all that is slow' $zmalloc run -R -u -r64K -U "$work/program" family
left=$(printf '%s\n' "$err" | sed -n 's/.*; never freed: \([0-9]*\) blocks*, .*/\1/p')
test "${left:-1000}" -lt 100 || wrong "the family frees all that it allocates: $err"
expect 0 'purging in a child that stays' $zmalloc run --purge-on-pressure "$work/program" daemon

cxx=$(echo "$CC" | sed -e 's/gcc/g++/' -e 's/clang/clang++/')
test "$cxx" != "$CC" || cxx=c++
# shellcheck disable=SC2086
if $cxx -std=c++17 -fsized-deallocation -O2 -o "$work/objects" "$source/objects.cc" -ldl -lpthread >"$work/log" 2>&1; then
	expect 0 'C++' $zmalloc run "$work/objects"
	expect 0 'C++, counted' $zmalloc run --report "$work/objects"
	expect 0 'C++ without memory' $zmalloc run --limit=32M "$work/objects" limit 40000000
else
	echo "left out: no C++ compiler to go with $CC: $(sed 1q "$work/log")"
fi

# ---- What the options promise

expect 0 'a limit' $zmalloc run --limit=32M "$work/program" limit 40000000
expect 0 'a limit, inherited' $zmalloc run -L 32M sh -c '"$@"; exit $?' - "$work/program" limit 40000000
expect 1 'no limit' $zmalloc run "$work/program" limit 40000000
expect 0 'a part of the memory' $zmalloc run --limit=80% "$work/program" exec

# "BLOCKS BYTES" of the report's first line.
figures() {
	printf '%s\n' "$err" | sed -n 's/^zmalloc: program ([0-9]*): peak [0-9]* bytes; never freed: \([0-9]*\) blocks*, \([0-9]*\) bytes$/\1 \2/p'
}
expect 0 'a report' $zmalloc run --report "$work/program" leak 0 0
before=$(figures)
test -n "$before" || wrong "a report: $err"
one_line 'a report'
expect 0 'a report of leaks' $zmalloc run --report "$work/program" leak 10 100
after=$(figures)
test "$((${after% *} - ${before% *}))" -eq 10 || wrong "10 blocks were leaked: $before, then $after"
leaked=$((${after#* } - ${before#* }))
test $leaked -ge 1000 && test $leaked -le 1500 || wrong "10 blocks of 100 bytes were leaked: $before, then $after"
expect 0 'a report and a profile' $zmalloc run --report --profile=1K "$work/program" leak 1000 5000
contains ', allocated by' "$err" 'a report and a profile'
# The first frame is the program's: neither this library's nor a wrapper's.
first=$(printf '%s\n' "$err" | sed -n '/allocated by$/{n;p;q;}')
contains "$work/program+0x" "$first" 'who leaked the most'
lacks libzmalloc "$err" 'who leaked the most'
expect 0 'a report of one process' $zmalloc run --report sh -c '"$@"; exit 0' - "$work/program" leak 1 1
lacks 'zmalloc: program' "$err" 'a report of what the program started'
expect 0 'reports of all' env ZMALLOC_REPORT=1 $zmalloc run sh -c '"$@"; exit 0' - "$work/program" leak 1 1
contains 'zmalloc: program' "$err" 'reports of all'
expect 0 'an unknown wish' env ZMALLOC_REPORT=please $zmalloc run "$work/program" exec
contains "ZMALLOC_REPORT: 'please'" "$err" 'an unknown wish'

$zmalloc run --publish "$work/program" hold "$work/ready" <"$work/hold" 9>&- &
publishers="$publishers $!"
last=$!
until_true test -s "$work/ready" || wrong 'a program that shows itself does not come up'
expect 0 'stat of a program that shows itself' $zmalloc stat $last
contains "program ($last)" "$out" 'stat of a program that shows itself'
printf '%s\n' "$out" | awk '$1 == "used_bytes" && $2 >= 19 && $2 < 22 && $3 == "MiB" { ok = 1 } END { exit !ok }' || wrong "stat of a program that holds 20,000,000 bytes: $out"

# ---- The program's own: words, exit status, signal, and what else is preloaded

expect 0 'options of the program' $zmalloc run echo -R --report -- x
test "$out" = '-R --report -- x' || wrong "options of the program: $out"
expect 0 '--' $zmalloc run -- echo a
expect 3 'exit status' $zmalloc run sh -c 'exit 3'
expect 143 'a signal' sh -c "$zmalloc run sh -c 'kill -TERM \$\$'"
expect 0 'other libraries' env LD_PRELOAD="$work/plugin.so" $zmalloc run sh -c 'echo "$LD_PRELOAD"'
case $out in
*/libzmalloc_preload.so:*/libzmalloc.so.1:"$work/plugin.so") ;;
*) wrong "what else is preloaded comes last: $out" ;;
esac
once=$out
expect 0 'run in run' env LD_PRELOAD="$work/plugin.so" $zmalloc run $zmalloc run sh -c 'echo "$LD_PRELOAD"'
test "$out" = "$once" || wrong "run in run: $out"

# ---- Bad input: one line, nothing started

# refused STATUS TEXT WORDS...
refused() {
	status=$1 text=$2
	shift 2
	expect "$status" "run $*" $zmalloc run "$@"
	contains "$text" "$err" "run $*"
	one_line "run $*"
	test -z "$out" || wrong "run $*: something was started: $out"
}
refused 125 'needs a program'
refused 125 "no allocator 'other'; installed: $zm_malloc" --malloc=other echo
for size in '' x 12Q -5 0% 101% 5.5% % 0 9999999T; do
	refused 125 "'$size' is no size" --limit="$size" echo
done
refused 125 "'1' is no size" --profile=1 echo
refused 127 "no program 'no-such-program'" no-such-program
refused 127 "no program '$work/none'" "$work/none"
refused 126 "$work" "$work"
: >"$work/text"
refused 126 'ermission denied' "$work/text"
cp "$work/program" "$work/foreign"
printf '\376\176' | dd of="$work/foreign" bs=1 seek=18 conv=notrunc 2>/dev/null
refused 126 'another machine' "$work/foreign"
# shellcheck disable=SC2086
if echo 'int main(void) { return 0; }' | $CC $CFLAGS -fno-lto -static -x c -o "$work/static" - 2>"$work/log"; then
	refused 126 'is a static program' "$work/static"
	printf '#! %s\n' "$work/static" >"$work/script"
	chmod 755 "$work/script"
	refused 126 'is a static program' "$work/script"
else
	echo "left out: no static programs here: $(sed 1q "$work/log")"
fi

# ---- Rights of others: it runs, and without the library

nobody=$(id -u nobody 2>/dev/null || :)
as_nobody="setpriv --reuid=$nobody --clear-groups"
if test "$(id -u)" = 0 && test -n "$nobody" && has setpriv && $as_nobody $zmalloc run true 2>/dev/null; then
	cp "$work/program" "$work/set_user_id" && chmod 4755 "$work/set_user_id"
	expect 1 'a set-user-ID program' $as_nobody $zmalloc run "$work/set_user_id" exec
	contains 'runs with rights of its own' "$err" 'a set-user-ID program'
	contains 'not true: found != NULL' "$err" 'a set-user-ID program'
	expect 0 'a plain program of the same user' $as_nobody $zmalloc run "$work/program" exec
	if has setcap && cp "$work/program" "$work/capable" && setcap cap_net_bind_service+ep "$work/capable" 2>/dev/null; then
		expect 1 'a program with a capability' $as_nobody $zmalloc run "$work/capable" exec
		contains 'runs with rights of its own' "$err" 'a program with a capability'
	fi
else
	echo 'left out: set-user-ID programs: only root can make them, for a user who can reach this folder'
fi

# ---- Several allocators: each in a folder of its name, beside libzmalloc_preload.so

installed=$work/installed
mkdir -p "$installed/zmalloc/$zm_malloc" "$installed/zmalloc/broken"
cp .libs/libzmalloc.so.1 "$installed/"
cp .libs/libzmalloc.so.1 "$installed/zmalloc/$zm_malloc/"
cp .libs/libzmalloc_preload.so "$installed/zmalloc/"
tool=tools/.libs/zmalloc
test -x $tool || tool=tools/zmalloc
zmalloc="env LD_LIBRARY_PATH=$installed $tool"
expect 0 'an installed library' $zmalloc run sh -c 'echo "$LD_PRELOAD"'
test "$out" = "$installed/zmalloc/libzmalloc_preload.so:$installed/libzmalloc.so.1" || wrong "an installed library: $out"
expect 0 'an allocator of its own folder' $zmalloc run -m "$zm_malloc" sh -c 'echo "$LD_PRELOAD"'
test "$out" = "$installed/zmalloc/libzmalloc_preload.so:$installed/zmalloc/$zm_malloc/libzmalloc.so.1" || wrong "an allocator of its own folder: $out"
expect 0 'a program on it' $zmalloc run -m "$zm_malloc" "$work/program" exec
other=mimalloc
test "$zm_malloc" != mimalloc || other=libc
refused 125 "the allocator '$other' is not installed; installed: $zm_malloc" -m $other echo
mkdir "$installed/zmalloc/$other"
echo 'no library' >"$installed/zmalloc/$other/libzmalloc.so.1"
refused 125 "$other/libzmalloc.so.1 cannot be loaded" -m $other echo
# Of another allocator than its folder says.
cp .libs/libzmalloc.so.1 "$installed/zmalloc/$other/"
refused 125 "$other/libzmalloc.so.1 cannot be loaded" -m $other echo
mv "$installed/zmalloc/libzmalloc_preload.so" "$installed/zmalloc/gone"
refused 125 'libzmalloc_preload.so' echo

test $failed = 0 || exit 1
