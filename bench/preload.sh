#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# bench/preload.sh - unchanged programs: the bare allocator preloaded, and this library on it. `make bench-preload`
# runs it in the build folder. First the workloads of `make bench`, in a program that knows neither; then real
# programs (bench/preload.pl).
set -eu
: "${srcdir:=.}"
work=$(pwd)/bench/preload
mkdir -p "$work"

# The allocator's own library is what a program that is linked with it needs and this one does not.
allocator=$(ldd bench/run_bare | awk '/=> \// { print $3 }' | grep malloc | head -n 1 || :)
ours=$(pwd)/.libs/libzmalloc_preload.so:$(pwd)/.libs/libzmalloc.so.1
for column in bare zmalloc; do
	test $column = bare && preload=$allocator || preload=$ours
	printf '#!/bin/sh\nLD_PRELOAD=%s exec "%s/bench/run_plain"\n' "$preload" "$(pwd)" >"$work/$column"
	chmod 755 "$work/$column"
done
echo "preloaded: ${allocator:-the C library alone}; $ours"
# shellcheck disable=SC2086 # options
bench/bench --only=pair,window-1k,window-64k,window-1m,redis,server,calloc,string ${BENCHFLAGS-} \
	bare="$work/bare" zmalloc="$work/zmalloc" again="$work/bare"

cxx=$(echo "$CC" | sed -e 's/gcc/g++/' -e 's/clang/clang++/')
test "$cxx" != "$CC" || cxx=c++
$cxx -std=c++17 -O2 -o "$work/words" "$srcdir/bench/words.cc" 2>"$work/log" || echo "no C++ program: $(sed 1q "$work/log")"
cat "$srcdir"/lib/base/builder.c | sed '/config.h/d' >"$work/program.c"
sed -i "s,\"base/builder.h\",\"$(cd "$srcdir" && pwd)/lib/base/builder.h\"," "$work/program.c"
perl "$srcdir/bench/preload.pl" "$allocator" "$ours" "$work"
