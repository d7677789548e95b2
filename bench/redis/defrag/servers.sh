# SPDX-License-Identifier: BSD-2-Clause
# The servers that run.sh and held.sh ask: redis-own, redis-lib, valkey-own and valkey-lib, from the sources
# of a Debian suite, on the jemalloc that these carry (own) and on the library of the build folder (lib).
# They are built once, below $TREES.

. "$here/../../../tests/downstream/redis/lib.sh"

work=$(pwd)/bench-redis-defrag
MAKE=${MAKE:-make}
JOBS=${JOBS:-2}
CC=${CC:-cc}
SERVERS=${SERVERS:-redis-own redis-lib valkey-own valkey-lib}
SUITE=${SUITE-trixie}
TREES=${TREES:-$work}
built_library=$(pwd)/.libs
server_pid=

# choose_server PACKAGE-own or PACKAGE-lib: sets redis, the folder of its tree.
choose_server()
{
	case $1 in
	*-own | *-lib) ;;
	*) die "no server $1" ;;
	esac
	choose_source "${1%-*}${SUITE:+/$SUITE}"
	redis=$TREES/$1
}

# With the package's own jemalloc, whatever Debian's patches offer besides.
build_on_own_jemalloc()
{
	(
		eval "$(DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --export=sh)"
		logged "$1" "$MAKE" -C "$redis/src" -j"$JOBS" CC="$CC" MALLOC=jemalloc BUILD_TLS=no USE_SYSTEMD=no
	)
	say "$1 built on its own jemalloc"
}

build_server()
{
	choose_server "$1"
	rm -rf "$redis"
	fetch_source
	case $1 in
	*-own) build_on_own_jemalloc "$1" ;;
	*-lib)
		test -d "$work/prefix-jemalloc" || install_flavours jemalloc
		use_flavour jemalloc
		substitute
		build_redis
		check_linkage
		;;
	esac
	touch "$redis/built"
}

build_servers()
{
	test -f Makefile || die "not a configured build folder: $(pwd)"
	need_tools
	mkdir -p "$work"
	for server in $SERVERS; do
		test -f "$TREES/$server/built" || (build_server "$server")
	done
}

# serve SERVER ARGUMENT...: runs it; stop_server ends it.
serve()
{
	choose_server "$1"
	shift
	launch "$work/server.log" env LD_LIBRARY_PATH="$built_library" "$redis/src/$package-server" "$@"
}
