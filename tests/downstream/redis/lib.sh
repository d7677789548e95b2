# SPDX-License-Identifier: BSD-2-Clause
# The steps of run.sh, each a function; all of them stop at the first thing that is wrong.

started=$(date +%s)

say()
{
	echo "${target:-check-downstream}: [$(($(date +%s) - started)) s] $*"
}

die()
{
	say "FAILED: $*" >&2
	exit 1
}

# Run a command with its output in a log; show the end of it if the command fails.
logged()
{
	log=$work/$1.log
	shift
	"$@" >"$log" 2>&1 || {
		tail -n 30 "$log" >&2
		die "$* (all of it in $log)"
	}
}

need_tools()
{
	missing=
	for tool in apt-get:apt c++:g++ dpkg-source:dpkg-dev dpkg-buildflags:dpkg-dev tclsh:tcl \
		ps:procps pkg-config:pkg-config readelf:binutils; do
		command -v "${tool%%:*}" >/dev/null 2>&1 || missing="$missing ${tool#*:}"
	done
	test -z "$missing" && return
	command -v apt-get >/dev/null 2>&1 || {
		echo 'SKIP: Redis comes from Debian source packages, and this machine has no apt-get'
		exit 77
	}
	die "install the missing tools first: apt-get install$missing"
}

# ---- The source -------------------------------------------------------------------------------------

# choose_source PACKAGE[/SUITE]: redis or valkey, of this machine's Debian or of another suite of it.
# Sets package, suite, cache and version, which is the word after which folders are named.
choose_source()
{
	package=${1%%/*} suite=
	case $1 in
	*/*) suite=${1#*/} ;;
	esac
	case $package in
	redis | valkey) ;;
	*) die "neither redis nor valkey: $1" ;;
	esac
	version=$package${suite:+-$suite}
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/libzmalloc/$version
}

# Standard input, with the machine's suite replaced by $suite, also in the names of its updates.
in_suite()
{
	test -n "$suite" || {
		cat
		return
	}
	machine=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	sed "/^Suites:/s/$machine/$suite/g; /^deb-src /s/ $machine\\([- /]\\)/ $suite\\1/"
}

# The machine's own sources, as sources of source packages; nothing of the machine's is touched.
private_apt()
{
	rm -rf "$work/apt"
	mkdir -p "$work/apt/sources" "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial"
	for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
		test -f "$list" || continue
		case $list in
		*.list) sed -n 's/^deb /deb-src /p' "$list" ;;
		*.sources) sed 's/^Types:.*/Types: deb-src/' "$list" ;;
		esac | in_suite >"$work/apt/sources/$(basename "$list")"
	done
	grep -q "$suite" "$work"/apt/sources/* ||
		die "no source of this machine names its suite, so none leads to $suite"
	cat >"$work/apt/apt.conf" <<-END
		Dir::Etc::SourceList "/dev/null";
		Dir::Etc::SourceParts "$work/apt/sources";
		Dir::State "$work/apt/state";
		Dir::State::status "/var/lib/dpkg/status";
		Dir::Cache "$work/apt/cache";
		APT::Sandbox::User "root";
	END
	# A source without source packages is an error of its own, and none of ours.
	APT_CONFIG=$work/apt/apt.conf apt-get update >"$work/apt-update.log" 2>&1 || :
}

# One whole source package in the cache: the sums that its .dsc gives are those of the files.
cached()
{
	test "$(ls "$cache/${package}_"*.dsc 2>/dev/null | wc -l)" -eq 1 &&
		(cd "$cache" && sed -n '/^Checksums-Sha256:/,/^[^ ]/s/^ \([0-9a-f]*\) [0-9]* \(.*\)/\1  \2/p' \
			"${package}_"*.dsc | sha256sum --check --status --strict) 2>/dev/null
}

# The release's tarball alone, with the sum that apt has compared with Debian's list.
cached_tarball()
{
	test -f "$cache/sum" && (cd "$cache" && sha256sum --check --status --strict sum)
}

# apt_source OPTION...
apt_source()
{
	(cd "$cache" && APT_CONFIG=$work/apt/apt.conf \
		apt-get source --only-source --download-only "$@" "$package") >>"$work/apt-source.log" 2>&1
}

# A mirror that follows with security updates only in part may list a version of which it has no more
# than the release's tarball, as that came with the version before. Debian's patches are missing then.
download()
{
	rm -rf "$cache"
	mkdir -p "$cache"
	private_apt
	if apt_source; then
		cached || die "what was fetched into $cache is not one whole source package"
	elif apt_source --tar-only; then
		(cd "$cache" && sha256sum "${package}_"*.orig.tar.* >sum)
	else
		tail -n 5 "$work/apt-source.log" >&2
		die "cannot fetch the source package of $package"
	fi
}

unpack()
{
	if cached; then
		logged unpack dpkg-source -x "$(ls "$cache/${package}_"*.dsc)" "$1"
		unpacked=$(basename "$cache/${package}_"*.dsc .dsc)
	else
		mkdir -p "$1"
		logged unpack tar -C "$1" --strip-components=1 -xf "$(ls "$cache/${package}_"*.orig.tar.*)"
		unpacked="$(basename "$cache/${package}_"*.orig.tar.*), without Debian's patches, which the mirror has not,"
	fi
}

fetch_source()
{
	cached || cached_tarball || download
	unpack "$redis"
	say "$unpacked unpacked"
}

# ---- The library ------------------------------------------------------------------------------------

# From a copy of the tarball's files, so that a build in the source folder is no obstacle.
install_flavours()
{
	logged distdir "$MAKE" distdir distdir="$work/source"
	for flavour; do
		mkdir "$work/build-$flavour"
		(
			cd "$work/build-$flavour"
			logged "configure-$flavour" ../source/configure CC="$CC" --disable-static \
				--with-malloc="$flavour" --prefix="$work/prefix-$flavour"
			logged "install-$flavour" "$MAKE" -j"$JOBS" install
		)
		diff -r "$work/prefix-$1/include" "$work/prefix-$flavour/include" ||
			die "the headers of $1 and of $flavour differ"
	done
	say "installed: $*"
}

# Programs that run from here on find this flavour's library; those built, its headers.
use_flavour()
{
	PKG_CONFIG_PATH=$work/prefix-$1/lib/pkgconfig
	LD_LIBRARY_PATH=$work/prefix-$1/lib
	export PKG_CONFIG_PATH LD_LIBRARY_PATH
	pkg-config --exists --print-errors zmalloc || die "pkg-config does not find zmalloc"
}

# ---- Redis's own jemalloc ---------------------------------------------------------------------------

# The library on the jemalloc that Redis carries, with its prefix and its je_get_defrag_hint(), which is
# asked where slabs cannot be told by address.
check_own_jemalloc()
{
	prefix=$work/own-jemalloc
	cp -r "$redis/deps/jemalloc" "$work/jemalloc"
	(
		cd "$work/jemalloc"
		logged jemalloc-configure ./configure CC="$CC" --prefix="$prefix" --with-version=5.2.1-0-g0 \
			--with-lg-quantum=3 --with-jemalloc-prefix=je_ --disable-cxx
		logged jemalloc "$MAKE" -j"$JOBS" install_lib_shared install_include
	)
	mkdir "$work/build-own"
	(
		cd "$work/build-own"
		LD_LIBRARY_PATH=$prefix/lib
		export LD_LIBRARY_PATH
		logged configure-own ../source/configure CC="$CC" --disable-static --with-malloc=jemalloc \
			MALLOC_CFLAGS="-I$prefix/include" MALLOC_LIBS="-L$prefix/lib -ljemalloc"
		grep -q '^#define HAVE_JE_GET_DEFRAG_HINT 1' config.h || die "Redis's jemalloc has no je_get_defrag_hint()"
		# Those tests, and no other program.
		logged check-own "$MAKE" -j"$JOBS" check TESTS='$(check_PROGRAMS)' \
			check_PROGRAMS='$(zm_defrag_tests) tests/test_arena tests/test_redis' \
			check_LTLIBRARIES= bin_PROGRAMS=
	)
	say "on Redis's own jemalloc: $(sed -n 's/^# PASS: *//p' "$work/check-own.log") test programs passed"
}

# ---- Redis on it ------------------------------------------------------------------------------------

# edit FILE EXPRESSION PATTERN: PATTERN is there before and gone after.
edit()
{
	grep -q "$3" "$1" || die "$1 has no '$3' any more: look at what became of it"
	sed -i "$2" "$1"
	grep "$3" "$1" && die "$1 still has '$3'"
	return 0
}

substitute()
{
	for part in zmalloc allocator_defrag; do
		test -f "$redis/src/$part.c" || continue
		echo '#include <zmalloc/redis.h>' >"$redis/src/$part.h"
		rm "$redis/src/$part.c"
		edit "$redis/src/Makefile" "s/\\([ =]\\)$part\\.o\\( \\|\$\\)/\\1\\2/" "[ =]$part\\.o"
	done
	edit "$redis/src/Makefile" 's/^FINAL_LIBS=-lm/FINAL_LIBS=$(ZMALLOC_LIBS) -lm/' '^FINAL_LIBS=-lm'
	# Debian's patch for the Hurd frees what get_current_dir_name() got from the C library with zfree(),
	# which works only where both are the same malloc. Not every version frees it.
	! grep -q 'zfree(cwdp)' "$redis/src/rdb.c" ||
		edit "$redis/src/rdb.c" 's/zfree(cwdp)/zlibc_free(cwdp)/' 'zfree(cwdp)'
}

# With Debian's own flags, fortification and hardening included.
build_redis()
{
	(
		eval "$(DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --export=sh)"
		logged "$version" "$MAKE" -C "$redis/src" -j"$JOBS" CC="$CC" MALLOC=libc BUILD_TLS=no \
			USE_SYSTEMD=no REDIS_CFLAGS="$(pkg-config --cflags zmalloc) ${TREE_CFLAGS-}" \
			ZMALLOC_LIBS="$(pkg-config --libs zmalloc)"
		logged module $CC -O2 -Wall -shared -fPIC $(pkg-config --cflags zmalloc) -I"$redis/src" \
			-o "$work/figures.so" "$here/figures.c" $(pkg-config --libs zmalloc)
	)
	say "$package built"
}

check_linkage()
{
	readelf -dW "$redis/src/$package-server" >"$work/linkage.log"
	readelf --dyn-syms -W "$redis/src/$package-server" >>"$work/linkage.log"
	grep -q 'NEEDED.*\[libzmalloc\.so\.1\]' "$work/linkage.log" ||
		die "$package-server is not linked with libzmalloc.so.1"
	! grep 'NEEDED.*malloc' "$work/linkage.log" | grep -v libzmalloc ||
		die "$package-server is linked with an allocator of its own"
	grep -q ' UND zmalloc@ZMALLOC_1\.0' "$work/linkage.log" ||
		die "$package-server does not take zmalloc() from libzmalloc"
}

# ---- Figures ----------------------------------------------------------------------------------------

cli()
{
	"$redis/src/$package-cli" -h 127.0.0.1 -p "$port" --raw "$@"
}

stop_server()
{
	test -z "$server_pid" && return
	kill "$server_pid" 2>/dev/null || :
	wait "$server_pid" 2>/dev/null || :
	server_pid=
}

# launch LOG COMMAND...: runs a server's command with a free port on the loopback, found by trying. Sets
# port and server_pid, which is that of the command.
launch()
{
	log=$1
	shift
	for attempt in 1 2 3 4 5 6 7 8 9 10; do
		launches=$((${launches:-0} + 1))
		port=$((20000 + ($$ * 7 + launches * 613) % 10000))
		"$@" --bind 127.0.0.1 --port "$port" --save '' --dir "$work" >"$log" 2>&1 &
		server_pid=$!
		for tick in $(seq 100); do
			sleep 0.3
			kill -0 "$server_pid" 2>/dev/null || break
			# Not somebody else's server on that port.
			grep -q 'eady to accept connections' "$log" && return
		done
		stop_server
	done
	tail -n 20 "$log" >&2
	die "the server does not start: $*"
}

# It ends by itself after five minutes.
start_server()
{
	launch "$work/server-$version-$1.log" timeout 300 "$redis/src/$package-server" \
		--enable-debug-command yes --loadmodule "$work/figures.so"
}

# Sets used_before, info_used and so on, as figures.c says.
take_figures()
{
	cli ZMALLOC.FIGURES >"$work/figures"
	grep -vE '^[a-z_]+=[A-Za-z0-9._-]+$' "$work/figures" && die 'ZMALLOC.FIGURES replied that'
	eval "$(cat "$work/figures")"
}

# at_least WHAT A B
at_least()
{
	test "$2" -ge "$3" || die "$1: $2 should be at least $3"
}

# What INFO says was taken between the library's two answers, while INFO held its own buffers.
check_used()
{
	take_figures
	test "$used_before" -eq "$used_after" ||
		die "$1: used memory was $used_before before INFO and $used_after after it"
	at_least "$1: used_memory of INFO" "$info_used" "$used_before"
	at_least "$1: used memory and 4 KiB" $((used_before + 4096)) "$info_used"
	at_least "$1: peak of the library" "$peak" "$info_peak"
}

# The release of the allocator that was compiled against, from another source than the library.
expected_allocator()
{
	case $1 in
	jemalloc)
		echo '#include <jemalloc/jemalloc.h>' | $CC -E -dM - 2>/dev/null |
			sed -n 's/^#define JEMALLOC_VERSION "\([0-9.]*\).*/jemalloc-\1/p'
		;;
	libc) echo "glibc-$(getconf GNU_LIBC_VERSION | sed 's/.* //')" ;;
	*) echo "$1-" ;;
	esac
}

load_keys()
{
	loaded=$(cli DBSIZE)
	while test "$loaded" -lt "$KEYS"; do
		timeout 120 "$redis/src/$package-benchmark" -h 127.0.0.1 -p "$port" -q -t set -d 100 \
			-c 20 -P 32 -r 2000000000 -n $((KEYS - loaded)) >>"$work/benchmark.log" 2>&1 ||
			die 'redis-benchmark failed'
		loaded=$(cli DBSIZE)
	done
}

check_figures()
{
	start_server "$1"
	check_used "$1, empty"
	empty=$used_before
	load_keys
	check_used "$1, $loaded keys"

	# A key holds 100 bytes of value. What the allocator says it gave out is the same and a little more.
	at_least "$1: used memory" "$used_before" $((empty + loaded * 100))
	at_least "$1: allocated, says the allocator" $((allocated * 101 / 100)) "$used_before"
	at_least "$1: used memory and a quarter" $((used_before * 5 / 4)) "$allocated"

	expected=$(expected_allocator "$1")
	named=$(cli INFO memory | sed -n 's/\r$//; s/^mem_allocator://p')
	case $named in
	"$expected"* | *-"$expected") ;;
	*) die "mem_allocator is '$named', not '$expected'" ;;
	esac
	test "$named" = "$allocator" || die "mem_allocator is '$named', zmalloc says '$allocator'"
	say "$version, $1: $loaded keys, used_memory $info_used, zmalloc $used_before, allocated $allocated, $named"

	test "$(cli MEMORY PURGE)" = OK || die "$1: MEMORY PURGE"
	cli MEMORY MALLOC-STATS | grep -qi allocated || die "$1: MEMORY MALLOC-STATS says nothing"
	cli FLUSHALL SYNC >/dev/null
	check_used "$1, flushed"
	at_least "$1: an empty server and 1 MiB, after FLUSHALL" $((empty + 1048576)) "$used_before"
	stop_server
}

# ---- Redis's whole test suite, on its own zmalloc.c too ---------------------------------------------

# The same source with its own zmalloc.c, for the C library's malloc.
build_own()
{
	unpack "$work/own"
	(
		eval "$(DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --export=sh)"
		logged own "$MAKE" -C "$work/own/src" -j"$JOBS" CC="$CC" MALLOC=libc BUILD_TLS=no USE_SYSTEMD=no
	)
	say "$package built on its own zmalloc.c"
}

# Tests that end the whole run, whatever Redis is built on, a line each. Both came to Debian's 7.0.15 with
# a security fix and set repl-diskless-load to "yes", which no 7.0 takes.
broken_tests()
{
	for type in script function; do
		echo "Fullsync should not free scripting engine on a replica while a $type is running"
	done
}

# --no-latency is Redis's own switch for slow machines: how busy this one is nobody knows.
# suite NAME FOLDER [--single FILE...]: runs the tests; failures-NAME has what failed, a line each, sorted.
suite()
{
	name=$1 folder=$2
	shift 2
	log=$work/suite-$name.log
	# Ports of its own, as suites run side by side, here and elsewhere on the machine.
	base=$((21000 + $$ % 30 * 100 + ${beside:-0} * 4000))
	broken_tests >"$work/broken"
	(cd "$folder" && TERM=dumb ./runtest --clients 2 --baseport "$base" --portcount 4000 --no-latency --skipfile "$work/broken" "$@") >"$log" 2>&1 || :
	# Either it came to the end and lists what failed, or it broke off and says where.
	grep -aqE '^(\\o/ All tests passed|!!! WARNING The following tests failed)' "$log" ||
		die "$name: Redis's tests broke off, see $log: $(grep -aE '^\[(exception|timeout)\]' "$log" | head -n 1)"
	sed -n 's/^\*\*\* \[err\]: //p' "$log" | sort -u >"$work/failures-$name"
	say "$name: $(grep -ac '^\[ok\]' "$log") tests passed, $(wc -l <"$work/failures-$name") failed"
}

# again NAME LIST: what failed on the library, a line each, is run once more, alone, as some tests depend
# on a quiet machine.
again()
{
	say "$1: failed on the library, run once more:"
	sed 's/^/    /' "$2"
	suite "$1-again" "$redis" $(sed -n 's,.* in tests/\([^ ]*\)\.tcl.*,--single \1,p' "$2" | sort -u)
	comm -12 "$2" "$work/failures-$1-again" | grep . && die "$1: these fail again"
	return 0
}

# All of ./runtest on the library and on Redis's own zmalloc.c.
run_suites()
{
	build_own
	suite own "$work/own"
	say "left out, as they fail on both: $(broken_tests | wc -l)"
	broken_tests | sed 's/^/    /'
	sed 's/^/    /' "$work/failures-own"
	for flavour; do
		use_flavour "$flavour"
		suite "$flavour" "$redis"
		comm -13 "$work/failures-own" "$work/failures-$flavour" >"$work/more-$flavour"
		test -s "$work/more-$flavour" || continue
		again "$flavour" "$work/more-$flavour"
	done
}

# ---- The server's tests -----------------------------------------------------------------------------

# The tests in Redis's own code, which a build with -DREDIS_TEST runs by itself.
run_own_tests()
{
	test "$package" = redis || return 0
	log=$work/test-all-$version-$1.log
	"$redis/src/redis-server" test all >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "$version, $1: redis-server test all, see $log"
	}
	sum=$(grep -aE '^[0-9]+ tests, [0-9]+ passed, 0 failed' "$log") ||
		die "$version, $1: redis-server test all did not come to its end, see $log"
	at_least "$version, $1: tests of redis-server test all" "${sum%% *}" 12
	say "$version, $1: redis-server test all: $sum"
}

# How many tests of active defragmentation the version has, each counted as often as it runs.
defrag_tests()
{
	case $version in
	redis) echo 5 ;;
	redis-*) echo 15 ;;
	valkey-*) echo 10 ;;
	esac
}

# Where the library can defragment, the server must have taken it at its word and run all of them.
check_defrag()
{
	ran=$(grep -aciE '^\[(ok|err)\]: .*defrag' "$log") || :
	case $1 in
	jemalloc) at_least "$version: tests of active defragmentation" "$ran" "$(defrag_tests)" ;;
	esac
}

# suite_folder FLAVOUR: the server's folder once more, with tests of its own: a suite clears away what others write
# there. Sets folder.
suite_folder()
{
	folder=$redis-$1
	mkdir "$folder"
	ln -s "$redis"/* "$folder"
	rm "$folder/tests"
	cp -r "$redis/tests" "$folder"
}

run_tests()
{
	suite_folder "$1"
	units=$(cd "$redis/tests" && ls unit/type/*.tcl unit/memefficiency.tcl unit/maxmemory.tcl |
		sed 's/^/--single /; s/\.tcl$//')
	# Active defragmentation is among them.
	suite "$version-$1" "$folder" $units
	passed=$(grep -ac '^\[ok\]' "$log") || :
	at_least "$version, $1: tests that ran" "$passed" 500
	check_defrag "$1"
	say "$version, $1: $passed of the server's tests passed, $ran of them of defragmentation"
}

# The suites of several flavours side by side: each waits for three quarters of its time.
run_tests_of()
{
	beside=0 suites='' broke=
	for flavour; do
		use_flavour "$flavour"
		(run_tests "$flavour") &
		suites="$suites $!" beside=$((beside + 1))
	done
	for suite in $suites; do
		wait "$suite" || broke=yes
	done
	test -z "$broke" || exit 1
	beside=0
	for flavour; do
		use_flavour "$flavour"
		test ! -s "$work/failures-$version-$flavour" || again "$version-$flavour" "$work/failures-$version-$flavour"
	done
}
