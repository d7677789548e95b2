#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_configure.sh - configure chooses the allocator as documented, stops at what cannot be with a word
# about what to do, and leaves the user's flags alone.

. ./tests/build.env
set -eu
srcdir=$(cd "$srcdir" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/zmalloc-configure.XXXXXX")
trap 'rm -rf "$work"' EXIT
unset CFLAGS CPPFLAGS LDFLAGS
# configure prefers bash, which takes a quarter longer for the same answers where sh is smaller.
: "${CONFIG_SHELL:=/bin/sh}"
export CONFIG_SHELL

# A source folder that is a build folder too cannot have others: its files by links, the mark left out.
if test -e "$srcdir/config.status"; then
	mkdir "$work/source"
	for file in "$srcdir"/*; do
		ln -s "$file" "$work/source/"
	done
	rm "$work/source/config.status"
	srcdir=$work/source
fi
cd "$work"
failed=0

# run ARGUMENTS...: configure with the answers of the first run where that has them; output in ./output.
# It stops short of making its files, which takes as long as the questions.
run() {
	cp cache this.cache
	"$srcdir/configure" --no-create --cache-file=this.cache \
		--build="$build" --host="$host" CC="$CC" "$@" </dev/null >output 2>&1
}

wrong() {
	echo "FAIL: configure $*"
	sed 's/^/  | /' output | tail -n 20
	failed=1
}

# stops PATTERN ARGUMENTS...: configure must fail, and its error must hold every word of PATTERN.
stops() {
	words=$1
	shift
	if run "$@"; then
		wrong "$* went through"
		return
	fi
	for word in $words; do
		grep '^configure: error:' output | grep -qF -e "$word" || wrong "$*: the error does not name $word"
	done
}

# takes PATTERN ARGUMENTS...: configure must succeed, and the summary must hold PATTERN.
takes() {
	pattern=$1
	shift
	if ! run "$@"; then
		wrong "$* stopped"
	else
		says "$pattern"
	fi
}

# says PATTERN: so does the summary of the last run.
says() {
	sed -n '/^libzmalloc /,$p' output | grep -q -e "$1" || wrong "no '$1' in the summary"
}

# finds NAME ARGUMENTS...: configure must take the allocator NAME. An archiver that it cannot use, which it asks
# for next, ends it there: that is half of the work of a whole run, and the log says what was found.
finds() {
	name=$1
	shift
	if run "$@" am_cv_ar_interface=unknown || ! grep -q '^configure: error: could not determine .* interface$' output; then
		wrong "$* did not come to the archiver"
	elif ! grep -qx "zm_malloc='$name'" config.log; then
		wrong "$* takes $(grep '^zm_malloc=' config.log), not $name"
	fi
}

# defines PATTERN, leaves PATTERN: what the last run puts into config.h, and what it does not. The log ends with
# what it had found out by its end.
defines() {
	sed '1,/^## confdefs/d' config.log | grep -q "^#define $1" || wrong "config.h does not define $1"
}

leaves() {
	if sed '1,/^## confdefs/d' config.log | grep "^#define $1"; then
		wrong "config.h defines $1"
	fi
}

# The first run fills the cache. Variables of the environment are no answers and are taken out again, and
# so is the compiler, which would win over the CC of a later run.
>cache
run CFLAGS='-O1 -DZM_MINE=1' --with-malloc=libc || { cat output; exit 99; }
grep -v -e '^ac_cv_env_' -e '^ac_cv_prog_CC=' this.cache >cache
./config.status -q Makefile config.h
mv config.h lax.h
grep -q '^CFLAGS = -O1 -DZM_MINE=1$' Makefile || wrong 'changes CFLAGS'
lines=$(sed -n '/^libzmalloc /,$p' output | wc -l)
test "$lines" -le 15 || wrong "prints a summary of $lines lines"

# ---- Lanes: the questions below are asked in two, each in a folder of its own

# lane FUNCTION
lane() {
	mkdir "$work/$1"
	cp cache lax.h "$work/$1"
	cd "$work/$1"
	failed=0
	"$1"
	exit $failed
}

# ---- The allocator

ask_for_allocators() {
	list=$srcdir/packaging/allocators
	every="auto $(sed '/^#/d; s/ .*//' "$list" | tr '\n' ' ')"
	stops "$every" --with-malloc=nonsense
	stops "$every" --without-malloc
	stops "$every" --with-malloc=
	stops "nonsense $every" MALLOC=nonsense
	while read -r name says apt dnf zypper apk pkg brew; do
		test "$apt" = - || stops "$apt $dnf $apk $brew" --with-malloc="$name" zm_cv_malloc_"$name"=no
	done <<-END
		$(sed '/^#/d' "$list")
	END
	stops 'libjemalloc-dev MALLOC=jemalloc' MALLOC=jemalloc zm_cv_malloc_jemalloc=no
	takes 'allocator .*libc (chosen by auto' zm_cv_malloc_jemalloc=no
	takes 'allocator .*libc (asked for by .*MALLOC=libc' MALLOC=libc
	takes 'allocator .*libc (asked for by --with-malloc' MALLOC=jemalloc --with-malloc=libc --disable-usable-size
	defines 'ZM_ALLOCATOR_HEADER "allocator/libc.h"'
	says 'usable size .*no'
	leaves ZM_HAVE_USABLE_SIZE

	# ---- What leaves no choice of allocator
	takes 'allocator .*libc (forced by --disable-usable-size' --disable-usable-size --with-libdw=no
	says 'names .*none: .*libdw-dev'
	stops '--disable-usable-size --with-malloc=libc' --disable-usable-size --with-malloc=jemalloc
	stops '--disable-usable-size MALLOC=mimalloc' --disable-usable-size MALLOC=mimalloc
	stops '--with-libdw=perhaps auto yes' --with-libdw=perhaps
	stops '--enable-sanitizer=address --with-malloc=jemalloc' --enable-sanitizer=address --with-malloc=jemalloc
	stops '--enable-sanitizer=undefined MALLOC=tcmalloc' --enable-sanitizer=undefined MALLOC=tcmalloc
	stops 'memory --with-malloc=mimalloc' --enable-sanitizer=memory --with-malloc=mimalloc
	stops 'address undefined thread memory' --enable-sanitizer=adress
	stops 'address undefined thread memory' --enable-sanitizer=address,
	stops 'address undefined thread memory' --enable-sanitizer
	stops 'auto initial-exec global-dynamic' --with-tls-model=local
	case $CC in
	*clang*) ;;
	*) stops clang --enable-sanitizer=memory ;;
	esac
}

# ---- The kinds of jemalloc: names with and without je_, with Redis's additions, and in the C library

# fake_jemalloc PREFIX MORE-SOURCE [FLAGS]
fake_jemalloc() {
	rm -rf fake
	mkdir -p fake/jemalloc
	cat >fake/jemalloc/jemalloc.h <<-END
		void *$1mallocx(size_t size, int flags);
		void *$1rallocx(void *ptr, size_t size, int flags);
		size_t $1sallocx(const void *ptr, int flags);
		void $1sdallocx(void *ptr, size_t size, int flags);
		size_t $1nallocx(size_t size, int flags);
		int $1mallctl(const char *name, void *old, size_t *old_size, void *set, size_t set_size);
	END
	cp fake/jemalloc/jemalloc.h fake/malloc_np.h
	{
		echo '#include <stddef.h>'
		sed -e 's/;$/ { return 0; }/' -e '/^void [^*]/s/return 0;//' fake/jemalloc/jemalloc.h
		echo "$2"
	} >fake/fake.c
	# shellcheck disable=SC2086 # flags
	$CC -w ${3-} -c -o fake/fake.o fake/fake.c
}

ask_for_kinds_of_jemalloc() {
	here="MALLOC_CFLAGS=-I$PWD/fake"
	fake_jemalloc '' ''
	finds jemalloc --with-malloc=jemalloc "$here" MALLOC_LIBS="$PWD/fake/fake.o"
	leaves ZM_JE_PREFIXED
	leaves HAVE_JE_
	# One with je_ and without this is among the archives below.
	fake_jemalloc je_ 'int je_get_defrag_hint(void *p) { return 0; }'
	finds jemalloc --with-malloc=jemalloc "$here" MALLOC_LIBS="$PWD/fake/fake.o"
	defines 'ZM_JE_PREFIXED 1'
	defines 'HAVE_JE_GET_DEFRAG_HINT 1'
	fake_jemalloc '' ''
	takes 'allocator from .*the C library' --with-malloc=jemalloc CPPFLAGS="-I$PWD/fake" LIBS="$PWD/fake/fake.o"
	defines 'ZM_JE_IN_LIBC 1'
}

# ---- Releases of mimalloc with which programs come to harm, by the figure in its header

# fake_mimalloc VERSION [MORE-SOURCE]
fake_mimalloc() {
	rm -rf fake
	mkdir fake
	cat >fake/mimalloc.h <<-END
		#include <stddef.h>
		#define MI_MALLOC_VERSION $1
		void *mi_malloc(size_t size);
		size_t mi_usable_size(const void *ptr);
		void mi_free_size(void *ptr, size_t size);
		int mi_version(void);
		${2-}
	END
	{
		echo '#include "mimalloc.h"'
		grep ');$' fake/mimalloc.h | sed -e 's/;$/ { return 0; }/' -e '/^void [^*]/s/return 0;//'
	} >fake/fake.c
	$CC -w -c -o fake/fake.o fake/fake.c
	finds mimalloc --with-malloc=mimalloc "$here" MALLOC_LIBS="$PWD/fake/fake.o"
}

# warns WORD... of the last run: a warning has each of the words; without words, none of mimalloc.
warns() {
	grep '^configure: WARNING: .*mimalloc' output >warnings || :
	test $# != 0 || test ! -s warnings || wrong "warns: $(cat warnings)"
	for word; do
		grep -q -e "$word" warnings || wrong "does not warn of $word"
	done
}

ask_for_mimalloc() {
	here="MALLOC_CFLAGS=-I$PWD/fake"
	for version in 209 30206 30401; do
		fake_mimalloc $version
		warns
	done
	fake_mimalloc 301
	warns 'aligned blocks'
	for version in 30300 30302; do
		fake_mimalloc $version
		warns 'crash in programs with threads'
	done
	fake_mimalloc 30600 'int mi_theap_get_default(void);'
	warns 'fork()'
}

# ---- Compilers that refuse what is not declared (gcc 14, clang 16), and others' strict flags
#
# An allocator that is installed is found with all of them, and auto takes jemalloc. -pedantic-errors has
# older compilers refuse what newer ones do.
strict="$CC -Werror -std=c11 -pedantic-errors"
takes_installed() {
	echo "#include <$2>" | $CC -E - >/dev/null 2>&1 || return 0
	finds "$3" --with-malloc="$1" CC="$strict"
}

ask_with_strict_compilers() {
	takes_installed jemalloc jemalloc/jemalloc.h jemalloc
	takes_installed tcmalloc gperftools/tcmalloc.h tcmalloc
	takes_installed tcmalloc_minimal gperftools/tcmalloc.h tcmalloc_minimal
	takes_installed mimalloc mimalloc.h mimalloc
	case $host in
	*linux*) takes_installed auto jemalloc/jemalloc.h jemalloc ;;
	esac

	# No other probe loses its answer to such flags, without a cache to help it.
	"$srcdir/configure" --no-create --build="$build" --host="$host" --with-malloc=libc CC="$strict" </dev/null >output 2>&1 &&
		./config.status -q config.h && diff lax.h config.h || wrong "CC='$strict' --with-malloc=libc"

	# A header whose library does not link is no reason to take libc in silence.
	rm -rf fake
	mkdir -p fake/jemalloc
	echo >fake/jemalloc/jemalloc.h
	case $host in
	*linux*)
		takes 'allocator .*libc (chosen by auto: <jemalloc/jemalloc.h> is here' CPPFLAGS="-I$PWD/fake" MALLOC_LIBS=-lm
		grep -q '^configure: WARNING: .*jemalloc' output || wrong 'auto takes libc without a warning'
		;;
	esac
	stops 'jemalloc/jemalloc.h' --with-malloc=jemalloc CPPFLAGS="-I$PWD/fake" MALLOC_LIBS=-lm
}

# ---- How the shared library has its jemalloc

ask_how_jemalloc_is_had() {
	kinds='private shared libjemalloc'
	stops "$kinds" --with-jemalloc=nonsense
	stops "$kinds" --with-jemalloc
	stops "$kinds" --without-jemalloc
	stops "$kinds" --with-jemalloc=
	stops "/nowhere/libjemalloc_pic.a $kinds" --with-jemalloc=/nowhere/libjemalloc_pic.a
	stops '--with-jemalloc=private libc' --with-jemalloc=private --with-malloc=libc
	stops '--with-jemalloc=shared MALLOC=tcmalloc' --with-jemalloc=shared MALLOC=tcmalloc
	stops '--with-jemalloc=private --disable-usable-size' --with-jemalloc=private --disable-usable-size
	stops '--with-jemalloc=private libjemalloc-dev' --with-jemalloc=private zm_cv_malloc_jemalloc=no
	fake_jemalloc '' ''
	here="zm_cv_malloc_jemalloc=$PWD/fake/fake.o zm_cv_malloc_jemalloc_cflags=-I$PWD/fake zm_cv_malloc_jemalloc_define=plain --with-malloc=jemalloc"
	takes 'allocator from .*fake.o, shared$' $here --with-jemalloc=shared
	leaves ZM_JE_PRIVATE
	case $host in
	*-linux*)
		stops 'libjemalloc-dev --with-jemalloc=shared' $here --with-jemalloc=private zm_cv_jemalloc_archive=no
		takes 'allocator from .*shared (no libjemalloc_pic.a.*libjemalloc-dev' $here zm_cv_jemalloc_archive=no
		stops 'binutils OBJCOPY' $here --with-jemalloc=private ac_cv_prog_OBJCOPY= ac_cv_prog_ac_ct_OBJCOPY=
		takes 'shared (objcopy was not found' $here ac_cv_prog_OBJCOPY= ac_cv_prog_ac_ct_OBJCOPY=
		stops '--disable-shared' $here --with-jemalloc=private --disable-shared
		stops '--with-pic --disable-static' $here --with-jemalloc=private --with-pic
		takes 'shared (with --with-pic' $here --with-pic
		takes 'shared (as MALLOC_LIBS says' $here MALLOC_LIBS="$PWD/fake/fake.o"
		;;
	esac

	# An archive of one's own, with headers beside it: jemalloc or not, position-independent or not.
	if command -v "${AR:-ar}" >/dev/null && command -v "${OBJCOPY:-objcopy}" >/dev/null; then
		fake_archive() {
			fake_jemalloc "$1" "
				int ${1}table[2]; void *${1}malloc(size_t n) { return &${1}table[n]; } void ${1}free(void *p) { }
				void *${1}calloc(size_t n, size_t s) { return 0; } void ${1}dallocx(void *p, int flags) { }
				void *${1}realloc(void *p, size_t s) { return ${1}malloc(s); }" $2
			rm -f fake/libmine.a
			ar cr fake/libmine.a fake/fake.o
			mkdir -p fake/include
			mv fake/jemalloc fake/include/
		}
		for prefix in '' je_; do
			fake_archive "$prefix" -fPIC
			takes 'allocator from .*fake/libmine.a, a private copy' --with-jemalloc="$PWD/fake/libmine.a"
			defines 'ZM_JE_PRIVATE 1'
			leaves HAVE_JE_
		done
		case $host in
		x86_64-*-linux*)
			fake_archive '' '-fno-pic -mcmodel=small'
			stops "$PWD/fake/libmine.a position-independent" --with-jemalloc="$PWD/fake/libmine.a"
			;;
		esac
		fake_jemalloc '' '' -fPIC
		rm -f fake/libmine.a
		ar cr fake/libmine.a fake/fake.o
		stops "$PWD/fake/libmine.a --with-jemalloc=shared" --with-jemalloc="$PWD/fake/libmine.a" MALLOC_CFLAGS="-I$PWD/fake"
	fi
}

one_half() {
	ask_for_allocators
	ask_for_kinds_of_jemalloc
	ask_for_mimalloc
}

other_half() {
	ask_with_strict_compilers
	ask_how_jemalloc_is_had
}

(lane one_half) >"$work/one" 2>&1 &
one=$!
(lane other_half) >"$work/other" 2>&1 &
wait $one || failed=1
wait $! || failed=1
cat "$work/one" "$work/other"
exit $failed
